//! The enrolment door: the only one open to strangers, hence capped, rate-limited and suspicious.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use lab_proto::Timestamp;
use lab_proto::v1::enrol::{EnrolRefusal, EnrolReply, EnrolRequest, MAX_GRAINS, MAX_REQUEST};
use lab_proto::version::{SUPPORTED, negotiate};
use quinn::Connection;
use tokio::sync::Semaphore;
use tracing::{info, warn};

use super::Shared;
use super::autosign;
use super::keys::{Applicant, KeyError, Standing};
use crate::frames::{FrameError, FrameReader, send};
use crate::pki::Request;

/// How long somebody may take to read the answer and leave.
const GOODBYE: Duration = Duration::from_secs(2);
/// How long a waiting minion is kept on the line; then it dials again.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Waiting minions that are told at once; others dial again.
const MAX_WAITING: usize = 1024;

/// The door's limits.
pub(crate) struct Door {
    busy: Semaphore,
    waiting: Semaphore,
    rate: std::sync::Mutex<Rate>,
}

struct Rate {
    per_second: u32,
    per_address: u32,
    second: i64,
    all: u32,
    by_address: HashMap<IpAddr, u32>,
}

impl Door {
    pub(crate) fn new(max_concurrent: usize, rate: u32, rate_per_address: u32) -> Self {
        let rate = Rate {
            per_second: rate,
            per_address: rate_per_address,
            second: 0,
            all: 0,
            by_address: HashMap::new(),
        };
        Self {
            busy: Semaphore::new(max_concurrent),
            waiting: Semaphore::new(MAX_WAITING),
            rate: std::sync::Mutex::new(rate),
        }
    }

    /// Tells whether somebody may come in now.
    fn admits(&self, address: IpAddr, now: Timestamp) -> bool {
        self.rate.lock().unwrap_or_else(std::sync::PoisonError::into_inner).admits(address, now)
    }
}

impl Rate {
    fn admits(&mut self, address: IpAddr, now: Timestamp) -> bool {
        let second = now.as_micros().div_euclid(1_000_000);
        if second != self.second {
            self.second = second;
            self.all = 0;
            // At most `per_second` addresses get in per second, so this stays small.
            self.by_address.clear();
        }
        if self.all >= self.per_second {
            return false;
        }
        let from_there = self.by_address.entry(super::strangers::group(address)).or_default();
        if *from_there >= self.per_address {
            return false;
        }
        *from_there += 1;
        self.all += 1;
        true
    }
}

/// Serves one connection at the door.
pub(crate) async fn serve(shared: &Shared, connection: Connection) {
    let peer = connection.remote_address();
    let outcome = match admitted(shared, &connection).await {
        Ok(Some(outcome)) => outcome,
        Ok(None) => "busy".to_owned(),
        Err(e) => {
            shared.hub.refused(format!("enrolment: {e}"), peer.ip().to_string()).await;
            e.to_string()
        }
    };
    info!(%peer, outcome, "enrolment ended");
    // The minion closes once it has read the answer; a stranger who does not is closed.
    let _ = tokio::time::timeout(GOODBYE, connection.closed()).await;
    connection.close(0u32.into(), b"done");
}

async fn admitted(shared: &Shared, connection: &Connection) -> Result<Option<String>, FrameError> {
    let address = connection.remote_address().ip();
    let patience = shared.config.enrol.patience;
    let Ok(Ok((mut reply, stream))) = tokio::time::timeout(patience, connection.accept_bi()).await else {
        return Ok(Some("said nothing".to_owned()));
    };
    if !shared.door.admits(address, shared.clock.now()) {
        return busy(shared, &mut reply, address).await;
    }
    let mut reader = FrameReader::with_limit(stream, MAX_REQUEST);
    let Ok(request) = tokio::time::timeout(patience, reader.expect::<EnrolRequest>()).await else {
        return Ok(Some("said nothing".to_owned()));
    };
    let request = match request {
        Ok(request) => request,
        Err(e) => {
            let reason = e.to_string();
            refuse(&mut reply, EnrolRefusal::Malformed { reason }).await?;
            return Err(e);
        }
    };
    // Taken only now: whoever is slow to speak must not keep others out.
    let Ok(permit) = shared.door.busy.try_acquire() else { return busy(shared, &mut reply, address).await };
    match decide(shared, &request, &address.to_string()).await {
        Ok(Decision::Certified(key)) => {
            accepted(shared, &mut reply, &request, &key).await?;
            Ok(Some(format!("accepted {}", request.id)))
        }
        Ok(Decision::Wait(key)) => {
            drop(permit);
            send(&mut reply, &EnrolReply::Pending { fingerprint: key.fingerprint() }).await?;
            wait(shared, connection, &mut reply, &request, &key).await?;
            Ok(Some(format!("{} waited", request.id)))
        }
        Err(refusal) => {
            let text = format!("refused {}: {refusal}", request.id);
            refuse(&mut reply, refusal).await?;
            Ok(Some(text))
        }
    }
}

