//! lab states

pub mod host;
