//! Enrolment: a key, a pinned master, a request at the door that is open to strangers, a certificate.
//!
//! Used by `lab-minion enrol`, and by the agent when it has no certificate or an expired one: the request's signature
//! proves that it still holds the accepted key.

use std::path::PathBuf;
use std::sync::Arc;

use lab_proto::ids::MachineId;
use lab_proto::v1::enrol::{EnrolRefusal, EnrolReply, EnrolRequest};
use lab_proto::{Fingerprint, Map, MinionId, Timestamp, version};
use quinn::VarInt;
use rustls_pki_types::CertificateDer;

use crate::clock;
use crate::identity::{self, Credentials, Identity, IdentityError, Pin};
use crate::link::{DialError, Dialer, FrameReader, FrameWriter, StreamError};

/// Why a minion was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// No master answered.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// Key or certificate cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// TLS could not be set up.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The conversation broke.
    #[error("the enrolment broke off")]
    Stream(#[from] StreamError),
    /// The door stays shut.
    #[error(transparent)]
    Refused(EnrolRefusal),
    /// The key is another's.
    #[error("{refusal} (the key of this machine is {})", key.display())]
    KeyInUse {
        /// What the master says.
        refusal: EnrolRefusal,
        /// Where the key lies.
        key: PathBuf,
    },
    /// Whoever answers shows a CA that is not the pinned one.
    #[error(
        "the master at {place} shows {}, and not the CA {pinned} that is trusted here: compare with `lab-master key finger` there; \
         to be let in by that master, use a token of its own or the CA's --fingerprint",
        shown.map_or_else(|| "no CA".to_owned(), |ca| format!("the CA {ca}"))
    )]
    WrongCa {
        /// Who answers.
        place: String,
        /// The CA that the token, an option, the configuration or an earlier enrolment names.
        pinned: Fingerprint,
        /// The one that came.
        shown: Option<Fingerprint>,
    },
    /// The master that answered is not the pinned one.
    #[error("the certificate that came is by the CA {got}, pinned is {pinned}; this is another master")]
    OtherMaster {
        /// The CA that it sent.
        got: Fingerprint,
        /// The one that was met in the handshake.
        pinned: Fingerprint,
    },
    /// The CA that came is no certificate.
    #[error("the master sent a CA that is no certificate")]
    NoCa,
}

impl EnrolError {
    /// Tells whether trying again later may help without anyone doing anything here.
    pub fn is_temporary(&self) -> bool {
        match self {
            // Another machine may have the address for a while.
            Self::Dial(_) | Self::Stream(_) | Self::WrongCa { .. } | Self::KeyInUse { .. } => true,
            Self::Refused(refusal) => {
                !matches!(refusal, EnrolRefusal::Version(_) | EnrolRefusal::Malformed { .. })
            }
            Self::Identity(_) | Self::Tls(_) | Self::OtherMaster { .. } | Self::NoCa => false,
        }
    }
}

/// What a minion says of itself at the door.
pub struct Request {
    /// The name it wants.
    pub id: MinionId,
    /// Its key.
    pub identity: Arc<Identity>,
    /// A join token.
    pub token: Option<String>,
    /// Which CA it trusts.
    pub pin: Pin,
    /// Grains for an autosign policy.
    pub grains: Map,
    /// The machine.
    pub machine_id: Option<MachineId>,
}

/// What an enrolment tells while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The CA that was met; on first use a person should compare it.
    Met {
        /// Its fingerprint.
        ca: Fingerprint,
        /// Whether it was pinned before.
        pinned: bool,
    },
    /// The key is recorded and waits for `lab-master key accept`.
    Pending {
        /// Its fingerprint.
        fingerprint: Fingerprint,
    },
}

/// What an accepted minion brings home.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// Certificate and CA.
    pub credentials: Credentials,
    /// The master's clock, and ours when it said so.
    pub clocks: (Timestamp, Timestamp),
}

/// Asks at the door and stays until the answer is final.
///
/// # Errors
/// When nobody answers, the door stays shut, or the answer does not fit what was pinned.
pub async fn enrol(
    request: &Request,
    dialer: &Dialer,
    mut tell: impl FnMut(Progress),
) -> Result<Enrolled, EnrolError> {
    let (tls, seen) = identity::enrol_tls(request.pin)?;
    let connection = dialer.dial(tls).await.map_err(|e| match (e, request.pin) {
        // Whoever shows the right CA has a certificate that this one did not sign.
        (DialError::OtherCa { place }, Pin::Fingerprint(pinned)) if seen.ca().is_none() => {
            EnrolError::WrongCa { place, pinned, shown: seen.shown() }
        }
        (e, _) => e.into(),
    })?;
    let met = seen.ca().ok_or(EnrolError::NoCa)?;
    tell(Progress::Met { ca: met, pinned: request.pin != Pin::FirstUse });
    let answer = converse(request, &connection, &mut tell).await;
    connection.close(VarInt::from_u32(0), b"done");
    let (certificate, ca, now) = answer?;
    request.identity.check(&certificate)?;
    let got = identity::fingerprint_of(&ca).ok_or(EnrolError::NoCa)?;
    if got != met {
        return Err(EnrolError::OtherMaster { got, pinned: met });
    }
    let credentials =
        Credentials { certificate: CertificateDer::from(certificate), ca: CertificateDer::from(ca) };
    Ok(Enrolled { credentials, clocks: (now, clock::wall_clock()) })
}

async fn converse(
    request: &Request,
    connection: &quinn::Connection,
    tell: &mut impl FnMut(Progress),
) -> Result<(Vec<u8>, Vec<u8>, Timestamp), EnrolError> {
    let (send, recv) = connection.open_bi().await.map_err(StreamError::from)?;
    let (mut up, mut down) = (FrameWriter::new(send), FrameReader::new(recv));
    let Request { id, identity, token, pin: _, grains, machine_id } = request;
    let frame = EnrolRequest {
        versions: version::SUPPORTED,
        id: id.clone(),
        csr: identity.request(id)?,
        token: token.clone(),
        grains: grains.clone(),
        machine_id: *machine_id,
        now: clock::wall_clock(),
    };
    up.send(&frame).await?;
    loop {
        match down.next().await?.ok_or(StreamError::Ended)? {
            EnrolReply::Pending { fingerprint } => tell(Progress::Pending { fingerprint }),
            EnrolReply::Accepted { certificate, ca, now } => return Ok((certificate, ca, now)),
            EnrolReply::Refused(refusal @ EnrolRefusal::KeyInUse { .. }) => {
                return Err(EnrolError::KeyInUse { refusal, key: identity.file().to_owned() });
            }
            EnrolReply::Refused(refusal) => return Err(EnrolError::Refused(refusal)),
        }
    }
}
