//! Version 1 of everything that crosses the wire.
//!
//! Three doors, told apart by ALPN: [`ALPN_ENROL`] for strangers, [`ALPN_MINION`] for accepted minions,
//! [`ALPN_OPERATOR`] for people. Types here only ever grow at the end of an enum; anything else is a `v2`.

pub mod enrol;
pub mod link;
pub mod op;

/// Certificates are valid from so long before they were made, for machines with wrong clocks.
pub const BACKDATE: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// ALPN of the enrolment door: no client certificate is asked for.
pub const ALPN_ENROL: &[u8] = b"lab-enrol/1";
/// ALPN of the link between an accepted minion and its master.
pub const ALPN_MINION: &[u8] = b"lab/1";
/// ALPN of the operators' door.
pub const ALPN_OPERATOR: &[u8] = b"lab-op/1";
/// The UDP port that a master listens on unless configured otherwise.
pub const DEFAULT_PORT: u16 = 4510;
/// The name that every master certificate carries; minions trust the pinned CA, not a host name.
pub const MASTER_TLS_NAME: &str = "master.lab.internal";
/// URI SAN prefix of a minion certificate; the id follows.
pub const MINION_URI: &str = "lab://minion/";
/// URI SAN prefix of an operator certificate; the name follows.
pub const OPERATOR_URI: &str = "lab://operator/";
