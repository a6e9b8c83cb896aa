//! What the demo prints, and how: three voices (the demo, the log, the orchestration), a line at a time.

#![expect(clippy::print_stdout, reason = "the demo's output is what it is for")]

use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use lab_proto::{Event, RunId, Value};

use crate::kubic::EventExt;
use crate::nshost::Kept;

/// The demo's output. All clones print to the same place, whole lines at a time.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    colour: bool,
    events: bool,
    // Whole lines only, whoever speaks.
    turn: Arc<Mutex<()>>,
}

const WIDTH: usize = 150;

impl Talk {
    pub(super) fn new(events: bool) -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { colour, events, turn: Arc::default() }
    }

    pub(super) fn introduce(&self, root: bool) {
        let how = if root { "as root" } else { "unprivileged, in a user namespace" };
        self.say(&format!(
            "a master and two hosts out of namespaces ({how}): cplane 10.77.0.11 and worker 10.77.0.12. Each host has \
             its own network,"
        ));
        self.say("files, processes and boot id, and reboots for real. kubeadm is a scripted double; all else is the product.");
        self.say("`event` lines come from `lab-master events --follow`, `kubic` lines from `lab-master orchestrate kubic`.");
    }

    /// The demo itself speaks.
    pub(super) fn say(&self, text: &str) {
        self.line("demo ", "1", text);
    }

    /// A line of the orchestration.
    pub(super) fn orchestration(&self, text: &str) {
        self.line("kubic", "36", text);
    }

    /// An event of the log.
    pub(super) fn event(&self, event: &Event) {
        if !self.events {
            return;
        }
        let time = event.stamp.to_string();
        let clock = time.get(11..19).unwrap_or(&time);
        // The long ids of runs and jobs say nothing here that the steps do not say.
        let tag: Vec<&str> =
            event.tag.parts().map(|part| if is_long_id(part) { "…" } else { part }).collect();
        let text = format!("{:>4}  {clock}  {}  {}", event.seq(), tag.join("/"), brief(&event.data));
        self.line("event", "2", &cut(&text));
    }

    /// Something is not as it should be.
    pub(super) fn problem(&self, text: &str) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        eprintln!("demo  | {text}");
    }

    /// A line of the summary.
    pub(super) fn plain(&self, text: &str) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        println!("{text}");
    }

    pub(super) fn further(&self) {
        self.plain("\nLook further: run the demo with --keep, then play with the lab. The orchestration is");
        self.plain("examples/kubic/states/orch/kubic.sls; docs/events.md explains each event, docs/testing.md the hosts.\n");
    }

    pub(super) fn kept(&self, kept: &Kept, script: &Path, run: RunId) {
        let master = script.display();
        self.plain("\nThe lab is still up. Some things to try:");
        for command in [
            "minion list".to_owned(),
            "run '*' test.ping".to_owned(),
            format!("orchestrate --replay {run}"),
            format!("runs explain {run} wait_for_reboots"),
            "apply '*' kubic.node --test".to_owned(),
            "events --follow --tag 'lab/minion/*'".to_owned(),
        ] {
            self.plain(&format!("  {master} {command}"));
        }
        self.plain(&kept.to_string());
    }

    fn line(&self, who: &str, colour: &str, text: &str) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.colour {
            println!("\x1b[{colour}m{who} | {text}\x1b[0m");
        } else {
            println!("{who} | {text}");
        }
    }
}

fn is_long_id(part: &str) -> bool {
    part.parse::<lab_proto::JobId>().is_ok()
}

/// The plain fields of an event's data, without those that its tag has already.
fn brief(data: &Value) -> String {
    let Some(map) = data.as_map() else { return data.to_string() };
    let plain = |v: &Value| !matches!(v, Value::Map(_) | Value::List(_) | Value::Tuple(_) | Value::Null);
    let known = |k: &Value| matches!(k.as_str(), Some("run" | "jid" | "id" | "step"));
    let words = map.iter().filter(|(k, v)| plain(v) && !known(k)).map(|(k, v)| format!("{k}={v}"));
    words.collect::<Vec<_>>().join(" ")
}

fn cut(text: &str) -> String {
    let line = text.replace(['\n', '\r'], " ");
    if line.chars().count() <= WIDTH {
        return line;
    }
    line.chars().take(WIDTH - 1).chain(['…']).collect()
}
