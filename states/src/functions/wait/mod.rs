//! Waiting until something is so: a function's answer, a web server, a port.

mod http;
mod patience;
mod tcp;
mod until;
mod until_no_eval;

use std::sync::Arc;

use crate::function::Registry;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(http::Query));
    registry.add_state(Arc::new(http::WAIT));
    registry.add_state(Arc::new(http::WAIT_FOR_SUCCESSFUL_QUERY));
    registry.add_state(Arc::new(tcp::Wait));
    registry.add_state(Arc::new(until::Until));
    registry.add_state(Arc::new(until_no_eval::UntilNoEval));
}
