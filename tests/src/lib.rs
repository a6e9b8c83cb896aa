//! Everything that tests the whole: namespaced hosts, the simulator, fuzz targets.

pub mod bench;
pub mod fuzz;
pub mod nshost;
