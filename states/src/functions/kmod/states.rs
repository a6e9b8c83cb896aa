//! `kmod.present` and `kmod.absent`.

use lab_proto::Map;
use serde::Deserialize;

use super::modules::{
    forget_at_boot, is_there, load_at_boot, loaded, loaded_at_boot_by, options_of, plain, set_options,
};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::host::Host;

/// Is loaded.
pub(in crate::functions) struct Present;

/// Is not loaded.
pub(in crate::functions) struct Absent;

const PRESENT_ARGS: &[ArgDoc] = &[
    ArgDoc::with_default("persist", Kind::Bool, "false", "Whether it is loaded at boot, too."),
    ArgDoc::optional("mods", Kind::List, "Several modules, in place of the name."),
    ArgDoc::optional(
        "options",
        Kind::Any,
        "Its options, `nested=1`: text, list or mapping; kept for each time that it is loaded.",
    ),
];

static PRESENT: FunctionDoc = FunctionDoc::new(
    "Loads a module of the kernel. One that is built into the kernel is there.",
    PRESENT_ARGS,
    "br_netfilter:\n  kmod.present:\n    - persist: True\n",
);

const ABSENT_ARGS: &[ArgDoc] = &[
    ArgDoc::with_default("persist", Kind::Bool, "false", "Whether it is no longer loaded at boot, either."),
    ArgDoc::with_default(
        "comment",
        Kind::Bool,
        "true",
        "Whether its line in the files for boot becomes a comment; else it is removed.",
    ),
    ArgDoc::optional("mods", Kind::List, "Several modules, in place of the name."),
];

static ABSENT: FunctionDoc = FunctionDoc::new(
    "Unloads a module of the kernel.",
    ABSENT_ARGS,
    "floppy:\n  kmod.absent:\n    - persist: True\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    #[serde(default)]
    persist: bool,
    #[serde(default)]
    mods: Vec<String>,
    options: Option<lab_proto::Value>,
    #[serde(default = "yes")]
    comment: bool,
}

fn yes() -> bool {
    true
}

impl Args {
    fn of(call: &StateCall) -> Result<Self, StateError> {
        let mut args: Self = call.typed()?;
        if args.mods.is_empty() {
            args.mods.push(call.name.clone());
        }
        for name in &mut args.mods {
            *name = plain(name);
            let fits = |c: char| c.is_ascii_alphanumeric() || "_+.".contains(c);
            if name.is_empty() || !name.chars().all(fits) {
                return Err(StateError::failed(format!("{name:?} is no name of a module")));
            }
        }
        Ok(args)
    }

    fn options(&self) -> Result<Vec<String>, StateError> {
        use super::super::support::{text_list, text_of};
        let words = match &self.options {
            None => return Ok(Vec::new()),
            Some(lab_proto::Value::Map(entries)) => {
                entries.iter().map(|(k, v)| format!("{}={}", text_of(k), text_of(v))).collect()
            }
            Some(lab_proto::Value::Str(text)) => text.split_whitespace().map(str::to_owned).collect(),
            Some(other) => text_list(other),
        };
        match words.iter().find(|w: &&String| w.is_empty() || w.contains(char::is_whitespace)) {
            Some(bad) => {
                Err(StateError::failed(format!("argument options: {bad:?} is no option like nested=1")))
            }
            None => Ok(words),
        }
    }
}

/// What there is to do for one module that should be there.
#[derive(Debug)]
struct Lacks {
    load: bool,
    persist: bool,
    options: bool,
}

impl Lacks {
    fn find(host: &dyn Host, name: &str, persist: bool, options: &[String]) -> Result<Self, StateError> {
        Ok(Self {
            load: !is_there(host, name)?,
            persist: persist && loaded_at_boot_by(host, name)?.is_empty(),
            options: !options.is_empty() && options_of(host, name)?.as_deref() != Some(&options.join(" ")),
        })
    }

    fn words(&self) -> String {
        let parts = [(self.load, "loaded"), (self.persist, "loaded at boot"), (self.options, "options set")];
        parts.iter().filter(|(yes, _)| *yes).map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
    }
}

impl StateFunction for Present {
    fn name(&self) -> &'static str {
        "kmod.present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &PRESENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args = Args::of(call)?;
        let options = args.options()?;
        let mut changes = Map::new();
        for name in &args.mods {
            let words = Lacks::find(ctx.host, name, args.persist, &options)?.words();
            if !words.is_empty() {
                changes.insert(name.as_str().into(), words.into());
            }
        }
        let names = args.mods.join(", ");
        if changes.is_empty() {
            return Ok(Check::holds(format!("kernel module {names} is already present")));
        }
        Ok(Check::differs(changes, format!("kernel module {names} is set to be loaded")))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args = Args::of(call)?;
        let options = args.options()?;
        let mut late = "";
        for name in &args.mods {
            let lacks = Lacks::find(ctx.host, name, args.persist, &options)?;
            // Options first, so that loading takes them; the file for boot last, so that it names nothing that does not load.
            if lacks.options {
                set_options(ctx.host, name, &options)?;
                if !lacks.load {
                    late = " (it was loaded already: the options count when it is loaded next)";
                }
            }
            if lacks.load {
                ctx.host.module_load(name, &options)?;
            }
            if lacks.persist {
                load_at_boot(ctx.host, name)?;
            }
        }
        Ok(Applied::new(
            check.changes.clone(),
            format!("loaded kernel module {}{late}", args.mods.join(", ")),
        ))
    }
}

