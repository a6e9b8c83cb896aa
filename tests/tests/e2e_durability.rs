//! Durable, then visible, then acknowledged: the server's own shell over a store that forgets what was not flushed,
//! and the real master's system calls.

mod e2e;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use e2e::papers;
use lab_master::server::Server;
use lab_master::store::EventStore;
use lab_master::store::forgetful::{Disk, Fate, ForgetfulStore, Step};
use lab_proto::ids::LogId;
use lab_proto::v1::link::{EventAck, ToMinion};
use lab_proto::v1::op::{EventQuery, OpOpen, OpReply, OpRequest, Since};
use lab_proto::v1::{ALPN_MINION, ALPN_OPERATOR};
use lab_proto::version::SUPPORTED;
use lab_proto::{Event, MinionId, OutboxId};
use lab_tests::alone::Alone;
use lab_tests::peer::{Doors, Frames, Papers, batch, hello};
use tokio::runtime::Runtime;

const OUTBOX: OutboxId = OutboxId::from_u128(0x0b0e);
const TAG: &str = "lab/minion/web1/event/n";
/// Events that the minion has to say, in batches.
const EVENTS: u64 = 60;
const BATCH: u64 = 5;

/// When the machine goes down, as the master does one write after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Inside of a write, at this step of it.
    Step(Step),
    /// When an operator's tail has the events, and the minion perhaps not yet the acknowledgement.
    Visible,
    /// When the minion has the acknowledgement.
    Acknowledged,
}

/// A machine: its disk, and the files of the master's keys.
struct Machine {
    disk: Disk,
    dir: tempfile::TempDir,
    runtime: Runtime,
}

/// A master that runs on it.
struct Master {
    server: Server,
    store: Arc<ForgetfulStore>,
    address: SocketAddr,
}

impl Machine {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        Self {
            disk: Disk::new(LogId::from_u128(1)),
            dir: tempfile::tempdir().expect("a directory"),
            runtime: runtime.expect("a runtime"),
        }
    }

    fn start(&self, plan: impl FnMut(Step, u64) -> Fate + Send + 'static) -> Master {
        let store = Arc::new(ForgetfulStore::with_faults(&self.disk, Box::new(plan)));
        let set = ["listen=127.0.0.1:0".to_owned(), format!("data_dir={}", self.dir.path().display())];
        let (config, _) = lab_master::config::load(None, &set).expect("a valid configuration");
        let server = self.runtime.block_on(Server::start(config, store.clone())).expect("the master starts");
        let address = server.address().expect("it listens");
        Master { server, store, address }
    }

    fn operator(&self) -> Papers {
        papers::operator_in(&self.dir.path().join("operator"))
    }

    fn doors(&self, master: &Master) -> Doors {
        let _inside = self.runtime.enter();
        let ca = papers::certificate(&self.dir.path().join("operator/ca.crt"));
        Doors::new(master.address, ca).expect("a socket")
    }
}

fn web1() -> MinionId {
    MinionId::new("web1").expect("valid")
}

/// What one life of the master let out into the world.
#[derive(Default)]
struct Told {
    /// The last counter that was acknowledged to the minion.
    acked: u64,
    /// What an operator's tail was shown.
    seen: Vec<Event>,
}

/// Follows the log until the master is gone or `enough` says so.
async fn follow(mut frames: Frames, seen: Arc<std::sync::Mutex<Vec<Event>>>, enough: impl Fn(u64)) {
    while let Ok(reply) = frames.hear::<OpReply>().await {
        let OpReply::Events(events) = reply else { continue };
        let last = events.iter().filter_map(counter).next_back();
        seen.lock().expect("no panic").extend(events);
        last.into_iter().for_each(&enough);
    }
}

fn counter(event: &Event) -> Option<u64> {
    event.origin.minion().filter(|m| m.outbox_id == OUTBOX).map(|m| m.counter)
}

