//! `sysctl.present` and `sysctl.absent`.

use std::path::{Path, PathBuf};

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{Owner, absolute, make_parents, map};
use super::{Key, config, live};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::file::read_if_present;
use crate::host::WriteOptions;

/// Has this value, now and after a boot.
pub(in crate::functions) struct Present;

/// Is not set at boot.
pub(in crate::functions) struct Absent;

const CONFIG: ArgDoc = ArgDoc::with_default(
    "config",
    Kind::Path,
    config::DEFAULT,
    "The file that sets it at boot; made when it is not there.",
);

const PRESENT_ARGS: &[ArgDoc] = &[
    ArgDoc::required(
        "value",
        Kind::Text,
        "The value, as the kernel shows it; blanks stand for the kernel's tabs.",
    ),
    CONFIG,
];

static PRESENT: FunctionDoc = FunctionDoc::new(
    "Keeps a setting of the kernel at a value, now and after a boot. A setting that a module brings needs the module first: require its kmod.present.",
    PRESENT_ARGS,
    "net.ipv4.ip_forward:\n  sysctl.present:\n    - value: 1\n",
);

const ABSENT_ARGS: &[ArgDoc] = &[CONFIG];

static ABSENT: FunctionDoc = FunctionDoc::new(
    "Removes a setting from the file that sets it at boot. Its live value stays: what it was before is not known.",
    ABSENT_ARGS,
    "net.ipv4.ip_forward:\n  sysctl.absent: []\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    value: Option<String>,
    config: Option<String>,
}

/// The setting that a state is about, and the file that keeps it.
struct About {
    key: Key,
    file: PathBuf,
    text: String,
}

impl About {
    fn of(call: &StateCall, args: &Args, ctx: &JobCtx<'_>) -> Result<Self, StateError> {
        let file = absolute(args.config.as_deref().unwrap_or(config::DEFAULT), ctx.host)?;
        let text = read_if_present(ctx.host, &file)?.unwrap_or_default();
        Ok(Self { key: Key::parse(&call.name)?, file, text })
    }

    fn write(&self, text: &str, ctx: &JobCtx<'_>) -> Result<(), StateError> {
        make_parents(ctx.host, &self.file, None, Owner::default())?;
        let options = WriteOptions { umask: Some(0o022), ..WriteOptions::default() };
        Ok(ctx.host.write(&self.file, text.as_bytes(), options)?)
    }
}

/// Returns the value as it is kept: one line, single blanks.
fn wanted(args: &Args) -> Result<String, StateError> {
    let value = args.value.as_deref().unwrap_or_default();
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    if value.is_empty() {
        return Err(StateError::failed("argument value is missing"));
    }
    Ok(value)
}

impl StateFunction for Present {
    fn name(&self) -> &'static str {
        "sysctl.present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &PRESENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let (about, value) = (About::of(call, &args, ctx)?, wanted(&args)?);
        let key = &about.key;
        let kept = config::count(&about.text, key) == 1
            && config::value(&about.text, key).is_some_and(|v| live::same(&v, &value));
        let lives = match live::read(ctx.host, key)? {
            Some(now) => live::same(&now, &value),
            // A dry run cannot know what the states before this one would have loaded.
            None if call.test => false,
            None => return Err(live::missing(key)),
        };
        let changes = || map([(call.name.as_str(), args.value.as_deref().unwrap_or_default().into())]);
        let file = about.file.display();
        Ok(match (lives, kept) {
            (true, true) => Check::holds(format!("sysctl value {key} = {value} is already set")),
            (true, false) => Check::differs(
                changes(),
                format!("sysctl value {key} = {value} is set now, but would be written to {file} to stay so"),
            ),
            (false, _) => Check::differs(changes(), format!("sysctl option {key} would be set to {value}")),
        })
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let (about, value) = (About::of(call, &args, ctx)?, wanted(&args)?);
        // The live value first: what the kernel refuses must not be tried again at every boot.
        if !live::read(ctx.host, &about.key)?.is_some_and(|now| live::same(&now, &value)) {
            live::set(ctx.host, &about.key, &value)?;
        }
        let text = config::with(&about.text, &about.key, &value);
        if text != about.text {
            about.write(&text, ctx)?;
        }
        Ok(Applied::new(check.changes.clone(), format!("updated sysctl value {} = {value}", about.key)))
    }
}

