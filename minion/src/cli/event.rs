//! `lab-minion event send`: fires an event by hand, through the running agent.

use std::io::{BufReader, BufWriter, Write};
use std::process::ExitCode;

use clap::Subcommand;
use lab_proto::{EventTag, Map, Value};

use super::{Common, Done, Failure, exit, report};
use crate::serve::{SendError, send_event, send_events};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Send(Send),
}

/// Sends events; returns when they are durable in the agent's outbox, and prints their numbers there.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: lab-minion event send site/door/opened floor=3")]
struct Send {
    /// The event's tag.
    #[arg(required_unless_present = "stdin")]
    tag: Option<EventTag>,
    /// Its data; a value that is JSON is taken as such, everything else as text.
    #[arg(value_name = "KEY=VALUE", conflicts_with = "data")]
    pairs: Vec<String>,
    /// Its data as JSON.
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    /// Sends one event per line of standard input, each a JSON object with `tag` and `data`.
    #[arg(long, conflicts_with_all = ["tag", "pairs", "data"])]
    stdin: bool,
}

/// Data that is none.
#[derive(Debug, thiserror::Error)]
enum DataError {
    #[error("--data is not JSON")]
    Json(#[source] serde_json::Error),
    #[error("{0:?} is not KEY=VALUE")]
    Pair(String),
    #[error("{0} is given twice")]
    Twice(String),
}

impl Args {
    pub(super) fn run(self) -> Done {
        let What::Send(Send { tag, pairs, data, stdin: _ }) = self.what;
        let run_dir = self.common.config()?.run_dir;
        let sent = match tag {
            Some(tag) => {
                let data = read_data(&pairs, data.as_deref()).map_err(|e| Failure::new(e, exit::USAGE))?;
                send_event(&run_dir, tag, data).map(print)
            }
            None => print_all(&run_dir),
        };
        sent.map_err(|e| {
            let code = match &e {
                SendError::NoAgent { .. } | SendError::Broken(_) => exit::UNREACHABLE,
                SendError::Refused(_) => exit::REFUSED,
            };
            Failure::new(e, code)
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints an event's number in the outbox.
fn print(counter: u64) {
    report::line(format_args!("{counter}"));
}

/// Sends what comes from standard input and prints the numbers, many in one write while they come quickly.
fn print_all(run_dir: &std::path::Path) -> Result<(), SendError> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    send_events(run_dir, BufReader::new(std::io::stdin()), |counter, more| {
        // Whatever becomes of the numbers, the events are sent.
        report::printed(writeln!(out, "{counter}"));
        if !more {
            report::printed(out.flush());
        }
    })
}

fn read_data(pairs: &[String], json: Option<&str>) -> Result<Value, DataError> {
    if let Some(json) = json {
        return serde_json::from_str(json).map_err(DataError::Json);
    }
    let mut map = Map::new();
    for pair in pairs {
        let (key, value) = pair.split_once('=').ok_or_else(|| DataError::Pair(pair.clone()))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        if map.insert(Value::from(key), value).is_some() {
            return Err(DataError::Twice(key.to_owned()));
        }
    }
    Ok(Value::Map(map))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_may_stand_before_send_and_after_it() {
        use clap::Parser;
        let words = "--config-dir /a --run-dir /b";
        for line in [format!("event {words} send t/x a=1"), format!("event send {words} t/x a=1")] {
            let words = std::iter::once("lab-minion").chain(line.split(' '));
            let cli = crate::cli::Cli::try_parse_from(words).unwrap_or_else(|e| panic!("{line}: {e}"));
            let crate::cli::Command::Event(Args { common, what: What::Send(send) }) = cli.command else {
                panic!("{line}")
            };
            assert_eq!(common.config_dir, std::path::Path::new("/a"), "{line}");
            assert_eq!(common.run_dir.as_deref(), Some(std::path::Path::new("/b")), "{line}");
            assert_eq!(send.pairs, ["a=1"], "{line}");
        }
    }

    #[test]
    fn pairs_become_a_mapping_with_json_values_where_they_are_json() {
        let pairs = ["floor=3", "name=a b", "list=[1,2]", "eq=a=b"].map(str::to_owned);
        let data = read_data(&pairs, None).expect("are pairs");
        assert_eq!(data.to_string(), r#"{"floor":3,"name":"a b","list":[1,2],"eq":"a=b"}"#);
        assert!(read_data(&["floor".to_owned()], None).is_err());
        assert!(read_data(&["a=1".to_owned(), "a=2".to_owned()], None).is_err(), "none is dropped silently");
        assert!(read_data(&[], Some("{")).is_err());
    }
}