/// Says all events that the master does not have until all are acknowledged or the master is gone. `welcomed` is called
/// when the link is up, `enough` with each acknowledged counter. Returns what the master had, and what it has.
async fn speak(doors: &Doors, minion: &Papers, welcomed: impl Fn(), enough: impl Fn(u64)) -> (u64, u64) {
    let Ok(peer) = doors.dial(ALPN_MINION, Some(minion)).await else { return (0, 0) };
    let (_control, welcome) =
        peer.hello::<ToMinion>(hello(&web1(), OUTBOX, EVENTS)).await.expect("a welcome");
    let ToMinion::Welcome(welcome) = welcome else { panic!("not let in: {welcome:?}") };
    let mut acked = welcome.outbox_mark;
    let mut events = peer.events(OUTBOX).await.expect("a stream");
    welcomed();
    while acked < EVENTS {
        let tags = vec![TAG; usize::try_from(BATCH.min(EVENTS - acked)).expect("small")];
        let wanted = acked + tags.len() as u64;
        if events.say(&batch(acked + 1, &tags)).await.is_err() {
            break;
        }
        while acked < wanted {
            match events.hear::<EventAck>().await {
                Ok(EventAck::Durable { counter, .. }) => acked = acked.max(counter),
                Ok(other) => panic!("{other:?}"),
                Err(_) => return (welcome.outbox_mark, acked),
            }
        }
        enough(acked);
    }
    peer.abandon();
    (welcome.outbox_mark, acked)
}

async fn tail(doors: &Doors, operator: &Papers) -> Frames {
    let peer = doors.dial(ALPN_OPERATOR, Some(operator)).await.expect("let in");
    let mut frames = peer.open().await.expect("a stream");
    let query = EventQuery {
        since: Since::Start,
        until: None,
        tags: Vec::new(),
        minion: None,
        limit: None,
        follow: true,
    };
    let open = OpOpen { versions: SUPPORTED, request: OpRequest::Events(query) };
    frames.say(&open).await.expect("said");
    frames
}

/// One life of the master that ends by a crash of its machine at `at`, at the `nth` batch.
fn live_until_crash(machine: &Machine, at: At, nth: u64) -> (Told, Papers) {
    let armed = Arc::new(AtomicBool::new(false));
    let writes = Arc::new(AtomicU64::new(0));
    let (plan_armed, plan_writes) = (armed.clone(), writes);
    let mut master = machine.start(move |step, _| {
        if !plan_armed.load(Ordering::SeqCst) {
            return Fate::GoOn;
        }
        if step == Step::Written {
            plan_writes.fetch_add(1, Ordering::SeqCst);
        }
        let due = plan_writes.load(Ordering::SeqCst) == nth;
        if due && at == At::Step(step) { Fate::Crash } else { Fate::GoOn }
    });
    let minion =
        papers::minion_of(master.address, &machine.dir.path().join("operator"), machine.dir.path(), "web1");
    let doors = machine.doors(&master);
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let acked = machine.runtime.block_on(async {
        let frames = tail(&doors, &machine.operator()).await;
        let (store, wanted) = (master.store.clone(), nth * BATCH);
        let crash_when = |point: At| {
            let store = store.clone();
            move |counter: u64| {
                if at == point && counter >= wanted {
                    store.crash();
                }
            }
        };
        let follower = tokio::spawn(follow(frames, seen.clone(), crash_when(At::Visible)));
        let enough = crash_when(At::Acknowledged);
        let (doors, minion) = (doors.clone(), minion.clone());
        let speaker = tokio::spawn(async move {
            // From here on each write is one batch of events.
            speak(&doors, &minion, || armed.store(true, Ordering::SeqCst), enough).await
        });
        assert!(!master.server.failure().await.to_string().is_empty(), "a master says why it ends");
        master.server.shut_down().await;
        // What was on its way when the machine went down still arrives, and was told.
        let (_, acked) = speaker.await.expect("no panic");
        follower.await.expect("no panic");
        acked
    });
    let seen = std::mem::take(&mut *seen.lock().expect("no panic"));
    (Told { acked, seen }, minion)
}

