//! `dns.config`: which name servers are asked.
//!
//! ```yaml
//! dns:
//!   dns.config:
//!     - nameservers: [10.0.0.1]
//!     - search: [lab.example]
//! ```

use super::state::{CONFIRM, Doc};
use crate::function::{ArgDoc, FunctionDoc, Kind};

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("nameservers", Kind::List, "Addresses of name servers."),
    ArgDoc::optional("search", Kind::List, "Domains that short names are looked up in."),
    ArgDoc::optional("options", Kind::List, "Further options of resolv.conf, `timeout:1`."),
    ArgDoc::with_default(
        "path",
        Kind::Path,
        "/etc/resolv.conf",
        "The file. Where it is a link to systemd-resolved's, that is told by a file of its own.",
    ),
    CONFIRM,
];

pub(super) static ALL: &[Doc] = &[(
    "dns.config",
    FunctionDoc::new(
        "Keeps which name servers this machine asks. Part of the run's one network change.",
        ARGS,
        "dns:\n  dns.config:\n    - nameservers: [10.0.0.1]\n    - search: [lab.example]\n",
    ),
)];
