//! A netlink socket: one question at a time, answered in full.
//!
//! Does what the library's own helpers do not: reads the text that the kernel adds to a refusal (extended
//! acknowledgement), and begins a dump again that the kernel says it interrupted or whose answers overran the socket.

use std::io;

use lab_states::host::Cause;
use rtnetlink::packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::sys::protocols::NETLINK_ROUTE;
use rtnetlink::sys::{Socket, SocketAddr};

use super::sift::Sift;

/// How often a dump that the kernel interrupted (something changed meanwhile) is begun again.
const DUMP_ATTEMPTS: usize = 8;
/// More than the kernel ever puts in one answer (it fills at most 32 KiB of a dump at a time).
const BUFFER: usize = 64 << 10;
/// What may wait to be read: a dump answers one buffer at a time, so this is plenty.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Set on an acknowledgement that carries attributes behind the header of the question (`NLM_F_ACK_TLVS`).
const ACK_TLVS: u16 = 0x200;
/// The attribute that holds the kernel's words (`NLMSGERR_ATTR_MSG`).
const ATTR_MSG: u16 = 1;
/// The size of a netlink header and of an attribute's header.
const HEADER: usize = 16;
const ATTR_HEADER: usize = 4;
/// The size of the number that says how a question ended.
const NUMBER: usize = 4;

/// An open netlink socket.
pub(super) struct Wire {
    socket: Socket,
    strict: bool,
    sequence: u32,
    buffer: Vec<u8>,
    /// The present message without what nobody reads of it.
    scratch: Vec<u8>,
}

/// One message.
struct Answer<'a> {
    flags: u16,
    says: Says<'a>,
}

enum Says<'a> {
    /// An object, or as much of its message as is read; nothing of one that is not read at all.
    Object(Option<&'a [u8]>),
    /// An acknowledgement.
    Done(Result<(), Cause>),
    /// The end of a dump, or that it is refused.
    End(Result<(), Cause>),
    /// Something was lost.
    Overrun,
    Nothing,
}

/// Kinds of messages that are no objects (`NLMSG_…`).
const ERROR: u16 = 2;
const DONE: u16 = 3;
const OVERRUN: u16 = 4;
const FIRST_OBJECT: u16 = 16;

impl Wire {
    pub(super) fn open() -> Result<Self, Cause> {
        let open = || {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind_auto()?;
            socket.connect(&SocketAddr::new(0, 0))?;
            socket.set_ext_ack(true)?;
            // The question itself need not come back; only its header stands before the kernel's words then.
            socket.set_cap_ack(true)?;
            socket.set_rx_buf_sz(RECEIVE_BUFFER)?;
            // Since Linux 4.20; before, a question for some is answered with all.
            let strict = socket.set_netlink_get_strict_chk(true).is_ok();
            Ok((socket, strict))
        };
        let (socket, strict) = open().map_err(|e: io::Error| Cause::from(&e))?;
        Ok(Self { socket, strict, sequence: 0, buffer: Vec::with_capacity(BUFFER), scratch: Vec::new() })
    }

    /// Tells whether the kernel answers a question for some with those alone.
    pub(super) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Reads a whole table, as far as it is worth it, into what `read` makes of each message.
    pub(super) fn dump<T>(
        &mut self,
        what: &RouteNetlinkMessage,
        sift: Sift,
        mut read: impl FnMut(&[u8]) -> Option<T>,
    ) -> Result<Vec<T>, Cause> {
        for _ in 0..DUMP_ATTEMPTS {
            self.send(what.clone(), NLM_F_DUMP)?;
            let (mut found, mut whole) = (Vec::new(), true);
            let end = self.answers(sift, |answer| {
                whole &= answer.flags & NLM_F_DUMP_INTR == 0;
                match answer.says {
                    Says::Object(message) => found.extend(message.and_then(&mut read)),
                    Says::Overrun => whole = false,
                    Says::Done(end) | Says::End(end) => return Some(end),
                    Says::Nothing => {}
                }
                None
            });
            match end {
                Ok(()) if whole => return Ok(found),
                Ok(()) | Err(Trouble::Overrun) => {}
                Err(Trouble::Refused(cause)) => return Err(cause),
            }
        }
        Err(Cause::Other(format!("it changed during each of {DUMP_ATTEMPTS} attempts to read it")))
    }

    /// Asks about one thing.
    pub(super) fn ask(&mut self, what: RouteNetlinkMessage) -> Result<RouteNetlinkMessage, Cause> {
        self.send(what, NLM_F_ACK)?;
        let mut found = None;
        self.answers(Sift::Nothing, |answer| match answer.says {
            Says::Object(message) => {
                found = message.and_then(decode);
                None
            }
            Says::Done(done) => Some(done),
            _ => None,
        })
        .map_err(Trouble::into_cause)?;
        found.ok_or(Cause::NotFound)
    }

