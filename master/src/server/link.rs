//! One minion's connection: its streams, between the transport and the hub.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use lab_proto::codec;
use lab_proto::v1::link::{
    CloseReason, EventAck, EventBatch, JobsDown, JobsUp, ProbeEcho, Query, StreamOpen, ToMaster, ToMinion,
};
use lab_proto::{Fingerprint, MinionId, OutboxId, Position};
use quinn::{Connection, SendStream, VarInt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::hub::{JobOrder, LinkDoors, LinkEnd, Publication};
use super::owed::Owed;
use super::query::Asked;
use super::rate::RateLimit;
use super::{Shared, mtu};
use crate::core::{Arrival, ConnId};
use crate::frames::{FrameError, FrameReader, send};

/// How long a peer may take for its first words on a stream.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a peer may take to read the good-bye.
const GOODBYE: Duration = Duration::from_secs(2);
/// Control frames that wait for a slow peer.
const CONTROL: usize = 64;
/// Control frames of one link are taken so often, for each is answered, and heartbeats come once in 10 ms at most (`link.heartbeat`) …
const CONTROL_EVERY: Duration = Duration::from_millis(5);
/// … and so many at once: a link that comes up has several.
const CONTROL_AT_ONCE: u32 = 16;
/// Answers to event batches that wait; lost ones do no harm.
const ANSWERS: usize = 16;
/// Job orders that wait for a slow peer: all that were not done while it was away come at once. The room is taken only as
/// they come.
const ORDERS: usize = 16 * 1024;

/// Serves a connection to its end.
pub(crate) async fn serve(shared: &Arc<Shared>, connection: Connection, minion: MinionId, key: Fingerprint) {
    let conn = shared.next_conn();
    let first = tokio::time::timeout(PATIENCE, opening(&connection)).await;
    let (control, reader, arrival) = match first {
        Ok(Ok((control, reader, StreamOpen::Control(hello)))) => {
            let address = connection.remote_address().to_string();
            (control, reader, Arrival { minion: minion.clone(), key, address, hello, stored_mark: 0 })
        }
        Ok(Ok((down, _, StreamOpen::Probe { nonce }))) => return echo(&connection, down, nonce).await,
        Ok(Ok(_)) => return violated(shared, &connection, &minion, "the first stream is not control").await,
        Ok(Err(e)) => return violated(shared, &connection, &minion, &e.to_string()).await,
        Err(_) => return violated(shared, &connection, &minion, "no hello in time").await,
    };
    let (doors, mut link) = Link::new(shared.clone(), connection, conn, minion, control, reader);
    shared.hub.connect(conn, arrival, doors).await;
    let why = link.run().await;
    info!(reason = why, "link ended");
    link.streams.shutdown().await;
    shared.hub.gone(conn, why).await;
}

async fn opening(connection: &Connection) -> Result<(SendStream, FrameReader, StreamOpen), FrameError> {
    let (send, recv) = connection.accept_bi().await.map_err(quinn::ReadError::ConnectionLost)?;
    let mut reader = FrameReader::new(recv);
    let open = reader.expect().await?;
    Ok((send, reader, open))
}

/// Answers a minion that only wants to know whether it can be heard. Its link, if it has one, is another connection.
async fn echo(connection: &Connection, mut down: SendStream, nonce: u64) {
    let answered = send(&mut down, &ProbeEcho { nonce }).await;
    if answered.is_ok() && down.finish().is_ok() {
        // The asking side closes, when it has read.
        let _ = tokio::time::timeout(GOODBYE, connection.closed()).await;
    }
    connection.close(VarInt::from_u32(0), b"");
}

async fn violated(shared: &Shared, connection: &Connection, minion: &MinionId, what: &str) {
    connection.close(VarInt::from_u32(4), what.as_bytes());
    shared.hub.refused(format!("link: {what}"), minion.as_str()).await;
}

struct Link {
    shared: Arc<Shared>,
    connection: Connection,
    conn: ConnId,
    minion: MinionId,
    control: SendStream,
    reader: FrameReader,
    rate: RateLimit,
    /// Until when no control frame is taken.
    pause: Option<Instant>,
    frames: mpsc::Receiver<Box<ToMinion>>,
    close: oneshot::Receiver<LinkEnd>,
    acks: Option<Acks>,
    orders: Option<mpsc::Receiver<Box<JobOrder>>>,
    opening: JoinSet<Option<(SendStream, FrameReader, StreamOpen)>>,
    streams: JoinSet<()>,
}

struct Acks {
    durable: watch::Receiver<(u64, Position)>,
    answers: mpsc::Receiver<Box<EventAck>>,
}

impl Link {
    fn new(
        shared: Arc<Shared>,
        connection: Connection,
        conn: ConnId,
        minion: MinionId,
        control: SendStream,
        reader: FrameReader,
    ) -> (LinkDoors, Self) {
        let (control_door, frames) = mpsc::channel(CONTROL);
        let (durable_door, durable) = watch::channel((0, shared.store.head()));
        let (answers_door, answers) = mpsc::channel(ANSWERS);
        let (jobs_door, orders) = mpsc::channel(ORDERS);
        let (close_door, close) = oneshot::channel();
        let doors = LinkDoors {
            control: control_door,
            durable: durable_door,
            answers: answers_door,
            jobs: jobs_door,
            close: close_door,
        };
        let link = Self {
            shared,
            connection,
            conn,
            minion,
            control,
            reader,
            rate: RateLimit::new(CONTROL_EVERY, CONTROL_AT_ONCE, Instant::now()),
            pause: None,
            frames,
            close,
            acks: Some(Acks { durable, answers }),
            orders: Some(orders),
            opening: JoinSet::new(),
            streams: JoinSet::new(),
        };
        (doors, link)
    }

    /// Moves frames until the link ends; returns why it did.
    async fn run(&mut self) -> String {
        loop {
            tokio::select! {
                biased;
                Some(frame) = self.frames.recv() => {
                    match tokio::time::timeout(PATIENCE, send(&mut self.control, &*frame)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(e)) => return e.to_string(),
                        Err(_) => return self.unread().await,
                    }
                }
                end = &mut self.close => return Box::pin(self.say_goodbye(end.ok())).await,
                () = until(self.pause) => self.pause = None,
                frame = self.reader.next::<ToMaster>(), if self.pause.is_none() => match frame {
                    Ok(Some(frame)) => {
                        self.shared.hub.control(self.conn, frame).await;
                        let now = Instant::now();
                        self.pause = self.rate.took(now).map(|wait| now + wait);
                    }
                    Ok(None) => return self.closed().await,
                    Err(FrameError::Read(_)) => return self.closed().await,
                    Err(e) => return self.broken(&e).await,
                },
                stream = self.connection.accept_bi() => match stream {
                    // Its first frame may be long in coming; heartbeats do not wait for it.
                    Ok((send, recv)) => drop(self.opening.spawn(first_frame(send, FrameReader::new(recv)))),
                    Err(_) => return self.closed().await,
                },
                Some(opened) = self.opening.join_next() => {
                    if let Ok(Some((send, reader, open))) = opened {
                        Box::pin(self.open(send, reader, open)).await;
                    }
                }
            }
            while self.streams.try_join_next().is_some() {}
        }
    }

    async fn open(&mut self, send: SendStream, reader: FrameReader, open: StreamOpen) {
        let (shared, conn) = (self.shared.clone(), self.conn);
        let taken = match open {
            StreamOpen::Events { outbox_id } => self.acks.take().map(|acks| {
                let stream = EventStream { shared, conn, outbox: outbox_id, down: send, up: reader, acks };
                self.streams.spawn(Box::new(stream).run().map(|end| log("events", end)));
            }),
            StreamOpen::Jobs => self.orders.take().map(|orders| {
                let minion = self.minion.clone();
                let stream = JobStream { shared, conn, minion, down: send, up: reader, orders };
                self.streams.spawn(Box::new(stream).run().map(|end| log("jobs", end)));
            }),
            StreamOpen::Query(query) => {
                let minion = self.minion.clone();
                let query = Asked { query, jumbo: mtu::is_jumbo(&self.connection) };
                self.streams.spawn(answer(shared, minion, query, send, reader).map(|end| log("query", end)));
                Some(())
            }
            StreamOpen::Control(_) | StreamOpen::Probe { .. } => None,
        };
        if taken.is_none() {
            let what = "a second control, events or jobs stream, or a probe on a link";
            violated(&self.shared, &self.connection, &self.minion, what).await;
        }
    }

    /// The minion does not read its control stream: it comes back over another link.
    async fn unread(&mut self) -> String {
        let what = "the control stream is not read";
        violated(&self.shared, &self.connection, &self.minion, what).await;
        what.to_owned()
    }

    /// The minion ended the control stream or the connection is gone.
    async fn closed(&mut self) -> String {
        let reason = tokio::time::timeout(GOODBYE, self.connection.closed()).await;
        self.connection.close(VarInt::from_u32(0), b"");
        reason.map_or_else(|_| "the control stream ended".to_owned(), |e| e.to_string())
    }

    async fn broken(&mut self, error: &FrameError) -> String {
        let what = error.to_string();
        violated(&self.shared, &self.connection, &self.minion, &what).await;
        format!("protocol violation: {what}")
    }

    async fn say_goodbye(&mut self, end: Option<LinkEnd>) -> String {
        if !matches!(end, Some(LinkEnd::Close(CloseReason::Shutdown))) {
            // A peer that does not read its good-bye must not go on asking for pillar and blobs meanwhile.
            self.opening.abort_all();
            self.streams.abort_all();
        }
        let (frame, code, text) = match end {
            Some(LinkEnd::Close(reason)) => {
                let (code, text) = (reason.code(), format!("{reason:?}"));
                (ToMinion::Closing(reason), code, text)
            }
            Some(LinkEnd::Refuse(refusal)) => {
                let text = refusal.to_string();
                (ToMinion::Refused(refusal), 5, text)
            }
            None => return self.closed().await,
        };
        let sent = tokio::time::timeout(GOODBYE, async {
            while let Ok(earlier) = self.frames.try_recv() {
                send(&mut self.control, &*earlier).await?;
            }
            send(&mut self.control, &frame).await
        })
        .await;
        if matches!(sent, Ok(Ok(()))) && self.control.finish().is_ok() {
            // The last receiver closes: QUIC may drop unread data on close.
            let _ = tokio::time::timeout(GOODBYE, self.control.stopped()).await;
        }
        self.connection.close(VarInt::from_u32(code), text.as_bytes());
        text
    }
}

