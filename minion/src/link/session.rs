//! One connection from hello to good-bye: the control stream here, events and jobs in tasks of their own.

use std::time::Duration;

use lab_proto::link::{MinionEvent, MinionSession};
use lab_proto::v1::link::{CloseReason, Hello, JobsUp, LinkRefusal, Welcome};
use lab_proto::{EventTag, Value, version};
use quinn::{Connection, VarInt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Ended, FrameReader, FrameWriter, Keeper, LinkCommand, LinkEvent, OUTGOING, StreamError};
use super::{events::Events, jobs};
use crate::clock;
use crate::disk::Head;
use crate::outbox::Draft;

/// How long a good-bye may take to reach the master.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
/// How long the master may take to answer over a way that was just made: a probe went over it already.
const PROOF: Duration = Duration::from_secs(2);

/// Serves a connection until it ends.
pub(super) async fn run(keeper: &mut Keeper, connection: Connection) -> Ended {
    let mut session = match Session::open(keeper, connection.clone()).await {
        Ok(session) => session,
        Err(e) => return Ended::Again { why: crate::chain(&e), up_for: None, at_once: false },
    };
    let ended = session.serve(keeper).await;
    session.children.abort_all();
    let (code, why) = match &ended {
        Ended::Again { why, .. } => (CloseReason::Violation(String::new()).code(), why.as_str()),
        Ended::Closed => (CloseReason::Shutdown.code(), "closed"),
    };
    // Closing one that the master closed would forget what it said.
    if connection.close_reason().is_none() {
        connection.close(VarInt::from_u32(code), why.as_bytes());
    }
    ended
}

struct Session {
    connection: Connection,
    control: MinionSession,
    up: FrameWriter,
    down: FrameReader,
    children: JoinSet<String>,
    jobs: Option<JobStream>,
    up_since: Option<Instant>,
    superseded: bool,
}

/// To the task of the job stream.
struct JobStream {
    states: mpsc::Sender<JobsUp>,
    output: mpsc::Sender<JobsUp>,
}

/// What a turn of the loop leads to.
enum Turn {
    On,
    End { why: String, at_once: bool },
    Closing(oneshot::Sender<()>),
}

impl Session {
    async fn open(keeper: &Keeper, connection: Connection) -> Result<Self, StreamError> {
        let (send, recv) = connection.open_bi().await?;
        let (control, open) = MinionSession::new(hello(keeper), keeper.setup.clock.now());
        let mut up = FrameWriter::new(send);
        up.send(&open).await?;
        Ok(Self {
            connection,
            control,
            up,
            down: FrameReader::new(recv),
            children: JoinSet::new(),
            jobs: None,
            up_since: None,
            superseded: false,
        })
    }

    async fn serve(&mut self, keeper: &mut Keeper) -> Ended {
        loop {
            let turn = match self.turn(keeper).await {
                Ok(turn) => turn,
                Err(e) => Turn::End { why: crate::chain(&e), at_once: false },
            };
            match turn {
                Turn::On => {}
                Turn::End { why, at_once } => {
                    let up_for =
                        self.up_since.map(|at| if self.superseded { Duration::ZERO } else { at.elapsed() });
                    return Ended::Again { why, up_for, at_once: at_once && up_for.is_some() };
                }
                Turn::Closing(done) => {
                    self.up.finish();
                    let _ = tokio::time::timeout(CLOSE_PATIENCE, self.up.delivered()).await;
                    let _ = done.send(());
                    return Ended::Closed;
                }
            }
        }
    }

    async fn turn(&mut self, keeper: &mut Keeper) -> Result<Turn, StreamError> {
        let clock = keeper.setup.clock;
        let wake = self.control.poll_timeout().map(|(at, _)| clock.until(at));
        let turn = tokio::select! {
            frame = self.down.next() => {
                let frame = frame?.ok_or(StreamError::Ended)?;
                match self.control.handle(frame, clock.now()) {
                    Ok(()) => Turn::On,
                    Err(violation) => Turn::End { why: violation.to_string(), at_once: false },
                }
            }
            command = keeper.commands.recv() => self.command(keeper, command),
            Some(output) = keeper.output.recv() => {
                self.show(output);
                Turn::On
            }
            () = tokio::time::sleep(wake.unwrap_or(Duration::from_secs(3600))) => {
                self.control.handle_timeout(clock.now());
                Turn::On
            }
            Some(child) = self.children.join_next() => {
                Turn::End { why: child.unwrap_or_else(|e| e.to_string()), at_once: false }
            }
        };
        while let Some(frame) = self.control.poll_transmit() {
            self.up.send(&frame).await?;
        }
        let mut turn = turn;
        while let Some(event) = self.control.poll_event() {
            if let Some(end) = self.event(keeper, event).await {
                turn = end;
            }
        }
        while let Some(frame) = self.control.poll_transmit() {
            self.up.send(&frame).await?;
        }
        Ok(turn)
    }

