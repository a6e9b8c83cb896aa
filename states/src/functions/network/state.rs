//! The one shape of all network states: each asks for something, the transaction does it.

use super::transaction::{Transaction, check, run_one};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, Group, JobCtx, Kind, StateCall, StateError, StateFunction,
    Verdict,
};

/// A state's name and documentation.
pub(super) type Doc = (&'static str, FunctionDoc);

/// A network state.
pub(super) struct NetState {
    pub(super) name: &'static str,
    pub(super) doc: &'static FunctionDoc,
}

impl StateFunction for NetState {
    fn name(&self) -> &str {
        self.name
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        self.doc
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        check(call, ctx)
    }

    fn apply(&self, call: &StateCall, _: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let verdict = run_one(call, ctx);
        Ok(Applied::new(verdict.changes, verdict.comment))
    }

    /// Plans, applies and reads back in one transaction.
    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        run_one(call, ctx)
    }

    fn group(&self) -> Option<&dyn Group> {
        Some(&Transaction)
    }
}

pub(super) const MTU: ArgDoc = ArgDoc::optional("mtu", Kind::Int, "Its longest packet, in bytes.");
pub(super) const MAC: ArgDoc = ArgDoc::optional("mac", Kind::Text, "Its hardware address.");
pub(super) const PROMISC: ArgDoc =
    ArgDoc::optional("promisc", Kind::Bool, "Whether it takes packets for everybody.");
pub(super) const ADDRESSES: ArgDoc =
    ArgDoc::optional("addresses", Kind::List, "Addresses with prefix length that it has, 192.168.1.1/24.");
pub(super) const PORT_OF: ArgDoc = ArgDoc::optional(
    "port_of",
    Kind::Any,
    "The bridge or bond that it is a port of: a name, or `{bridge-of: tap0}`.",
);
pub(super) const PVID: ArgDoc =
    ArgDoc::optional("pvid", Kind::Int, "As port of a filtering bridge: the VLAN of packets without a tag.");
pub(super) const VIDS: ArgDoc = ArgDoc::optional(
    "vids",
    Kind::List,
    "As port of a filtering bridge: the VLANs that it carries with a tag.",
);
pub(super) const PORTS: ArgDoc = ArgDoc::optional(
    "ports",
    Kind::List,
    "Links that are its ports: by name, by hardware address, or `default-route` for the link that the default route leaves by.",
);
pub(super) const TAKE_OVER: ArgDoc = ArgDoc::optional(
    "take_over",
    Kind::Any,
    "The port whose addresses, routes and neighbours it takes over, without losing a packet.",
);
pub(super) const CONFIRM: ArgDoc = ArgDoc::optional(
    "confirm",
    Kind::Any,
    "How the run's one network change is confirmed: `master`, `none`, a command, or a mapping of `by`, `within` and `force`. Said \
     by one of its states, or by pillar `net:confirm`.",
);
pub(super) const ABSENT: &[ArgDoc] =
    &[ArgDoc::with_default("force", Kind::Bool, "false", "Also when it is still in use by others."), CONFIRM];
