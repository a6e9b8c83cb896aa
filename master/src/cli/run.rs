//! `lab-master run` and `apply`: a job, followed to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lab_proto::facts::Fact;
use lab_proto::v1::link::Progress;
use lab_proto::v1::op::{Batch, OpReply, OpRequest, RunRequest};
use lab_proto::{Event, JobId, Map, MinionId, Value};

use super::arguments::TargetArgs;
use super::interrupt::Interrupt;
use super::returns::{Row, Verdict, exit_code};
use super::{Context, Failure, Outcome, arguments, exit, output, whole};
use crate::client::{Client, ClientError};

// What `run` and `apply` share.
#[derive(clap::Args, Debug)]
pub(super) struct Following {
    /// How long a minion may take, 30s
    #[arg(long, value_name = "TIME", value_parser = arguments::some_time)]
    timeout: Option<Duration>,
    /// Only so many of the matching minions, picked at random
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    subset: Option<u32>,
    /// At most so many at a time: 5 or 10%
    #[arg(long, short, value_name = "N|N%", value_parser = batch)]
    batch: Option<Batch>,
    /// Print the job id and leave
    #[arg(long)]
    detach: bool,
}

#[derive(clap::Args, Debug)]
pub(super) struct RunArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// What: test.ping, cmd.run, state.apply … (`run TARGET sys.doc` lists them)
    function: String,
    /// Arguments, positional or key=value, read as YAML
    #[arg(allow_negative_numbers = true)]
    arguments: Vec<String>,
    #[command(flatten)]
    following: Following,
}

#[derive(clap::Args, Debug)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Which SLS; without any the highstate of the top file
    sls: Vec<String>,
    /// Change nothing, say what would change
    #[arg(long)]
    test: bool,
    /// Pillar values that override, key=value
    #[arg(long, value_name = "K=V")]
    pillar: Vec<String>,
    #[command(flatten)]
    following: Following,
}

pub(super) async fn run(args: RunArgs, context: &Context) -> Outcome {
    let RunArgs { target, function, arguments, following } = args;
    let (args, kwargs) = arguments::function_arguments(&function, &arguments).map_err(Failure::Usage)?;
    follow(context, target, function, args, kwargs, following).await
}

pub(super) async fn apply(args: ApplyArgs, context: &Context) -> Outcome {
    let ApplyArgs { target, sls, test, pillar, following } = args;
    // As `state.apply` takes them, with commas too.
    let sls: Vec<&str> =
        sls.iter().flat_map(|names| names.split(',')).filter(|name| !name.is_empty()).collect();
    let mut kwargs = Map::new();
    if test {
        kwargs.insert(Value::from("test"), Value::from(true));
    }
    let pillar = arguments::mapping(&pillar).map_err(Failure::Usage)?;
    if !pillar.is_empty() {
        kwargs.insert(Value::from("pillar"), Value::Map(pillar));
    }
    let (function, args) = if sls.is_empty() {
        ("state.highstate", Vec::new())
    } else {
        let sls = sls.into_iter().map(Value::from).collect();
        ("state.apply", vec![Value::List(sls)])
    };
    follow(context, target, function.to_owned(), args, kwargs, following).await
}

/// Calls a function on one minion and follows it to its end.
pub(super) async fn on_one(id: &MinionId, fun: &str, kwargs: Map, context: &Context) -> Outcome {
    let following = Following { timeout: None, subset: None, batch: None, detach: false };
    follow(context, TargetArgs::one(id), fun.to_owned(), Vec::new(), kwargs, following).await
}

pub(super) async fn follow(
    context: &Context,
    target: TargetArgs,
    fun: String,
    args: Vec<Value>,
    kwargs: Map,
    following: Following,
) -> Outcome {
    let Following { timeout, subset, batch, detach } = following;
    let request = RunRequest { target: target.target()?, fun, args, kwargs, timeout, subset, batch, detach };
    let mut interrupt = Interrupt::listen()?;
    let mut replies = context.client.request(OpRequest::Run(request)).await?;
    let mut job = Job { json: context.json, detach, ..Job::default() };
    loop {
        tokio::select! {
            reply = replies.next() => match reply {
                Ok(Some(reply)) => job.take(reply, &context.client).await,
                Ok(None) => return Ok(job.end()),
                Err(e) => return Err(job.left(e)),
            },
            asked = interrupt.asked() => {
                replies.stop();
                job.detached();
                return Ok(asked.exit_code(job.jid.is_some()));
            }
        }
    }
}

