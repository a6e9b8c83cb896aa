//! The benchmark's parts. Every figure is a ratio within one run where it can be: machines differ, and neighbours are noisy.
//!
//! Called by `lab-bench` (`cargo xtask bench`). All traffic stays on the loopback; everything is in temporary directories and
//! child processes that end with the run.

pub mod agents;
pub mod apply;
pub mod bulk;
pub mod compile;
pub mod content;
pub mod echo;
pub mod events;
pub mod latency;
pub mod master;
pub mod measure;
pub mod million;
pub mod net;
pub mod ping;
pub mod programs;
pub mod report;
pub mod salt;
pub mod scp;
pub mod startup;
pub mod swarm;
pub mod tail;

pub use programs::Programs;
pub use report::Report;

use echo::BoxError;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Section {
    /// Ping-all by command line against a bare echo; memory per connected minion.
    Ping,
    /// Events per second from ten minions.
    Events,
    /// From a minion to a tail.
    Latency,
    /// From a minion's start to its ready; an idle minion.
    Start,
    /// A log of a million events.
    Million,
    /// State runs by command line, beside Salt where SALT_BIN names the directory of its programs.
    Apply,
    /// Compiling thousands of states.
    Compile,
    /// A large file from the master to a minion, against a bare QUIC stream and against scp.
    Content,
    /// Many links, addresses and routes beside `ip -batch`.
    Net,
    /// Real Salt, where SALT_BIN names the directory of its programs.
    Salt,
}

/// A run.
pub struct Bench {
    /// What is measured.
    pub programs: Programs,
    /// Whether sizes and times are cut down.
    pub quick: bool,
    /// How long rates are measured.
    pub seconds: u64,
    /// What was found.
    pub report: Report,
}

impl Bench {
    /// Measures one section.
    ///
    /// # Errors
    /// When a part does not work, or what it delivers is wrong; a figure beyond its aim is no error.
    pub fn run(&mut self, section: Section) -> Result<(), BoxError> {
        match section {
            Section::Ping => ping::run(self),
            Section::Events => events::run(self),
            Section::Latency => latency::run(self),
            Section::Start => startup::run(self),
            Section::Million => million::run(self),
            Section::Apply => apply::run(self),
            Section::Compile => compile::run(self),
            Section::Content => content::run(self),
            Section::Net => net::run(self),
            Section::Salt => salt::run(self),
        }
    }
}
