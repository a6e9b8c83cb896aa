//! The operators' door: one stream per request. Every CLI command except `serve` comes in here.

mod data;
mod events;
mod jobs;
mod keys;
mod minions;
mod operators;
mod returns;
mod run;
mod runs;
mod status;

use std::sync::Arc;
use std::time::Duration;

use lab_proto::v1::op::{OpOpen, OpRefusal, OpReply, OpRequest, RefusalKind};
use lab_proto::value::MAX_DEPTH;
use lab_proto::version::{SUPPORTED, negotiate};
use lab_proto::{Fingerprint, Target, Value};
use quinn::{Connection, RecvStream, SendStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{Instrument, debug, debug_span, info};

use super::Shared;
use super::hub::HubGone;
use super::keys::KeyError;
use crate::core::facts;
use crate::core::records::RecordError;
use crate::frames::{FrameError, FrameReader, send};
use crate::pki::Peer;

const PATIENCE: Duration = Duration::from_secs(10);
/// Who waits for the state tree hears of it after so long …
const FIRST_NOTE: Duration = Duration::from_secs(2);
/// … and then so often.
const NOTES: Duration = Duration::from_secs(10);

/// Closes the connection of an operator who was revoked.
const REVOKED: u32 = 2;

/// Serves an operator's connection to its end, which is at the latest when the operator is revoked.
pub(crate) async fn serve(shared: &Arc<Shared>, connection: Connection, name: String, key: Fingerprint) {
    let mut requests = JoinSet::new();
    let mut changes = shared.operators.changes();
    let peer = Peer::Operator(name.clone());
    loop {
        changes.borrow_and_update();
        // Asked here too: the operator may have been revoked since the handshake.
        if shared.trust.check(&peer, key).is_err() {
            info!("the operator was revoked; closing the connection");
            connection.close(REVOKED.into(), b"the operator was revoked");
            break;
        }
        tokio::select! {
            stream = connection.accept_bi() => {
                let Ok((down, up)) = stream else { break };
                while requests.try_join_next().is_some() {}
                let (shared, name) = (shared.clone(), name.clone());
                requests.spawn(async move { serve_request(&shared, name, down, up).await }.in_current_span());
            }
            _ = changes.changed() => {}
        }
    }
    // Whoever leaves wants no more answers.
    requests.shutdown().await;
}

async fn serve_request(shared: &Arc<Shared>, name: String, down: SendStream, up: RecvStream) {
    let gone = down.stopped();
    let mut request = Request { shared: shared.clone(), operator: name, down };
    let mut reader = FrameReader::new(up);
    let open = match tokio::time::timeout(PATIENCE, reader.expect::<OpOpen>()).await {
        Ok(Ok(open)) => open,
        Ok(Err(e)) => {
            shared.hub.refused(format!("operator request: {e}"), request.operator.as_str()).await;
            return;
        }
        Err(_) => return,
    };
    let kind = open.request.name();
    let span = debug_span!("request", kind);
    // A request that changes things is done whole once begun (see `whole`); one that only shows ends here.
    tokio::select! {
        answered = request.answer(open).instrument(span) => {
            if let Err(e) = answered {
                debug!(kind, error = %e, "the operator left");
            }
        }
        _ = gone => debug!(kind, "the operator wants no more"),
    }
}

/// Why a request ends early.
pub(crate) enum Stop {
    /// The operator is told.
    Refused(OpRefusal),
    /// There is nobody to tell.
    Left(FrameError),
}

impl From<FrameError> for Stop {
    fn from(e: FrameError) -> Self {
        Self::Left(e)
    }
}

impl From<OpRefusal> for Stop {
    fn from(e: OpRefusal) -> Self {
        Self::Refused(e)
    }
}

impl From<HubGone> for Stop {
    fn from(e: HubGone) -> Self {
        Self::Refused(refusal(RefusalKind::Refused, e.to_string()))
    }
}

impl From<RecordError> for Stop {
    fn from(e: RecordError) -> Self {
        Self::Refused(refusal(RefusalKind::StoreDamaged, super::chain(&e)))
    }
}

impl From<KeyError> for Stop {
    fn from(e: KeyError) -> Self {
        let kind = match e {
            KeyError::Gone(_)
            | KeyError::TooManyTokens
            | KeyError::TooManyPending
            | KeyError::Taken(_)
            | KeyError::InUse { .. }
            | KeyError::Rejected { .. }
            | KeyError::BadToken(_) => RefusalKind::Refused,
            KeyError::Store(_) | KeyError::Issue(_) | KeyError::Random(_) => RefusalKind::Internal,
        };
        Self::Refused(refusal(kind, super::chain(&e)))
    }
}

pub(crate) type Answer = Result<(), Stop>;

/// One request under way.
pub(crate) struct Request {
    pub(crate) shared: Arc<Shared>,
    pub(crate) operator: String,
    pub(crate) down: SendStream,
}

impl Request {
    async fn answer(&mut self, open: OpOpen) -> Result<(), FrameError> {
        let version = match negotiate(SUPPORTED, open.versions) {
            Ok(version) => version,
            Err(e) => {
                let refused = refusal(RefusalKind::Versions, e.to_string());
                self.send(&OpReply::Refused(refused)).await?;
                return self.finish().await;
            }
        };
        self.send(&OpReply::Accepted { version }).await?;
        match self.dispatch(open.request).await {
            Ok(()) => self.send(&OpReply::End).await?,
            Err(Stop::Refused(refused)) => {
                info!(why = refused.text, "refused a request");
                self.send(&OpReply::Refused(refused)).await?;
            }
            Err(Stop::Left(e)) => return Err(e),
        }
        self.finish().await
    }

    async fn dispatch(&mut self, request: OpRequest) -> Answer {
        match request {
            OpRequest::Status => self.status().await,
            OpRequest::Key(request) => self.key(request).await,
            OpRequest::Token(request) => self.token(request).await,
            OpRequest::OperatorIssue { name, csr } => self.operator_issue(name, csr).await,
            OpRequest::OperatorList => self.operator_list().await,
            OpRequest::OperatorRevoke { name } => self.operator_revoke(name).await,
            OpRequest::Events(query) => self.events(query).await,
            OpRequest::EventSend { tag, data } => self.event_send(tag, data).await,
            OpRequest::Run(request) => self.run(request).await,
            OpRequest::Orchestrate(request) => self.orchestrate(request).await,
            OpRequest::Runs(request) => self.runs(request).await,
            OpRequest::Job(request) => self.job(request).await,
            OpRequest::Pillar { target, key } => self.pillar(target, key, false).await,
            OpRequest::PillarShow { target, key: Some(key), explain: true, reveal } => {
                self.pillar_layers(target, key, reveal).await
            }
            OpRequest::PillarShow { explain: true, .. } => {
                Err(refuse(RefusalKind::Usage, "name the key whose layers are to be told"))
            }
            OpRequest::PillarShow { target, key, reveal, explain: _ } => {
                self.pillar(target, key, reveal).await
            }
            OpRequest::Grains { target, key } => self.grains(target, key).await,
            OpRequest::Mine { target, function } => self.mine(target, function).await,
            OpRequest::MinionList => self.minion_list().await,
            OpRequest::MinionShow { id } => self.minion_show(id).await,
        }
    }

    pub(crate) async fn send(&mut self, reply: &OpReply) -> Result<(), FrameError> {
        send(&mut self.down, reply).await
    }

    /// Sends one answer of a list or show request. What was kept at full depth does not fit into it as it is.
    pub(crate) async fn data(&mut self, value: Value) -> Result<(), FrameError> {
        let value = if value.is_deeper_than(MAX_DEPTH) { value.cut(MAX_DEPTH) } else { value };
        self.send(&OpReply::Data(value)).await
    }

    /// Waits for what needs the state tree, unless the operator leaves meanwhile: hashing a large one takes long, and nobody
    /// expects that what was given up happens afterwards. Says from time to time how far that is.
    pub(crate) async fn saying<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Stop> {
        let content = self.shared.content.clone();
        let mut work = std::pin::pin!(work);
        let mut every = tokio::time::interval_at(Instant::now() + FIRST_NOTE, NOTES);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                left = self.down.stopped() => {
                    let lost = left.err().map_or(quinn::ReadError::ClosedStream, |e| match e {
                        quinn::StoppedError::ConnectionLost(e) => quinn::ReadError::ConnectionLost(e),
                        quinn::StoppedError::ZeroRttRejected => quinn::ReadError::ZeroRttRejected,
                    });
                    return Err(Stop::Left(lost.into()));
                }
                _ = every.tick() => {}
            }
            if let Some(note) = content.reading() {
                self.send(&OpReply::Note(note)).await?;
            }
        }
    }

    async fn finish(&mut self) -> Result<(), FrameError> {
        self.down.finish()?;
        // Until the client has read everything.
        let _ = tokio::time::timeout(PATIENCE, self.down.stopped()).await;
        Ok(())
    }
}

