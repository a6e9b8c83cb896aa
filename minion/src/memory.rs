//! How this program takes memory from the system, and gives it back. The only file of this crate with unsafe code.

/// Lets a command that does its work and ends take memory in large pieces and keep what it frees: it needs it again at once.
/// Left alone the C library's allocator asks for 128 KiB at a time, and returns large buffers and the free end of its heap
/// to the system, whose pages then have to be faulted in anew. The agent keeps the defaults: it is idle most of the time.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "mallopt has no safe wrapper; it takes two numbers")]
pub(crate) fn take_in_large_pieces() {
    use nix::libc::{M_MMAP_THRESHOLD, M_TOP_PAD, M_TRIM_THRESHOLD, mallopt};
    const GROWTH: i32 = 4 << 20;
    const KEPT: i32 = 32 << 20;
    debug_assert!(is_alone(), "the allocator's parameters are set before any thread begins");
    for (option, value) in [(M_TOP_PAD, GROWTH), (M_MMAP_THRESHOLD, KEPT), (M_TRIM_THRESHOLD, KEPT)] {
        // SAFETY: mallopt may not run beside another thread's first use of the allocator (MT-Unsafe init): `Cli::run` calls this
        // before there is any other thread. Memory that is in use stays as it is.
        let taken = unsafe { mallopt(option, value) };
        // A refusal costs time, not correctness.
        debug_assert_eq!(taken, 1, "the allocator refuses option {option}");
    }
}

/// Tells whether this is the only thread of its process, as far as the kernel says.
#[cfg(target_env = "gnu")]
fn is_alone() -> bool {
    std::fs::read_dir("/proc/self/task").map_or(true, |threads| threads.count() == 1)
}

/// Other allocators are left as they are.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn take_in_large_pieces() {}

/// Gives back the pages of this program that only its start needed: what an idle agent holds is mostly its own text.
/// The pages are clean and lie in the system's cache; those that are needed again are mapped again when they are used.
pub(crate) fn give_back_program() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return };
    let Ok(program) = std::env::current_exe() else { return };
    for (start, length) in read_only(&maps, &program.to_string_lossy()) {
        give_back(start, length);
    }
}

#[expect(
    unsafe_code,
    reason = "madvise has no safe wrapper; the ranges are the kernel's own words about this program's file"
)]
fn give_back(start: usize, length: usize) {
    let place = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: the range maps a file, and was never writable: what is dropped is read from the same file again.
    // A refusal costs memory, not correctness.
    let _ = unsafe { nix::libc::madvise(place, length, nix::libc::MADV_DONTNEED) };
}

/// Lists the mappings of a file that were never written: its text, and the constants at its beginning. What the
/// loader changes (relocations) lies elsewhere.
fn read_only(maps: &str, file: &str) -> Vec<(usize, usize)> {
    let range = |line: &str| {
        let mut words = line.split_whitespace();
        let (range, mode, offset) = (words.next()?, words.next()?, words.next()?);
        let name = words.nth(2)?;
        let kept = mode == "r-xp" || (mode == "r--p" && u64::from_str_radix(offset, 16) == Ok(0));
        let (start, end) = range.split_once('-')?;
        let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        (kept && name == file && line.ends_with(file)).then(|| (start, end.saturating_sub(start)))
    };
    maps.lines().filter_map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
55d0c0000000-55d0c0200000 r--p 00000000 fe:00 1234                       /usr/bin/lab-minion
55d0c0200000-55d0c0c00000 r-xp 00200000 fe:00 1234                       /usr/bin/lab-minion
55d0c0c00000-55d0c0ca0000 r--p 00c00000 fe:00 1234                       /usr/bin/lab-minion
55d0c0ca0000-55d0c0cb0000 rw-p 00ca0000 fe:00 1234                       /usr/bin/lab-minion
55d0c2000000-55d0c2100000 rw-p 00000000 00:00 0                          [heap]
7f0000000000-7f0000100000 r-xp 00000000 fe:00 99                         /usr/lib/x86_64-linux-gnu/libc.so.6
";

    #[test]
    fn only_what_was_never_written_is_given_back() {
        let found = read_only(MAPS, "/usr/bin/lab-minion");
        assert_eq!(found, [(0x55d0_c000_0000, 0x20_0000), (0x55d0_c020_0000, 0xa0_0000)]);
        assert!(read_only(MAPS, "/usr/bin/other").is_empty());
    }

    /// Each test runs in a thread beside the one that waits for it.
    #[test]
    #[should_panic(expected = "before any thread begins")]
    #[cfg(all(target_env = "gnu", debug_assertions))]
    fn the_allocator_is_not_told_beside_another_thread() {
        std::thread::scope(|scope| {
            let (end, ended) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || ended.recv());
            take_in_large_pieces();
            drop(end);
        });
    }

    #[test]
    fn a_program_goes_on_after_it() {
        give_back_program();
        assert_eq!((1..=10).product::<u64>(), 3_628_800);
    }
}
