//! lab minion
