//! The execution functions that need the agent itself: jobs, synchronisation, the mine.
//!
//! Everything else comes from `lab_states`. These hold the agent's environment, which all jobs share.

mod extensions;
mod mine;
mod net;
mod saltutil;
mod sync;

use std::sync::Arc;

use lab_states::function::{FunctionDoc, Registry};

use crate::workers::Env;

/// Makes the registry of an agent: what comes with lab, what needs the agent, what this site installed.
pub fn registry(env: &Arc<Env>) -> Registry {
    let mut registry = lab_states::functions::builtin();
    mine::register(&mut registry, env);
    net::register(&mut registry, env);
    saltutil::register(&mut registry, env);
    sync::register(&mut registry, env);
    extensions::register(&mut registry, &env.extensions);
    registry
}

/// Returns what a function of the agent says about itself: it is said where all functions are documented.
fn documented(name: &str) -> &'static FunctionDoc {
    lab_states::functions::agent_doc(name).expect("each function of the agent is documented with the others")
}
