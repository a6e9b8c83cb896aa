//! `tap`, `macvlan`, `vxlan` and `dummy`: links that stand by themselves or on one other.
//!
//! ```yaml
//! tap0:
//!   tap.present:
//!     - owner: libvirt-qemu
//!     - promisc: True
//! vx7:
//!   vxlan.present:
//!     - id: 7
//!     - remote: 10.0.0.7
//! ```

use super::state::{ABSENT, ADDRESSES, CONFIRM, Doc, MAC, MTU, PORT_OF, PROMISC, PVID, VIDS};
use crate::function::{ArgDoc, FunctionDoc, Kind};

const TAP: &[ArgDoc] = &[
    ArgDoc::optional("owner", Kind::Text, "The user who may open it, by name or number."),
    ArgDoc::optional("group", Kind::Text, "The group whose members may open it, by name or number."),
    ArgDoc::with_default("multi_queue", Kind::Bool, "false", "Whether it has several queues."),
    PORT_OF,
    ADDRESSES,
    MTU,
    MAC,
    PROMISC,
    PVID,
    VIDS,
    CONFIRM,
];

const MACVLAN: &[ArgDoc] = &[
    ArgDoc::required("link", Kind::Any, "The link that carries it."),
    ArgDoc::with_default(
        "mode",
        Kind::Text,
        "bridge",
        "Whom it may talk to: bridge, private, vepa, passthru.",
    ),
    ADDRESSES,
    MTU,
    MAC,
    PROMISC,
    PORT_OF,
    PVID,
    VIDS,
    CONFIRM,
];

const VXLAN: &[ArgDoc] = &[
    ArgDoc::required("id", Kind::Int, "The network's number, 1 to 16777215."),
    ArgDoc::optional("link", Kind::Any, "The link that it leaves by."),
    ArgDoc::optional("local", Kind::Text, "The address that it sends from."),
    ArgDoc::optional("remote", Kind::Text, "The other end, or a multicast group."),
    ArgDoc::with_default("port", Kind::Int, "4789", "The UDP port."),
    ADDRESSES,
    MTU,
    MAC,
    PROMISC,
    PORT_OF,
    PVID,
    VIDS,
    CONFIRM,
];

const DUMMY: &[ArgDoc] = &[ADDRESSES, MTU, MAC, PORT_OF, PVID, VIDS, PROMISC, CONFIRM];

pub(super) static ALL: &[Doc] = &[
    ("dummy.absent", FunctionDoc::new("Removes a dummy.", ABSENT, "dummy9:\n  dummy.absent: []\n")),
    (
        "dummy.present",
        FunctionDoc::new(
            "Makes a link that swallows what it is given: a place for addresses. Part of the run's one network change.",
            DUMMY,
            "dummy0:\n  dummy.present:\n    - addresses: [10.255.0.1/32]\n",
        ),
    ),
    ("macvlan.absent", FunctionDoc::new("Removes a macvlan.", ABSENT, "mv9:\n  macvlan.absent: []\n")),
    (
        "macvlan.present",
        FunctionDoc::new(
            "Gives a link a further hardware address, as a link of its own. Part of the run's one network change.",
            MACVLAN,
            "mv0:\n  macvlan.present:\n    - link: eth1\n",
        ),
    ),
    ("tap.absent", FunctionDoc::new("Removes a tap.", ABSENT, "tap9:\n  tap.absent: []\n")),
    (
        "tap.present",
        FunctionDoc::new(
            "Makes a tap that stays when no program has it open. Part of the run's one network change.",
            TAP,
            "tap0:\n  tap.present:\n    - owner: root\n    - promisc: True\n",
        ),
    ),
    ("vxlan.absent", FunctionDoc::new("Removes a VXLAN.", ABSENT, "vx9:\n  vxlan.absent: []\n")),
    (
        "vxlan.present",
        FunctionDoc::new(
            "Makes an Ethernet in UDP. Part of the run's one network change.",
            VXLAN,
            "vx7:\n  vxlan.present:\n    - id: 7\n    - remote: 10.0.0.7\n",
        ),
    ),
];
