//! State trees: what jobs name by digest and minions fetch by hash.
//!
//! The server scans the roots when a job is submitted; a job that names a digest works with exactly the files that
//! were there then.

mod scan;

pub(crate) use scan::SETTLED_AFTER;
pub use scan::{Reading, Scan, ScanError, Scanner};
