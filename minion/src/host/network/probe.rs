//! ARP probes (RFC 5227): whether somebody has an address that this machine is about to take.
//!
//! The sender's address is left empty, so that nobody remembers a thing, and everything that is heard from somebody else about
//! the address counts: an answer, any other word of theirs, and a probe for the same. The RFC listens for seconds; this asks
//! three times within 0.6 s, which is long on a network of one's own.

use std::collections::{BTreeMap, HashSet};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use lab_states::host::{Cause, Mac, NetClaim};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, recvfrom, send, socket};

const ASK_TIMES: usize = 3;
const LISTEN: Duration = Duration::from_millis(200);

const ETHERNET: usize = 14;
const ARP: usize = 28;
/// What Ethernet pads a frame to.
const SHORTEST: usize = 60;
const ARP_PROTOCOL: u16 = 0x0806;
const VLAN_PROTOCOL: u16 = 0x8100;
const REQUEST: u16 = 1;
const REPLY: u16 = 2;

/// A socket on one link, and what is asked there.
struct Ear {
    socket: OwnedFd,
    index: u32,
    mac: Mac,
    asked: Vec<usize>,
}

/// A frame, and what the kernel says of it.
struct Heard<'a> {
    frame: &'a [u8],
    /// Whether it came in on the link itself, without a tag, for this machine or for everybody.
    plain: bool,
}

/// Asks, and listens; ends when an owner was found. `card` tells a link's number and hardware address. `own` are the hardware
/// addresses of this machine, of which none is a stranger's.
///
/// # Errors
/// When no link can be asked on; where one cannot, the others are.
pub(super) fn claims(
    asked: &[NetClaim],
    own: &HashSet<Mac>,
    mut card: impl FnMut(&str) -> Result<(u32, Mac), Cause>,
) -> Result<Vec<Option<Mac>>, Cause> {
    let mut by_link: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (n, claim) in asked.iter().enumerate() {
        by_link.entry(&claim.link).or_default().push(n);
    }
    let mut deaf = None;
    let mut ears: Vec<Ear> = Vec::new();
    for (link, asked) in by_link {
        match card(link).and_then(|(index, mac)| Ear::open(index, mac, asked)) {
            Ok(ear) => ears.push(ear),
            Err(cause) => fails(link, cause, &mut deaf),
        }
    }
    let mut found = vec![None; asked.len()];
    for _ in 0..ASK_TIMES {
        ears.retain(|ear| ear.ask(asked).map_err(|e| fails(ear.link(asked), e, &mut deaf)).is_ok());
        let until = Instant::now() + LISTEN;
        while !ears.is_empty() && wait(&ears, until)? {
            ears.retain(|ear| {
                let heard = ear.listen(asked, own, &mut found);
                heard.map_err(|e| fails(ear.link(asked), e, &mut deaf)).is_ok()
            });
            if found.iter().any(Option::is_some) {
                return Ok(found);
            }
        }
    }
    match deaf {
        Some(cause) if ears.is_empty() => Err(cause),
        _ => Ok(found),
    }
}

/// Notes that nobody can be asked on a link.
fn fails(link: &str, cause: Cause, deaf: &mut Option<Cause>) {
    tracing::warn!(link, %cause, "nobody is asked there whether an address is in use");
    deaf.get_or_insert(cause);
}

/// Waits until something was heard; false when the time is over.
fn wait(ears: &[Ear], until: Instant) -> Result<bool, Cause> {
    let mut fds: Vec<PollFd<'_>> =
        ears.iter().map(|ear| PollFd::new(ear.socket.as_fd(), PollFlags::POLLIN)).collect();
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Ok(false);
    }
    // Rounded up, so that the last look is not taken in a hurry over and over again.
    let left = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::ZERO);
    match poll(&mut fds, left) {
        Ok(0) => Ok(false),
        Ok(_) | Err(Errno::EINTR) => Ok(true),
        Err(e) => Err(cause(e)),
    }
}

