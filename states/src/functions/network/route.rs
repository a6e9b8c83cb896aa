//! `route.present`, `route.absent`, `rule.present` and `rule.absent`.
//!
//! ```yaml
//! 10.32.0.0/16:
//!   route.present:
//!     - via: 10.0.0.1
//! storage:
//!   rule.present:
//!     - priority: 100
//!     - from: 10.1.0.0/16
//!     - table: 100
//! ```

use super::state::{CONFIRM, Doc};
use crate::function::{ArgDoc, FunctionDoc, Kind};

const TO: ArgDoc =
    ArgDoc::optional("to", Kind::Text, "Where to, in place of the name: a network, `default` or `default6`.");
const VIA: ArgDoc = ArgDoc::optional("via", Kind::Text, "The gateway.");
const LINK: ArgDoc =
    ArgDoc::optional("link", Kind::Any, "The link; without it the one that the gateway is on.");
const SOURCE: ArgDoc = ArgDoc::optional("source", Kind::Text, "The address that is sent from.");
const METRIC: ArgDoc =
    ArgDoc::optional("metric", Kind::Int, "Its metric; the lowest of several routes is taken.");
const TABLE: ArgDoc = ArgDoc::with_default("table", Kind::Text, "main", "The table, by number or main.");
const TYPE: ArgDoc =
    ArgDoc::with_default("type", Kind::Text, "unicast", "unicast, blackhole, unreachable or prohibit.");
const ONLINK: ArgDoc = ArgDoc::with_default(
    "onlink",
    Kind::Bool,
    "false",
    "Whether the gateway is on the link although no address says so.",
);
const MTU: ArgDoc = ArgDoc::optional("mtu", Kind::Int, "The longest packet on this way.");

const RULE: &[ArgDoc] = &[
    ArgDoc::required("priority", Kind::Int, "Its place, 1 to 32765; lower ones are asked first."),
    ArgDoc::optional("from", Kind::Text, "Packets from this network."),
    ArgDoc::optional("to", Kind::Text, "Packets to this network."),
    ArgDoc::optional("iif", Kind::Text, "Packets that came in by this link."),
    ArgDoc::optional("oif", Kind::Text, "Packets of programs that bound themselves to this link."),
    ArgDoc::optional("fwmark", Kind::Int, "Packets with this mark."),
    ArgDoc::optional("table", Kind::Text, "The table to look in, by number or main."),
    ArgDoc::optional("action", Kind::Text, "In place of a table: blackhole, unreachable or prohibit."),
    ArgDoc::with_default("v6", Kind::Bool, "false", "Whether it is about IPv6, where no network tells."),
    CONFIRM,
];

const ROUTE: &[ArgDoc] = &[TO, VIA, LINK, SOURCE, METRIC, TABLE, TYPE, ONLINK, MTU, CONFIRM];

pub(super) static ALL: &[Doc] = &[
    (
        "route.absent",
        FunctionDoc::new(
            "Removes a route. Part of the run's one network change.",
            ROUTE,
            "10.99.0.0/16:\n  route.absent: []\n",
        ),
    ),
    (
        "route.present",
        FunctionDoc::new(
            "Keeps a route; one to the same network with the same metric is replaced in one step. Part of the run's one network change.",
            ROUTE,
            "10.32.0.0/16:\n  route.present:\n    - via: 10.0.0.1\n",
        ),
    ),
    (
        "rule.absent",
        FunctionDoc::new(
            "Removes a rule. Part of the run's one network change.",
            RULE,
            "old-rule:\n  rule.absent:\n    - priority: 99\n    - from: 10.9.0.0/16\n    - table: 99\n",
        ),
    ),
    (
        "rule.present",
        FunctionDoc::new(
            "Keeps a rule that chooses a routing table. Part of the run's one network change.",
            RULE,
            "storage:\n  rule.present:\n    - priority: 100\n    - from: 10.1.0.0/16\n    - table: 100\n",
        ),
    ),
];