    /// Takes what the control stream tells; returns the end of the session if it is one.
    async fn event(&mut self, keeper: &mut Keeper, event: MinionEvent) -> Option<Turn> {
        let tell = match event {
            MinionEvent::Welcomed(welcome) => return self.welcomed(keeper, &welcome).await,
            MinionEvent::Head(head) => {
                keeper.seen.set(head);
                return None;
            }
            MinionEvent::Certificate(der) => LinkEvent::Certificate(der),
            MinionEvent::Refused(refusal) => return Some(refused(keeper, refusal).await),
            MinionEvent::Closing(reason) => {
                self.superseded = reason == CloseReason::Superseded;
                if reason == CloseReason::KeyRevoked {
                    keeper.shut_out();
                }
                return Some(Turn::End { why: closed_by_master(&reason), at_once: false });
            }
            MinionEvent::MasterSilent => {
                let why = "the master has been silent for too long".to_owned();
                return Some(Turn::End { why, at_once: true });
            }
        };
        keeper.tell(tell).await.err().map(|_| agent_gone())
    }

    async fn welcomed(&mut self, keeper: &mut Keeper, welcome: &Welcome) -> Option<Turn> {
        keeper.seen.set(welcome.head);
        let ours = keeper.setup.disk.head();
        if let Some(why) = disagreement(welcome.outbox_mark, &ours) {
            let turn = renew(keeper, &why, welcome.outbox_mark).await;
            let renewed = keeper.setup.disk.head().outbox_id != ours.outbox_id;
            if renewed && welcome.outbox_mark > ours.sent {
                say_rewound(keeper, ours.head, welcome.outbox_mark).await;
            }
            return Some(turn);
        }
        self.up_since = Some(Instant::now());
        self.control.set_jobs(keeper.standing.jobs);
        if let Some(until) = keeper.standing.change_pending_until {
            self.control.announce_change(Some(until), keeper.setup.clock.now());
        }
        if let Some(grains) = keeper.standing.grains.clone() {
            self.control.send_grains(grains);
        }
        // What jobs put out while nobody could see it.
        while keeper.output.try_recv().is_ok() {}
        let ((states, states_rx), (output, output_rx)) = (mpsc::channel(OUTGOING), mpsc::channel(OUTGOING));
        self.jobs = Some(JobStream { states, output });
        let outgoing = jobs::Outgoing { states: states_rx, output: output_rx };
        let (connection, agent) = (self.connection.clone(), keeper.events.clone());
        let events =
            Events { disk: keeper.setup.disk.clone(), seen: keeper.seen.clone(), agent: agent.clone() };
        let mark = welcome.outbox_mark;
        let other = connection.clone();
        keeper.connection.send_replace(Some(self.connection.clone()));
        // Before there is a stream that could bring a job: which jobs may have run here is known by the master's time only.
        if keeper.tell(LinkEvent::Up { master: welcome.now }).await.is_err() {
            return Some(agent_gone());
        }
        self.children.spawn(async move {
            let end = events.run(connection, mark).await;
            end.err().map_or_else(|| "the event stream ended".to_owned(), |e| crate::chain(&e))
        });
        self.children.spawn(async move {
            let end = jobs::run(other, agent, outgoing).await;
            end.err().map_or_else(|| "the job stream ended".to_owned(), |e| crate::chain(&e))
        });
        None
    }

    /// Shows live output, unless the stream is not taken fast enough: the return has it all.
    fn show(&self, output: JobsUp) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.output.try_send(output);
        }
    }

    fn command(&mut self, keeper: &mut Keeper, command: Option<LinkCommand>) -> Turn {
        match command {
            Some(LinkCommand::Tell(frame)) => {
                // A job's output comes before its end.
                for _ in 0..keeper.output.len() {
                    let Ok(output) = keeper.output.try_recv() else { break };
                    self.show(output);
                }
                let refused = self.jobs.as_ref().is_some_and(|jobs| jobs.states.try_send(frame).is_err());
                if refused {
                    // A new connection tells every live job's state again.
                    return Turn::End {
                        why: "the master does not take job states".to_owned(),
                        at_once: false,
                    };
                }
            }
            Some(LinkCommand::Grains(grains)) => {
                keeper.standing.grains = Some(grains.clone());
                if self.up_since.is_some() {
                    self.control.send_grains(grains);
                }
            }
            Some(LinkCommand::Jobs(jobs)) => {
                keeper.standing.jobs = jobs;
                self.control.set_jobs(jobs);
            }
            Some(LinkCommand::Renew(csr)) => self.control.renew(csr),
            Some(LinkCommand::Credentials(fresh)) => keeper.setup.credentials = fresh,
            Some(LinkCommand::Close(reason, done)) => {
                self.control.say_closing(reason);
                return Turn::Closing(done);
            }
            Some(LinkCommand::ChangePending(until)) => {
                keeper.standing.change_pending_until = until;
                self.control.announce_change(until, keeper.setup.clock.now());
            }
            Some(LinkCommand::PathChanged) => self.control.path_changed(PROOF, keeper.setup.clock.now()),
            Some(LinkCommand::Reopen) => {}
            None => return agent_gone(),
        }
        Turn::On
    }
}

