//! The network as it was read ahead of time, for a process whose run begins with its start (`apply --local`): its grains have
//! asked for the links anyway, and while states are still read from files, another thread asks for the rest.
//!
//! A plan is made from it once, and only if it is as good as one of now: this process did nothing in between
//! ([`Network::net_forget`](lab_states::host::Network::net_forget)), and the kernel told of no change to who listened since before
//! the first question. In any other case everything is read anew. Neighbours alone, which come and go all the time, are not listened
//! to: those of a plan are as old as this process at most.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use lab_states::host::{Cause, NetSnapshot};
use rtnetlink::sys::protocols::NETLINK_ROUTE;
use rtnetlink::sys::{Socket, SocketAddr};

use super::read::{self, Ways};
use super::wire::Wire;
use crate::host::netwatch::GROUPS;

/// What a host has read ahead of time.
#[derive(Debug, Default)]
pub(in crate::host) struct Ahead(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    /// Nothing is, or nothing that counts.
    #[default]
    Nothing,
    /// The next links that are read are kept.
    Awaited,
    Read(View),
}

#[derive(Debug)]
struct View {
    watch: Watch,
    /// Links and addresses.
    links: Arc<NetSnapshot>,
    /// What leads to links, once somebody is likely to need it.
    ways: Option<JoinHandle<Result<Ways, Cause>>>,
}

impl Ahead {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the next links that are read kept.
    pub(in crate::host) fn begin(&self) {
        *self.lock() = State::Awaited;
    }

    /// Lets what was read count no more.
    pub(super) fn forget(&self) {
        *self.lock() = State::Nothing;
    }

    /// Reads links and addresses, and keeps them where that was asked for.
    pub(super) fn links(&self) -> Result<Arc<NetSnapshot>, Cause> {
        let awaited = matches!(*self.lock(), State::Awaited);
        // Who listens before the first question hears of all that the answers do not tell.
        let watch = awaited.then(Watch::open).and_then(Result::ok);
        let links = Arc::new(read::links_with_addresses(&mut Wire::open()?)?);
        if let Some(watch) = watch {
            *self.lock() = State::Read(View { watch, links: Arc::clone(&links), ways: None });
        }
        Ok(links)
    }

    /// Begins to read the rest, on a thread that nobody needs to wait for.
    pub(in crate::host) fn read_on(&self) {
        let State::Read(view) = &mut *self.lock() else { return };
        if view.ways.is_none() {
            let read = || Ways::read(&mut Wire::open()?);
            view.ways = thread::Builder::new().spawn(read).ok();
        }
    }

    /// Completes what was read, over this connection where nobody has begun, and gives it away.
    pub(super) fn take(&self, wire: &mut Wire) -> Option<NetSnapshot> {
        let State::Read(View { mut watch, links, ways }) = std::mem::take(&mut *self.lock()) else {
            return None;
        };
        let ways = match ways {
            Some(begun) => begun.join().ok()?,
            None => Ways::read(wire),
        };
        // Whoever holds the links as well is still at work with them.
        let net = read::put_together(Arc::try_unwrap(links).ok()?, ways.ok()?, wire).ok()?;
        let quiet = watch.is_quiet();
        if !quiet {
            tracing::debug!("the network changed since it was read ahead of time: it is read anew");
        }
        quiet.then_some(net)
    }
}

/// Hears whether the kernel tells of a change.
#[derive(Debug)]
struct Watch(Socket);

impl Watch {
    fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        let groups = GROUPS.iter().fold(0, |all, group| all | 1 << (*group as u32 - 1));
        socket.bind(&SocketAddr::new(0, groups))?;
        socket.set_non_blocking(true)?;
        Ok(Self(socket))
    }

    /// Tells whether nothing was told. An overrun is an error of another kind than that nothing is there.
    fn is_quiet(&mut self) -> bool {
        let told = self.0.recv(&mut Vec::with_capacity(1), 0);
        told.is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This machine's network may change at any time; then it is read anew, as it should be.
    const ATTEMPTS: usize = 100;

    fn taken(ahead: &Ahead, between: impl Fn()) -> Option<NetSnapshot> {
        ahead.begin();
        let links = ahead.links().expect("they are read");
        assert!(links.links.iter().any(|l| l.name == "lo"));
        drop(links);
        between();
        ahead.take(&mut Wire::open().expect("a socket"))
    }

    #[test]
    fn it_is_given_away_once_whoever_has_read_the_rest() {
        let ahead = Ahead::default();
        for read_on in [true, false] {
            let between = || {
                if read_on {
                    ahead.read_on()
                }
            };
            let net = (0..ATTEMPTS).find_map(|_| taken(&ahead, between)).expect("is as it was");
            assert!(net.links.iter().any(|l| l.name == "lo") && !net.rules.is_empty(), "{net:?}");
            assert_eq!(ahead.take(&mut Wire::open().expect("a socket")), None, "once");
        }
    }

    #[test]
    fn it_is_not_given_away_when_it_was_forgotten_or_nobody_asked_for_it() {
        let ahead = Ahead::default();
        assert_eq!(taken(&ahead, || ahead.forget()), None);
        assert_eq!(taken(&ahead, || (ahead.read_on(), ahead.forget()).1), None);
        ahead.links().expect("they are read");
        ahead.read_on();
        assert_eq!(ahead.take(&mut Wire::open().expect("a socket")), None);
    }
}
