//! The seeded simulator: a master, minions, a network and disks, all decided by one number.
//!
//! `World::seeded` drives the very types that the binaries are made of: the master's core, the orchestration
//! engine, the agent, the link's sessions and the intake of events. Only time, the network, the disks and what
//! functions do are simulated. Invariants are checked while it runs ([`master`] checks what leaves, this file the
//! rest) and at the end; waits are held against an oracle that was written from the definition ([`oracle`]).
//!
//! A failure names its seed; `lab-world SEED CLASS` prints everything that happened in that world.

mod host;
mod master;
pub mod oracle;
mod rng;
pub mod story;
mod verdict;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use lab_proto::ids::ProcessId;
use lab_proto::{Digest, Map, MinionId, RunId, StepId, Timestamp, Value};
use lab_states::orchestrate::{Plan, Start, StartNested};

use host::{Host, Wake};
use master::{Master, Turn};
use rng::Rng;
use story::{Class, Fault, Story, When};
pub use verdict::Verdict;
use wire::{Down, Out, Up};

/// QUIC gives a silent connection up after so long.
const IDLE: Duration = Duration::from_secs(120);
/// A dial that nobody answers fails after so long.
const DIAL: Duration = Duration::from_secs(10);
/// No story takes longer.
const END: Duration = Duration::from_secs(1_800);
/// No story needs more steps of the world.
const MOST_STEPS: u64 = 100_000;

/// A simulated world.
pub struct World {
    seed: u64,
    story: Story,
    rng: Rng,
    begin: Timestamp,
    now: Timestamp,
    queue: BTreeMap<(Timestamp, u64), Action>,
    serial: u64,
    master: Master,
    hosts: Vec<Host>,
    conns: BTreeMap<u64, Conn>,
    /// Until when each host is cut off.
    cut: Vec<Option<Timestamp>>,
    /// Witness: cuts that were, as (host, from, until).
    cuts: Vec<(usize, Timestamp, Timestamp)>,
    seen: usize,
    fired: BTreeSet<String>,
    trace: Option<String>,
}

#[derive(Debug)]
struct Conn {
    host: usize,
    process: Option<ProcessId>,
    minion_open: bool,
    master_open: bool,
    /// Frames arrive in order: not before the one before them.
    next_up: Timestamp,
    next_down: Timestamp,
    held: Vec<Frame>,
}

#[derive(Clone, Debug)]
enum Frame {
    Up(Up),
    Down(Down),
}

#[derive(Clone, Debug)]
enum Action {
    Deliver { conn: u64, frame: Frame },
    Opened { conn: u64 },
    DialFailed { host: usize, process: Option<ProcessId> },
    Wake { host: usize, process: Option<ProcessId>, wake: Wake },
    Flushed { epoch: u64 },
    MasterUp,
    Idle { conn: u64 },
    Heal { host: usize },
    Compiled { epoch: u64, nested: Box<StartNested> },
    Fault(Fault),
}

impl World {
    /// Makes the world of a seed.
    pub fn seeded(class: Class, seed: u64) -> Self {
        Self::build(class, seed, false)
    }

    /// Makes the same world with waits that begin when they are reached, as Salt's do.
    pub fn seeded_as_salt(class: Class, seed: u64) -> Self {
        Self::build(class, seed, true)
    }