fn hello(keeper: &Keeper) -> Hello {
    let me = &keeper.setup.myself;
    let head = keeper.setup.disk.head();
    Hello {
        versions: version::SUPPORTED,
        id: me.id.clone(),
        boot: me.boot,
        booted_at: me.booted_at,
        earlier_boots: me.earlier_boots.clone(),
        machine_id: me.machine_id,
        process: me.process,
        outbox_id: head.outbox_id,
        outbox_head: head.head,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now: clock::wall_clock(),
    }
}

/// Says why the log, which has the outbox up to `mark`, and the outbox cannot be about the same past.
fn disagreement(mark: u64, ours: &Head) -> Option<String> {
    if mark.saturating_add(1) < ours.first {
        // The master lost what it had acknowledged; only another outbox can go on without a gap.
        return Some("the master's log no longer has events that it acknowledged".to_owned());
    }
    (mark > ours.sent).then(|| {
        format!(
            "the outbox was rewound: the log has it up to event {mark}, but nothing beyond {} was sent from here",
            ours.sent
        )
    })
}

async fn refused(keeper: &mut Keeper, refusal: LinkRefusal) -> Turn {
    let rewound = if let LinkRefusal::OutboxRewound { mark, .. } = refusal { Some(mark) } else { None };
    let why = refusal.to_string();
    if keeper.tell(LinkEvent::Refused(refusal)).await.is_err() {
        return agent_gone();
    }
    match rewound {
        Some(mark) => renew(keeper, &why, mark).await,
        None => Turn::End { why, at_once: false },
    }
}

/// Begins a new outbox, because this one and the master's log cannot agree any more.
async fn renew(keeper: &Keeper, why: &str, mark: u64) -> Turn {
    let id = lab_proto::ids::OutboxId::from_u128(clock::random_u128());
    let why = match keeper.setup.disk.renew(id, mark).await {
        Ok(_) => format!("{why}; a new outbox was begun"),
        Err(e) => format!("{why}; no new outbox could be begun: {}", crate::chain(&e)),
    };
    Turn::End { why, at_once: false }
}

/// Tells the log what the master could not see.
async fn say_rewound(keeper: &Keeper, head: u64, mark: u64) {
    let me = &keeper.setup.myself;
    let tag = EventTag::new(format!("lab/minion/{}/event/outbox-rewound", me.id)).expect("an id makes a tag");
    let data = Value::from([
        ("id", Value::from(me.id.as_str())),
        ("head", Value::from(head)),
        ("mark", Value::from(mark)),
    ]);
    let draft = Draft { boot: me.boot, seen: keeper.seen.get(), at: clock::wall_clock(), tag, data };
    if let Err(e) = keeper.setup.disk.append(draft, None).await {
        tracing::warn!(error = %crate::chain(&e), "that the outbox was rewound is not in the log");
    }
}

fn closed_by_master(reason: &CloseReason) -> String {
    let why = match reason {
        CloseReason::Shutdown => "it ends",
        CloseReason::Reboot(_) => "it reboots",
        CloseReason::KeyRevoked => "it does not accept this minion's key any more",
        CloseReason::Superseded => {
            "another agent with this minion's id and key is connected (a cloned disk?); on the machine that does not belong, stop \
             the agent, remove its data directory and its key (`pki` in its configuration directory), and enrol it under an id of its own"
        }
        CloseReason::Violation(what) => {
            return format!("the master closed the link: protocol violation: {what}");
        }
        CloseReason::Slow(what) => {
            return format!("the master closed the link, which does not keep up: {what}");
        }
        CloseReason::NotRecorded(what) => {
            return format!(
                "the master closed the link, for its store did not take this: {what}; its own log says why"
            );
        }
    };
    format!("the master closed the link: {why}")
}

fn agent_gone() -> Turn {
    Turn::End { why: "the agent is gone".to_owned(), at_once: false }
}

#[cfg(test)]
mod tests;
