//! `net.config`: the whole network of a machine as one document; the other network states are parts of such a document.
//!
//! ```yaml
//! lab-network:
//!   net.config:
//!     - uplink: {capture: default-route}
//!     - interfaces:
//!         br0: {type: bridge, ports: ['{uplink}'], take-over: '{uplink}', stp: true, forward-delay: 4s}
//!         vlan10: {type: vlan, link: br0, id: 10, addresses: [192.168.110.2/24]}
//!         tap0: {type: tap, owner: root, promisc: true}
//!     - routes: [{to: 10.32.0.0/16, via: 192.168.110.1}]
//!     - modules: {br_netfilter: {}}
//!     - sysctl: {net.ipv4.ip_forward: 1}
//! ```

use super::state::{CONFIRM, Doc};
use crate::function::{ArgDoc, FunctionDoc, Kind};

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional(
        "uplink",
        Kind::Any,
        "The link that `{uplink}` means below: `{capture: default-route}`, a hardware address, or a name.",
    ),
    ArgDoc::optional(
        "interfaces",
        Kind::Map,
        "Links by name, each with its `type` and the arguments of that type's state.",
    ),
    ArgDoc::optional("routes", Kind::List, "Routes, with the arguments of route.present."),
    ArgDoc::optional("rules", Kind::List, "Rules, with the arguments of rule.present."),
    ArgDoc::optional("dns", Kind::Map, "Name servers, with the arguments of dns.config."),
    ArgDoc::optional("modules", Kind::Map, "Kernel modules that are loaded first, with their options."),
    ArgDoc::optional(
        "sysctl",
        Kind::Map,
        "Kernel parameters: those that exist first, those that a module or link brings last.",
    ),
    CONFIRM,
];

pub(super) static ALL: &[Doc] = &[(
    "net.config",
    FunctionDoc::new(
        "Keeps the network of a machine as one document. Only what is named is touched; links are removed by their absent states.",
        ARGS,
        "lab-network:\n  net.config:\n    - interfaces:\n        br-lab: {type: bridge, stp: false, addresses: [192.168.77.1/24]}\n        \
         veth-a: {type: veth, peer: veth-b, port-of: br-lab}\n    - sysctl: {net.ipv4.ip_forward: 1}\n",
    ),
)];