    fn build(class: Class, seed: u64, as_salt: bool) -> Self {
        let rng = Rng::new(seed.wrapping_mul(31).wrapping_add(class as u64));
        let mut story = Story::new(class, &mut rng.child(1));
        if as_salt {
            story.spare_the_master();
        }
        let begin = Timestamp::from_micros(1_800_000_000_000_000);
        let make = |(n, id): (usize, &MinionId)| {
            let mut host = Host::new(id.clone(), rng.child(100 + n as u64));
            host.scripts = story.scripts_of(n);
            host
        };
        let hosts: Vec<Host> = story.hosts.iter().enumerate().map(make).collect();
        let mut world = Self {
            seed,
            master: Master::new(story.hosts.clone(), rng.child(2), as_salt),
            rng: rng.child(3),
            begin,
            now: begin,
            queue: BTreeMap::new(),
            serial: 0,
            cut: vec![None; hosts.len()],
            hosts,
            conns: BTreeMap::new(),
            cuts: Vec::new(),
            seen: 0,
            fired: BTreeSet::new(),
            trace: None,
            story,
        };
        world.later(Duration::ZERO, Action::MasterUp);
        for host in 0..world.hosts.len() {
            let after = world.rng.millis(10, 3_000);
            world.later(after, Action::Wake { host, process: None, wake: Wake::Up });
        }
        for (when, fault) in world.story.faults.clone() {
            if let When::At(after) = when {
                world.later(after, Action::Fault(fault));
            }
        }
        world
    }

    /// Writes down everything that happens, for [`Self::trace`].
    pub fn traced(mut self) -> Self {
        self.trace = Some(String::new());
        self
    }

    /// Returns what was written down.
    pub fn trace(&self) -> &str {
        self.trace.as_deref().unwrap_or_default()
    }

    /// Returns the seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Lets the world run until its orchestration has finished.
    pub fn run(&mut self) {
        let mut steps = 0;
        while !self.master.finished && self.step() {
            steps += 1;
            assert!(
                steps < MOST_STEPS && self.now.since(self.begin) < END,
                "the world does not come to an end"
            );
        }
        assert!(self.master.finished, "nothing happens any more and the run has not finished");
    }

    /// Does the next thing that happens.
    fn step(&mut self) -> bool {
        let action = self.queue.first_key_value().map(|((at, _), _)| *at);
        let host = self.hosts.iter().filter_map(Host::poll_timeout).min();
        let wake = [self.master.poll_timeout(), host].into_iter().flatten().min();
        let Some(next) = [action, wake].into_iter().flatten().min() else { return false };
        self.now = self.now.max(next);
        let mut out = Vec::new();
        if wake.is_some_and(|w| w <= self.now && action.is_none_or(|a| w < a)) {
            self.timeouts(&mut out);
        } else if let Some((_, action)) = self.queue.pop_first() {
            self.note(|| format!("{action:?}"));
            self.act(action, &mut out);
        }
        self.carry_out(out);
        self.watch_log();
        self.check();
        true
    }

    fn timeouts(&mut self, out: &mut Vec<Out>) {
        let now = self.now;
        for host in &mut self.hosts {
            if host.poll_timeout().is_some_and(|at| at <= now) {
                host.handle_timeout(now, out);
            }
        }
        if self.master.poll_timeout().is_some_and(|at| at <= now) {
            let turn = self.master.handle_timeout(now, out);
            let next = self.master.poll_timeout();
            assert!(next.is_none_or(|at| at > now), "the master wants to be woken for what it was woken for");
            self.turn(turn);
        }
    }

    fn act(&mut self, action: Action, out: &mut Vec<Out>) {
        let now = self.now;
        match action {
            Action::Deliver { conn, frame } => self.deliver(conn, frame, out),
            Action::Opened { conn } => self.opened(conn, out),
            Action::DialFailed { host, process } => {
                if self.hosts[host].process() == process {
                    self.hosts[host].dial_failed(out);
                }
            }
            Action::Wake { host, process, wake } => {
                if process.is_none() || self.hosts[host].process() == process {
                    self.hosts[host].wake(wake, now, out);
                }
            }
            Action::Flushed { epoch } => {
                if self.master.epoch == epoch && self.master.is_up() {
                    let turn = self.master.flushed(now, out);
                    self.turn(turn);
                }
            }
            Action::MasterUp => {
                let dies_at = self.story.master_dies_at.take();
                let turn = self.master.start(dies_at, now, out);
                self.turn(turn);
            }
            Action::Idle { conn } => self.idle(conn, out),
            Action::Heal { host } => self.heal(host),
            Action::Compiled { epoch, nested } => {
                if self.master.epoch == epoch && self.master.is_up() {
                    self.compiled(*nested, out);
                }
            }
            Action::Fault(fault) => self.fault(fault, out),
        }
    }

