//! The store, with the double of the crate's own tests.

pub(crate) use lab_master::store::*;

#[path = "../../src/store/double.rs"]
pub(crate) mod double;
