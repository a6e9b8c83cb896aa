//! `lab-master`.

use std::process::ExitCode;

use clap::Parser;

/// Why not the C library's, and why only here: docs/decisions/0009.
#[cfg(target_arch = "x86_64")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Read by jemalloc before its first allocation; `_RJEM_MALLOC_CONF` in the environment goes before it. One arena: a master has
/// few threads, and what one frees another needs. What a burst took goes back to the system within five seconds.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "jemalloc finds its settings by this name; nothing else is called so")]
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static SETTINGS: &[u8; 64] = b"narenas:1,dirty_decay_ms:5000,muzzy_decay_ms:0,lg_tcache_max:12\0";

fn main() -> ExitCode {
    lab_master::cli::Cli::parse().run(lab_master::server::wall_time())
}
