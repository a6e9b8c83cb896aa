//! A reader of the event log: `lab-master events --follow --json`, a process of its own, as any operator would run it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lab_proto::Event;

use super::{EventExt, KubicError, parse_line};

/// Told to waits that shall not go on: set once, by a signal.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Makes every wait end with [`KubicError::Interrupted`].
    pub fn stop(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Tells whether [`Stop::stop`] was called.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The log as a tail saw it so far. It survives the master: when the connection ends, the next process goes on
/// after the last event that was seen, so that each event is here once and in order.
pub struct Tail {
    seen: Arc<Seen>,
    reader: Option<JoinHandle<()>>,
    stop: Stop,
}

#[derive(Default)]
struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    events: Vec<Event>,
    /// Lines that are no events, or events out of order: there must be none.
    strange: Vec<String>,
    process: Option<std::process::Child>,
    ended: bool,
}

/// Called for each event.
pub(super) type Watch = Box<dyn Fn(&Event) + Send>;

impl Tail {
    /// Starts to follow the log from its beginning. `command` makes the command line up to and without `events`.
    /// `watch` is called for each event, on the tail's own thread.
    pub(super) fn start(
        command: impl Fn() -> Command + Send + 'static,
        stop: Stop,
        watch: Option<Watch>,
    ) -> Self {
        let seen = Arc::new(Seen::default());
        let for_reader = Arc::clone(&seen);
        let reader = std::thread::spawn(move || for_reader.read(&command, watch.as_ref()));
        Self { seen, reader: Some(reader), stop }
    }

    /// Returns all events up to now.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.seen.lock().events.clone()
    }

    /// Returns the number of the last event that was seen.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.seen.lock().events.last().map_or(0, EventExt::seq)
    }

    /// Returns what came that should not: lines that are no events, events twice or out of order.
    #[must_use]
    pub fn strange(&self) -> Vec<String> {
        self.seen.lock().strange.clone()
    }

    /// Connects anew, at once: a connection that was begun while the master was away takes its time to notice.
    pub(super) fn reconnect(&self) {
        if let Some(process) = &mut self.seen.lock().process {
            // Gone already is fine.
            let _ = process.kill();
        }
    }

    /// Waits until one of the events after number `after` is as asked, and returns it; history counts.
    ///
    /// # Errors
    /// [`KubicError::Late`] with the last events.
    pub fn wait_after(
        &self,
        after: u64,
        what: &str,
        limit: Duration,
        is: impl Fn(&Event) -> bool,
    ) -> Result<Event, KubicError> {
        let deadline = Instant::now() + limit;
        let mut state = self.seen.lock();
        let mut next = 0;
        loop {
            if let Some(found) = state.events[next..].iter().find(|e| e.seq() > after && is(e)) {
                return Ok(found.clone());
            }
            next = state.events.len();
            if self.stop.is_stopped() {
                return Err(KubicError::Interrupted);
            }
            if Instant::now() >= deadline {
                return Err(KubicError::Late { what: what.to_owned(), waited: limit, seen: state.last(20) });
            }
            // Short, so that a stop is noticed.
            let waited = self.seen.changed.wait_timeout(state, Duration::from_millis(100));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// As [`Tail::wait_after`], from the beginning of the log.
    ///
    /// # Errors
    /// As [`Tail::wait_after`].
    pub fn wait(
        &self,
        what: &str,
        limit: Duration,
        is: impl Fn(&Event) -> bool,
    ) -> Result<Event, KubicError> {
        self.wait_after(0, what, limit, is)
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        {
            let mut state = self.seen.lock();
            state.ended = true;
            if let Some(process) = &mut state.process {
                // Gone already is fine.
                let _ = process.kill();
            }
        }
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, command: &dyn Fn() -> Command, watch: Option<&Watch>) {
        loop {
            let Some(stdout) = self.begin(command) else { return };
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                self.take(&line, watch);
            }
            let process = self.lock().process.take();
            if let Some(mut process) = process {
                let _ = process.wait();
            }
            // The master is away, or the lab is coming down.
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn begin(&self, command: &dyn Fn() -> Command) -> Option<std::process::ChildStdout> {
        let mut state = self.lock();
        if state.ended {
            return None;
        }
        let after = state.events.last().map_or_else(|| "start".to_owned(), |e| e.seq().to_string());
        let mut command = command();
        command.args(["--json", "events", "--follow", "--since", &after]);
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut process = spawned.ok()?;
        let stdout = process.stdout.take();
        state.process = Some(process);
        stdout
    }

    fn take(&self, line: &str, watch: Option<&Watch>) {
        let mut state = self.lock();
        match parse_line(line) {
            Ok(event) if state.events.last().is_none_or(|last| last.seq() < event.seq()) => {
                if let Some(watch) = watch {
                    watch(&event);
                }
                state.events.push(event);
                self.changed.notify_all();
            }
            Ok(event) => state.strange.push(format!("not in order: {line} ({})", event.seq())),
            Err(e) => state.strange.push(format!("not an event ({e}): {line}")),
        }
    }
}

impl State {
    fn last(&self, n: usize) -> String {
        let from = self.events.len().saturating_sub(n);
        self.events[from..].iter().map(|e| format!("{} {} {}\n", e.seq(), e.tag, e.data)).collect()
    }
}
