//! Bounds how much one operation walks through: a value that holds another many times over is small until then.

use std::cell::Cell;

use super::error::{Fault, Res};

/// So many values inside of others are looked at between two steps of a template.
const MOST: u64 = 8 << 20;
/// So many of them count as a step.
const VALUES_OF_STEP: u64 = 16;

thread_local! {
    /// Those since the last step. Not in the engine, which the equality of keys has no way to.
    static SEEN: Cell<u64> = const { Cell::new(0) };
}

/// Counts a value inside of another.
pub(super) fn see() -> Res<()> {
    SEEN.set(SEEN.get().saturating_add(1));
    if SEEN.get() > MOST { Err(too_many()) } else { Ok(()) }
}

/// Returns the steps that were walked since the last call. Where an error could not be told at once, it is told here.
pub(super) fn settle() -> Res<u64> {
    let seen = SEEN.take();
    if seen > MOST { Err(too_many()) } else { Ok(seen / VALUES_OF_STEP) }
}

/// Forgets what another render left.
pub(super) fn begin() {
    SEEN.set(0);
}

fn too_many() -> Fault {
    Fault::bounds(format!("the operation looks at more than {MOST} values inside of others"))
        .suggest("look for a list or a mapping that is put into another many times over")
}
