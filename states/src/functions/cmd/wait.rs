//! `cmd.wait`: a command that runs only when a watched state changed.

use std::sync::LazyLock;

use super::super::support::OnWatch;
use super::run::{IN_STATES, documented, execute};
use crate::function::{FunctionDoc, Verdict};

/// The function.
pub(in crate::functions) const WAIT: OnWatch = OnWatch {
    name: "cmd.wait",
    doc: || &DOC,
    fire: |call, ctx| execute(call, ctx).unwrap_or_else(Verdict::from),
};

/// The same under the name that is often written in its place.
pub(in crate::functions) const WATCH: OnWatch = OnWatch { name: "cmd.watch", doc: || &WATCH_DOC, ..WAIT };

static DOC: LazyLock<FunctionDoc> = LazyLock::new(|| {
    documented(
        "Runs a command only when a watched state changed. cmd.run with onchanges says the same.",
        &IN_STATES,
        "/etc/app.conf:\n  file.managed:\n    - contents: a=1\n\nread it again:\n  cmd.wait:\n    - name: 'true'\n    - watch:\n      - file: /etc/app.conf\n",
    )
});

static WATCH_DOC: LazyLock<FunctionDoc> = LazyLock::new(|| {
    documented(
        "Another name of cmd.wait.",
        &IN_STATES,
        "/etc/app.conf:\n  file.managed:\n    - contents: a=1\n\nread it again:\n  cmd.watch:\n    - name: 'true'\n    - watch:\n      - file: /etc/app.conf\n",
    )
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Watch;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn it_runs_when_fired_and_not_by_itself() {
        let bench = Bench::new(SimHost::new());
        let sls = "true:\n  cmd.wait: []\n";
        assert!(!bench.run(sls).changed());
        assert!(bench.host.commands().is_empty());
        assert!(bench.with_ctx(|ctx| Watch::fire(&WAIT, &bench.call(sls, false), ctx)).changed());
        assert_eq!(bench.host.commands().len(), 1);
    }
}