async fn busy(
    shared: &Shared,
    reply: &mut quinn::SendStream,
    address: IpAddr,
) -> Result<Option<String>, FrameError> {
    shared.hub.refused("enrolment: too many requests", address.to_string()).await;
    refuse(reply, EnrolRefusal::Busy { retry_after_seconds: 2 }).await?;
    Ok(None)
}

enum Decision {
    Certified(Arc<Request>),
    Wait(Arc<Request>),
}

/// Decides on a request: an accepted key is certified again, a token or a policy lets in, all others wait.
async fn decide(shared: &Shared, request: &EnrolRequest, address: &str) -> Result<Decision, EnrolRefusal> {
    negotiate(SUPPORTED, request.versions).map_err(EnrolRefusal::Version)?;
    let malformed = |reason: String| EnrolRefusal::Malformed { reason };
    let grains_size = lab_proto::codec::encode(&lab_proto::Value::Map(request.grains.clone()));
    if grains_size.map_or(usize::MAX, |b| b.len()) > MAX_GRAINS {
        return Err(malformed(format!("the grains are over {MAX_GRAINS} bytes")));
    }
    let key = Request::verify(&request.csr).map_err(|e| malformed(chain(&e)))?;
    let fingerprint = key.fingerprint();
    let key = Arc::new(key);
    let applicant = Applicant {
        id: &request.id,
        fingerprint,
        csr: &request.csr,
        address,
        machine_id: request.machine_id,
    };
    let now = crate::server::wall_time();
    let skew = now.as_micros().abs_diff(request.now.as_micros());
    if skew > 3_600_000_000 {
        warn!(minion = %request.id, here = %now, there = %request.now, "the minion's clock is off");
    }
    let standing = shared.keys.standing(&request.id, fingerprint).await;
    if standing == Standing::Accepted {
        return Ok(Decision::Certified(key));
    }
    if let Some(token) = &request.token {
        return match shared.keys.redeem(&applicant, token, now).await {
            Ok(()) => Ok(Decision::Certified(key)),
            Err(KeyError::BadToken(reason)) => {
                shared.hub.refused("enrolment: bad join token", address).await;
                Err(EnrolRefusal::BadToken { reason: reason.to_owned() })
            }
            Err(e) => Err(not_let_in(&e)),
        };
    }
    match standing {
        Standing::Accepted => Ok(Decision::Certified(key)),
        Standing::Rejected => {
            shared.hub.refused("enrolment: rejected key", request.id.as_str()).await;
            Err(EnrolRefusal::Rejected { fingerprint })
        }
        Standing::Taken(accepted) => {
            shared.keys.deny(&applicant).await.map_err(|e| internal(&e))?;
            Err(EnrolRefusal::IdTaken { accepted })
        }
        Standing::Unknown | Standing::Pending => {
            let (dir, grains) = (shared.config.enrol.autosign_grains_dir.clone(), request.grains.clone());
            let grain = tokio::task::spawn_blocking(move || autosign::matching_grain(&dir, &grains)).await;
            if let Ok(Some(grain)) = grain {
                let by = format!("autosign {grain}");
                shared.keys.autosign(&applicant, &by, now).await.map_err(|e| not_let_in(&e))?;
                return Ok(Decision::Certified(key));
            }
            if standing == Standing::Unknown {
                let pended = shared.keys.pend(&applicant, now).await;
                if matches!(pended, Err(KeyError::Taken(_))) {
                    shared.keys.deny(&applicant).await.map_err(|e| internal(&e))?;
                }
                pended.map_err(|e| not_let_in(&e))?;
            }
            Ok(Decision::Wait(key))
        }
    }
}

