//! How many packets are handed to the kernel in one call: few, and more while a large blob is on its way in
//! packets of ordinary size.

use std::sync::atomic::{AtomicUsize, Ordering};

use lab_proto::v1::link::MAX_DATAGRAM;

/// What a connection may hand over at once as a rule.
const NARROW: usize = 4;
/// What it may while a handshake is under way. The answer to one is several packets, and each connection keeps a buffer of what
/// it may hand over at once from the first time that it has several (quinn 0.11): there may be thousands that only ever send
/// one at a time afterwards.
const SINGLE: usize = 1;
/// What it may while a large blob is on its way in packets of ordinary size: a call of the kernel costs as much as the sealing
/// of some packets, and what is handed over at once arrives at once. Of jumbo packets a few are as much: more gained nothing. The
/// buffer of a connection that has more than the narrow one holds to send grows then.
const WIDE: usize = 10;
/// What the kernel takes in one call: the longest contents of a datagram of IPv4. Of more it says that it is too long, which the
/// transport takes for a probe of the path that failed.
const ONE_CALL: usize = 65_507;
const _: () = assert!(WIDE * (MAX_DATAGRAM as usize) <= ONE_CALL);

/// Says how many packets go at once, for all connections of a socket.
#[derive(Debug, Default)]
pub(crate) struct Width {
    handshakes: AtomicUsize,
    blobs: AtomicUsize,
}

/// Something under way that the width depends on; it has ended when this is dropped.
pub(crate) struct UnderWay<'a>(&'a AtomicUsize);

impl Width {
    /// Says that a handshake is under way: while one is, packets go one by one.
    pub(crate) fn handshake(&self) -> UnderWay<'_> {
        UnderWay::new(&self.handshakes)
    }

    /// Says that a large blob is on its way in packets of ordinary size.
    pub(crate) fn blob(&self) -> UnderWay<'_> {
        UnderWay::new(&self.blobs)
    }

    /// Returns how many packets may go at once now.
    pub(crate) fn segments(&self) -> usize {
        if self.handshakes.load(Ordering::Relaxed) > 0 {
            SINGLE
        } else if self.blobs.load(Ordering::Relaxed) > 0 {
            WIDE
        } else {
            NARROW
        }
    }
}

impl<'a> UnderWay<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blobs_without_a_handshake_beside_them_go_wide() {
        let width = Width::default();
        assert_eq!(width.segments(), NARROW);
        let (one, two) = (width.blob(), width.blob());
        assert_eq!(width.segments(), WIDE);
        let handshake = width.handshake();
        assert_eq!(width.segments(), SINGLE);
        drop(handshake);
        drop(one);
        assert_eq!(width.segments(), WIDE, "one blob is still on its way");
        drop(two);
        assert_eq!(width.segments(), NARROW);
    }
}
