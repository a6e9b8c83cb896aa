//! Which steps touch the way by which the master is reached.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::host::{NetSnapshot, NetStep, Route};

/// What is at risk while a step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// The session with the master goes this way.
    CarriesTheMasterSession,
}

impl Risk {
    /// Returns the words for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CarriesTheMasterSession => "carries the master session",
        }
    }
}

/// Tells what a step puts at risk, by what the kernel has right before it.
pub(super) fn of(step: &NetStep, session: Option<IpAddr>, now: &NetSnapshot) -> Option<Risk> {
    let session = session?;
    let links = path(session, now);
    let on = |name: &str| links.iter().any(|l| l == name);
    let about = |route: &Route| route.destination.is_none() || route.link.as_deref().is_some_and(on);
    let touched = match step {
        // What only adds leaves the way as it is.
        NetStep::CreateLink(_)
        | NetStep::AddAddress { .. }
        | NetStep::AddLease { .. }
        | NetStep::CopyAddress { .. }
        | NetStep::CopyNeighbour { .. }
        | NetStep::AwaitOperational { .. }
        | NetStep::AddPortVlan { .. }
        | NetStep::SetAlias { .. }
        | NetStep::SetPromisc { .. }
        | NetStep::LoadModule { .. }
        | NetStep::RestartService { .. }
        | NetStep::WriteFile { .. } => false,
        NetStep::SetUp { link, up } => !up && on(link),
        NetStep::DeleteAddress { link, address } => on(link) && address.ip == session,
        NetStep::AddRoute { route } | NetStep::DeleteRoute { route } | NetStep::MoveRoute { route, .. } => {
            about(route)
        }
        NetStep::ReplaceRoute { old, new } => about(old) || about(new),
        NetStep::AddRule { .. } | NetStep::DeleteRule { .. } | NetStep::UnloadModule { .. } => true,
        NetStep::SetSysctl { key, .. } => key.starts_with("net.ipv"),
        other => other.link().is_some_and(on),
    };
    touched.then_some(Risk::CarriesTheMasterSession)
}

/// Lists the links below an address: the one that has it, what that stands on, its ports, and their masters.
fn path(session: IpAddr, now: &NetSnapshot) -> Vec<String> {
    let has = |l: &&crate::host::Link| l.addresses.iter().any(|a| a.ip == session);
    let mut found: Vec<String> = now.links.iter().filter(has).map(|l| l.name.clone()).collect();
    let mut at = 0;
    while let Some(name) = found.get(at).cloned() {
        at += 1;
        let lower = now.link(&name).and_then(|l| l.kind.lower().map(str::to_owned));
        let ports = now.ports_of(&name).map(|l| l.name.clone());
        let master = now.master_of(&name).map(str::to_owned);
        for next in ports.chain(lower).chain(master).collect::<Vec<_>>() {
            if !found.contains(&next) {
                found.push(next);
            }
        }
    }
    found
}
