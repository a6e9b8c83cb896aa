//! Links become ports and cease to be ones, without losing what comes in meanwhile.

use lab_states::host::Cause;
use rtnetlink::packet_route::link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage};

use super::Session;
use super::divert::{self, Diversion};
use super::hurry::Hurry;

/// A link and the bridge that it joins or leaves.
struct Plug {
    port: u32,
    bridge: u32,
    /// Whether packets for one are packets for the other: they have one hardware address.
    shared: bool,
}

/// What is done about packets that come in meanwhile, until this is dropped.
enum Gentle {
    Around { _way: Diversion },
    Quick { _hurry: Option<Hurry> },
    Needless,
}

impl Session<'_> {
    /// Makes a link a port, or none any more. Where the link and its bridge have one hardware address, packets for this machine
    /// that come in during the change reach it by a way around the port. Where the kernel has none, or the addresses differ, it
    /// is done quickly.
    pub(super) fn set_master(&mut self, link: &str, master: Option<&str>) -> Result<(), Cause> {
        let index = match master {
            Some(master) => self.index(master)?,
            None => 0,
        };
        let _gentle = match self.busy(link, index)? {
            Some(plug) => gentle(link, &plug),
            None => Gentle::Needless,
        };
        self.set(link, LinkAttribute::Controller(index))
    }

    /// Finds the link and the bridge that it joins or leaves, when both are on.
    fn busy(&mut self, link: &str, to: u32) -> Result<Option<Plug>, Cause> {
        let port = self.get(link)?;
        let from = port.attributes.iter().find_map(|a| match a {
            LinkAttribute::Controller(index) => Some(*index),
            _ => None,
        });
        let bridge = if to == 0 { from.unwrap_or(0) } else { to };
        if bridge == 0 {
            return Ok(None);
        }
        let bridge = self.get_by_index(bridge)?;
        let both_on = [&port, &bridge].iter().all(|m| m.header.flags.contains(LinkFlags::Up));
        let shared = mac(&port).is_some() && mac(&port) == mac(&bridge);
        let plug = Plug { port: port.header.index, bridge: bridge.header.index, shared };
        Ok((both_on && is_bridge(&bridge)).then_some(plug))
    }
}

/// Chooses how nothing is lost, or as little as can be.
fn gentle(link: &str, plug: &Plug) -> Gentle {
    if plug.shared {
        match divert::divert(plug.port, plug.bridge) {
            Ok(way) => return Gentle::Around { _way: way },
            Err(cause) => {
                tracing::debug!(link, %cause, "packets are not led around a port that does not forward yet");
            }
        }
    }
    Gentle::Quick { _hurry: Hurry::begin() }
}

fn is_bridge(message: &LinkMessage) -> bool {
    message.attributes.iter().any(|a| match a {
        LinkAttribute::LinkInfo(infos) => infos.contains(&LinkInfo::Kind(InfoKind::Bridge)),
        _ => false,
    })
}

pub(super) fn mac(message: &LinkMessage) -> Option<&[u8]> {
    message.attributes.iter().find_map(|a| match a {
        LinkAttribute::Address(bytes) => Some(bytes.as_slice()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_with_an_address_of_its_own_is_joined_in_a_hurry() {
        // Links that are not asked about: nothing is led around when packets for one are not for the other.
        let plug = Plug { port: u32::MAX, bridge: u32::MAX, shared: false };
        assert!(matches!(gentle("eth0", &plug), Gentle::Quick { .. }));
        let without_a_way = Plug { shared: true, ..plug };
        assert!(matches!(gentle("eth0", &without_a_way), Gentle::Quick { .. }), "there is no such port");
    }
}
