//! The short check that a machine can run labs at all: used by `lab-nshost smoke` and by the tests.

use std::time::Duration;

use super::{Cmd, HostSpec, LabBuilder, NsError, Restart, Service};

/// Starts a lab of two hosts, exercises what every other test builds on, and takes it down. Returns what was seen,
/// one line each.
///
/// # Errors
/// The first thing that is not as it should be.
pub fn smoke(builder: LabBuilder) -> Result<Vec<String>, NsError> {
    let mut seen = Vec::new();
    let sleeper = Service::new("sleeper", ["sleep", "1000000"]).restart(Restart::Never);
    let lab = builder
        .host(
            HostSpec::new("left", "52:54:00:4c:ff:01", [10, 77, 0, 201])
                .service(sleeper)
                .state_dir("/var/lib/lab", 1 << 20),
        )
        .host(HostSpec::new("right", "52:54:00:4c:ff:02", [10, 77, 0, 202]))
        .start()?;
    let traces = lab.traces()?;
    let (left, right) = (lab.host("left")?, lab.host("right")?);
    seen.push(format!("two hosts up, {}", if lab.is_unprivileged() { "unprivileged" } else { "as root" }));

    // Names come from /etc/hosts of the host; /dev/tcp is a bash word for a connection.
    let refused = "timeout 5 bash -c 'exec 3<>/dev/tcp/right/9' 2>&1 || true";
    let answer = left.run(Cmd::sh(refused))?;
    require(answer.contains("refused"), "left reaches right", &answer)?;
    let answer = lab.master().run(Cmd::sh(refused))?;
    require(answer.contains("refused"), "master reaches right", &answer)?;
    seen.push("left and master reach right".to_owned());

    let first = left.boot_id()?;
    require(left.read("/proc/sys/kernel/random/boot_id")?.trim() == first, "left shows its boot id", &first)?;
    let name = left.run(["hostname"])?;
    require(name.trim() == "left", "left has its name", &name)?;
    for path in
        ["/etc/kept", "/var/lib/kept", "/usr/local/kept", "/root/kept", "/var/lib/lab/kept", "/run/lost"]
    {
        left.write(path, "written before the reboot\n")?;
    }
    let out = right.exec(["test", "-e", "/etc/kept"])?;
    require(!out.status.success(), "right does not see left's files", "it does")?;

    left.run(["reboot", "-f"]).or_else(|error| {
        if matches!(error, NsError::Command { .. }) { Ok(String::new()) } else { Err(error) }
    })?;
    left.wait_boots(2, Duration::from_secs(30))?;
    let second = left.boot_id()?;
    require(second != first, "a reboot gives a new boot id", &second)?;
    for path in ["/etc/kept", "/var/lib/kept", "/usr/local/kept", "/root/kept", "/var/lib/lab/kept"] {
        left.read(path)?;
    }
    let out = left.exec(["test", "-e", "/run/lost"])?;
    require(!out.status.success(), "/run is empty after a reboot", "it is not")?;
    let services = left.services()?;
    require(services[0].pid.is_some(), "the service was started again", &format!("{services:?}"))?;
    seen.push(format!("reboot(2) from inside: boot {first} -> {second}, files kept, /run fresh, service up"));

    drop(lab);
    let left_behind = traces.leftovers();
    require(left_behind.is_empty(), "nothing is left behind", &left_behind.join("; "))?;
    seen.push("nothing left behind".to_owned());
    Ok(seen)
}

fn require(met: bool, what: &str, seen: &str) -> Result<(), NsError> {
    if met { Ok(()) } else { Err(NsError::Lab(format!("not so: {what} (seen: {seen})"))) }
}
