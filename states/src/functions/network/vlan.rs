//! `vlan.present` and `vlan.absent`.
//!
//! ```yaml
//! vlan10:
//!   vlan.present:
//!     - link: br0
//!     - id: 10
//!     - addresses: [192.168.110.2/24]
//! ```

use super::state::{ABSENT, ADDRESSES, CONFIRM, Doc, MAC, MTU, PORT_OF, PROMISC, PVID, VIDS};
use crate::function::{ArgDoc, FunctionDoc, Kind};

const PRESENT: &[ArgDoc] = &[
    ArgDoc::required(
        "link",
        Kind::Any,
        "The link that carries it; a bridge where that link is a port of one.",
    ),
    ArgDoc::required("id", Kind::Int, "Its number, 1 to 4094."),
    ADDRESSES,
    MTU,
    MAC,
    PROMISC,
    PORT_OF,
    PVID,
    VIDS,
    CONFIRM,
];

pub(super) static ALL: &[Doc] = &[
    ("vlan.absent", FunctionDoc::new("Removes a VLAN's link.", ABSENT, "vlan99:\n  vlan.absent: []\n")),
    (
        "vlan.present",
        FunctionDoc::new(
            "Makes a VLAN (802.1Q) of a link. Part of the run's one network change.",
            PRESENT,
            "vlan10:\n  vlan.present:\n    - link: eth1\n    - id: 10\n    - addresses: [192.168.110.2/24]\n",
        ),
    ),
];
