//! Links become ports and cease to be ones, without losing what comes in meanwhile.

use lab_states::host::Cause;
use rtnetlink::packet_route::link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage};

use super::Session;
use super::divert::{self, Diversion};
use super::hurry::Hurry;

impl Session<'_> {
    /// Makes a link a port, or none any more. Where the link and its bridge have one hardware address, packets for this machine
    /// that come in during the change reach it: by a way around the port where the kernel has one, else by being quick.
    pub(super) fn set_master(&mut self, link: &str, master: Option<&str>) -> Result<(), Cause> {
        let index = match master {
            Some(master) => self.index(master)?,
            None => 0,
        };
        let Some((port, bridge)) = self.shared(link, index)? else {
            return self.set(link, LinkAttribute::Controller(index));
        };
        let way = divert::divert(port, bridge);
        if let Err(cause) = &way {
            tracing::debug!(link, %cause, "packets are not led around a port that does not forward yet");
        }
        let _hurry: Option<Hurry> = way.is_err().then(Hurry::begin).flatten();
        let done = self.set(link, LinkAttribute::Controller(index));
        drop::<Option<Diversion>>(way.ok());
        done
    }

    /// Finds the link and the bridge that it joins or leaves, when both are on and packets for one are packets for the other.
    fn shared(&mut self, link: &str, to: u32) -> Result<Option<(u32, u32)>, Cause> {
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
        let shared = both_on && is_bridge(&bridge) && mac(&port).is_some() && mac(&port) == mac(&bridge);
        Ok(shared.then_some((port.header.index, bridge.header.index)))
    }
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
