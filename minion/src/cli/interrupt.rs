//! Signals that end a run: what is running ends with it, instead of being left behind.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::Signal;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// Watches for SIGINT and SIGTERM from now on; the flag is set by the first of them, and the second one ends this process as
/// if nobody watched. They are handled and not blocked: programs that are started begin with every signal as usual.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn watch() -> io::Result<Arc<AtomicBool>> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
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
            eprintln!(
                "lab-minion: {name}: the running command is ended, the states after it are not begun; once more ends this at once"
            );
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(watcher)?;
    Ok(stop)
}
