//! What the end-to-end tests share.

#![allow(
    dead_code,
    clippy::print_stdout,
    clippy::allow_attributes,
    reason = "each test binary uses a part of this; seeds are printed"
)]

pub(crate) mod minion;
pub(crate) mod orchestration;
pub(crate) mod papers;

use lab_tests::alone::Alone;
use lab_tests::kubic::{KubicBuilder, KubicLab};

/// The helper that makes hosts.
pub(crate) const HELPER: &str = env!("CARGO_BIN_EXE_lab-nshost");

/// Begins a Kubic lab.
pub(crate) fn kubic() -> KubicBuilder {
    KubicLab::builder().helper(HELPER)
}

/// Takes the lab down and looks for what it left; also, that its tail saw every event once and in order.
pub(crate) fn lab_ends_without_a_trace(lab: KubicLab) {
    assert_eq!(lab.tail().strange(), Vec::<String>::new());
    let traces = lab.traces().expect("the lab answers");
    drop(lab);
    assert_eq!(traces.leftovers(), Vec::<String>::new());
}

/// Waits for what a real process does in its own time.
pub(crate) fn eventually(what: &str, mut met: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + lab_tests::kubic::LIMIT;
    while !met() {
        assert!(std::time::Instant::now() < deadline, "{what} within {:?}", lab_tests::kubic::LIMIT);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Tells whether a minion answers a ping.
pub(crate) fn answers(master: &Alone, id: &str) -> bool {
    master.cli(&["run", id, "test.ping"]).is_ok_and(|out| out.stdout == format!("{id}: true\n"))
}

/// Reads how often something expensive is to be repeated; CI has the small number.
pub(crate) fn times(variable: &str, few: usize) -> usize {
    std::env::var(variable).ok().map_or(few, |n| n.parse().unwrap_or_else(|e| panic!("{variable}={n}: {e}")))
}

/// The lines of what a command said, in an order of their own: returns come as they come.
pub(crate) fn sorted(said: &str) -> Vec<String> {
    let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// SplitMix64, for choices that a printed seed repeats.
pub(crate) struct Random(u64);

impl Random {
    /// Takes the seed from LAB_SEED, else from the clock, and prints it.
    pub(crate) fn from_environment() -> Self {
        let clock = || std::time::UNIX_EPOCH.elapsed().map_or(1, |t| u64::from(t.subsec_nanos()));
        let seed = std::env::var("LAB_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(clock);
        println!("LAB_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}