/// The job as this side sees it.
#[derive(Default)]
struct Job {
    json: bool,
    detach: bool,
    jid: Option<JobId>,
    expected: BTreeSet<MinionId>,
    rows: BTreeMap<MinionId, Verdict>,
}

impl Job {
    async fn take(&mut self, reply: OpReply, client: &Client) {
        match reply {
            OpReply::Job { jid, minions } => {
                self.jid = Some(jid);
                self.expected = minions.into_iter().collect();
                if self.detach {
                    output::detached("jid", &jid.to_string(), self.json);
                } else if !self.json {
                    eprintln!("job {jid}: {} minion(s)", self.expected.len());
                }
            }
            OpReply::Progress { jid: _, minion, progress } => self.progress(&minion, &progress),
            OpReply::Note(text) => output::note(&text),
            OpReply::Events(events) => {
                let mut lines = output::Lines::default();
                for event in &events {
                    self.event(event, &mut lines, client).await;
                }
                lines.print();
            }
            _ => {}
        }
    }

    fn progress(&self, minion: &MinionId, progress: &Progress) {
        if self.json {
            return;
        }
        match progress {
            Progress::Stdout(text) | Progress::Stderr(text) => {
                text.lines().for_each(|l| eprintln!("{minion} | {}", output::printable(l)));
            }
            Progress::StateStarted { .. } => {}
            Progress::StateEnded(row) => {
                let text = |key: &str| row.get(key).map(ToString::to_string).unwrap_or_default();
                let line = format!("{minion} | {} {} {}", text("outcome"), text("state"), text("name"));
                eprintln!("{}", output::printable(&line));
            }
        }
    }

    /// Takes an event; what is printed for it goes to `lines`. JSON is the event as it is in the log.
    async fn event(&mut self, event: &Event, lines: &mut output::Lines, client: &Client) {
        let (id, mut row) = match Fact::of(event) {
            Ok(Some(Fact::JobReturn(r))) => (r.id.clone(), Row::Return(r)),
            Ok(Some(Fact::JobEnd(e))) => (e.id.clone(), Row::End(e)),
            _ => return,
        };
        self.rows.insert(id, row.verdict());
        if self.json {
            lines.json(event);
        } else {
            if let Row::Return(r) = &mut row {
                whole::instead_of(&mut r.value, client, &r.jid.to_string(), &r.id).await;
            }
            row.lines().iter().for_each(|line| lines.text(line));
        }
    }

    fn end(self) -> u8 {
        if self.detach {
            return 0;
        }
        let silent: Vec<&str> =
            self.expected.iter().filter(|id| !self.rows.contains_key(*id)).map(MinionId::as_str).collect();
        if !silent.is_empty() {
            eprintln!("no answer from {}", silent.join(", "));
            return exit::UNREACHABLE;
        }
        exit_code(self.rows.values().copied())
    }

    fn detached(&self) {
        match self.jid {
            Some(jid) => {
                eprintln!("detached; the job goes on: `lab-master job show {jid}`");
                output::detached("jid", &jid.to_string(), self.json);
            }
            None => eprintln!("interrupted before the job began; `lab-master job list` shows whether it did"),
        }
    }

    /// The master went away in the middle.
    fn left(&self, error: ClientError) -> Failure {
        match self.jid {
            Some(jid) if error.is_away() => Failure::Left {
                error,
                hint: format!("the job goes on; see `lab-master job show {jid}` when the master is back"),
            },
            _ => error.into(),
        }
    }
}

fn batch(text: &str) -> Result<Batch, String> {
    let number = |t: &str| t.parse::<u32>().ok().filter(|n| *n > 0);
    let bad = || format!("{text:?} is neither a number of minions nor a percentage like 10%");
    match text.strip_suffix('%') {
        Some(p) => {
            let percent = number(p).filter(|p| *p <= 100).and_then(|p| u8::try_from(p).ok());
            percent.map(Batch::Percent).ok_or_else(bad)
        }
        None => number(text).map(Batch::Count).ok_or_else(bad),
    }
}