fn crash_and_recover(at: At, nth: u64) {
    let machine = Machine::new();
    let (told, minion) = live_until_crash(&machine, at, nth);

    let master = machine.start(|_, _| Fate::GoOn);
    let doors = machine.doors(&master);
    let (mark, acked) = machine.runtime.block_on(speak(&doors, &minion, || {}, |_| {}));

    assert!(mark >= told.acked, "{at:?}: {} was acknowledged, the log has {mark}", told.acked);
    assert_eq!(acked, EVENTS, "{at:?}: the rest is taken");
    let log = read_all(&master.store);
    let counters: Vec<u64> = log.iter().filter_map(counter).collect();
    assert_eq!(counters, (1..=EVENTS).collect::<Vec<_>>(), "{at:?}: each event once and in order");
    for event in &told.seen {
        assert!(log.contains(event), "{at:?}: a tail was shown {event:?}, which the log does not have");
    }
    machine.runtime.block_on(master.server.shut_down());
}

fn read_all(store: &ForgetfulStore) -> Vec<Event> {
    let mut log: Vec<Event> = Vec::new();
    loop {
        let after = log.last().map_or_else(|| store.floor(), |e| e.position);
        let part = store.read(after, 512).expect("the store answers");
        if part.is_empty() {
            return log;
        }
        log.extend(part);
    }
}

#[test]
fn what_was_told_survives_a_crash_after_append() {
    [1, 4, 9].into_iter().for_each(|nth| crash_and_recover(At::Step(Step::Written), nth));
}

#[test]
fn what_was_told_survives_a_crash_before_flush() {
    [1, 4, 9].into_iter().for_each(|nth| crash_and_recover(At::Step(Step::Flushing), nth));
}

#[test]
fn what_was_told_survives_a_crash_after_flush_and_nothing_is_taken_twice() {
    [1, 4, 9].into_iter().for_each(|nth| crash_and_recover(At::Step(Step::Flushed), nth));
}

#[test]
fn what_was_told_survives_a_crash_when_it_is_visible_and_perhaps_not_acknowledged() {
    [1, 4, 9].into_iter().for_each(|nth| crash_and_recover(At::Visible, nth));
}

#[test]
fn what_was_told_survives_a_crash_after_the_acknowledgement() {
    [1, 4, 9].into_iter().for_each(|nth| crash_and_recover(At::Acknowledged, nth));
}

/// A system call of the traced master: what, on which file, from when to when.
#[derive(Debug)]
struct Call {
    name: String,
    file: String,
    from: Duration,
    until: Duration,
}

/// Reads what `strace -f -ttt -T -y` wrote.
fn calls(trace: &str) -> Vec<Call> {
    let mut open: std::collections::HashMap<(String, String), (Duration, String)> = Default::default();
    let mut calls = Vec::new();
    for line in trace.lines() {
        // Short process ids are padded, so any number of blanks may stand between the columns.
        let Some((pid, rest)) = line.trim_start().split_once(' ') else { continue };
        let Some((time, rest)) = rest.trim_start().split_once(' ') else { continue };
        let rest = rest.trim_start();
        let Ok(time) = time.parse::<f64>() else { continue };
        let time = Duration::from_secs_f64(time);
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let name = resumed.split(' ').next().unwrap_or_default();
            if let Some((from, file)) = open.remove(&(pid.to_owned(), name.to_owned())) {
                calls.push(Call { name: name.to_owned(), file, from, until: time });
            }
            continue;
        }
        let Some((name, arguments)) = rest.split_once('(') else { continue };
        let file = arguments.split_once('<').and_then(|(_, f)| f.split_once('>')).map(|(f, _)| f.to_owned());
        let Some(file) = file else { continue };
        if rest.ends_with("<unfinished ...>") {
            open.insert((pid.to_owned(), name.to_owned()), (time, file));
            continue;
        }
        let took = rest.rsplit_once('<').and_then(|(_, t)| t.trim_end_matches('>').parse::<f64>().ok());
        let until = time + Duration::from_secs_f64(took.unwrap_or_default());
        calls.push(Call { name: name.to_owned(), file, from: time, until });
    }
    calls
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