/// Does work that must not end half-way when the operator leaves.
pub(crate) async fn whole<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Stop> {
    tokio::spawn(work).await.map_err(|e| refuse(RefusalKind::Internal, e.to_string()))
}

/// So much of a target is told back, in bytes.
const MAX_TOLD: usize = 200;

/// Refuses a target that means nobody; of an endless one the beginning is told.
pub(crate) fn nobody(target: &Target) -> Stop {
    let told = facts::cut(&target.expr, MAX_TOLD);
    let text = format!("no minion matches {} {told:?}; see `lab-master minion list`", target.kind);
    refuse(RefusalKind::NoTarget, text)
}

/// Makes a refusal.
pub(crate) fn refusal(kind: RefusalKind, text: impl Into<String>) -> OpRefusal {
    OpRefusal { kind, text: text.into() }
}

/// Makes a refusal that ends the request.
pub(crate) fn refuse(kind: RefusalKind, text: impl Into<String>) -> Stop {
    Stop::Refused(refusal(kind, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_means_nobody_is_told_but_not_without_end() {
        let told = |expr: String| match nobody(&Target::glob(expr.as_str())) {
            Stop::Refused(refused) => refused.text,
            Stop::Left(e) => panic!("{e}"),
        };
        assert_eq!(told("web".to_owned()), "no minion matches glob \"web\"; see `lab-master minion list`");
        assert!(told("ü".repeat(100_000)).len() < 500);
    }
}
