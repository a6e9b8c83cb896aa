//! `bridge.present` and `bridge.absent`.
//!
//! ```yaml
//! br0:
//!   bridge.present:
//!     - ports: [default-route]     # the link that the default route leaves by
//!     - take_over: default-route   # the bridge takes its addresses and routes, without losing a packet
//!     - stp: True
//!     - forward_delay: 4
//! ```

use super::state::{ABSENT, ADDRESSES, CONFIRM, Doc, MTU, PORT_OF, PORTS, PROMISC, PVID, TAKE_OVER, VIDS};
use crate::function::{ArgDoc, FunctionDoc, Kind};

const PRESENT: &[ArgDoc] = &[
    PORTS,
    TAKE_OVER,
    ADDRESSES,
    ArgDoc::optional("stp", Kind::Bool, "Whether the spanning tree protocol runs."),
    ArgDoc::optional(
        "forward_delay",
        Kind::Text,
        "How long a port waits before it forwards: 4, 4s (2 to 30 s with stp).",
    ),
    ArgDoc::optional(
        "hello_time",
        Kind::Text,
        "How often the spanning tree protocol says hello (1 to 10 s with stp).",
    ),
    ArgDoc::optional("max_age", Kind::Text, "How long a silent bridge is believed (6 to 40 s with stp)."),
    ArgDoc::optional("ageing_time", Kind::Text, "How long it remembers where a hardware address is."),
    ArgDoc::optional(
        "priority",
        Kind::Int,
        "Its priority in the spanning tree; the lowest becomes the root.",
    ),
    ArgDoc::optional("vlan_filtering", Kind::Bool, "Whether ports keep to the VLANs that they are in."),
    ArgDoc::optional("port_vlans", Kind::Map, "VLANs by port: `{eth1: {pvid: 10, vids: [11, 12]}}`."),
    ArgDoc::optional(
        "mac",
        Kind::Text,
        "Its hardware address; `from-uplink`, which a bridge that takes over has without it, is that of the port.",
    ),
    MTU,
    PROMISC,
    PORT_OF,
    PVID,
    VIDS,
    CONFIRM,
];

pub(super) static ALL: &[Doc] = &[
    (
        "bridge.absent",
        FunctionDoc::new(
            "Removes a bridge. One that still has ports is only removed when told to, one that carries virtual machines never.",
            ABSENT,
            "br-old:\n  bridge.absent: []\n",
        ),
    ),
    (
        "bridge.present",
        FunctionDoc::new(
            "Makes a bridge and keeps its ports, addresses and options. Only what is named is touched: other ports and addresses \
             stay. All network states of a run are one change: when one step fails, the ones before it are undone.",
            PRESENT,
            "br-lab:\n  bridge.present:\n    - addresses: [192.168.77.1/24]\n    - stp: False\n    - forward_delay: 4\n",
        ),
    ),
];