/// The master runs under strace, a minion sends a batch only when the one before was acknowledged, and the clock is
/// the same for both. What QUIC carries is encrypted, so an acknowledgement is told by its arrival, not by its bytes.
#[test]
fn strace_shows_each_batch_written_and_synced_before_it_is_acknowledged() {
    let trace = tempfile::NamedTempFile::new().unwrap();
    let file = trace.path().display().to_string();
    let under = [
        "strace",
        "-f",
        "-ttt",
        "-T",
        "-y",
        "-qq",
        "-s",
        "0",
        "-o",
        &file,
        "-e",
        "trace=fdatasync,fsync,write,pwrite64,writev,pwritev",
        // strace's end must be the master's, too.
        "setpriv",
        "--pdeathsig",
        "KILL",
    ];
    let mut master = Alone::start("", &under).unwrap();
    let minion = papers::minion(&master, "web1");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let windows = runtime.block_on(async {
        let doors = Doors::new(master.address(), papers::ca(&master)).unwrap();
        let peer = doors.dial(ALPN_MINION, Some(&minion)).await.unwrap();
        let (_control, welcome) = peer.hello::<ToMinion>(hello(&web1(), OUTBOX, EVENTS)).await.unwrap();
        assert!(matches!(welcome, ToMinion::Welcome(_)), "{welcome:?}");
        let mut events = peer.events(OUTBOX).await.unwrap();
        let mut windows = Vec::new();
        for n in 1..=EVENTS {
            let sent = now();
            events.say(&batch(n, &[TAG])).await.unwrap();
            loop {
                match events.hear::<EventAck>().await.unwrap() {
                    EventAck::Durable { counter, .. } if counter >= n => break,
                    EventAck::Durable { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
            windows.push((sent, now()));
        }
        peer.abandon();
        doors.finish().await;
        windows
    });
    let master_pid = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", master.pid())).unwrap();
    let master_pid: i32 = master_pid.trim().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(master_pid), nix::sys::signal::Signal::SIGTERM)
        .unwrap();
    master.join().unwrap();

    let calls = calls(&std::fs::read_to_string(trace.path()).unwrap());
    let store = master.path("data").join("store");
    let of_store = |call: &&Call| Path::new(&call.file).starts_with(&store);
    for (sent, acked) in windows {
        let within = |call: &&Call| call.from >= sent && call.until <= acked;
        let synced =
            calls.iter().filter(of_store).filter(within).filter(|c| c.name == "fdatasync").any(|sync| {
                let writes = calls.iter().filter(|c| c.name.contains("write") && c.file == sync.file);
                writes.filter(within).any(|write| write.until <= sync.from)
            });
        let near: Vec<_> =
            calls.iter().filter(of_store).filter(|c| c.until >= sent && c.from <= acked).collect();
        assert!(
            synced,
            "no write and fdatasync of the log between {sent:?} and its ack at {acked:?}: {near:#?}"
        );
    }
}

#[test]
fn a_run_that_waits_for_two_thousand_minions_begins_and_outlives_its_master() {
    let mut master = Alone::start("", &[]).unwrap();
    std::fs::create_dir(master.path("states/orch")).unwrap();
    let ids: String = (0..2000).map(|n| format!("      - host-{n:04}.example.org\n")).collect();
    let text = format!(
        "wide:\n  salt.wait_for_event:\n    - name: salt/minion/*/start\n    - id_list:\n{ids}    - timeout: 3600\n"
    );
    std::fs::write(master.path("states/orch/wide.sls"), text).unwrap();
    let run = master.run(&["orchestrate", "wide", "--detach"]).unwrap();
    let seen = |n: u32| format!("salt/minion/host-{n:04}.example.org/start");
    let met = |master: &Alone, n: u32| {
        let id = format!("id=host-{n:04}.example.org");
        master.run(&["event", "send", &seen(n), &id]).unwrap();
        master
            .run(&[
                "events",
                "--follow",
                "--limit",
                "1",
                "--since",
                "10m",
                "--tag",
                "lab/run/*/step/wide/met",
            ])
            .unwrap()
    };
    assert!(met(&master, 7).contains("host-0007"));
    let explained = master.run(&["runs", "explain", run.trim(), "wide"]).unwrap();
    assert!(explained.contains("host-0008") && explained.contains("host-1999"), "{explained}");

    master.start_again(&[]).unwrap();

    let again = master.run(&["runs", "explain", run.trim(), "wide"]).unwrap();
    assert_eq!(again, explained, "the run is where it was");
    master.run(&["event", "send", &seen(8), "id=host-0008.example.org"]).unwrap();
    let told = ["events", "--follow", "--limit", "2", "--since", "10m", "--tag", "lab/run/*/step/wide/met"];
    assert!(master.run(&told).unwrap().contains("host-0008"));
}
