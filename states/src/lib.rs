//! lab states
