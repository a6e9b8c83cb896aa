//! How large packets may be on the way to a peer, as far as this machine's kernel knows.
//!
//! QUIC finds out by probes what a path carries. Where that is no more than an ordinary Ethernet frame, every probe of more is
//! lost, on every link, and looked for again every ten minutes. So larger ones are tried only where the kernel has a way for them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use lab_proto::v1::link::MAX_DATAGRAM;
use nix::sys::socket::{getsockopt, sockopt};
use quinn::Connection;

/// What IPv6 and UDP put before a datagram's contents; IPv4 takes less.
const HEADERS: usize = 40 + 8;
/// The contents of a datagram in a frame of ordinary Ethernet, without the headers of IPv4 and UDP.
const ORDINARY: u16 = 1500 - 20 - 8;

/// Tells whether the first link of the way to a peer carries the largest datagrams that a minion takes.
pub(super) fn carries_jumbo(peer: SocketAddr) -> bool {
    known(peer).is_ok_and(|mtu| mtu >= usize::from(MAX_DATAGRAM) + HEADERS)
}

/// Tells whether packets larger than an ordinary Ethernet frame have found their way to a peer.
pub(super) fn is_jumbo(connection: &Connection) -> bool {
    connection.stats().path.current_mtu > ORDINARY
}

/// Asks the kernel what it would send to a peer at most: the MTU of the route, or less where it was told so. Sends nothing.
fn known(peer: SocketAddr) -> io::Result<usize> {
    let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    let any: IpAddr =
        if peer.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(peer)?;
    let mtu = getsockopt(&socket, sockopt::IpMtu)?;
    Ok(usize::try_from(mtu).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_carries_jumbo_frames_and_what_has_no_way_does_not() {
        for (peer, jumbo) in [
            ("127.0.0.1:4510", true),
            ("[::ffff:127.0.0.1]:4510", true),
            // Sending there needs a permission that is not asked for.
            ("255.255.255.255:4510", false),
        ] {
            assert_eq!(carries_jumbo(peer.parse().expect("an address")), jumbo, "{peer}");
        }
    }
}