    /// Tells the kernel to do something, and waits until it has.
    pub(super) fn tell(&mut self, what: RouteNetlinkMessage, flags: u16) -> Result<(), Cause> {
        self.send(what, NLM_F_ACK | flags)?;
        self.answers(Sift::Nothing, |answer| match answer.says {
            Says::Done(done) => Some(done),
            _ => None,
        })
        .map_err(Trouble::into_cause)
    }

    fn send(&mut self, what: RouteNetlinkMessage, flags: u16) -> Result<(), Cause> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut message = NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::from(what));
        message.header.flags = NLM_F_REQUEST | flags;
        message.header.sequence_number = self.sequence;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map_err(|e| Cause::from(&e))?;
        Ok(())
    }

    /// Passes on every answer to the present question until told that it is the last.
    fn answers(
        &mut self,
        sift: Sift,
        mut take: impl FnMut(Answer<'_>) -> Option<Result<(), Cause>>,
    ) -> Result<(), Trouble> {
        loop {
            self.buffer.clear();
            match self.socket.recv(&mut self.buffer, 0) {
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if e.raw_os_error() == Some(nix::libc::ENOBUFS) => return Err(Trouble::Overrun),
                Err(e) => return Err(Trouble::Refused(Cause::from(&e))),
            }
            let mut rest = self.buffer.as_slice();
            while let Some(Header { length, kind, flags, sequence }) = header(rest) {
                let (bytes, behind) = rest.split_at(length.min(rest.len()));
                rest = behind.get(aligned(length) - length..).unwrap_or_default();
                // An answer to an earlier question, whose dump was given up.
                if sequence != self.sequence {
                    continue;
                }
                let says = match kind {
                    ERROR => Says::Done(acknowledged(flags, bytes)),
                    DONE => Says::End(ended(flags, bytes)),
                    OVERRUN => Says::Overrun,
                    FIRST_OBJECT.. => Says::Object(sift.of(bytes, &mut self.scratch)),
                    _ => Says::Nothing,
                };
                if let Some(end) = take(Answer { flags, says }) {
                    return end.map_err(Trouble::Refused);
                }
            }
        }
    }
}

/// Takes a whole message apart.
pub(super) fn decode(bytes: &[u8]) -> Option<RouteNetlinkMessage> {
    match NetlinkMessage::<RouteNetlinkMessage>::deserialize(bytes).map(|m| m.payload) {
        Ok(NetlinkPayload::InnerMessage(message)) => Some(message),
        Ok(_) => None,
        Err(error) => {
            // One object of a kernel newer than the library must not hide all others.
            tracing::warn!(%error, "a netlink message was not understood and left out");
            None
        }
    }
}

/// Why a question was not answered.
enum Trouble {
    /// The kernel lost answers because the socket was full.
    Overrun,
    /// The kernel said no.
    Refused(Cause),
}

impl Trouble {
    fn into_cause(self) -> Cause {
        match self {
            Self::Overrun => Cause::Other("the kernel's answer was lost: the socket was full".to_owned()),
            Self::Refused(cause) => cause,
        }
    }
}

struct Header {
    length: usize,
    kind: u16,
    flags: u16,
    sequence: u32,
}

fn header(bytes: &[u8]) -> Option<Header> {
    let length = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?);
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let flags = u16::from_ne_bytes(bytes.get(6..8)?.try_into().ok()?);
    let sequence = u32::from_ne_bytes(bytes.get(8..12)?.try_into().ok()?);
    let length = usize::try_from(length).ok().filter(|l| *l >= HEADER && *l <= bytes.len())?;
    Some(Header { length, kind, flags, sequence })
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

/// Reads an acknowledgement: done, or refused with the kernel's own words where it has any.
fn acknowledged(flags: u16, bytes: &[u8]) -> Result<(), Cause> {
    match number(bytes)? {
        0 => Ok(()),
        // The header of the question stands before the words.
        code => Err(refusal(code, words(flags, bytes.get(HEADER + NUMBER + HEADER..)))),
    }
}

/// Reads the end of a dump: a kernel that listed nothing may have refused to.
fn ended(flags: u16, bytes: &[u8]) -> Result<(), Cause> {
    match number(bytes)? {
        0.. => Ok(()),
        // What does not exist has nothing in it: a table of routes comes and goes with them.
        code if code == -nix::libc::ENOENT => Ok(()),
        code => Err(refusal(code, words(flags, bytes.get(HEADER + NUMBER..)))),
    }
}

/// Reads the number that says how a question ended: less than zero is an error's.
fn number(bytes: &[u8]) -> Result<i32, Cause> {
    let number = bytes.get(HEADER..).and_then(|b| b.first_chunk().copied()).map(i32::from_ne_bytes);
    number.ok_or_else(|| Cause::Other("the kernel's answer is cut short".to_owned()))
}

fn refusal(code: i32, words: Option<String>) -> Cause {
    let number = io::Error::from_raw_os_error(code.saturating_abs());
    match words {
        Some(words) => Cause::Other(format!("{words} ({number})")),
        None if number.raw_os_error() == Some(nix::libc::EOPNOTSUPP) => {
            Cause::Unsupported("this kernel does not support it".to_owned())
        }
        None => Cause::from(&number),
    }
}