impl Ear {
    fn open(index: u32, mac: Mac, asked: Vec<usize>) -> Result<Self, Cause> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        // Without a protocol nothing is heard before the socket is bound to the link.
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None).map_err(cause)?;
        bind(&socket, index)?;
        Ok(Self { socket, index, mac, asked })
    }

    fn link<'a>(&self, asked: &'a [NetClaim]) -> &'a str {
        self.asked.first().map_or("", |n| &asked[*n].link)
    }

    fn ask(&self, asked: &[NetClaim]) -> Result<(), Cause> {
        for n in &self.asked {
            let probe = probe(self.mac, &asked[*n]);
            match send(self.socket.as_raw_fd(), &probe, MsgFlags::empty()) {
                // Its queue is full, or it is off by now: it is asked again, and who cannot be asked cannot answer.
                Ok(_) | Err(Errno::ENOBUFS | Errno::EAGAIN | Errno::ENETDOWN | Errno::ENXIO) => {}
                Err(e) => return Err(cause(e)),
            }
        }
        Ok(())
    }

    fn listen(&self, asked: &[NetClaim], own: &HashSet<Mac>, found: &mut [Option<Mac>]) -> Result<(), Cause> {
        let mut buffer = [0; 256];
        loop {
            let (length, from) = match recvfrom::<LinkAddr>(self.socket.as_raw_fd(), &mut buffer) {
                Ok(heard) => heard,
                Err(Errno::EAGAIN | Errno::ENETDOWN) => return Ok(()),
                Err(Errno::EINTR) => continue,
                Err(e) => return Err(cause(e)),
            };
            let heard = Heard {
                frame: &buffer[..length.min(buffer.len())],
                plain: from.is_some_and(|from| self.is_plain(&from)),
            };
            for n in &self.asked {
                let owner = owner(&heard, self.mac, &asked[*n]);
                if let Some(mac) = owner.filter(|mac| !own.contains(mac)) {
                    found[*n] = Some(mac);
                }
            }
        }
    }

    /// Tells a frame without a tag from those that had one. The kernel takes the tag off before it looks who listens, but a VLAN
    /// that it knows then is where the frame came in, and a frame of one that it does not know is for nobody here.
    fn is_plain(&self, from: &LinkAddr) -> bool {
        u32::try_from(from.ifindex()).is_ok_and(|index| index == self.index)
            && from.pkttype() != nix::libc::PACKET_OTHERHOST
    }
}

#[expect(
    unsafe_code,
    reason = "an address of a packet socket has no safe wrapper; the call passes one of ours and its size"
)]
fn bind(socket: &OwnedFd, index: u32) -> Result<(), Cause> {
    use nix::libc::{AF_PACKET, c_int, c_ushort, sockaddr_ll, socklen_t};
    let too_large = |_| Cause::Other("the number of a link is too large".to_owned());
    let address = sockaddr_ll {
        sll_family: c_ushort::try_from(AF_PACKET).unwrap_or_default(),
        sll_protocol: ARP_PROTOCOL.to_be(),
        sll_ifindex: c_int::try_from(index).map_err(too_large)?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let size = socklen_t::try_from(size_of::<sockaddr_ll>()).unwrap_or_default();
    // SAFETY: the descriptor is open, and the kernel reads `size` bytes, which are all of `address`.
    let bound = unsafe { nix::libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size) };
    if bound == 0 { Ok(()) } else { Err(Cause::from(&std::io::Error::last_os_error())) }
}

fn cause(e: Errno) -> Cause {
    Cause::from(&std::io::Error::from(e))
}

/// Makes a probe: a question for the address, to everybody, by somebody who has none.
fn probe(mac: Mac, claim: &NetClaim) -> Vec<u8> {
    let mut frame = [0xff; 6].to_vec();
    frame.extend(mac.0);
    if let Some(vlan) = claim.vlan {
        frame.extend(VLAN_PROTOCOL.to_be_bytes());
        frame.extend(vlan.to_be_bytes());
    }
    frame.extend(ARP_PROTOCOL.to_be_bytes());
    // Ethernet, IPv4, and the sizes of their addresses.
    frame.extend([0, 1, 8, 0, 6, 4]);
    frame.extend(REQUEST.to_be_bytes());
    frame.extend(mac.0);
    frame.extend([0; 4]);
    frame.extend([0; 6]);
    frame.extend(claim.ip.octets());
    frame.resize(frame.len().max(SHORTEST), 0);
    frame
}

