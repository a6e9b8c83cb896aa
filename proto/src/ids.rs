//! Names and numbers that identify things. Each is checked when it is made, so code inside need not re-check.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::time::Timestamp;

/// A text that cannot be the identifier it was meant to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {what}: {why}")]
pub struct InvalidId {
    /// What was expected.
    pub what: &'static str,
    /// What came.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// The name of a minion. May be a MAC address; never has slashes, wildcards or white space, because it
/// becomes a part of event tags, file names and targets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MinionId(String);

impl MinionId {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// When it is empty, over 253 bytes, `.` or `..`, starts with `-`, or has a character that tags, paths or
    /// targets give a meaning.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidId> {
        let id = id.into();
        let bad = |why| InvalidId { what: "minion id", text: id.clone(), why };
        if id.is_empty() || id == "." || id == ".." {
            return Err(bad("it is empty or a directory name"));
        }
        if id.len() > 253 {
            return Err(bad("it is over 253 bytes"));
        }
        if id.starts_with('-') {
            return Err(bad("it starts with a dash"));
        }
        if !id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '@' | '+')) {
            return Err(bad("only letters, digits and .-_:@+ are allowed"));
        }
        Ok(Self(id))
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a step within a run: the state id of the orchestration file with everything that a tag cannot
/// hold replaced by `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StepId(String);

impl StepId {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// When it is empty, over 128 bytes, or has slashes, white space or control characters.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidId> {
        let id = id.into();
        let bad = |why| InvalidId { what: "step id", text: id.clone(), why };
        if id.is_empty() || id.len() > 128 {
            return Err(bad("it is empty or over 128 bytes"));
        }
        if id.chars().any(|c| c == '/' || c.is_whitespace() || c.is_control()) {
            return Err(bad("it has slashes, white space or control characters"));
        }
        Ok(Self(id))
    }

    /// Makes a step name out of any state id.
    pub fn from_state_id(id: &str) -> Self {
        let clean = |c: char| if c == '/' || c.is_whitespace() || c.is_control() { '_' } else { c };
        let mut name: String = id.chars().map(clean).collect();
        while name.len() > 128 {
            name.pop();
        }
        if name.is_empty() { Self("_".to_owned()) } else { Self(name) }
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_id {
    ($($t:ident),*) => { $(
        impl fmt::Display for $t {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl FromStr for $t {
            type Err = InvalidId;
            fn from_str(s: &str) -> Result<Self, InvalidId> {
                Self::new(s)
            }
        }
        impl TryFrom<String> for $t {
            type Error = InvalidId;
            fn try_from(s: String) -> Result<Self, InvalidId> {
                Self::new(s)
            }
        }
        impl From<$t> for String {
            fn from(id: $t) -> Self {
                id.0
            }
        }
    )* };
}
text_id!(MinionId, StepId);

/// A 128-bit number that starts with a time, so that it sorts by it, and ends in randomness, so that two
/// masters never make the same. Printed as Salt prints unique job ids: 20 digits, `_`, 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct TimeOrdered {
    micros: i64,
    random: u64,
}

impl TimeOrdered {
    fn parse(what: &'static str, s: &str) -> Result<Self, InvalidId> {
        let bad = || InvalidId { what, text: s.to_owned(), why: "expected 20 digits, '_' and 16 hex digits" };
        let (digits, random) = s.split_once('_').ok_or_else(bad)?;
        if digits.len() != 20 || random.len() != 16 || !s.is_ascii() {
            return Err(bad());
        }
        let micros = Timestamp::from_jid_digits(digits).ok_or_else(bad)?.as_micros();
        let random = u64::from_str_radix(random, 16).map_err(|_| bad())?;
        Ok(Self { micros, random })
    }
}

impl fmt::Display for TimeOrdered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{:016x}", Timestamp::from_micros(self.micros).to_jid_digits(), self.random)
    }
}

macro_rules! time_ordered_id {
    ($($(#[$doc:meta])* $t:ident $what:literal),*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $t(TimeOrdered);

        impl $t {
            /// Makes an id from the present time and 64 random bits.
            pub fn new(now: Timestamp, random: u64) -> Self {
                Self(TimeOrdered { micros: now.as_micros(), random })
            }

            /// Returns when the id was made.
            pub fn time(self) -> Timestamp {
                Timestamp::from_micros(self.0.micros)
            }
        }
        impl fmt::Display for $t {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl fmt::Debug for $t {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl FromStr for $t {
            type Err = InvalidId;
            fn from_str(s: &str) -> Result<Self, InvalidId> {
                TimeOrdered::parse($what, s).map(Self)
            }
        }
        impl Serialize for $t {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() { s.collect_str(self) } else { (self.0.micros, self.0.random).serialize(s) }
            }
        }
        impl<'de> Deserialize<'de> for $t {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if d.is_human_readable() {
                    String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
                } else {
                    <(i64, u64)>::deserialize(d).map(|(micros, random)| Self(TimeOrdered { micros, random }))
                }
            }
        }
    )* };
}
time_ordered_id!(
    /// The id of a job (Salt's jid).
    JobId "job id",
    /// The id of an orchestration run.
    RunId "run id"
);

macro_rules! random_id {
    ($($(#[$doc:meta])* $t:ident $what:literal),*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $t(u128);

        impl $t {
            /// Makes an id from 128 bits, random ones as a rule.
            pub const fn from_u128(bits: u128) -> Self {
                Self(bits)
            }

            /// Returns the bits.
            pub const fn as_u128(self) -> u128 {
                self.0
            }
        }
        impl fmt::Display for $t {
            /// Prints the id as a UUID.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let h = format!("{:032x}", self.0);
                write!(f, "{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..])
            }
        }
        impl fmt::Debug for $t {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl FromStr for $t {
            type Err = InvalidId;
            fn from_str(s: &str) -> Result<Self, InvalidId> {
                let bad = || InvalidId { what: $what, text: s.to_owned(), why: "expected 32 hex digits, dashes allowed" };
                let digits: String = s.trim().chars().filter(|c| *c != '-').collect();
                if digits.len() != 32 {
                    return Err(bad());
                }
                u128::from_str_radix(&digits, 16).map(Self).map_err(|_| bad())
            }
        }
        impl Serialize for $t {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() { s.collect_str(self) } else { self.0.to_be_bytes().serialize(s) }
            }
        }
        impl<'de> Deserialize<'de> for $t {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if d.is_human_readable() {
                    String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
                } else {
                    <[u8; 16]>::deserialize(d).map(|b| Self(u128::from_be_bytes(b)))
                }
            }
        }
    )* };
}
random_id!(
    /// The identity of one event log; a new one begins when history was lost and that was accepted.
    LogId "log id",
    /// The kernel's id of one boot (`/proc/sys/kernel/random/boot_id`).
    BootId "boot id",
    /// The machine's id (`/etc/machine-id`).
    MachineId "machine id",
    /// The identity of one minion's outbox, made with it.
    OutboxId "outbox id",
    /// The identity of one agent process: tells a restarted agent from a reconnected one.
    ProcessId "process id"
);

/// A place in an event log. Positions of one log are ordered; they need not be dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which log.
    pub log_id: LogId,
    /// Where in it; 0 is before the first event.
    pub seq: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.log_id, self.seq)
    }
}

