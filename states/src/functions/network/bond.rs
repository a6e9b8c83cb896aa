//! `bond.present` and `bond.absent`.
//!
//! ```yaml
//! bond0:
//!   bond.present:
//!     - mode: active-backup
//!     - ports: ['52:54:00:00:00:01', eth2]
//!     - miimon: 140
//! ```

use super::state::{
    ABSENT, ADDRESSES, CONFIRM, Doc, MAC, MTU, PORT_OF, PORTS, PROMISC, PVID, TAKE_OVER, VIDS,
};
use crate::function::{ArgDoc, FunctionDoc, Kind};

const PRESENT: &[ArgDoc] = &[
    PORTS,
    TAKE_OVER,
    ArgDoc::optional("mode", Kind::Text, "How packets are spread: active-backup, 802.3ad, balance-rr, …"),
    ArgDoc::optional(
        "miimon",
        Kind::Text,
        "How often the carrier of its ports is looked at, in milliseconds; a new bond: 100.",
    ),
    ArgDoc::optional(
        "up_delay",
        Kind::Text,
        "How long a port must have a carrier before it is used, in milliseconds.",
    ),
    ArgDoc::optional("down_delay", Kind::Text, "How long a port may be without a carrier, in milliseconds."),
    ArgDoc::optional("primary", Kind::Any, "The port that is preferred."),
    ArgDoc::optional("lacp_rate", Kind::Text, "How often LACP speaks: slow or fast; for 802.3ad."),
    ArgDoc::optional("xmit_hash_policy", Kind::Text, "What the hash is made of: layer2, layer3+4, …"),
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
    (
        "bond.absent",
        FunctionDoc::new("Removes a bond; its ports stay.", ABSENT, "bond9:\n  bond.absent: []\n"),
    ),
    (
        "bond.present",
        FunctionDoc::new(
            "Makes several links one. A port is switched off for the moment in which it joins. Part of the run's one network change.",
            PRESENT,
            "bond0:\n  bond.present:\n    - mode: active-backup\n    - miimon: 140\n",
        ),
    ),
];
