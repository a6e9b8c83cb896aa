//! Services.

mod boot;
mod dead;
mod masked;
mod running;

use std::sync::Arc;

use lab_proto::{Map, Value};

use crate::function::{JobCtx, Registry, StateError};
use crate::host::{ServiceAction, ServiceStatus};

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(boot::Enabled));
    registry.add_state(Arc::new(boot::Disabled));
    registry.add_state(Arc::new(dead::Dead));
    registry.add_state(Arc::new(masked::Masked));
    registry.add_state(Arc::new(masked::Unmasked));
    registry.add_state(Arc::new(running::Running));
}

/// What a service should be; what is `None` is left as it is.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    running: Option<bool>,
    enabled: Option<bool>,
    masked: Option<bool>,
}

/// Lists the steps from what a service is to what it should be, in the order in which they can be taken.
fn steps(have: ServiceStatus, wanted: Wanted) -> Vec<ServiceAction> {
    let mut steps = Vec::new();
    if wanted.masked == Some(false) && have.masked {
        steps.push(ServiceAction::Unmask);
    }
    match (wanted.enabled, have.enabled) {
        (Some(true), Some(false)) => steps.push(ServiceAction::Enable),
        (Some(false), Some(true)) => steps.push(ServiceAction::Disable),
        _ => {}
    }
    match wanted.running {
        Some(true) if !have.running => steps.push(ServiceAction::Start),
        Some(false) if have.running => steps.push(ServiceAction::Stop),
        _ => {}
    }
    if wanted.masked == Some(true) && !have.masked {
        steps.push(ServiceAction::Mask);
    }
    steps
}

fn changes(name: &str, steps: &[ServiceAction]) -> Map {
    if steps.is_empty() {
        return Map::new();
    }
    let verbs: Vec<Value> = steps.iter().map(|s| Value::from(s.as_str())).collect();
    super::support::map([(name, Value::List(verbs))])
}

fn take(name: &str, steps: &[ServiceAction], ctx: &JobCtx<'_>) -> Result<(), StateError> {
    for step in steps {
        ctx.host.service_act(name, *step)?;
    }
    Ok(())
}

fn unknown(name: &str, ctx: &JobCtx<'_>) -> StateError {
    StateError::failed(format!(
        "the named service {name} is not available ({} does not know it)",
        ctx.host.service_manager()
    ))
}
