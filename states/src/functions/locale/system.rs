//! `locale.system`: the language of the machine.

use lab_proto::Map;

use super::super::support::map;
use super::files::{set, system_locale};
use crate::function::{Applied, Check, Class, FunctionDoc, JobCtx, StateCall, StateError, StateFunction};

/// The function.
pub(in crate::functions) struct System;

static DOC: FunctionDoc = FunctionDoc::new(
    "Sets the language of the machine, LANG, which the name says. It counts for what is started from then on.",
    &[],
    "en_US.UTF-8:\n  locale.system: []\n",
);

impl StateFunction for System {
    fn name(&self) -> &'static str {
        "locale.system"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let name = &call.name;
        if name.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'$`\\;".contains(c)) {
            return Err(StateError::failed(format!("{name:?} is no locale like en_US.UTF-8")));
        }
        if system_locale(ctx.host)?.as_ref() == Some(name) {
            return Ok(Check::holds(format!("system locale {name} already set")));
        }
        let changes: Map = map([("locale", name.as_str().into())]);
        Ok(Check::differs(changes, format!("system locale {name} needs to be set")))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        set(ctx.host, &call.name)?;
        Ok(Applied::new(check.changes.clone(), format!("set system locale {}", call.name)))
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn the_language_is_set_once_and_other_settings_stay() {
        let bench = Bench::new(SimHost::new().with_file("/etc/locale.conf", "LC_TIME=C\nLANG=\"C\"\n"));
        let sls = "de_DE.UTF-8:\n  locale.system: []\n";
        assert!(bench.run(sls).changed());
        assert_eq!(bench.host.text("/etc/locale.conf").as_deref(), Some("LANG=de_DE.UTF-8\nLC_TIME=C\n"));
        assert!(!bench.run(sls).changed());
        assert!(bench.run("'a$(x)':\n  locale.system: []\n").comment.contains("is no locale"));
        let debian =
            Bench::new(SimHost::new().with_file("/etc/debian_version", "13\n").with_dir("/etc/default"));
        assert!(debian.run(sls).changed());
        assert_eq!(debian.host.text("/etc/default/locale").as_deref(), Some("LANG=de_DE.UTF-8\n"));
    }
}