/// Finds the kernel's words among the attributes at the end of a refusal.
fn words(flags: u16, attributes: Option<&[u8]>) -> Option<String> {
    if flags & ACK_TLVS == 0 {
        return None;
    }
    let mut rest = attributes?;
    loop {
        let length = usize::from(u16::from_ne_bytes(rest.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(rest.get(2..4)?.try_into().ok()?) & 0x3fff;
        let value = rest.get(ATTR_HEADER..length)?;
        if kind == ATTR_MSG {
            let text = value.strip_suffix(&[0]).unwrap_or(value);
            return Some(String::from_utf8_lossy(text).into_owned());
        }
        rest = rest.get(aligned(length)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rtnetlink::packet_route::AddressFamily;
    use rtnetlink::packet_route::route::{RouteAttribute, RouteMessage};

    /// The attributes of a refusal.
    fn attributes(text: &[u8]) -> Vec<u8> {
        // One of another kind comes first (NLMSGERR_ATTR_OFFS).
        let mut bytes = vec![8, 0, 2, 0, 1, 2, 3, 4];
        bytes.extend(u16::try_from(ATTR_HEADER + text.len()).expect("is short").to_ne_bytes());
        bytes.extend(ATTR_MSG.to_ne_bytes());
        bytes.extend(text);
        bytes
    }

    /// A message with a number, and what stands behind that.
    fn numbered(code: i32, behind: &[u8]) -> Vec<u8> {
        [&[0; HEADER], code.to_ne_bytes().as_slice(), behind].concat()
    }

    #[test]
    fn the_kernels_words_are_found_behind_the_header_of_the_question() {
        let said = |text: &[u8]| {
            let behind = [[0; HEADER].as_slice(), &attributes(text)].concat();
            acknowledged(ACK_TLVS, &numbered(-nix::libc::EINVAL, &behind)).unwrap_err().to_string()
        };
        assert!(said(b"no VLAN\0").starts_with("no VLAN (Invalid argument"), "{}", said(b"no VLAN\0"));
        let mut bytes = attributes(b"no VLAN\0");
        assert_eq!(words(0, Some(&bytes)), None);
        bytes.pop();
        assert_eq!(words(ACK_TLVS, Some(&bytes)), None, "cut short, nothing is made up");
    }

    #[test]
    fn a_dump_that_ends_with_a_number_below_zero_was_refused() {
        let text = b"Invalid values in header for FIB dump request\0";
        let end = |code: i32, flags: u16| ended(flags, &numbered(code, &attributes(text)));
        assert_eq!(end(0, 0), Ok(()));
        let refused = end(-nix::libc::EINVAL, ACK_TLVS).unwrap_err().to_string();
        assert!(
            refused.starts_with("Invalid values in header for FIB dump request (Invalid argument"),
            "{refused}"
        );
        let plainly = Cause::from(&io::Error::from_raw_os_error(nix::libc::EINVAL));
        assert_eq!(end(-nix::libc::EINVAL, 0), Err(plainly));
        assert!(matches!(end(-nix::libc::EOPNOTSUPP, 0), Err(Cause::Unsupported(_))));
        assert_eq!(end(-nix::libc::ENOENT, ACK_TLVS), Ok(()), "a table that does not exist is empty");
        assert!(ended(0, &[0; HEADER + 3]).is_err_and(|e| e.to_string().contains("cut short")));
    }

    #[test]
    fn a_kernel_that_refuses_a_dump_is_heard() {
        let mut wire = Wire::open().expect("a socket");
        assert!(wire.is_strict(), "this kernel is too old for the test");
        let mut dump = |change: fn(&mut RouteMessage)| {
            let mut question = RouteMessage::default();
            question.header.address_family = AddressFamily::Inet;
            change(&mut question);
            wire.dump(&RouteNetlinkMessage::GetRoute(question), Sift::Nothing, |m| Some(m.len()))
        };
        let refused = dump(|m| m.header.destination_prefix_length = 8).unwrap_err().to_string();
        assert!(refused.contains("Invalid argument"), "{refused}");
        assert_eq!(dump(|m| m.attributes.push(RouteAttribute::Table(0x7fff_fffe))), Ok(vec![]));
    }

    #[test]
    fn an_acknowledgement_is_done_or_says_why_not() {
        let said = |code: i32| acknowledged(0, &numbered(code, &[0; HEADER]));
        assert_eq!(said(0), Ok(()));
        assert_eq!(
            said(-nix::libc::EEXIST),
            Err(Cause::from(&io::Error::from_raw_os_error(nix::libc::EEXIST)))
        );
        assert!(matches!(said(-nix::libc::EOPNOTSUPP), Err(Cause::Unsupported(_))));
        assert!(said(i32::MIN).is_err());
        assert!(acknowledged(0, &[0; HEADER + 3]).is_err_and(|e| e.to_string().contains("cut short")));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = words(ACK_TLVS, Some(&bytes));
            let _ = header(&bytes);
            let _ = ended(ACK_TLVS, &bytes);
            let _ = acknowledged(ACK_TLVS, &bytes);
        }
    }
}
