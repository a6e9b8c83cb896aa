//! Signals that end a run: what is running ends with it, instead of being left behind.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// Watches for SIGINT, SIGTERM and the end of the terminal (SIGHUP) from now on; the flag is set by the first of them, and the
/// second one ends this process as if nobody watched. They are handled and not blocked: programs that are started begin with
/// every signal as usual. One that whoever started this process wants ignored (`nohup`, `&` in a script) stays so.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn watch(then: &'static str) -> io::Result<Arc<AtomicBool>> {
    let ignored = ignored();
    let watched = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|number| ignored & (1 << (number - 1)) == 0);
    let mut signals = Signals::new(watched)?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let watcher = move || {
        for number in &mut signals {
            if flag.swap(true, Ordering::SeqCst) {
                // It ends the process; should it not, the next one is another try.
                let _ = emulate_default_handler(number);
                continue;
            }
            let name = Signal::try_from(number).map_or("signal", Signal::as_str);
            // The terminal may be what has gone.
            let _ = writeln!(io::stderr(), "lab-minion: {name}: {then}; once more ends this at once");
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(watcher)?;
    Ok(stop)
}

/// Returns the signals that this process was started to ignore, a bit each; none where the system does not say.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
