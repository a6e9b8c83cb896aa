//! lab master
