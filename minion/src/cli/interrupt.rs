//! Signals that end a run: what is running ends with it, instead of being left behind.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{SigSet, Signal};

/// Watches for SIGINT and SIGTERM from now on; the flag is set by the first of them. To be called while this process has
/// one thread: those that it starts later leave the signals to the watcher. Programs that it starts do not: they begin
/// with no signal blocked.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn watch() -> io::Result<Arc<AtomicBool>> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.thread_block()?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let watcher = move || {
        while let Ok(signal) = signals.wait() {
            if !flag.swap(true, Ordering::SeqCst) {
                eprintln!(
                    "lab-minion: {signal}: the running command is ended, the states after it are not begun"
                );
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(watcher)?;
    Ok(stop)
}
