//! Everything that tests the whole: namespaced hosts, the simulator, fuzz targets.

pub mod alone;
pub mod bench;
pub mod conformance;
pub mod demo;
pub mod fuzz;
pub mod kubic;
pub mod nshost;
pub mod peer;
pub mod pings;
pub mod vm;
pub mod world;