/// Returns who says by a frame that the address is theirs, or is about to be.
fn owner(heard: &Heard<'_>, own: Mac, claim: &NetClaim) -> Option<Mac> {
    let arp = heard.frame.get(ETHERNET..ETHERNET + ARP)?;
    if arp[..6] != [0, 1, 8, 0, 6, 4] {
        return None;
    }
    let kind = u16::from_be_bytes([arp[6], arp[7]]);
    let (sender, sender_ip) = (Mac(arp[8..14].try_into().ok()?), &arp[14..18]);
    let (target, target_ip) = (&arp[18..24], &arp[24..28]);
    let ip = claim.ip.octets();
    let has = sender_ip == ip;
    let wants = kind == REQUEST && sender_ip == [0; 4] && target_ip == ip;
    // Of which VLAN a tag was is not known, so on a VLAN only what is said to us in answer is known to come from there.
    let there = if claim.vlan.is_none() { heard.plain } else { kind == REPLY && target == own.0 };
    (sender != own && sender.0 != [0; 6] && there && (has || wants)).then_some(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const THEIRS: Mac = Mac([2, 0, 0, 0, 0, 2]);

    fn claim(vlan: Option<u16>) -> NetClaim {
        NetClaim { ip: [10, 0, 0, 5].into(), link: "eth0".to_owned(), vlan }
    }

    /// A frame of theirs.
    fn said(kind: u16, ip: [u8; 4], target: Mac, target_ip: [u8; 4]) -> Vec<u8> {
        let mut frame = probe(THEIRS, &claim(None));
        frame[ETHERNET + 6..ETHERNET + 8].copy_from_slice(&kind.to_be_bytes());
        frame[ETHERNET + 14..ETHERNET + 18].copy_from_slice(&ip);
        frame[ETHERNET + 18..ETHERNET + 24].copy_from_slice(&target.0);
        frame[ETHERNET + 24..ETHERNET + 28].copy_from_slice(&target_ip);
        frame
    }

    #[test]
    fn a_probe_is_a_question_by_nobody_in_a_whole_frame() {
        let frame = probe(OURS, &claim(None));
        assert_eq!(frame.len(), SHORTEST);
        assert_eq!(frame[ETHERNET + 14..ETHERNET + 18], [0; 4]);
        let tagged = probe(OURS, &claim(Some(10)));
        assert_eq!(tagged[12..18], [0x81, 0, 0, 10, 8, 6]);
        assert_eq!(tagged[18..18 + ARP], frame[ETHERNET..ETHERNET + ARP]);
    }

    #[test]
    fn who_answers_speaks_or_asks_for_the_address_has_it_and_nobody_else() {
        let ours = [10, 0, 0, 5];
        let owner = |frame: &[u8], vlan| owner(&Heard { frame, plain: true }, OURS, &claim(vlan));
        assert_eq!(owner(&said(REPLY, ours, OURS, [0; 4]), None), Some(THEIRS));
        assert_eq!(owner(&said(REQUEST, ours, Mac([0; 6]), [10, 0, 0, 9]), None), Some(THEIRS), "it speaks");
        assert_eq!(owner(&said(REQUEST, [0; 4], Mac([0; 6]), ours), None), Some(THEIRS), "it probes too");
        assert_eq!(owner(&said(REQUEST, [10, 0, 0, 9], Mac([0; 6]), ours), None), None, "it looks for it");
        assert_eq!(owner(&said(REPLY, [10, 0, 0, 9], OURS, [0; 4]), None), None);
        assert_eq!(owner(&probe(OURS, &claim(None)), None), None, "our own");
        assert_eq!(owner(&said(REPLY, ours, OURS, [0; 4])[..40], None), None, "cut short");
        assert_eq!(owner(&said(REQUEST, ours, Mac([0; 6]), [0; 4]), Some(10)), None, "perhaps of no VLAN");
        assert_eq!(owner(&said(REPLY, ours, OURS, [0; 4]), Some(10)), Some(THEIRS));
    }

    #[test]
    fn what_is_said_in_a_vlan_says_nothing_of_the_link_itself() {
        let speaks = said(REQUEST, [10, 0, 0, 5], Mac([0; 6]), [10, 0, 0, 9]);
        let tagged = Heard { frame: &speaks, plain: false };
        assert_eq!(owner(&tagged, OURS, &claim(None)), None);
        assert_eq!(owner(&Heard { plain: true, ..tagged }, OURS, &claim(None)), Some(THEIRS));
    }

    #[test]
    fn a_link_that_cannot_be_asked_on_is_an_error_only_when_there_is_no_other() {
        let none = |link: &str| Err(Cause::Other(format!("there is no link {link}")));
        let asked = [claim(None)];
        assert!(claims(&asked, &HashSet::new(), none).is_err());
        assert_eq!(claims(&[], &HashSet::new(), none), Ok(Vec::new()));
    }

    /// The loopback's number is the same in all network namespaces.
    const LOOPBACK: u32 = 1;

    #[test]
    fn a_link_that_cannot_be_asked_on_does_not_keep_the_others_from_being_asked() {
        let asked = ["none", "lo"].map(|link| NetClaim { link: link.to_owned(), ..claim(None) });
        let card = |link: &str| match link {
            "lo" => Ok((LOOPBACK, OURS)),
            _ => Err(Cause::Other(format!("there is no link {link}"))),
        };
        // Where packet sockets are forbidden, nobody can be asked at all.
        let allowed = Ear::open(LOOPBACK, OURS, Vec::new()).is_ok();
        let found = claims(&asked, &HashSet::new(), card);
        assert_eq!(found.ok(), allowed.then(|| vec![None, None]));
    }

    #[test]
    fn a_card_of_this_machine_is_no_stranger_and_is_not_taken_for_the_first_one() {
        let asked = [claim(None)];
        let Ok(ear) = Ear::open(LOOPBACK, OURS, vec![0]) else {
            eprintln!("packet sockets are forbidden here: nothing was looked at");
            return;
        };
        let heard = |own: &[Mac]| {
            let frame = said(REQUEST, [10, 0, 0, 5], Mac([0; 6]), [10, 0, 0, 9]);
            send(ear.socket.as_raw_fd(), &frame, MsgFlags::empty()).expect("the loopback is on");
            let mut found = [None];
            let own = own.iter().copied().collect();
            assert!(
                wait(std::slice::from_ref(&ear), Instant::now() + LISTEN * 50).expect("can be waited for")
            );
            ear.listen(&asked, &own, &mut found).expect("can be listened to");
            found[0]
        };
        assert_eq!(heard(&[]), Some(THEIRS));
        assert_eq!(heard(&[THEIRS]), None);
    }
}
