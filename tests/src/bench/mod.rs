//! The benchmark's parts. Every figure is a ratio within one run where it can be: machines differ, and neighbours are noisy.

pub mod echo;
pub mod master;
pub mod measure;
pub mod swarm;
