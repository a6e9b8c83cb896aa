//! A reader of the log as an operator has it: `lab-master events --follow --json` in a process of its own. Checks that the
//! positions go up by one and each minion's counters too, so that "seen" means each event once and in order.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::echo::BoxError;
use super::master::Master;

/// A running tail. Dropping it ends the process.
pub struct Tail {
    child: Child,
    seen: Arc<Seen>,
    reader: Option<JoinHandle<Result<(), String>>>,
}

/// What a tail saw so far.
#[derive(Debug, Default)]
pub struct Seen {
    /// The newest position.
    pub seq: AtomicU64,
    /// Events.
    pub events: AtomicU64,
    /// When each event came, while somebody wants to know.
    times: Mutex<Option<Vec<(u64, Instant)>>>,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    seq: u64,
    tag: &'a str,
    counter: Option<u64>,
}

impl Tail {
    /// Starts to follow everything from a place (`start`, `head`, or a number). `load` is raised by one for every event whose
    /// tag begins with `bench/`.
    ///
    /// # Errors
    /// When the process does not start.
    pub fn start(
        master: &Master,
        since: &str,
        load: Option<Arc<super::agents::Flow>>,
    ) -> Result<Self, BoxError> {
        let mut command = master.command(&["--json", "events", "--follow", "--since", since]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().ok_or("standard output is piped")?;
        let seen = Arc::new(Seen::default());
        let told = seen.clone();
        let reader = std::thread::spawn(move || {
            let mut check = Check::default();
            let mut line = String::new();
            let mut out = BufReader::with_capacity(1 << 18, out);
            loop {
                line.clear();
                match out.read_line(&mut line) {
                    Ok(0) => return Ok(()),
                    Ok(_) => {}
                    Err(e) => return Err(e.to_string()),
                }
                let line = parse(&line).ok_or_else(|| format!("not an event: {line}"))?;
                check.next(&line)?;
                told.note(&line);
                if let Some(load) = &load
                    && line.tag.starts_with("bench/")
                {
                    load.seen.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Ok(Self { child, seen, reader: Some(reader) })
    }

    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns what it saw so far.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Waits until it has seen a position.
    ///
    /// # Errors
    /// When that takes longer than `patience`, or the tail ended or saw what is no log.
    pub fn wait_for(&mut self, seq: u64, patience: Duration) -> Result<(), BoxError> {
        let start = Instant::now();
        while self.seen.seq.load(Ordering::Relaxed) < seq {
            if let Some(reader) = self.reader.take_if(|r| r.is_finished()) {
                reader.join().map_err(|_| "a tail panicked")??;
                return Err("a tail ended early".into());
            }
            if start.elapsed() > patience {
                let at = self.seen.seq.load(Ordering::Relaxed);
                return Err(format!("a tail is at {at} instead of {seq} after {patience:?}").into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Ends it and returns whether all that it saw was in order.
    ///
    /// # Errors
    /// When it was not.
    pub fn finish(mut self) -> Result<(), BoxError> {
        self.child.kill()?;
        self.child.wait()?;
        // The last line may be cut off by the end of the process; all others count.
        match self.reader.take().map(JoinHandle::join) {
            Some(Ok(Err(e))) if !e.starts_with("not an event") => Err(e.into()),
            Some(Err(_)) => Err("a tail panicked".into()),
            _ => Ok(()),
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Seen {
    fn note(&self, line: &Line<'_>) {
        if let Some(times) = &mut *self.times.lock().unwrap_or_else(PoisonError::into_inner)
            && line.tag.starts_with("bench/")
        {
            times.push((line.counter.unwrap_or(0), Instant::now()));
        }
        self.events.fetch_add(1, Ordering::Relaxed);
        self.seq.store(line.seq, Ordering::Relaxed);
    }

    /// Begins to note when each event of the load comes, by its number in its minion's outbox; returns what was noted before.
    pub fn take_times(&self) -> Vec<(u64, Instant)> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).replace(Vec::new()).unwrap_or_default()
    }
}

#[derive(Default)]
struct Check {
    seq: Option<u64>,
    counters: HashMap<String, u64>,
}

impl Check {
    fn next(&mut self, line: &Line<'_>) -> Result<(), String> {
        if let Some(before) = self.seq.replace(line.seq)
            && line.seq != before + 1
        {
            return Err(format!("event {} came after {before}", line.seq));
        }
        let Some(counter) = line.counter.filter(|_| line.tag.starts_with("bench/")) else { return Ok(()) };
        let Some(last) = self.counters.get_mut(line.tag) else {
            self.counters.insert(line.tag.to_owned(), counter);
            return Ok(());
        };
        if counter <= *last {
            return Err(format!("{} {counter} came after {last}", line.tag));
        }
        *last = counter;
        Ok(())
    }
}

/// Reads what is needed of a line; a whole JSON parser would cost as much as what is measured.
fn parse(line: &str) -> Option<Line<'_>> {
    let (position, rest) = line.strip_prefix("{\"position\":\"")?.split_once('"')?;
    let (tag, rest) = rest.split_once("\"tag\":\"")?.1.split_once('"')?;
    let seq = position.rsplit_once(|c: char| !c.is_ascii_digit())?.1.parse().ok()?;
    let counter = rest.split_once("\"counter\":").and_then(|(_, n)| {
        let end = n.find(|c: char| !c.is_ascii_digit())?;
        n[..end].parse().ok()
    });
    Some(Line { seq, tag, counter })
}

#[cfg(test)]
mod tests {
    use lab_proto::ids::{LogId, Position};
    use lab_proto::{Event, EventTag, Origin, Timestamp, Value};

    use super::*;

    #[test]
    fn a_line_of_the_command_is_understood() {
        let event = Event {
            position: Position { log_id: LogId::from_u128(7), seq: 42 },
            stamp: Timestamp::from_micros(1),
            tag: EventTag::new("bench/m1").expect("a tag"),
            origin: Origin::Master,
            data: Value::from("x"),
        };
        let line = serde_json::to_string(&event).expect("JSON");
        assert_eq!(parse(&line), Some(Line { seq: 42, tag: "bench/m1", counter: None }));
        assert_eq!(parse("{}"), None);
    }

    #[test]
    fn a_hole_and_a_repetition_are_seen() {
        let line = |seq, counter| Line { seq, tag: "bench/m1", counter: Some(counter) };
        let mut check = Check::default();
        assert_eq!(check.next(&line(5, 1)).and(check.next(&line(6, 2))), Ok(()));
        assert!(check.next(&line(8, 3)).is_err());
        assert!(check.next(&line(9, 2)).is_err());
    }
}
