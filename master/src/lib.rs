//! The master: it holds state files, pillar, keys and the event log, and talks to minions and operators over QUIC.
//!
//! [`core`] decides (sans-IO), [`server`] does, [`store`] remembers, [`pki`] trusts, [`cli`] is how people speak to
//! it. The simulator drives [`core::Core`] itself.

pub mod cli;
pub mod client;
pub mod config;
pub mod content;
pub mod core;
mod frames;
pub mod pki;
pub mod server;
pub mod store;
