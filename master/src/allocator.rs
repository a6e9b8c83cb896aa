//! How the C library's allocator keeps memory; the only file of this crate with unsafe code.
//!
//! Left alone it keeps one heap per thread and, once a large buffer was freed, never maps large ones apart again: after a
//! burst of events a master held twice the memory that it used (docs/benchmarks.md).

/// Heaps for all threads together.
#[cfg(target_env = "gnu")]
const ARENAS: i32 = 2;
/// Buffers of this size get a mapping of their own, which goes back to the system with them.
#[cfg(target_env = "gnu")]
const LARGE: i32 = 128 * 1024;
/// So much of a heap's free end is kept: a burst takes it again at once. [`give_back`] returns it when all is calm.
#[cfg(target_env = "gnu")]
const FREE: i32 = 4 << 20;

/// What a command asks the system for at a time.
#[cfg(target_env = "gnu")]
const PIECE: i32 = 2 << 20;
/// What a command does not give back before it ends.
#[cfg(target_env = "gnu")]
const KEPT: i32 = 32 << 20;

/// Makes the allocator give back what it does not need. Must come before the first thread is made.
#[cfg(target_env = "gnu")]
#[expect(
    unsafe_code,
    reason = "mallopt has no safe wrapper; it takes two numbers and touches nothing of ours"
)]
pub(crate) fn keep_little() {
    use nix::libc::{M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, mallopt};
    for (option, value) in [(M_ARENA_MAX, ARENAS), (M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, FREE)] {
        // SAFETY: mallopt only sets parameters of the allocator, and no other thread runs yet.
        // A refusal costs memory, not correctness.
        let _ = unsafe { mallopt(option, value) };
    }
}

/// Lets a command that does its work and ends take memory in large pieces and keep what it frees: it needs it again at once.
/// Must come before the first thread is made.
#[cfg(target_env = "gnu")]
#[expect(
    unsafe_code,
    reason = "mallopt has no safe wrapper; it takes two numbers and touches nothing of ours"
)]
pub(crate) fn take_in_large_pieces() {
    use nix::libc::{M_MMAP_THRESHOLD, M_TOP_PAD, M_TRIM_THRESHOLD, mallopt};
    for (option, value) in [(M_TOP_PAD, PIECE), (M_MMAP_THRESHOLD, KEPT), (M_TRIM_THRESHOLD, KEPT)] {
        // SAFETY: mallopt only sets parameters of the allocator, and no other thread runs yet.
        // A refusal costs time, not correctness.
        let _ = unsafe { mallopt(option, value) };
    }
}

/// Gives the pages that hold nothing back to the system; blocks for some milliseconds.
#[cfg(target_env = "gnu")]
#[expect(
    unsafe_code,
    reason = "malloc_trim has no safe wrapper; it takes a number and touches nothing of ours"
)]
pub(crate) fn give_back() {
    // SAFETY: it may be called at any time, from any thread; what is in use stays where it is.
    let _ = unsafe { nix::libc::malloc_trim(0) };
}

/// Other allocators are left as they are.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn keep_little() {}

/// Other allocators are left as they are.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn take_in_large_pieces() {}

/// Other allocators are left as they are.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn give_back() {}