/// Reads what a stream is for; nothing when it does not say so in time.
async fn first_frame(
    send: SendStream,
    mut reader: FrameReader,
) -> Option<(SendStream, FrameReader, StreamOpen)> {
    match tokio::time::timeout(PATIENCE, reader.expect::<StreamOpen>()).await {
        Ok(Ok(open)) => Some((send, reader, open)),
        Ok(Err(e)) => {
            debug!(error = %e, "a stream did not open");
            None
        }
        Err(_) => None,
    }
}

fn log(stream: &'static str, end: Result<(), FrameError>) {
    if let Err(e) = end {
        debug!(stream, error = %e, "stream ended");
    }
}

/// The stream of the outbox's events. Boxed where it runs, as [`JobStream`] is: a future keeps what it is given twice, and
/// there may be thousands.
struct EventStream {
    shared: Arc<Shared>,
    conn: ConnId,
    outbox: OutboxId,
    down: SendStream,
    up: FrameReader,
    acks: Acks,
}

impl EventStream {
    async fn run(mut self: Box<Self>) -> Result<(), FrameError> {
        let mut owed = Owed::default();
        loop {
            let due = tokio::select! {
                batch = self.up.next::<EventBatch>() => match batch? {
                    Some(batch) => {
                        let last = batch.events.last().map_or(0, |e| e.counter);
                        let busy = self.shared.hub.takes_events();
                        let bytes = self.shared.hub.batch(self.conn, self.outbox, batch).await;
                        owed.took(last, bytes, busy, Instant::now());
                        false
                    }
                    None => return Ok(()),
                },
                answer = self.acks.answers.recv() => match answer {
                    Some(answer) => {
                        send(&mut self.down, &*answer).await?;
                        false
                    }
                    None => return Ok(()),
                },
                changed = self.acks.durable.changed(), if owed.overdue() => {
                    self.acks.durable.mark_changed();
                    changed.is_ok()
                }
                () = until(owed.due()) => true,
            };
            let durable = self.acks.durable.has_changed().unwrap_or(false);
            if due && owed.settle(durable, self.shared.hub.takes_events(), Instant::now()) {
                let (counter, head) = *self.acks.durable.borrow_and_update();
                send(&mut self.down, &EventAck::Durable { counter, head }).await?;
                owed.sent(counter, Instant::now());
            }
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The stream of jobs.
struct JobStream {
    shared: Arc<Shared>,
    conn: ConnId,
    minion: MinionId,
    down: SendStream,
    up: FrameReader,
    orders: mpsc::Receiver<Box<JobOrder>>,
}

impl JobStream {
    async fn run(mut self: Box<Self>) -> Result<(), FrameError> {
        send(&mut self.down, &JobsDown::Registered).await?;
        self.shared.hub.registered(self.conn).await;
        loop {
            tokio::select! {
                // Orders are few, and wait for nothing.
                biased;
                order = self.orders.recv() => match order {
                    Some(order) => self.carry_out(*order).await?,
                    None => return Ok(()),
                },
                frame = self.up.next::<JobsUp>() => match frame? {
                    Some(frame) => self.shared.hub.jobs_up(self.conn, frame).await,
                    None => return Ok(()),
                }
            }
        }
    }

    async fn carry_out(&mut self, order: JobOrder) -> Result<(), FrameError> {
        let publication = match order {
            JobOrder::Kill { jid, by } => return send(&mut self.down, &JobsDown::Kill { jid, by }).await,
            JobOrder::Publish(publication) => publication,
        };
        match publication.frame.get() {
            Some(frame) => self.down.write_all(frame).await?,
            None => Box::pin(self.publish(&publication)).await?,
        }
        Ok(())
    }

    /// Makes the frame of a job and sends it; where it is the same for all, the others only send it.
    async fn publish(&mut self, Publication { spec, frame }: &Publication) -> Result<(), FrameError> {
        let pillar = super::pillar::for_job(&self.shared, &self.minion, spec).await;
        let bytes = codec::frame(&JobsDown::Publish { job: Box::new((**spec).clone()), pillar })?;
        if super::pillar::same_for_all(spec) {
            // Whoever came first is as good.
            let _ = frame.set(bytes.clone());
        }
        self.down.write_all(&bytes).await?;
        Ok(())
    }
}

async fn answer(
    shared: Arc<Shared>,
    minion: MinionId,
    query: Asked,
    down: SendStream,
    up: FrameReader,
) -> Result<(), FrameError> {
    let kind = query_name(&query.query);
    let done = super::query::answer(&shared, &minion, query, down, up).await;
    if let Err(e) = &done {
        warn!(kind, error = %e, "a question was not answered");
    }
    done
}

fn query_name(query: &Query) -> &'static str {
    match query {
        Query::BlobGet { .. } => "blob get",
        Query::BlobPut { .. } => "blob put",
        Query::Pillar { .. } => "pillar",
        Query::MineGet { .. } => "mine get",
        Query::MineSend { .. } => "mine send",
        Query::MineDelete { .. } => "mine delete",
    }
}
