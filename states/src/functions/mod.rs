//! The functions that come with lab: one file each, one family per folder.
//!
//! [`register`] adds them all to a registry; the agent adds its own (`saltutil.*`) and the user's extensions after
//! that. A function sees the machine through `ctx.host` alone.

mod archive;
mod cmd;
mod cron;
mod environ;
mod event;
mod exec;
mod file;
mod git;
mod grains;
mod group;
mod host;
mod ini;
mod kmod;
mod kubeadm;
#[cfg(test)]
mod laws;
mod locale;
pub(crate) mod lookup;
mod module;
mod mount;
pub(crate) mod network;
mod pkg;
mod pkgrepo;
mod salt;
mod service;
mod ssh;
mod support;
mod sysctl;
mod system;
mod test;
#[cfg(test)]
pub(crate) mod testing;
mod timezone;
mod user;
mod wait;

pub(crate) use support::encoded;

use crate::function::Registry;

/// Adds all functions that come with lab.
pub fn register(registry: &mut Registry) {
    archive::register(registry);
    cmd::register(registry);
    cron::register(registry);
    environ::register(registry);
    event::register(registry);
    exec::register(registry);
    file::register(registry);
    git::register(registry);
    grains::register(registry);
    group::register(registry);
    host::register(registry);
    ini::register(registry);
    kmod::register(registry);
    kubeadm::register(registry);
    locale::register(registry);
    module::register(registry);
    mount::register(registry);
    network::register(registry);
    pkg::register(registry);
    pkgrepo::register(registry);
    salt::register(registry);
    service::register(registry);
    ssh::register(registry);
    sysctl::register(registry);
    system::register(registry);
    test::register(registry);
    timezone::register(registry);
    user::register(registry);
    wait::register(registry);
}

pub use exec::agent::doc as agent_doc;

/// Returns a registry with all functions that come with lab; those of the agent are there for what they say of themselves.
pub fn builtin() -> Registry {
    let mut registry = Registry::new();
    register(&mut registry);
    registry
}
