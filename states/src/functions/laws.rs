//! The laws that functions keep, by class.
