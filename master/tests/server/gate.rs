//! Lets the writes of a store's double wait when a test says so: a slow disk.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crate::store::double::Behaviour;

#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    /// How many more writes may pass; `None` lets all pass.
    left: Option<usize>,
    waiting: bool,
}

impl Gate {
    /// Lets so many more writes pass and no others.
    pub(crate) fn let_pass(&self, writes: usize) {
        self.state.lock().expect("no panic").left = Some(writes);
        self.moved.notify_all();
    }

    pub(crate) fn open(&self) {
        self.state.lock().expect("no panic").left = None;
        self.moved.notify_all();
    }

    /// Waits until a write waits.
    pub(crate) fn wait_until_held(&self) {
        let state = self.state.lock().expect("no panic");
        let held = |s: &mut State| !(s.waiting && s.left == Some(0));
        let (state, late) =
            self.moved.wait_timeout_while(state, Duration::from_secs(20), held).expect("no panic");
        drop(state);
        assert!(!late.timed_out(), "no write came");
    }
}

impl Behaviour for Gate {
    fn before_write(&self) {
        let mut state = self.state.lock().expect("no panic");
        while state.left == Some(0) {
            state.waiting = true;
            self.moved.notify_all();
            state = self.moved.wait(state).expect("no panic");
        }
        state.waiting = false;
        state.left = state.left.map(|n| n - 1);
    }
}