    fn fault(&mut self, fault: Fault, out: &mut Vec<Out>) {
        let now = self.now;
        match fault {
            Fault::Orchestrate => self.orchestrate(out),
            Fault::PowerCut(host) if self.hosts[host].boot.is_some() => self.hosts[host].cut_power(out),
            Fault::PowerCut(_) => {}
            Fault::KillAgent(host) => self.hosts[host].kill_agent(out),
            Fault::Partition(host, span) => {
                let until = now + span;
                self.cut[host] = Some(until);
                self.cuts.push((host, now, until));
                self.later(span, Action::Heal { host });
                let conns: Vec<u64> =
                    self.conns.iter().filter(|(_, c)| c.host == host).map(|(n, _)| *n).collect();
                for conn in conns {
                    self.later(IDLE, Action::Idle { conn });
                }
            }
            Fault::KillMaster(span) => {
                if self.master.is_up() {
                    self.master.crash();
                    self.master_died(span);
                }
            }
            Fault::Send(host, tag) => {
                let data = Value::from([("id", self.hosts[host].id.as_str())]);
                if self.hosts[host].process().is_some() {
                    self.hosts[host].send_event(tag, data, out);
                }
            }
        }
    }

    fn orchestrate(&mut self, out: &mut Vec<Out>) {
        if !self.master.is_up() {
            return self.later(Duration::from_secs(1), Action::Fault(Fault::Orchestrate));
        }
        let start = Start {
            run: RunId::new(self.now, self.rng.next()),
            name: "story".to_owned(),
            plan: Plan::compile(self.story.chunks.clone()).expect("stories compile"),
            pillar: Map::new(),
            tree: Some(Digest::of(b"a simulated tree")),
            test: false,
            failhard: false,
            user: "world".to_owned(),
            parent: None,
        };
        let turn = self.master.orchestrate(start, self.now, out);
        self.turn(turn);
    }

    fn compiled(&mut self, nested: StartNested, out: &mut Vec<Out>) {
        let StartNested { run, name, pillar, test, parent, tree, user } = nested;
        let chunks = self.story.nested.get(&name).expect("a story has what its steps run").clone();
        let plan = Plan::compile(chunks).expect("stories compile");
        let start =
            Start { run, name, plan, pillar, tree, test, failhard: false, user, parent: Some(parent) };
        let turn = self.master.compiled(start, self.now, out);
        self.turn(turn);
    }

    fn turn(&mut self, turn: Turn) {
        match turn {
            Turn::On => {}
            Turn::Flush(after) => self.later(after, Action::Flushed { epoch: self.master.epoch }),
            Turn::Crashed => {
                let span = self.rng.millis(500, 5_000);
                self.master_died(span);
            }
        }
    }

    /// The master's process is gone, and with it its end of every connection. A run whose start was not durable
    /// yet never was; who asked for it asks again.
    fn master_died(&mut self, span: Duration) {
        self.conns.values_mut().for_each(|c| c.master_open = false);
        self.later(span, Action::MasterUp);
        let started = self.master.run.is_some_and(|run| {
            let tag = format!("lab/run/{run}/started");
            self.master.log().iter().any(|e| e.tag.as_str() == tag)
        });
        if self.master.run.is_some() && !started {
            self.master.run = None;
            self.later(span + Duration::from_secs(1), Action::Fault(Fault::Orchestrate));
        }
    }

    fn later(&mut self, after: Duration, action: Action) {
        self.at(self.now + after, action);
    }

