//! lab master

pub mod store;