impl StateFunction for Absent {
    fn name(&self) -> &'static str {
        "kmod.absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &ABSENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args = Args::of(call)?;
        let mut changes = Map::new();
        for name in &args.mods {
            if is_loaded(ctx.host, name)? || args.persist && !loaded_at_boot_by(ctx.host, name)?.is_empty() {
                changes.insert(name.as_str().into(), "removed".into());
            }
        }
        let names = args.mods.join(", ");
        if changes.is_empty() {
            return Ok(Check::holds(format!("kernel module {names} is already removed")));
        }
        Ok(Check::differs(changes, format!("kernel module {names} is set to be removed")))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args = Args::of(call)?;
        for name in &args.mods {
            if is_loaded(ctx.host, name)? {
                ctx.host.module_unload(name)?;
            }
            if args.persist {
                forget_at_boot(ctx.host, name, args.comment)?;
            }
        }
        Ok(Applied::new(check.changes.clone(), format!("removed kernel module {}", args.mods.join(", "))))
    }
}

/// Tells whether a module is loaded; one that is built in cannot be removed, so it does not count.
fn is_loaded(host: &dyn Host, name: &str) -> Result<bool, StateError> {
    Ok(loaded(host)?.iter().any(|(n, ..)| n == name))
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::Cause;
    use crate::host::sim::SimHost;

    #[test]
    fn a_module_is_loaded_kept_for_boot_and_given_options_once() {
        let bench = Bench::new(SimHost::new());
        let sls = "kvm-intel:\n  kmod.present:\n    - persist: True\n    - options: {nested: 1}\n";
        let verdict = bench.run(sls);
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert_eq!(verdict.changes["kvm_intel"].to_string(), "loaded, loaded at boot, options set");
        assert_eq!(bench.host.text("/etc/modules-load.d/lab.conf").as_deref(), Some("kvm_intel\n"));
        assert_eq!(
            bench.host.text("/etc/modprobe.d/lab.conf").as_deref(),
            Some("options kvm_intel nested=1\n")
        );
        assert!(!bench.run(sls).changed());
    }

    #[test]
    fn what_is_built_in_or_kept_by_others_is_there() {
        let host = SimHost::new()
            .with_sysctl("kernel.osrelease", "6.1.0")
            .with_file("/lib/modules/6.1.0/modules.builtin", "kernel/net/tun.ko\nkernel/a/br-x.ko\n")
            .with_file("/etc/modules-load.d/other.conf", "# mine\nbr-x\n");
        let bench = Bench::new(host);
        let verdict = bench.run("net:\n  kmod.present:\n    - mods: [tun, br_x]\n");
        assert!(!verdict.changed(), "{}", verdict.comment);
        let verdict = bench.run("br-x:\n  kmod.present:\n    - persist: True\n");
        assert!(!verdict.changed(), "{}", verdict.comment);
    }

    #[test]
    fn one_that_does_not_load_is_an_error_and_not_kept_for_boot() {
        let bench = Bench::new(SimHost::new());
        bench.host.fail("load module", "nosuch", Cause::NotFound, 0);
        let verdict = bench.run("nosuch:\n  kmod.present:\n    - persist: True\n");
        assert_eq!(verdict.kind, VerdictKind::Failed);
        assert_eq!(bench.host.text("/etc/modules-load.d/lab.conf"), None);
        assert_eq!(bench.run("'a b':\n  kmod.present: []\n").kind, VerdictKind::Failed);
    }

    #[test]
    fn absent_unloads_and_comments_or_removes_the_line() {
        let files = ["/etc/modules", "/etc/modules-load.d/x.conf"];
        for (comment, left) in [("True", "#floppy\nkvm\n"), ("False", "kvm\n")] {
            let host = files
                .iter()
                .fold(SimHost::new().with_module("floppy"), |h, f| h.with_file(f, "floppy\nkvm\n"));
            let bench = Bench::new(host);
            let sls = format!("floppy:\n  kmod.absent:\n    - persist: True\n    - comment: {comment}\n");
            assert!(bench.run(&sls).changed());
            for file in files {
                assert_eq!(bench.host.text(file).as_deref(), Some(left), "{file}");
            }
            assert!(!bench.run(&sls).changed());
        }
    }
}
