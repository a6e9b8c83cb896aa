//! `veth.present` and `veth.absent`.
//!
//! ```yaml
//! veth-br0:
//!   veth.present:
//!     - peer: veth-tap0
//!     - port_of: br0
//!     - peer_port_of: {bridge-of: tap0}
//! ```

use super::state::{ADDRESSES, CONFIRM, Doc, MAC, MTU, PORT_OF, PROMISC, PVID, VIDS};
use crate::function::{ArgDoc, FunctionDoc, Kind};

const ABSENT: &[ArgDoc] = &[CONFIRM];

const PRESENT: &[ArgDoc] = &[
    ArgDoc::required("peer", Kind::Text, "The name of the other end."),
    PORT_OF,
    ArgDoc::optional("peer_port_of", Kind::Any, "The bridge or bond that the other end is a port of."),
    ADDRESSES,
    ArgDoc::optional("peer_addresses", Kind::List, "Addresses of the other end."),
    MTU,
    MAC,
    PROMISC,
    PVID,
    VIDS,
    CONFIRM,
];

pub(super) static ALL: &[Doc] = &[
    (
        "veth.absent",
        FunctionDoc::new("Removes a virtual cable, both ends.", ABSENT, "veth-old:\n  veth.absent: []\n"),
    ),
    (
        "veth.present",
        FunctionDoc::new(
            "Makes a virtual cable, switches both ends on, and plugs them into bridges. Part of the run's one network change.",
            PRESENT,
            "veth-a:\n  veth.present:\n    - peer: veth-b\n",
        ),
    ),
];