impl FromStr for Position {
    type Err = InvalidId;
    fn from_str(s: &str) -> Result<Self, InvalidId> {
        let bad = || InvalidId { what: "position", text: s.to_owned(), why: "expected LOG_ID:NUMBER" };
        let (log, seq) = s.rsplit_once(':').ok_or_else(bad)?;
        Ok(Self { log_id: log.parse()?, seq: seq.parse().map_err(|_| bad())? })
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.collect_str(self) } else { (self.log_id, self.seq).serialize(s) }
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
        } else {
            <(LogId, u64)>::deserialize(d).map(|(log_id, seq)| Self { log_id, seq })
        }
    }
}

macro_rules! sha256_id {
    ($($(#[$doc:meta])* $t:ident $what:literal $prefix:literal),*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $t([u8; 32]);

        impl $t {
            /// Hashes bytes.
            pub fn of(bytes: &[u8]) -> Self {
                Self(Sha256::digest(bytes).into())
            }

            /// Takes a finished hash.
            pub const fn from_bytes(hash: [u8; 32]) -> Self {
                Self(hash)
            }

            /// Returns the hash.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }
        impl fmt::Display for $t {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, hex::encode(self.0))
            }
        }
        impl fmt::Debug for $t {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl FromStr for $t {
            type Err = InvalidId;
            fn from_str(s: &str) -> Result<Self, InvalidId> {
                let digits = s.strip_prefix("sha256:").unwrap_or(s);
                let mut out = [0; 32];
                hex::decode_to_slice(digits, &mut out)
                    .map_err(|_| InvalidId { what: $what, text: s.to_owned(), why: "expected 64 hex digits" })?;
                Ok(Self(out))
            }
        }
        impl Serialize for $t {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() { s.collect_str(self) } else { self.0.serialize(s) }
            }
        }
        impl<'de> Deserialize<'de> for $t {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if d.is_human_readable() {
                    String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
                } else {
                    <[u8; 32]>::deserialize(d).map(Self)
                }
            }
        }
    )* };
}
sha256_id!(
    /// SHA-256 of a public key (its SubjectPublicKeyInfo), which is what trust is about.
    Fingerprint "fingerprint" "sha256:",
    /// SHA-256 of some content: a file, a tree, a batch of events.
    Digest "digest" ""
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minion_ids_may_be_mac_addresses_but_not_paths_or_globs() {
        for good in ["web1", "00:00:00:11:11:11", "kvm-1.lab.example", "a_b"] {
            assert!(MinionId::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "web*", "web?", "we[b]", "a b", "-x", "ä", &"x".repeat(254)] {
            assert!(MinionId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn job_ids_print_as_salts_do_and_sort_by_time() {
        let early = JobId::new(Timestamp::from_micros(1_795_238_380_000_042), 255);
        let late = JobId::new(Timestamp::from_micros(1_795_238_380_000_043), 0);
        assert_eq!(early.to_string(), "20261121051940000042_00000000000000ff");
        assert_eq!(early.to_string().parse(), Ok(early));
        assert!(early < late && early.to_string() < late.to_string());
        assert!("20261121051940000042".parse::<JobId>().is_err());
        assert!("2026112105194000004é_0000000000000ff".parse::<JobId>().is_err());
    }

    #[test]
    fn positions_boot_ids_and_fingerprints_print_and_parse() {
        let p = Position { log_id: LogId::from_u128(7), seq: 42 };
        assert_eq!(p.to_string(), "00000000-0000-0000-0000-000000000007:42");
        assert_eq!(p.to_string().parse(), Ok(p));
        let f = Fingerprint::of(b"key");
        assert_eq!(f.to_string().parse(), Ok(f));
        assert!("sha256:zz".parse::<Fingerprint>().is_err());
    }

    #[test]
    fn step_ids_are_made_of_any_state_id() {
        assert_eq!(StepId::from_state_id("/etc/motd file").as_str(), "_etc_motd_file");
        assert!(StepId::new(StepId::from_state_id(&"é".repeat(100)).as_str()).is_ok());
    }
}
