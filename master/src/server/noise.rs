//! The socket, with an eye on what is not for us: datagrams that no QUIC peer of this master would send are counted here,
//! because the transport drops them without a word. `lab-master status` tells.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

use super::reset::MarkedIds;
use super::width::Width;

/// QUIC version 1, the only one spoken.
const VERSION: u32 = 1;
/// A client's first datagram is at least as long (RFC 9000, 14.1).
const MIN_INITIAL: usize = 1200;
/// The longest connection id of version 1.
const MAX_CID: usize = 20;

/// How many datagrams were noise.
#[derive(Debug, Default)]
pub(crate) struct Noise(AtomicU64);

impl Noise {
    /// Returns the number since the master started.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The socket of the transport, watched.
pub(crate) struct Watched {
    pub(crate) socket: Arc<dyn AsyncUdpSocket>,
    pub(crate) ids: MarkedIds,
    pub(crate) noise: Arc<Noise>,
    pub(crate) width: Arc<Width>,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl AsyncUdpSocket for Watched {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.socket.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.socket.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = self.socket.poll_recv(cx, bufs, meta);
        if let Poll::Ready(Ok(n)) = received {
            for (buf, meta) in bufs.iter().zip(meta.iter()).take(n) {
                self.note(&buf[..meta.len.min(buf.len())], meta.stride);
            }
        }
        received
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.socket.max_transmit_segments().min(self.width.segments())
    }

    fn max_receive_segments(&self) -> usize {
        self.socket.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.socket.may_fragment()
    }
}

impl Watched {
    /// Looks at datagrams of one sender that came together.
    fn note(&self, bytes: &[u8], stride: usize) {
        let mut noise = bytes.is_empty().into();
        for datagram in bytes.chunks(stride.max(1)) {
            noise += u64::from(!is_quic(datagram, |cid| self.ids.made(cid)));
        }
        if noise > 0 {
            self.noise.0.fetch_add(noise, Ordering::Relaxed);
        }
    }
}

/// Tells whether a datagram may be of a peer: of our version, as a handshake or with an id that we gave out. The bit that
/// RFC 9000 fixes tells nothing, because peers are asked to grease it (RFC 9287).
fn is_quic(datagram: &[u8], ours: impl FnOnce(&[u8]) -> bool) -> bool {
    const LONG: u8 = 0x80;
    const TYPE: u8 = 0x30;
    let Some((&first, rest)) = datagram.split_first() else { return false };
    if first & LONG == 0 {
        return rest.get(..MarkedIds::LEN).is_some_and(ours);
    }
    let Some((version, rest)) = rest.split_first_chunk::<4>() else { return false };
    let Some((&cid, rest)) = rest.split_first() else { return false };
    let initial = first & TYPE == 0;
    u32::from_be_bytes(*version) == VERSION
        && usize::from(cid) <= MAX_CID
        && rest.len() > usize::from(cid)
        && (!initial || datagram.len() >= MIN_INITIAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_peer_would_send_is_told_from_what_one_might() {
        let mut initial = vec![0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0];
        initial.resize(1200, 0);
        let mut handshake = initial.clone();
        handshake[0] = 0xe3;
        handshake.truncate(60);
        let short = [0x41, 9, 9, 9, 9, 9, 9, 9, 9, 0, 0];
        for (what, datagram, ours, peer) in [
            ("a handshake's first datagram", initial.as_slice(), false, true),
            ("one that is too short", &initial[..1199], false, false),
            ("a handshake's later datagram", &handshake, false, true),
            ("one with an id of ours", &short, true, true),
            ("one with another id", &short, false, false),
            ("nothing", &[], true, false),
            ("text", b"GET / HTTP/1.1\r\n\r\n", false, false),
            ("another version", &[0xc3, 0, 0, 0, 2, 0, 0, 0, 0], true, false),
            ("an id that is too long", &[0xe3, 0, 0, 0, 1, 21, 0, 0, 0], true, false),
            ("one with the greased bit", &[0x01, 9, 9, 9, 9, 9, 9, 9, 9, 0], true, true),
        ] {
            assert_eq!(is_quic(datagram, |_| ours), peer, "{what}");
        }
    }
}
