//! What the network states of a run ask for, checked before anything is planned.

use std::time::Duration;

use lab_proto::Value;

use crate::host::{Address, Mac, NetSnapshot};

/// The longest name that the kernel takes, in bytes (`IFNAMSIZ` less the terminator).
const MAX_NAME: usize = 15;
/// What the kernel takes as a forward delay while the spanning tree protocol runs (802.1D).
const FORWARD_DELAY: std::ops::RangeInclusive<u64> = 2..=30;

/// One network state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Desired {
    Bridge(Bridge),
    Veth(Veth),
    Absent(Absent),
}

/// A bridge that shall be there. What is not said is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bridge {
    pub(super) name: String,
    pub(super) ports: Vec<String>,
    /// The port whose addresses, routes and neighbours the bridge takes over.
    pub(super) take_over: Option<String>,
    pub(super) addresses: Vec<Address>,
    pub(super) stp: Option<bool>,
    /// In hundredths of a second.
    pub(super) forward_delay: Option<u32>,
    pub(super) mac: Option<Mac>,
    pub(super) mtu: Option<u32>,
}

/// A virtual cable that shall be there, both ends switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Veth {
    pub(super) name: String,
    pub(super) peer: String,
    pub(super) master: Option<String>,
    pub(super) peer_master: Option<String>,
}

/// A link that shall not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Absent {
    pub(super) name: String,
    pub(super) kind: AbsentKind,
    /// Also when a bridge still has ports.
    pub(super) force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AbsentKind {
    Bridge,
    Veth,
}

/// A definition that cannot be meant so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Wrong(String);

impl Wrong {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl Desired {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Bridge(b) => &b.name,
            Self::Veth(v) => &v.name,
            Self::Absent(a) => &a.name,
        }
    }

    /// Checks the definition by itself.
    pub(super) fn check(&self) -> Result<(), Wrong> {
        match self {
            Self::Bridge(b) => b.check(),
            Self::Veth(v) => {
                link_name(&v.name)?;
                link_name(&v.peer)?;
                if v.name == v.peer {
                    return Err(Wrong::new(format!("{}: both ends of a cable cannot have one name", v.name)));
                }
                [&v.master, &v.peer_master].into_iter().flatten().try_for_each(|m| link_name(m))
            }
            Self::Absent(a) => link_name(&a.name),
        }
    }
}

impl Bridge {
    fn check(&self) -> Result<(), Wrong> {
        link_name(&self.name)?;
        self.ports.iter().try_for_each(|p| link_name(p))?;
        let name = &self.name;
        if self.ports.contains(name) {
            return Err(Wrong::new(format!("{name}: a bridge cannot be a port of itself")));
        }
        if let Some(uplink) = &self.take_over
            && !self.ports.contains(uplink)
        {
            return Err(Wrong::new(format!(
                "{name}: take_over names {uplink}, which is not one of its ports ({})",
                self.ports.join(", ")
            )));
        }
        if name.starts_with("virbr") {
            return Err(Wrong::new(format!(
                "{name}: libvirt makes and removes its own bridges of this name; choose another one"
            )));
        }
        Ok(())
    }

    /// Checks the definition against the machine: traps that cut a host off.
    pub(super) fn check_against(&self, now: &NetSnapshot) -> Result<(), Wrong> {
        for port in &self.ports {
            let Some(link) = now.link(port) else { continue };
            let left = link.addresses.iter().find(|a| !a.ip.is_loopback());
            if let (Some(address), true) = (left, self.take_over.as_ref() != Some(port)) {
                return Err(Wrong::new(format!(
                    "{}: port {port} carries {address}, which would not be reachable any more; say `take_over: {port}` to move its \
                     addresses and routes to the bridge",
                    self.name
                )));
            }
            if let Some(master) = now.master_of(port).filter(|m| *m != self.name) {
                return Err(Wrong::new(format!("{}: {port} is already a port of {master}", self.name)));
            }
        }
        Ok(())
    }
}

/// Checks a link's name.
pub(super) fn link_name(name: &str) -> Result<(), Wrong> {
    let bad = |why: &str| Wrong::new(format!("{name:?} is not the name of a link: {why}"));
    if name.is_empty() || name == "." || name == ".." {
        return Err(bad("it is empty or a directory name"));
    }
    if name.len() > MAX_NAME {
        return Err(bad("the kernel takes at most 15 bytes"));
    }
    if name.chars().any(|c| c == '/' || c == ':' || c.is_whitespace() || c.is_control()) {
        return Err(bad("it has a slash, a colon or white space"));
    }
    Ok(())
}

/// Reads a forward delay: `4`, `4s`, `400ms`; returns hundredths of a second.
pub(super) fn forward_delay(value: &Value, stp: Option<bool>) -> Result<u32, Wrong> {
    let bad = || Wrong::new(format!("forward_delay: {value} is not a time like 4 or 4s"));
    let delay = match value {
        Value::Int(s) => Duration::from_secs(u64::try_from(*s).map_err(|_| bad())?),
        Value::Float(s) => Duration::try_from_secs_f64(*s).map_err(|_| bad())?,
        Value::Str(text) => match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(ms), _) => Duration::from_millis(ms.trim().parse().map_err(|_| bad())?),
            (None, s) => Duration::try_from_secs_f64(s.unwrap_or(text).trim().parse().map_err(|_| bad())?)
                .map_err(|_| bad())?,
        },
        _ => return Err(bad()),
    };
    if stp == Some(true) && !FORWARD_DELAY.contains(&delay.as_secs()) {
        return Err(Wrong::new(format!(
            "forward_delay: {value} is out of range with stp on: 2 to 30 seconds"
        )));
    }
    u32::try_from(delay.as_millis() / 10).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_kernel_refuses_are_refused_before() {
        for bad in ["", ".", "br/0", "br 0", "br:0", "a-name-of-16-byt"] {
            assert!(link_name(bad).is_err(), "{bad}");
        }
        assert!(link_name("br-lab").is_ok());
    }

    #[test]
    fn forward_delays_are_read_with_and_without_a_unit() {
        for (value, want) in [
            (Value::from(4), 400),
            (Value::from("4s"), 400),
            (Value::from("2500ms"), 250),
            (Value::from("0.5"), 50),
            (Value::Float(1.5), 150),
        ] {
            assert_eq!(forward_delay(&value, Some(false)), Ok(want), "{value}");
        }
        assert!(forward_delay(&Value::from(1), Some(true)).is_err());
        assert!(forward_delay(&Value::from(-1), None).is_err());
        assert!(forward_delay(&Value::from("soon"), None).is_err());
    }

    #[test]
    fn a_bridge_that_would_strand_an_address_is_refused_with_the_remedy() {
        let host = crate::host::sim::SimHost::new().with_nic("eth0", "10.0.0.1/24", Some("10.0.0.254"));
        let now = crate::host::Network::net_snapshot(&host).expect("simulated");
        let mut bridge = Bridge { name: "br0".into(), ports: vec!["eth0".into()], ..Bridge::default() };
        let error = bridge.check_against(&now).expect_err("stranded").to_string();
        assert!(error.contains("take_over: eth0"), "{error}");
        bridge.take_over = Some("eth0".into());
        assert_eq!(bridge.check_against(&now), Ok(()));
    }
}