/// Keeps the line open until the key is accepted or rejected, so that the minion knows in the same moment.
async fn wait(
    shared: &Shared,
    connection: &Connection,
    reply: &mut quinn::SendStream,
    request: &EnrolRequest,
    key: &Arc<Request>,
) -> Result<(), FrameError> {
    let Ok(_place) = shared.door.waiting.try_acquire() else {
        reply.finish()?;
        return Ok(());
    };
    let mut changes = shared.keys.changes();
    let until = tokio::time::Instant::now() + LONGEST_WAIT;
    loop {
        changes.borrow_and_update();
        match shared.keys.standing(&request.id, key.fingerprint()).await {
            Standing::Accepted => return accepted(shared, reply, request, key).await,
            Standing::Rejected => {
                return refuse(reply, EnrolRefusal::Rejected { fingerprint: key.fingerprint() }).await;
            }
            Standing::Taken(other) => return refuse(reply, EnrolRefusal::IdTaken { accepted: other }).await,
            Standing::Pending => {}
            // Deleted, or another key of this id took its place: let the minion ask again.
            Standing::Unknown => break,
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { break },
            _ = connection.closed() => return Ok(()),
            () = tokio::time::sleep_until(until) => break,
        }
    }
    reply.finish()?;
    Ok(())
}

async fn accepted(
    shared: &Shared,
    reply: &mut quinn::SendStream,
    request: &EnrolRequest,
    key: &Request,
) -> Result<(), FrameError> {
    let now = crate::server::wall_time();
    match shared.keys.certify(&request.id, key, now) {
        Ok(certificate) => {
            let ca = shared.authority.certificate().to_vec();
            send(reply, &EnrolReply::Accepted { certificate, ca, now }).await?;
            reply.finish()?;
            Ok(())
        }
        Err(e) => refuse(reply, internal(&e)).await,
    }
}

async fn refuse(reply: &mut quinn::SendStream, refusal: EnrolRefusal) -> Result<(), FrameError> {
    send(reply, &EnrolReply::Refused(refusal)).await?;
    reply.finish()?;
    Ok(())
}

fn not_let_in(error: &KeyError) -> EnrolRefusal {
    match error {
        KeyError::Taken(other) => EnrolRefusal::IdTaken { accepted: *other },
        KeyError::TooManyPending => EnrolRefusal::Busy { retry_after_seconds: 60 },
        KeyError::InUse { id, fingerprint, holder } => {
            EnrolRefusal::KeyInUse { fingerprint: *fingerprint, id: id.clone(), holder: holder.clone() }
        }
        KeyError::Rejected { fingerprint, .. } => EnrolRefusal::Rejected { fingerprint: *fingerprint },
        other => internal(other),
    }
}

fn internal(error: &dyn std::error::Error) -> EnrolRefusal {
    warn!(error = chain(error), "an enrolment failed");
    EnrolRefusal::Busy { retry_after_seconds: 10 }
}

pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(e) = source {
        text = format!("{text}: {e}");
        source = e.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_use_up_everybodys_turn() {
        let door = Door::new(1, 4, 2);
        let at = |s: i64| Timestamp::from_micros(s * 1_000_000);
        let (a, b) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let tries = |ip, t| (0..10).filter(|_| door.admits(ip, at(t))).count();
        assert_eq!((tries(a, 1), tries(b, 1)), (2, 2));
        assert_eq!(tries(IpAddr::from([192, 0, 2, 3]), 1), 0, "all together are limited too");
        assert_eq!(tries(a, 2), 2, "the next second is a new one");
        let v6 = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(tries(v6("2001:db8::1"), 3), 2);
        assert_eq!(tries(v6("2001:db8::2"), 3), 0, "whoever has one has the network around it");
        assert_eq!(tries(v6("2001:db8:0:1::2"), 3), 2);
    }
}
