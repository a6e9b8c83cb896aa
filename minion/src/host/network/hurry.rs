//! Being ahead of everything else on the machine for a moment.
#![expect(
    unsafe_code,
    reason = "the scheduler's calls have no safe wrapper; each passes a number or a structure of ours"
)]

use nix::libc::{
    SCHED_FIFO, SCHED_RESET_ON_FORK, c_int, sched_getparam, sched_getscheduler, sched_param,
    sched_setscheduler,
};

/// The least urgent of the classes that come before all ordinary ones.
static URGENT: sched_param = sched_param { sched_priority: 1 };

/// While this lives, this thread runs before all that are not as urgent.
pub(super) struct Hurry {
    policy: c_int,
    parameters: sched_param,
}

impl Hurry {
    /// Begins; nothing where it is not allowed.
    pub(super) fn begin() -> Option<Self> {
        let mut parameters = sched_param { sched_priority: 0 };
        // SAFETY: zero is the calling thread; the kernel writes one `sched_param`.
        let policy = unsafe { sched_getscheduler(0) };
        // SAFETY: as above.
        let known = policy >= 0 && unsafe { sched_getparam(0, &raw mut parameters) } == 0;
        // SAFETY: the kernel reads one `sched_param`.
        let begun = known
            && unsafe { sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &raw const URGENT) } == 0;
        begun.then_some(Self { policy, parameters })
    }
}

impl Drop for Hurry {
    fn drop(&mut self) {
        // SAFETY: the kernel reads one `sched_param`. To be less urgent is never refused.
        let _ = unsafe { sched_setscheduler(0, self.policy, &raw const self.parameters) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_in_a_hurry_is_as_it_was_afterwards() {
        // SAFETY: zero is the calling thread.
        let policy = || unsafe { sched_getscheduler(0) };
        let before = policy();
        let hurry = Hurry::begin();
        match hurry {
            Some(_) => assert_eq!(policy(), SCHED_FIFO | SCHED_RESET_ON_FORK),
            None => eprintln!("real-time threads are forbidden here: there was nothing to take back"),
        }
        drop(hurry);
        assert_eq!(policy(), before);
    }
}