impl StateFunction for Absent {
    fn name(&self) -> &'static str {
        "sysctl.absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &ABSENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let about = About::of(call, &call.typed()?, ctx)?;
        let file = about.file.display();
        if config::count(&about.text, &about.key) == 0 {
            return Ok(Check::holds(format!("{file} does not set {}", about.key)));
        }
        let changes: Map = map([(call.name.as_str(), Value::from("removed"))]);
        Ok(Check::differs(changes, format!("{} would be removed from {file}", about.key)))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let about = About::of(call, &call.typed()?, ctx)?;
        about.write(&config::without(&about.text, &about.key), ctx)?;
        let file: &Path = &about.file;
        Ok(Applied::new(check.changes.clone(), format!("{} removed from {}", about.key, file.display())))
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::Cause;
    use crate::host::sim::SimHost;

    const FILE: &str = "/etc/sysctl.d/99-zz-lab.conf";

    fn bench() -> Bench {
        Bench::new(
            SimHost::new()
                .with_sysctl("net.ipv4.ip_forward", "0")
                .with_sysctl("net.ipv4.tcp_rmem", "1\t2\t3"),
        )
    }

    #[test]
    fn ten_runs_leave_one_line_and_only_the_first_changes_something() {
        let bench = bench();
        let sls = "net.ipv4.ip_forward:\n  sysctl.present:\n    - value: 1\n";
        let changed: Vec<bool> = (0..10).map(|_| bench.run(sls).changed()).collect();
        assert_eq!(changed.iter().filter(|c| **c).count(), 1);
        assert!(changed[0]);
        assert_eq!(bench.host.text(FILE).as_deref(), Some("net.ipv4.ip_forward = 1\n"));
        assert_eq!(bench.host.text("/proc/sys/net/ipv4/ip_forward").as_deref(), Some("1\n"));
    }

    #[test]
    fn what_somebody_changed_behind_our_back_is_set_again() {
        let bench = bench();
        let sls = "net.ipv4.ip_forward:\n  sysctl.present:\n    - value: 1\n";
        bench.run(sls);
        bench.host.put_file("/proc/sys/net/ipv4/ip_forward", "0\n", 0o644);
        assert!(bench.run(sls).changed());
        bench.host.put_file(FILE, "a.b = 1\nnet.ipv4.ip_forward = 0\nnet/ipv4/ip_forward = 1\n", 0o644);
        assert!(bench.run(sls).changed());
        assert_eq!(bench.host.text(FILE).as_deref(), Some("a.b = 1\nnet.ipv4.ip_forward = 1\n"));
        assert!(!bench.run(sls).changed());
    }

    #[test]
    fn lists_of_numbers_are_equal_however_they_are_separated() {
        let bench = bench();
        let sls =
            "net.ipv4.tcp_rmem:\n  sysctl.present:\n    - value: '1 2  3'\n    - config: /etc/sysctl.conf\n";
        assert!(bench.run(sls).changed());
        assert_eq!(bench.host.text("/etc/sysctl.conf").as_deref(), Some("net.ipv4.tcp_rmem = 1 2 3\n"));
        assert!(!bench.run(sls).changed());
        assert_eq!(bench.host.text(FILE), None);
    }

    #[test]
    fn a_setting_that_is_not_there_names_the_module_and_writes_nothing() {
        let bench = bench();
        let sls = "net.bridge.bridge-nf-call-iptables:\n  sysctl.present:\n    - value: 1\n";
        assert_eq!(bench.dry(sls).kind, VerdictKind::WouldChange);
        let verdict = bench.run(sls);
        assert_eq!(verdict.kind, VerdictKind::Failed);
        assert!(verdict.comment.contains("load the module br_netfilter first"), "{}", verdict.comment);
        assert_eq!(bench.host.writes(), 0);
        assert!(bench.run("br_netfilter:\n  kmod.present: []\n").changed());
        assert_eq!(bench.run(sls).kind, VerdictKind::Ok);
    }

    #[test]
    fn a_value_that_the_kernel_refuses_is_not_kept_for_the_next_boot() {
        let bench = bench();
        bench.host.fail("write", "/proc/sys/net/ipv4/ip_forward", Cause::Other("invalid argument".into()), 0);
        let verdict = bench.run("net.ipv4.ip_forward:\n  sysctl.present:\n    - value: many\n");
        assert_eq!(verdict.kind, VerdictKind::Failed);
        assert!(verdict.comment.ends_with("ip_forward: invalid argument"), "{}", verdict.comment);
        assert_eq!(bench.host.text(FILE), None);
    }

    #[test]
    fn absent_removes_the_line_once() {
        let bench = bench();
        bench.run("net.ipv4.ip_forward:\n  sysctl.present:\n    - value: 1\n");
        let sls = "net.ipv4.ip_forward:\n  sysctl.absent: []\n";
        assert!(bench.run(sls).changed());
        assert_eq!(bench.host.text(FILE).as_deref(), Some(""));
        assert!(!bench.run(sls).changed());
        assert_eq!(bench.run("nonsense:\n  sysctl.absent: []\n").kind, VerdictKind::Failed);
    }
}
