//! What of a dump is worth reading, told by bytes at fixed places: most of what the kernel lists is its own business, and taking
//! it apart costs more than all the rest.

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sift {
    /// Everything counts: addresses and routes are judged as they are read ([`super::plain`]).
    Nothing,
    /// Links, by what [`super::read`] reads of them: a link comes with hundreds of settings and counters.
    Links,
    /// Neighbours that are known: not groups and those that were not found.
    Neighbours,
}

/// The size of a netlink header, where the header of what is listed begins.
pub(super) const HEADER: usize = 16;
/// Bits of an attribute's kind that say how its value is written are not among these.
pub(super) const KIND: u16 = 0x3fff;
/// The size of the header of a link.
const LINK_HEADER: usize = 16;
/// Kinds of messages (`RTM_NEW…`).
const NEW_LINK: u16 = 16;
const NEW_NEIGHBOUR: u16 = 28;
/// Attributes of a link (`IFLA_…`): address, name, MTU, lower link, master, kind, alias, namespace of the lower link.
const OF_LINKS: [u16; 8] = [1, 3, 4, 5, 10, 18, 20, 37];
/// Reachable, stale, delay, probe, permanent.
const KNOWN: u16 = 0x02 | 0x04 | 0x08 | 0x10 | 0x80;

impl Sift {
    /// Returns the message, or as much of it as is read; nothing when it is not read at all.
    pub(super) fn of<'a>(self, message: &'a [u8], scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        let Some(kind) = number(message, 4) else { return Some(message) };
        let keep = match (self, kind) {
            (Self::Links, NEW_LINK) => {
                trim(message, scratch);
                return Some(scratch);
            }
            (Self::Neighbours, NEW_NEIGHBOUR) => number(message, HEADER + 8).is_none_or(|s| s & KNOWN != 0),
            _ => true,
        };
        keep.then_some(message)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Copies a link's message without the attributes that nobody reads. What is cut short is copied as it is, and refused later.
fn trim(message: &[u8], scratch: &mut Vec<u8>) {
    scratch.clear();
    let (head, mut rest) = message.split_at((HEADER + LINK_HEADER).min(message.len()));
    scratch.extend_from_slice(head);
    while let (Some(length), Some(kind)) = (number(rest, 0), number(rest, 2)) {
        let length = usize::from(length).next_multiple_of(4).clamp(4, rest.len());
        let (attribute, behind) = rest.split_at(length);
        if OF_LINKS.contains(&(kind & KIND)) {
            scratch.extend_from_slice(attribute);
        }
        rest = behind;
    }
    if let (Some(place), Ok(length)) = (scratch.get(..4).map(<[u8]>::len), u32::try_from(scratch.len())) {
        scratch[..place].copy_from_slice(&length.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(HEADER + body.len()).expect("short").to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.resize(HEADER, 0);
        bytes.extend(body);
        bytes
    }

    fn kept(sift: Sift, kind: u16, body: &[u8]) -> bool {
        sift.of(&message(kind, body), &mut Vec::new()).is_some()
    }

    #[test]
    fn a_link_keeps_the_attributes_that_are_read() {
        let mut body = vec![7; LINK_HEADER];
        // A name, settings of a family, and a name's rest that is padded.
        body.extend([6, 0, 3, 0, b'a', 0, 0, 0]);
        body.extend([12, 0, 26, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        body.extend([8, 0, 4, 0, 220, 5, 0, 0]);
        let (all, mut scratch) = (message(NEW_LINK, &body), Vec::new());
        let found = Sift::Links.of(&all, &mut scratch).expect("is kept").to_vec();
        let mut wanted = vec![7; LINK_HEADER];
        wanted.extend([6, 0, 3, 0, b'a', 0, 0, 0]);
        wanted.extend([8, 0, 4, 0, 220, 5, 0, 0]);
        assert_eq!(found, message(NEW_LINK, &wanted));
        assert_eq!(Sift::Nothing.of(&all, &mut scratch), Some(all.as_slice()));
    }

    #[test]
    fn neighbours_that_are_none_are_left_out() {
        let neighbour =
            |state: u8| kept(Sift::Neighbours, NEW_NEIGHBOUR, &[2, 0, 0, 0, 1, 0, 0, 0, state, 0]);
        assert!(neighbour(4) && neighbour(0x80) && !neighbour(0x40) && !neighbour(1));
        assert!(kept(Sift::Neighbours, NEW_LINK, &[]), "another kind of message is not judged");
    }

    proptest! {
        #[test]
        fn any_bytes_are_sifted_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for sift in [Sift::Nothing, Sift::Links, Sift::Neighbours] {
                for kind in [NEW_LINK, NEW_NEIGHBOUR] {
                    let _ = sift.of(&bytes, &mut Vec::new());
                    let _ = sift.of(&message(kind, &bytes), &mut Vec::new());
                }
            }
        }
    }
}
