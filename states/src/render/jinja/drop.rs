//! Drops values without recursion: a template can nest them deeper than the stack.

use std::cell::{Cell, RefCell};

use super::value::Val;

thread_local! {
    /// Values whose holder is gone, while somebody takes them apart.
    static DOOMED: RefCell<Vec<Val>> = const { RefCell::new(Vec::new()) };
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Drops what a container held. A container among it that nobody else holds gives its own contents to the same list instead of
/// going deeper.
pub(super) fn bury(contents: impl IntoIterator<Item = Val>) {
    let holders = contents.into_iter().filter(Val::may_hold);
    if BUSY.get() {
        return DOOMED.with_borrow_mut(|doomed| doomed.extend(holders));
    }
    let mut holders = holders.peekable();
    if holders.peek().is_none() {
        return;
    }
    BUSY.set(true);
    DOOMED.with_borrow_mut(|doomed| doomed.extend(holders));
    // Not borrowed while a value is dropped: that comes back here.
    while let Some(value) = DOOMED.with_borrow_mut(Vec::pop) {
        drop(value);
    }
    BUSY.set(false);
}
