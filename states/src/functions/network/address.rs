//! `address.present` and `address.absent`.
//!
//! ```yaml
//! 192.168.77.1/24:
//!   address.present:
//!     - link: br0
//! ```

use super::state::{CONFIRM, Doc};
use crate::function::{ArgDoc, FunctionDoc, Kind};

const ARGS: &[ArgDoc] = &[
    ArgDoc::required(
        "link",
        Kind::Any,
        "The link: by name, by hardware address, or `default-route` for the link that the default route leaves by.",
    ),
    CONFIRM,
];

pub(super) static ALL: &[Doc] = &[
    (
        "address.absent",
        FunctionDoc::new(
            "Takes an address from a link. Part of the run's one network change.",
            ARGS,
            "10.9.9.9/24:\n  address.absent:\n    - link: eth1\n",
        ),
    ),
    (
        "address.present",
        FunctionDoc::new(
            "Gives a link an address; its others stay. Part of the run's one network change.",
            ARGS,
            "192.168.78.1/24:\n  address.present:\n    - link: eth1\n",
        ),
    ),
];
