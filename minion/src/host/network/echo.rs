//! ICMP echo: whether a neighbour answers, by packets of a given size. Of our own, since `ping` is a program that hosts may
//! lack and that says what it found in words.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use lab_states::host::Cause;
use nix::errno::Errno;
use nix::sys::socket::sockopt::{BindToDevice, ReceiveTimeout};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrIn6, recv, sendto,
    setsockopt, socket,
};
use nix::sys::time::{TimeVal, TimeValLike};

/// Bytes of an ICMP echo header.
const HEADER: usize = 8;
/// Types of echo requests and replies.
const V4: (u8, u8) = (8, 0);
const V6: (u8, u8) = (128, 129);

/// Sends one request and waits for its answer.
pub(super) fn echo(link: &str, to: IpAddr, size: u32, wait: Duration) -> Result<bool, Cause> {
    let other = |e: Errno| Cause::Other(e.desc().to_owned());
    let (family, protocol, around) = match to {
        IpAddr::V4(_) => (AddressFamily::Inet, SockProtocol::Icmp, 20),
        IpAddr::V6(_) => (AddressFamily::Inet6, SockProtocol::IcmpV6, 40),
    };
    let socket = socket(family, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol).map_err(other)?;
    setsockopt(&socket, BindToDevice, &OsString::from(link)).map_err(other)?;
    let mark = crate::clock::random_u64().to_be_bytes();
    let size = usize::try_from(size).unwrap_or(0).saturating_sub(around);
    let packet = request(to.is_ipv4(), mark, size);
    match send(&socket, to, &packet) {
        // Too long for the link, or nobody there to send it to.
        Err(Errno::EMSGSIZE | Errno::EHOSTUNREACH | Errno::ENETUNREACH) => return Ok(false),
        Err(e) => return Err(other(e)),
        Ok(_) => {}
    }
    let until = Instant::now() + wait;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        let micros = i64::try_from(left.as_micros()).unwrap_or(i64::MAX).max(1);
        setsockopt(&socket, ReceiveTimeout, &TimeVal::microseconds(micros)).map_err(other)?;
        match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(n) if is_answer(to.is_ipv4(), &buffer[..n], &packet) => return Ok(true),
            Ok(_) | Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(e) => return Err(other(e)),
        }
    }
}

fn send(socket: &OwnedFd, to: IpAddr, packet: &[u8]) -> nix::Result<usize> {
    match to {
        IpAddr::V4(ip) => {
            let to = SockaddrIn::from(SocketAddrV4::new(ip, 0));
            sendto(socket.as_raw_fd(), packet, &to, MsgFlags::empty())
        }
        IpAddr::V6(ip) => {
            let to = SockaddrIn6::from(SocketAddrV6::new(ip, 0, 0, 0));
            sendto(socket.as_raw_fd(), packet, &to, MsgFlags::empty())
        }
    }
}

/// Makes a request whose identifier, number and first bytes are `mark`: answers to others are told apart by it.
fn request(v4: bool, mark: [u8; 8], size: usize) -> Vec<u8> {
    let mut packet = vec![0; size.max(HEADER + mark.len())];
    packet[0] = if v4 { V4.0 } else { V6.0 };
    packet[4..8].copy_from_slice(&mark[..4]);
    packet[HEADER..HEADER + mark.len()].copy_from_slice(&mark);
    if v4 {
        // For IPv6 the kernel does it, since it knows the addresses that belong into it.
        let sum = checksum(&packet);
        packet[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    packet
}

fn is_answer(v4: bool, received: &[u8], request: &[u8]) -> bool {
    // Raw IPv4 sockets give the header too; its length is in the first byte, in words.
    let skip = if v4 { received.first().map_or(0, |b| usize::from(b & 0x0f) * 4) } else { 0 };
    let Some(packet) = received.get(skip..) else { return false };
    let reply = if v4 { V4.1 } else { V6.1 };
    packet.len() == request.len() && packet[0] == reply && packet[4..] == request[4..]
}

fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|w| u32::from(w[0]) << 8 | w.get(1).map_or(0, |b| u32::from(*b)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    #[expect(clippy::cast_possible_truncation, reason = "folded to 16 bits just above")]
    let folded = sum as u16;
    !folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_with_its_checksum_sums_to_nothing() {
        for size in [16, 17, 1480] {
            assert_eq!(checksum(&request(true, [1, 2, 3, 4, 5, 6, 7, 8], size)), 0, "{size}");
        }
    }

    #[test]
    fn only_the_answer_to_this_request_is_one() {
        let request = request(true, [9; 8], 64);
        let mut header = vec![0x45; 20];
        let mut answer = request.clone();
        answer[0] = 0;
        let of = |packet: &[u8]| [header.as_slice(), packet].concat();
        assert!(is_answer(true, &of(&answer), &request));
        assert!(!is_answer(true, &of(&request), &request), "one's own request comes by on the loopback");
        assert!(!is_answer(true, &of(&answer[..60]), &request), "it was cut");
        answer[5] ^= 1;
        assert!(!is_answer(true, &of(&answer), &request), "it is of another");
        header.truncate(3);
        assert!(!is_answer(true, &header, &request));
    }
}
