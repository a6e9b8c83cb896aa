//! A simulated machine with a real agent: the disk that survives, the process that does not.
//!
//! Drives `lab_minion::agent::Agent` and the proto's link sessions as the minion's shell does. What the functions
//! of a job do is scripted by the story; everything else is the product's own code.

use std::collections::BTreeMap;
use std::time::Duration;

use lab_minion::agent::{Agent, Beginning, Effect, Finished, Limits};
use lab_minion::journal::{Entry, Ledger};
use lab_proto::event::{Boot, OutboxEvent};
use lab_proto::ids::{MachineId, ProcessId};
use lab_proto::job::StepRef;
use lab_proto::link::{Backoff, MinionEvent, MinionSession, Upload};
use lab_proto::v1::link::{CloseReason, EventAck, EventBatch, Hello, JobsDown, JobsUp, StreamOpen, ToMinion};
use lab_proto::version::SUPPORTED;
use lab_proto::{
    BootId, EndState, EventTag, JobId, JobReturn, JobSpec, MinionId, OutboxId, Position, StepId, Timestamp,
    Value,
};
use lab_states::host::PowerRequest;

use super::rng::Rng;
use super::wire::{Down, Out, Up};

/// What the function of a job does on this host.
#[derive(Clone, Debug)]
pub struct Script {
    /// How long it runs.
    pub takes: Duration,
    /// It asks for a reboot.
    pub reboots: bool,
    /// It sends this event half-way.
    pub sends: Option<(EventTag, Value)>,
}

impl Default for Script {
    fn default() -> Self {
        Self { takes: Duration::from_secs(1), reboots: false, sends: None }
    }
}

/// What a host asks to be called back for.
#[derive(Clone, Debug)]
pub(super) enum Wake {
    /// The disk has synced what an effect asked for.
    Synced(Synced),
    /// A function has come half-way.
    Half(JobId),
    /// A function is done.
    Done(JobId, EndState),
    /// The readiness checks are done.
    Checked,
    /// Time to dial.
    Dial,
    /// The machine goes down now.
    Down,
    /// The machine comes up now.
    Up,
    /// The agent is started (again).
    AgentUp,
}

/// What the disk was asked to keep.
#[derive(Clone, Debug)]
pub(super) enum Synced {
    /// Journal entries for a job.
    Journal(Vec<Entry>, JobId),
    /// A return, and the journal's entry behind it.
    Return(Box<JobReturn>, Entry),
    /// An event.
    Event(EventTag, Value),
}

/// What survives the process and the power.
#[derive(Debug)]
pub(super) struct Disk {
    journal: Vec<Entry>,
    pub(super) outbox_id: OutboxId,
    outbox: Vec<OutboxEvent>,
    /// The highest number that the master has acknowledged to this minion.
    pub(super) acked: u64,
}

/// A machine.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) id: MinionId,
    machine: MachineId,
    pub(super) disk: Disk,
    pub(super) boot: Option<BootId>,
    booted_at: Timestamp,
    agent: Option<Process>,
    rng: Rng,
    pub(super) scripts: BTreeMap<StepId, Script>,
    pub(super) boot_time: Duration,
    /// Witness: when the machine booted.
    pub(super) boots: Vec<(Timestamp, BootId)>,
    /// Witness: jobs whose function was called.
    pub(super) ran: Vec<JobId>,
    /// Witness: the steps that those were of.
    pub(super) steps: Vec<StepRef>,
}

#[derive(Debug)]
struct Process {
    id: ProcessId,
    boot: Boot,
    agent: Agent,
    link: Option<Link>,
    backoff: Backoff,
    seen: Option<Position>,
    running: BTreeMap<JobId, JobSpec>,
}

#[derive(Debug)]
struct Link {
    conn: u64,
    session: MinionSession,
    upload: Option<Upload>,
    jobs: bool,
}

