//! The lab network, made by the switch in its own network namespace: one bridge, one port per place and host.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::super::NsError;
use super::super::error::Doing;
use super::super::words::{Cut, MASTER_ADDRESS, PATH, PREFIX};
use super::tool;

/// The switch port of the `master` place.
pub(super) const MASTER_PORT: &str = "m0";

/// Makes the bridge. Without spanning tree a port forwards as soon as it is up.
pub(super) fn make_bridge() -> Result<(), NsError> {
    ip("link add lab0 type bridge stp_state 0")?;
    ip("link set lab0 up")
}

/// Makes the cable between `port` of the switch and `eth0` in the network namespace of process `pid`.
pub(super) fn plug(port: &str, pid: i32, mac: &str) -> Result<(), NsError> {
    unplug(port);
    ip(&format!("link add {port} type veth peer name eth0 address {mac} netns {pid}"))?;
    ip(&format!("link set {port} master lab0 up"))
}

/// Removes the cable. The kernel also removes it with the other end's namespace, but at its leisure.
pub(super) fn unplug(port: &str) {
    // An error means that the kernel was faster.
    let _ = ip(&format!("link del {port}"));
}

/// Brings up loopback and eth0 in the calling process's network namespace.
pub(super) fn configure(address: Ipv4Addr) -> Result<(), NsError> {
    ip("link set lo up")?;
    ip(&format!("addr add {address}/{PREFIX} broadcast + dev eth0"))?;
    ip("link set eth0 up")?;
    if address != MASTER_ADDRESS {
        ip(&format!("route add default via {MASTER_ADDRESS} dev eth0"))?;
    }
    Ok(())
}

/// Drops, in the switch, what `cuts` says. Hosts keep their link and see nothing but silence, as with a broken
/// path further away.
pub(super) fn filter(cuts: &[(&str, Cut)]) -> Result<(), NsError> {
    let mut rules = String::new();
    for (port, cut) in cuts {
        let _ = match cut {
            Cut::None => Ok(()),
            Cut::FromMaster => writeln!(
                rules,
                "iifname \"{port}\" oifname \"{MASTER_PORT}\" drop\niifname \"{MASTER_PORT}\" oifname \"{port}\" drop"
            ),
            Cut::FromAll => writeln!(rules, "iifname \"{port}\" drop\noifname \"{port}\" drop"),
        };
    }
    nft(&format!(
        "table bridge lab\ndelete table bridge lab\ntable bridge lab {{\nchain forward {{\n\
         type filter hook forward priority 0; policy accept;\n{rules}}}\n}}\n"
    ))
}

pub(super) fn probe_filter() -> Result<(), NsError> {
    filter(&[("p0", Cut::FromMaster)])
}

/// Limits the rate both ways: on the switch's port towards the host, and on the host's eth0 towards the switch.
pub(super) fn slow(port: &str, helper: &Path, init: i32, kbit: Option<u32>) -> Result<(), NsError> {
    let args = |dev: &str| match kbit {
        Some(kbit) => format!("qdisc replace dev {dev} root tbf rate {kbit}kbit burst 16kb latency 400ms"),
        None => format!("qdisc replace dev {dev} root pfifo"),
    };
    tool(Command::new("tc").args(args(port).split(' ')).env("PATH", PATH))?;
    let mut inside = Command::new(helper);
    inside.arg("in-net").arg(init.to_string()).args(["--", "tc"]).args(args("eth0").split(' '));
    tool(inside.env("PATH", PATH))
}

fn ip(args: &str) -> Result<(), NsError> {
    tool(Command::new("ip").args(args.split(' ')).env("PATH", PATH))
}

fn nft(script: &str) -> Result<(), NsError> {
    let doing = || "run nft".to_owned();
    let mut child = Command::new("nft")
        .args(["-f", "-"])
        .env("PATH", PATH)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .doing(doing)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(script.as_bytes()).doing(doing)?;
    }
    let output = child.wait_with_output().doing(doing)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(NsError::Tool { command: "nft -f -".to_owned(), said })
}
