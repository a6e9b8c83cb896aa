//! The two nodes of the example.

use crate::nshost::HostSpec;

/// A node: a host, and the minion on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// The minion's id, as the guide's orchestration has it; also the card's address.
    pub id: &'static str,
    /// The host's name.
    pub host: &'static str,
    /// The host's address.
    pub address: [u8; 4],
}

/// The control plane.
pub const CPLANE: Node = Node { id: "00:00:00:11:11:11", host: "cplane", address: [10, 77, 0, 11] };
/// The worker.
pub const WORKER: Node = Node { id: "00:00:00:22:22:22", host: "worker", address: [10, 77, 0, 12] };

impl Node {
    pub(super) fn spec(&self) -> HostSpec {
        HostSpec::new(self.host, self.id, self.address)
    }
}