impl Host {
    pub(super) fn new(id: MinionId, mut rng: Rng) -> Self {
        let disk = Disk {
            journal: Vec::new(),
            outbox_id: OutboxId::from_u128(rng.bits()),
            outbox: Vec::new(),
            acked: 0,
        };
        Self {
            id,
            machine: MachineId::from_u128(rng.bits()),
            disk,
            boot: None,
            booted_at: Timestamp::default(),
            agent: None,
            scripts: BTreeMap::new(),
            boot_time: rng.millis(4_000, 20_000),
            rng,
            boots: Vec::new(),
            ran: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// The process that now runs, to tell its wake-ups from those of earlier ones.
    pub(super) fn process(&self) -> Option<ProcessId> {
        self.agent.as_ref().map(|p| p.id)
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        let process = self.agent.as_ref()?;
        let session = process.link.as_ref().and_then(|l| l.session.poll_timeout());
        [session, process.agent.poll_timeout()].into_iter().flatten().map(|(at, _)| at).min()
    }

    pub(super) fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Out>) {
        let Some(process) = &mut self.agent else { return };
        process.agent.handle_timeout(now);
        if let Some(link) = &mut process.link {
            link.session.handle_timeout(now);
        }
        self.drive(now, out);
    }

    /// Cuts the power: nothing is said, nothing more is written.
    pub(super) fn cut_power(&mut self, out: &mut Vec<Out>) {
        self.boot = None;
        self.end_process(out);
        out.push(Out::Wake { host: self.id.clone(), process: None, after: self.boot_time, wake: Wake::Up });
    }

    /// Kills the agent; something starts it again.
    pub(super) fn kill_agent(&mut self, out: &mut Vec<Out>) {
        if self.agent.is_some() {
            self.end_process(out);
            let after = self.rng.millis(200, 2_000);
            out.push(Out::Wake { host: self.id.clone(), process: None, after, wake: Wake::AgentUp });
        }
    }

    /// Sends an event, as `lab-minion event send` does.
    pub(super) fn send_event(&mut self, tag: EventTag, data: Value, out: &mut Vec<Out>) {
        self.sync(Synced::Event(tag, data), out);
    }

    pub(super) fn wake(&mut self, wake: Wake, now: Timestamp, out: &mut Vec<Out>) {
        match wake {
            Wake::Up if self.boot.is_none() => {
                let boot = BootId::from_u128(self.rng.bits());
                self.boot = Some(boot);
                self.booted_at = now;
                self.boots.push((now, boot));
                self.start_agent(now, out);
            }
            Wake::AgentUp if self.boot.is_some() && self.agent.is_none() => self.start_agent(now, out),
            Wake::Up | Wake::AgentUp => {}
            Wake::Dial => out.push(Out::Dial { host: self.id.clone() }),
            Wake::Down => {
                if let Some(link) = self.agent.as_ref().and_then(|p| p.link.as_ref()) {
                    out.push(Out::Hangup { conn: link.conn });
                }
                self.cut_power(out);
            }
            Wake::Synced(what) => self.synced(what, now, out),
            Wake::Half(jid) => self.half(jid, out),
            Wake::Done(jid, state) => self.finish(jid, state, now, out),
            Wake::Checked => {
                if let Some(process) = &mut self.agent {
                    process.agent.handle_checks(Some("simulated host".to_owned()), now);
                }
                self.drive(now, out);
            }
        }
    }

    pub(super) fn connected(&mut self, conn: u64, now: Timestamp, out: &mut Vec<Out>) {
        let boots: Vec<Boot> = self.ledger().boots().to_vec();
        let Some(process) = &mut self.agent else { return };
        let hello = Hello {
            versions: SUPPORTED,
            id: self.id.clone(),
            boot: process.boot,
            booted_at: self.booted_at,
            earlier_boots: boots.into_iter().filter(|b| b.id != process.boot.id).collect(),
            machine_id: self.machine,
            process: process.id,
            outbox_id: self.disk.outbox_id,
            outbox_head: self.disk.outbox.len() as u64,
            version: "0.1.0".to_owned(),
            now,
        };
        let (session, open) = MinionSession::new(hello, now);
        if let StreamOpen::Control(hello) = open {
            out.push(Out::Up { conn, up: Up::Hello(Box::new(hello)) });
        }
        process.link = Some(Link { conn, session, upload: None, jobs: false });
    }

    pub(super) fn dial_failed(&mut self, out: &mut Vec<Out>) {
        self.dial_again(out);
    }

    /// The transport says that the connection is gone.
    pub(super) fn link_gone(&mut self, conn: u64, now: Timestamp, out: &mut Vec<Out>) {
        let Some(process) = &mut self.agent else { return };
        if process.link.as_ref().is_some_and(|l| l.conn == conn) {
            process.link = None;
            process.agent.handle_link_lost();
            self.dial_again(out);
            self.drive(now, out);
        }
    }

    pub(super) fn receive(&mut self, conn: u64, down: Down, now: Timestamp, out: &mut Vec<Out>) {
        let Some(process) = self.agent.as_mut().filter(|p| p.link.as_ref().is_some_and(|l| l.conn == conn))
        else {
            return;
        };
        let link = process.link.as_mut().expect("has one: just matched");
        match down {
            Down::Control(frame) => {
                if let ToMinion::HeartbeatAck { head, .. } = &frame {
                    process.seen = later(process.seen, *head);
                }
                link.session.handle(frame, now).expect("the master keeps to the protocol");
            }
            Down::Jobs(JobsDown::Registered) => process.agent.handle_registered(),
            Down::Jobs(JobsDown::Publish { job, pillar }) => process.agent.handle_publish(*job, pillar, now),
            Down::Jobs(JobsDown::Kill { jid, by }) => process.agent.handle_kill(jid, &by, now),
            Down::Ack(ack) => {
                if let EventAck::Durable { head, .. } = &ack {
                    process.seen = later(process.seen, *head);
                }
                if let Some(upload) = &mut link.upload {
                    let acked = upload.handle_ack(ack).expect("the master keeps to the protocol").counter;
                    self.disk.acked = self.disk.acked.max(acked);
                    process.agent.handle_acked(acked);
                }
            }
            Down::Closed => return self.link_gone(conn, now, out),
        }
        self.drive(now, out);
    }

    fn ledger(&self) -> Ledger {
        let mut ledger = Ledger::default();
        self.disk.journal.iter().cloned().for_each(|e| ledger.apply(e));
        ledger
    }

    fn start_agent(&mut self, now: Timestamp, out: &mut Vec<Out>) {
        let Some(boot_id) = self.boot else { return };
        let old_boot = self.ledger().boots().last().map(|b| b.id);
        let (boot, entry) = self.ledger().boot(boot_id);
        self.disk.journal.extend(entry);
        let ledger = self.ledger();
        let returned =
            ledger.unfinished().map(|(jid, _)| jid).filter(|jid| self.has_returned(*jid)).collect();
        let limits = Limits::default();
        let beginning = Beginning { id: self.id.clone(), boot, old_boot, ledger, returned, limits };
        self.agent = Some(Process {
            id: ProcessId::from_u128(self.rng.bits()),
            boot,
            agent: Agent::new(beginning, now),
            link: None,
            backoff: Backoff::new(Duration::from_millis(200), Duration::from_secs(8)),
            seen: None,
            running: BTreeMap::new(),
        });
        let after = self.rng.millis(5, 50);
        self.call_back(after, Wake::Dial, out);
        self.drive(now, out);
    }

    fn has_returned(&self, jid: JobId) -> bool {
        let tag = format!("salt/job/{jid}/ret/{}", self.id);
        self.disk.outbox.iter().any(|e| e.tag.as_str() == tag)
    }

    fn end_process(&mut self, out: &mut Vec<Out>) {
        if let Some(link) = self.agent.take().and_then(|p| p.link) {
            out.push(Out::Vanish { conn: link.conn });
        }
    }

    fn dial_again(&mut self, out: &mut Vec<Out>) {
        let random = self.rng.next();
        let Some(process) = &mut self.agent else { return };
        let after = process.backoff.next_delay(random);
        self.call_back(after, Wake::Dial, out);
    }

    fn call_back(&self, after: Duration, wake: Wake, out: &mut Vec<Out>) {
        out.push(Out::Wake { host: self.id.clone(), process: self.process(), after, wake });
    }

    fn sync(&mut self, what: Synced, out: &mut Vec<Out>) {
        let after = self.rng.millis(0, 2);
        self.call_back(after, Wake::Synced(what), out);
    }

    fn synced(&mut self, what: Synced, now: Timestamp, out: &mut Vec<Out>) {
        match what {
            Synced::Journal(entries, jid) => {
                self.disk.journal.extend(entries);
                if let Some(process) = &mut self.agent {
                    process.agent.handle_journalled(jid, now);
                }
            }
            Synced::Return(ret, end) => {
                let counter = self.store_event(ret.tag(), ret.data(), now);
                self.disk.journal.push(end);
                if let Some(process) = &mut self.agent {
                    process.agent.handle_stored(ret.jid, counter, now);
                }
            }
            Synced::Event(tag, data) => {
                self.store_event(tag, data, now);
                if let Some(process) = &mut self.agent {
                    process.agent.handle_said();
                }
            }
        }
        self.drive(now, out);
    }

    fn store_event(&mut self, tag: EventTag, data: Value, now: Timestamp) -> u64 {
        let counter = self.disk.outbox.len() as u64 + 1;
        if let Some(process) = &self.agent {
            let (boot, seen) = (process.boot, process.seen);
            self.disk.outbox.push(OutboxEvent { counter, boot, seen, at: now, tag, data });
        }
        counter
    }

    /// Carries out what agent and session ask for.
    fn drive(&mut self, now: Timestamp, out: &mut Vec<Out>) {
        loop {
            let Some(process) = &mut self.agent else { return };
            if let Some(link) = &mut process.link {
                while let Some(frame) = link.session.poll_transmit() {
                    out.push(Out::Up { conn: link.conn, up: Up::Control(frame) });
                }
            }
            if let Some(event) = process.link.as_mut().and_then(|l| l.session.poll_event()) {
                self.session_event(event, now, out);
            } else if let Some(effect) = process.agent.poll_effect() {
                self.carry_out(effect, out);
            } else {
                break;
            }
        }
        self.upload(out);
    }

    fn session_event(&mut self, event: MinionEvent, now: Timestamp, out: &mut Vec<Out>) {
        let Some(process) = &mut self.agent else { return };
        let Some(link) = &mut process.link else { return };
        match event {
            MinionEvent::Welcomed(welcome) => {
                process.seen = later(process.seen, welcome.head);
                process.backoff.reset();
                link.upload = Some(Upload::new(welcome.outbox_mark));
                self.disk.acked = self.disk.acked.max(welcome.outbox_mark);
                link.jobs = true;
                out.push(Out::Up { conn: link.conn, up: Up::JobsOpen });
                process.agent.handle_master_time(welcome.now);
                process.agent.handle_acked(welcome.outbox_mark);
            }
            MinionEvent::Refused(refusal) => panic!("the master refuses an honest minion: {refusal}"),
            MinionEvent::Head(head) => process.seen = later(process.seen, head),
            MinionEvent::Certificate(_) => {}
            MinionEvent::Closing(_) | MinionEvent::MasterSilent => {
                let conn = link.conn;
                out.push(Out::Vanish { conn });
                self.link_gone(conn, now, out);
            }
        }
    }

    fn carry_out(&mut self, effect: Effect, out: &mut Vec<Out>) {
        match effect {
            Effect::Journal { entries, jid } => self.sync(Synced::Journal(entries, jid), out),
            Effect::Return { ret, end } => self.sync(Synced::Return(ret, end), out),
            Effect::Say { tag, data } => self.sync(Synced::Event(tag, data), out),
            Effect::Tell(frame) => self.tell(frame, out),
            Effect::Run { job, .. } => self.run(*job, out),
            Effect::Cancel(jid) => {
                let after = self.rng.millis(1, 500);
                self.call_back(after, Wake::Done(jid, EndState::Failed), out);
            }
            Effect::CheckReady => {
                let after = self.rng.millis(1, 300);
                self.call_back(after, Wake::Checked, out);
            }
            Effect::GoDown(down) => {
                if let Some(link) = self.agent.as_mut().and_then(|p| p.link.as_mut()) {
                    link.session.say_closing(CloseReason::Reboot(Some(down.jid)));
                }
                let after = self.rng.millis(5, 200);
                self.call_back(after, Wake::Down, out);
            }
        }
    }

    fn tell(&mut self, frame: JobsUp, out: &mut Vec<Out>) {
        if let Some(link) = self.agent.as_ref().and_then(|p| p.link.as_ref()).filter(|l| l.jobs) {
            out.push(Out::Up { conn: link.conn, up: Up::Jobs(frame) });
        }
    }

    fn script(&self, job: &JobSpec) -> Script {
        job.step.as_ref().and_then(|s| self.scripts.get(&s.step)).cloned().unwrap_or_default()
    }

    fn run(&mut self, job: JobSpec, out: &mut Vec<Out>) {
        let jid = job.jid;
        let script = self.script(&job);
        self.ran.push(jid);
        self.steps.extend(job.step.clone());
        if let Some(process) = &mut self.agent {
            process.running.insert(jid, job);
        }
        if script.sends.is_some() {
            self.call_back(script.takes / 2, Wake::Half(jid), out);
        }
        self.call_back(script.takes, Wake::Done(jid, EndState::Returned), out);
    }

    fn half(&mut self, jid: JobId, out: &mut Vec<Out>) {
        let job = self.agent.as_ref().and_then(|p| p.running.get(&jid)).cloned();
        if let Some((tag, data)) = job.and_then(|job| self.script(&job).sends) {
            self.send_event(tag, data, out);
        }
    }

    fn finish(&mut self, jid: JobId, state: EndState, now: Timestamp, out: &mut Vec<Out>) {
        let Some(job) = self.agent.as_mut().and_then(|p| p.running.remove(&jid)) else { return };
        let script = self.script(&job);
        let states = Value::from([(
            "node",
            Value::from([("result", Value::from(true)), ("changes", Value::from([("new", "x")]))]),
        )]);
        let finished = Finished {
            state,
            success: state == EndState::Returned,
            retcode: 0,
            value: if job.fun.starts_with("state.") { states } else { Value::from(true) },
            power: script.reboots.then_some(PowerRequest::Reboot),
        };
        if let Some(process) = &mut self.agent {
            process.agent.handle_finished(jid, finished, now);
        }
        self.drive(now, out);
    }

    /// Sends what the outbox has and the window lets through.
    fn upload(&mut self, out: &mut Vec<Out>) {
        let outbox = self.disk.outbox_id;
        let Some(link) = self.agent.as_mut().and_then(|p| p.link.as_mut()) else { return };
        let Some(upload) = &mut link.upload else { return };
        let mut events = Vec::new();
        while let Some((next, _)) = upload.next_to_send() {
            let Some(event) = usize::try_from(next - 1).ok().and_then(|at| self.disk.outbox.get(at)) else {
                break;
            };
            upload.sent(256);
            events.push(event.clone());
        }
        if !events.is_empty() {
            out.push(Out::Up { conn: link.conn, up: Up::Events(outbox, EventBatch { events }) });
        }
    }
}

fn later(known: Option<Position>, head: Position) -> Option<Position> {
    Some(known.filter(|k| k.log_id == head.log_id && k.seq > head.seq).unwrap_or(head))
}
