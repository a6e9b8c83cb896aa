//! Shows a run while its events come: a tree that is redrawn on a terminal, plain lines in a pipe, JSON lines for
//! programs. Live and replay go through here alike.

use std::io::Write;
use std::time::{Duration, Instant};

use lab_proto::facts::RunOutcome;
use lab_proto::v1::op::OpReply;
use lab_proto::{RunId, Timestamp};
use lab_states::orchestrate::{RunView, TreeMark};

use super::interrupt::{Asked, Interrupt};
use super::{Context, Failure, output};
use crate::client::{ClientError, Replies};

/// How often a live tree is redrawn, so that durations go on.
const REDRAW: Duration = Duration::from_millis(200);
/// The most lines of a tree that are drawn; a terminal that scrolls cannot be drawn over.
const MAX_LINES: usize = 40;

/// How following ended.
pub(super) enum Followed {
    /// The run ended so.
    Ended(RunOutcome),
    /// The user left; the run goes on.
    Detached(Option<RunId>, Asked),
    /// There was no run, or its end was not among the events.
    Open,
}

/// Follows a run to its end, or until a signal.
pub(super) async fn follow(
    mut replies: Replies,
    mut interrupt: Interrupt,
    context: &Context,
) -> Result<Followed, Failure> {
    let mut shown = Shown::new(context);
    let mut ticks = tokio::time::interval(REDRAW);
    loop {
        tokio::select! {
            reply = replies.next() => match reply {
                Ok(Some(reply)) => shown.take(reply),
                Ok(None) => return Ok(shown.end()),
                Err(e) => return Err(shown.left(e)),
            },
            _ = ticks.tick(), if shown.live => shown.redraw(),
            asked = interrupt.asked() => {
                replies.stop();
                shown.settle();
                return Ok(Followed::Detached(shown.view.map(|v| v.run), asked));
            }
        }
    }
}

struct Shown {
    view: Option<RunView>,
    json: bool,
    live: bool,
    drawn: usize,
    start: (Instant, Timestamp),
}

impl Shown {
    fn new(context: &Context) -> Self {
        let live = !context.json && output::live();
        Self { view: None, json: context.json, live, drawn: 0, start: (Instant::now(), context.now) }
    }

    fn take(&mut self, reply: OpReply) {
        match reply {
            OpReply::Run { run } => {
                self.view = Some(RunView::new(run));
                if !self.json {
                    eprintln!("run {run}");
                }
            }
            OpReply::Events(events) => {
                for event in &events {
                    let lines = self.view.as_mut().map(|v| v.apply(event)).unwrap_or_default();
                    if self.json {
                        output::event(event, true);
                    } else if !self.live {
                        lines.iter().for_each(|l| output::line(l));
                    }
                }
                self.redraw();
            }
            OpReply::Progress { jid, minion, progress } => {
                if let Some(view) = &mut self.view {
                    view.progress(jid, &minion, &progress);
                }
            }
            OpReply::Note(text) => output::note(&text),
            _ => {}
        }
    }

    fn now(&self) -> Timestamp {
        self.start.1 + self.start.0.elapsed()
    }

    fn redraw(&mut self) {
        if !self.live {
            return;
        }
        let Some(view) = &self.view else { return };
        let lines: Vec<String> = draw(view, Some(self.now()));
        let mut out = String::new();
        if self.drawn > 0 {
            out.push_str(&format!("\x1b[{}A\x1b[J", self.drawn));
        }
        for line in lines.iter().take(MAX_LINES) {
            out.push_str(line);
            out.push('\n');
        }
        self.drawn = lines.len().min(MAX_LINES);
        let mut err = std::io::stderr().lock();
        // A terminal that went away is no reason to stop following.
        let _ = err.write_all(out.as_bytes()).and_then(|()| err.flush());
    }

    fn settle(&mut self) {
        self.redraw();
        self.drawn = 0;
    }

    /// The master went away in the middle.
    fn left(mut self, error: ClientError) -> Failure {
        self.settle();
        match self.view {
            Some(view) if error.is_away() => Failure::Left {
                error,
                hint: format!(
                    "the run goes on with the master; `lab-master orchestrate --resume {}` follows it from there",
                    view.run
                ),
            },
            _ => error.into(),
        }
    }

    fn end(mut self) -> Followed {
        self.settle();
        let Some(view) = &self.view else { return Followed::Open };
        if self.live
            && let Some(summary) = view.summary()
        {
            output::line(&summary);
        }
        view.ended.as_ref().map_or(Followed::Open, |(ended, _)| Followed::Ended(ended.outcome))
    }
}

/// Draws a tree; `now` is absent for a finished run.
pub(super) fn draw(view: &RunView, now: Option<Timestamp>) -> Vec<String> {
    let colour = |mark: TreeMark| match mark {
        TreeMark::Pending | TreeMark::Skipped => "2",
        TreeMark::Running => "36",
        TreeMark::Good => "32",
        TreeMark::Changed => "33",
        TreeMark::Bad => "31",
    };
    let paint = |mark: TreeMark, text: String| {
        if now.is_some() { format!("\x1b[{}m{text}\x1b[0m", colour(mark)) } else { text }
    };
    view.tree(now)
        .into_iter()
        .map(|line| {
            let indent = "  ".repeat(usize::from(line.depth));
            paint(line.mark, format!("{indent}{} {}", line.mark.symbol(), line.text))
        })
        .collect()
}
