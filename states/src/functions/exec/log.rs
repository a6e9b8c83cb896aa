//! `log.*`: a line in the agent's log, or on the terminal of a local run, from within a template.

use lab_proto::Value;
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};

const MESSAGE: &[ArgDoc] = &[ArgDoc::required("message", Kind::Any, "What is said.")];

macro_rules! level {
    ($name:literal, $word:literal, $summary:literal, $example:literal) => {
        Exec {
            name: $name,
            doc: FunctionDoc::new($summary, MESSAGE, $example),
            body: |call| say(call, $word),
        }
    };
}

pub(super) static ALL: &[Exec] = &[
    level!("log.debug", "debug", "Says something; answers true.", "lab-minion call --local log.debug hello"),
    level!("log.info", "info", "Says something; answers true.", "lab-minion call --local log.info hello"),
    level!(
        "log.warning",
        "warning",
        "Warns of something; answers true.",
        "lab-minion call --local log.warning hello"
    ),
    level!(
        "log.error",
        "error",
        "Tells of an error; answers true.",
        "lab-minion call --local log.error hello"
    ),
    level!(
        "log.critical",
        "critical",
        "Tells of a grave error; answers true.",
        "lab-minion call --local log.critical hello"
    ),
    level!(
        "log.exception",
        "error",
        "Tells of an error; answers true.",
        "lab-minion call --local log.exception hello"
    ),
];

#[derive(Deserialize)]
struct Args {
    message: Value,
}

fn say(call: &Call<'_>, level: &str) -> Result<Value, CallError> {
    let Args { message } = call.typed()?;
    call.ctx.say(format!("{level}: {message}"));
    Ok(true.into())
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::Map;

    #[test]
    fn what_is_said_is_answered_with_true() {
        let bench = Bench::new(SimHost::new());
        assert_eq!(bench.exec("log.info", &["x".into()], &Map::new()), Ok(true.into()));
        assert!(bench.exec("log.info", &[], &Map::new()).is_err());
    }
}
