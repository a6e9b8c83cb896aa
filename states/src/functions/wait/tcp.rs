//! `tcp.wait`: until somebody accepts connections at a port.

use std::time::Duration;

use lab_proto::Map;
use serde::Deserialize;

use super::super::support::map;
use super::patience::{Patience, Waited, seconds};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::HostError;

/// The function.
pub(in crate::functions) struct Wait;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("port", Kind::Int, "The port, where the name does not say it as host:port."),
    ArgDoc::with_default("timeout", Kind::Float, "300", "Seconds after which it fails."),
    ArgDoc::with_default("period", Kind::Float, "1", "Seconds between attempts."),
    ArgDoc::with_default("connect_timeout", Kind::Float, "5", "Seconds that one attempt may take."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Waits until somebody accepts TCP connections at a host and port, which the name says.",
    ARGS,
    "cplane:6443:\n  tcp.wait:\n    - timeout: 600\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    port: Option<u16>,
    #[serde(default = "minutes")]
    timeout: f64,
    #[serde(default = "one")]
    period: f64,
    #[serde(default = "five")]
    connect_timeout: f64,
}

fn minutes() -> f64 {
    300.0
}

fn one() -> f64 {
    1.0
}

fn five() -> f64 {
    5.0
}

impl Args {
    /// Returns host and port: `name`, `10.0.0.1:22`, `[fd00::1]:22`.
    fn place(&self, name: &str) -> Result<(String, u16), StateError> {
        let bare = |host: &str| host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if let Some(port) = self.port {
            return Ok((bare(name), port));
        }
        let found = name.rsplit_once(':').and_then(|(host, port)| Some((bare(host), port.parse().ok()?)));
        found.filter(|(host, _)| !host.is_empty()).ok_or_else(|| {
            StateError::failed(format!("{name:?} says no port (write host:port, or add - port: 22)"))
        })
    }
}

impl StateFunction for Wait {
    fn name(&self) -> &'static str {
        "tcp.wait"
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, _ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let (host, port) = args.place(&call.name)?;
        seconds("period", args.period)?;
        seconds("timeout", args.timeout)?;
        let comment = format!("would wait until {host} accepts connections at port {port}");
        Ok(Check::differs(map([("waits_for", format!("{host}:{port}").into())]), comment))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let (host, port) = args.place(&call.name)?;
        let each: Duration = seconds("connect_timeout", args.connect_timeout)?;
        let mut last: Option<HostError> = None;
        let patience = Patience { period: args.period, timeout: args.timeout };
        let waited = patience.until(ctx, || match ctx.host.connect(&host, port, each) {
            Ok(()) => Ok(Some(())),
            Err(e) => {
                last = Some(e);
                Ok(None)
            }
        })?;
        match waited {
            Waited::Met((), attempts) => Ok(Applied::new(
                Map::new(),
                format!("{host} accepts connections at port {port} (attempt {attempts})"),
            )),
            Waited::TimedOut(attempts) => {
                let why = last.map(|e| e.to_string()).unwrap_or_default();
                let time = args.timeout;
                Err(StateError::failed(format!(
                    "nobody accepts after {time} s and {attempts} attempts: {why}"
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn it_waits_for_the_port_and_not_for_ever() {
        let bench = Bench::new(SimHost::new().with_listener("cplane:6443", 3).with_listener("fd00::1:22", 0));
        let verdict = bench.run("cplane:6443:\n  tcp.wait:\n    - period: 2\n");
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert!(!verdict.changed());
        assert_eq!(bench.host.slept(), Duration::from_secs(6));
        assert_eq!(bench.run("'[fd00::1]':\n  tcp.wait:\n    - port: 22\n").kind, VerdictKind::Ok);
        let late = bench.run("other:1:\n  tcp.wait:\n    - timeout: 4\n");
        assert!(late.comment.contains("4 s and 5 attempts: cannot connect to other:1"), "{}", late.comment);
        assert!(bench.run("other:\n  tcp.wait: []\n").comment.contains("says no port"));
        assert_eq!(bench.dry("other:1:\n  tcp.wait: []\n").kind, VerdictKind::WouldChange);
    }
}