    fn at(&mut self, at: Timestamp, action: Action) {
        self.serial += 1;
        self.queue.insert((at, self.serial), action);
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let _ = writeln!(trace, "{}  {}", self.now, what());
        }
    }

    /// Lets the story's faults follow what became visible in the log.
    fn watch_log(&mut self) {
        while let Some(event) = self.master.tail.get(self.seen).cloned() {
            self.seen += 1;
            self.note(|| {
                format!(
                    "LOG {} {} {}",
                    event.position.seq,
                    event.tag,
                    serde_json::to_string(&event.data).unwrap_or_default()
                )
            });
            let parts: Vec<&str> = event.tag.as_str().split('/').collect();
            let ["lab", "run", _, "step", step, what] = parts.as_slice() else { continue };
            if !self.fired.insert(format!("{step}/{what}")) {
                continue;
            }
            for (when, fault) in self.story.faults.clone() {
                match when {
                    When::Entered(of, after) if of == *step && *what == "entered" => {
                        self.later(after, Action::Fault(fault));
                    }
                    When::Ended(of, after) if of == *step && *what == "ended" => {
                        self.later(after, Action::Fault(fault));
                    }
                    _ => {}
                }
            }
        }
    }

    /// What must hold after everything that happens.
    fn check(&self) {
        for host in &self.hosts {
            let mut ran = host.ran.clone();
            ran.sort();
            ran.dedup();
            assert_eq!(ran.len(), host.ran.len(), "a job ran twice on {}", host.id);
            let again = host.steps.iter().enumerate().find(|(n, step)| host.steps[..*n].contains(step));
            assert!(again.is_none(), "a step of a run ran twice on {}: {again:?}", host.id);
        }
    }

    // The network.

    fn carry_out(&mut self, out: Vec<Out>) {
        for out in out {
            match out {
                Out::Up { conn, up } => self.send(conn, Frame::Up(up)),
                Out::Down { conn, down } => self.send(conn, Frame::Down(down)),
                Out::Dial { host } => self.dial(&host),
                Out::Hangup { conn } => {
                    self.send(conn, Frame::Up(Up::Closed));
                    if let Some(c) = self.conns.get_mut(&conn) {
                        c.minion_open = false;
                    }
                }
                Out::Vanish { conn } => {
                    if let Some(c) = self.conns.get_mut(&conn).filter(|c| c.minion_open) {
                        c.minion_open = false;
                        self.later(IDLE, Action::Idle { conn });
                    }
                }
                Out::Compile { epoch, after, nested } => {
                    self.later(after, Action::Compiled { epoch, nested });
                }
                Out::Wake { host, process, after, wake } => {
                    let host = self.number(&host);
                    self.later(after, Action::Wake { host, process, wake });
                }
            }
        }
    }

    fn number(&self, id: &MinionId) -> usize {
        self.hosts.iter().position(|h| h.id == *id).expect("hosts speak of themselves")
    }

    fn latency(&mut self) -> Duration {
        let (least, most) = self.story.latency;
        let mut out = self.rng.millis(least, most);
        // A lost packet is sent again, each time after twice as long.
        let mut again = Duration::from_millis(200);
        while self.rng.chance(self.story.loss) {
            out += again;
            again *= 2;
        }
        out
    }

    fn dial(&mut self, id: &MinionId) {
        let host = self.number(id);
        let process = self.hosts[host].process();
        if self.cut[host].is_some() || !self.master.is_up() {
            return self.later(DIAL, Action::DialFailed { host, process });
        }
        self.serial += 1;
        let conn = self.serial;
        let open = Conn {
            host,
            process,
            minion_open: true,
            master_open: true,
            next_up: self.now,
            next_down: self.now,
            held: Vec::new(),
        };
        self.conns.insert(conn, open);
        let round_trip = self.latency() + self.latency();
        self.later(round_trip, Action::Opened { conn });
    }

    fn opened(&mut self, conn: u64, out: &mut Vec<Out>) {
        let Some(c) = self.conns.get_mut(&conn) else { return };
        let (host, process) = (c.host, c.process);
        if self.hosts[host].process() != process || !c.minion_open {
            return;
        }
        if self.cut[host].is_some() || !self.master.is_up() || !c.master_open {
            c.minion_open = false;
            return self.later(DIAL, Action::DialFailed { host, process });
        }
        self.hosts[host].connected(conn, self.now, out);
    }

    fn send(&mut self, conn: u64, frame: Frame) {
        let delay = self.latency();
        let now = self.now;
        let Some(c) = self.conns.get_mut(&conn) else { return };
        let next = match &frame {
            Frame::Up(_) => &mut c.next_up,
            Frame::Down(_) => &mut c.next_down,
        };
        *next = (*next).max(now + delay);
        let at = *next;
        self.at(at, Action::Deliver { conn, frame });
    }

    fn deliver(&mut self, conn: u64, frame: Frame, out: &mut Vec<Out>) {
        let now = self.now;
        let Some(c) = self.conns.get_mut(&conn) else { return };
        if self.cut[c.host].is_some() {
            c.held.push(frame);
            return;
        }
        let host = c.host;
        match frame {
            Frame::Up(up) if c.master_open && self.master.is_up() => {
                if matches!(up, Up::Closed) {
                    c.master_open = false;
                }
                let id = self.hosts[host].id.clone();
                let turn = self.master.receive(conn, &id, up, now, out);
                self.turn(turn);
            }
            Frame::Down(down) if c.minion_open && self.hosts[host].process() == c.process => {
                if matches!(down, Down::Closed) {
                    c.minion_open = false;
                }
                self.hosts[host].receive(conn, down, now, out);
            }
            Frame::Up(_) | Frame::Down(_) => {}
        }
    }

    fn heal(&mut self, host: usize) {
        if self.cut[host].is_none_or(|until| until > self.now) {
            return;
        }
        self.cut[host] = None;
        let conns: Vec<u64> = self.conns.iter().filter(|(_, c)| c.host == host).map(|(n, _)| *n).collect();
        for conn in conns {
            let held = self.conns.get_mut(&conn).map(|c| std::mem::take(&mut c.held)).unwrap_or_default();
            held.into_iter().for_each(|frame| self.send(conn, frame));
        }
    }

    /// A connection that nothing came over for so long is given up by the ends that still hold it.
    fn idle(&mut self, conn: u64, out: &mut Vec<Out>) {
        let now = self.now;
        let Some(c) = self.conns.get_mut(&conn) else { return };
        let dead = !c.minion_open || self.cut[c.host].is_some_and(|until| until > now);
        if !dead {
            return;
        }
        let (host, process, minion, master) = (c.host, c.process, c.minion_open, c.master_open);
        self.conns.remove(&conn);
        if minion && self.hosts[host].process() == process {
            self.hosts[host].link_gone(conn, now, out);
        }
        if master && self.master.is_up() {
            let turn = self.master.link_gone(conn, now, out);
            self.turn(turn);
        }
    }

    fn step_id(step: &str) -> StepId {
        StepId::new(step).expect("story steps are valid")
    }
}

/// Runs a world again with everything that happens written down; returns the file that it is written to.
pub fn write_trace(class: Class, seed: u64) -> String {
    let path = std::env::temp_dir().join(format!("lab-world-{seed}-{class:?}.txt"));
    match std::fs::write(&path, trace(class, seed, false)) {
        Ok(()) => path.display().to_string(),
        Err(e) => format!("(not written: {e})"),
    }
}

/// Runs a world and returns everything that happened in it, up to where an invariant broke if one did.
pub fn trace(class: Class, seed: u64, as_salt: bool) -> String {
    let mut world = World::build(class, seed, as_salt).traced();
    let run = std::panic::AssertUnwindSafe(|| {
        world.run();
        if as_salt { world.verdict_as_salt() } else { world.verdict() }
    });
    let end = match std::panic::catch_unwind(run) {
        Ok(verdict) => format!("{verdict:#?}"),
        Err(_) => "an invariant broke here".to_owned(),
    };
    format!("{:#?}\n{}\n{end}\n", world.story, world.trace())
}
