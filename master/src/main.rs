//! `lab-master`.

use std::process::ExitCode;

use clap::Parser;

/// The C library's allocator takes a sixth of a busy master's time, and after a burst keeps twice the memory in use
/// (docs/decisions/0005, docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Read by jemalloc before its first allocation. One arena: a master has few threads, and what one frees another needs. Pages
/// that hold nothing go back to the system half a second later, from a thread of their own, so that a calm master gives back
/// what a burst took. `MALLOC_CONF` goes before it.
#[expect(unsafe_code, reason = "jemalloc finds its settings by this name; nothing else is called so")]
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static SETTINGS: &[u8; 86] =
    b"narenas:1,background_thread:true,dirty_decay_ms:500,muzzy_decay_ms:0,lg_tcache_max:12\0";

fn main() -> ExitCode {
    lab_master::cli::Cli::parse().run(lab_master::server::wall_time())
}
