//! What the master keeps beside the log, typed. The only file that knows buckets and keys.

mod types;

use lab_proto::{Fingerprint, JobId, Map, MinionId, RunId, Timestamp, Value, codec};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::warn;

pub use self::types::{JobRecord, KeyRecord, KeyState, MinionRecord, RowRecord};
pub(crate) use self::types::{MineRecord, OperatorRecord, RevokedRecord, RunEnd, RunRecord, TokenRecord};
use crate::store::{Bucket, Change, KeyStore, StoreError};

/// Rows of a job are stored so many to a value, which keeps each value below the store's limit.
const ROWS_PER_CHUNK: usize = 128;

const KEYS: Bucket = Bucket::new("keys");
const TOKENS: Bucket = Bucket::new("tokens");
const OPERATORS: Bucket = Bucket::new("operators");
const REVOKED: Bucket = Bucket::new("operators-revoked");
const MINIONS: Bucket = Bucket::new("minions");
const GRAINS: Bucket = Bucket::new("grains");
const JOBS: Bucket = Bucket::new("jobs");
const JOB_ROWS: Bucket = Bucket::new("job-rows");
const CLOSING: Bucket = Bucket::new("jobs-closing");
const MINE: Bucket = Bucket::new("mine");
const RUNS: Bucket = Bucket::new("runs");
const CLOCK: Bucket = Bucket::new("clock");
/// The one key there.
const BELIEVED: &[u8] = b"believed";

/// A record that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The store says no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bytes are not the record.
    #[error("a record in {bucket} cannot be read; restore a backup (docs/operations.md, \"Backup\")")]
    Malformed {
        /// Where.
        bucket: &'static str,
        /// Why.
        #[source]
        source: codec::CodecError,
    },
}

type Read<T> = Result<T, RecordError>;

/// Sets a key.
pub(crate) fn put_key(r: &KeyRecord) -> Change {
    put(KEYS, key_key(&r.id, r.fingerprint), r)
}

/// Forgets a key.
pub(crate) fn delete_key(id: &MinionId, fingerprint: Fingerprint) -> Change {
    Change::Delete { bucket: KEYS, key: key_key(id, fingerprint) }
}

/// Reads all keys.
pub(crate) fn keys(store: &dyn KeyStore) -> Read<Vec<KeyRecord>> {
    all(store, KEYS)
}

/// Sets a token.
pub(crate) fn put_token(r: &TokenRecord) -> Change {
    put(TOKENS, r.name.clone().into_bytes(), r)
}

/// Forgets a token.
pub(crate) fn delete_token(name: &str) -> Change {
    Change::Delete { bucket: TOKENS, key: name.as_bytes().to_vec() }
}

/// Reads all tokens.
pub(crate) fn tokens(store: &dyn KeyStore) -> Read<Vec<TokenRecord>> {
    all(store, TOKENS)
}

/// Sets an operator's key.
pub(crate) fn put_operator(r: &OperatorRecord) -> Change {
    put(OPERATORS, r.fingerprint.as_bytes().to_vec(), r)
}

/// Reads all operators' keys.
pub(crate) fn operators(store: &dyn KeyStore) -> Read<Vec<OperatorRecord>> {
    all(store, OPERATORS)
}

/// Moves an operator's key from the accepted ones to those that are shut out.
pub(crate) fn revoke_operator(r: &RevokedRecord) -> Vec<Change> {
    let key = r.operator.fingerprint.as_bytes().to_vec();
    vec![put(REVOKED, key.clone(), r), Change::Delete { bucket: OPERATORS, key }]
}

/// Reads all operators' keys that are shut out.
pub(crate) fn revoked_operators(store: &dyn KeyStore) -> Read<Vec<RevokedRecord>> {
    all(store, REVOKED)
}

/// Sets what is known of a minion.
pub(crate) fn put_minion(r: &MinionRecord) -> Change {
    put(MINIONS, r.id.as_str().as_bytes().to_vec(), r)
}

/// Reads what is known of all minions.
pub(crate) fn minions(store: &dyn KeyStore) -> Read<Vec<MinionRecord>> {
    all(store, MINIONS)
}

/// Sets a minion's grains.
pub(crate) fn put_grains(id: &MinionId, grains: &Map) -> Change {
    put(GRAINS, id.as_str().as_bytes().to_vec(), &Value::Map(grains.clone()))
}

/// Forgets what is known of a minion.
pub(crate) fn forget_minion(id: &MinionId) -> Vec<Change> {
    let key = id.as_str().as_bytes().to_vec();
    vec![Change::Delete { bucket: MINIONS, key: key.clone() }, Change::Delete { bucket: GRAINS, key }]
}

/// Reads all grains. A row that cannot be read is named and left out: the minion sends its grains with its next link, and
/// until then it has none.
pub(crate) fn grains(store: &dyn KeyStore) -> Read<Vec<(MinionId, Map)>> {
    let mut out = Vec::new();
    for (key, bytes) in store.scan(GRAINS)? {
        let Some(id) = String::from_utf8(key).ok().and_then(|id| MinionId::new(id).ok()) else { continue };
        match Value::decode_stored(&bytes) {
            Ok(Value::Map(map)) => out.push((id, map)),
            Ok(other) => {
                warn!(minion = %id, kind = other.kind(), "stored grains are no mapping and are left out")
            }
            Err(e) => warn!(minion = %id, error = %e, "stored grains cannot be read and are left out"),
        }
    }
    Ok(out)
}

/// Sets a job with all its rows.
pub(crate) fn put_job<'a>(
    job: &JobRecord,
    rows: impl IntoIterator<Item = (&'a MinionId, RowRecord)>,
) -> Vec<Change> {
    let jid = job.spec.jid.to_string();
    let mut changes = vec![put(JOBS, jid.clone().into_bytes(), job)];
    let rows: Vec<(MinionId, RowRecord)> = rows.into_iter().map(|(m, r)| (m.clone(), r)).collect();
    for (n, chunk) in rows.chunks(ROWS_PER_CHUNK).enumerate() {
        changes.push(put(JOB_ROWS, format!("{jid}/{n:06}").into_bytes(), chunk));
    }
    changes
}

/// Notes, together with a job's last record, that its last event is still to come.
pub(crate) fn put_closing(jid: JobId) -> Change {
    put(CLOSING, jid.to_string().into_bytes(), &jid)
}

/// Forgets that a job's last event is to come.
pub(crate) fn delete_closing(jid: JobId) -> Change {
    Change::Delete { bucket: CLOSING, key: jid.to_string().into_bytes() }
}

/// Reads the jobs whose last event may not have come.
pub(crate) fn closing(store: &dyn KeyStore) -> Read<Vec<JobId>> {
    all(store, CLOSING)
}

/// Forgets a job.
pub(crate) fn delete_job(job: &JobRecord) -> Vec<Change> {
    let jid = job.spec.jid.to_string();
    let chunks = usize::try_from(job.count).unwrap_or(0).div_ceil(ROWS_PER_CHUNK);
    let rows =
        (0..chunks).map(|n| Change::Delete { bucket: JOB_ROWS, key: format!("{jid}/{n:06}").into_bytes() });
    std::iter::once(Change::Delete { bucket: JOBS, key: jid.clone().into_bytes() }).chain(rows).collect()
}

/// Reads all jobs, oldest first.
pub(crate) fn jobs(store: &dyn KeyStore) -> Read<Vec<JobRecord>> {
    all(store, JOBS)
}

/// Reads one job.
pub(crate) fn job(store: &dyn KeyStore, jid: JobId) -> Read<Option<JobRecord>> {
    one(store, JOBS, jid.to_string().as_bytes())
}

/// Reads a job's rows.
pub(crate) fn job_rows(store: &dyn KeyStore, job: &JobRecord) -> Read<Vec<(MinionId, RowRecord)>> {
    let chunks = usize::try_from(job.count).unwrap_or(0).div_ceil(ROWS_PER_CHUNK);
    let mut out = Vec::new();
    for n in 0..chunks {
        let key = format!("{}/{n:06}", job.spec.jid);
        let rows: Option<Vec<(MinionId, RowRecord)>> = one(store, JOB_ROWS, key.as_bytes())?;
        out.extend(rows.unwrap_or_default());
    }
    Ok(out)
}

/// Sets a mine value.
pub(crate) fn put_mine(id: &MinionId, function: &str, r: &MineRecord) -> Change {
    put(MINE, mine_key(id, function), r)
}

/// Forgets a mine value.
pub(crate) fn delete_mine(id: &MinionId, function: &str) -> Change {
    Change::Delete { bucket: MINE, key: mine_key(id, function) }
}

/// Reads one mine value.
pub(crate) fn mine_of(store: &dyn KeyStore, id: &MinionId, function: &str) -> Read<Option<MineRecord>> {
    one(store, MINE, &mine_key(id, function))
}

/// Reads the mine values of a minion with their functions.
pub(crate) fn mine(store: &dyn KeyStore, id: &MinionId) -> Read<Vec<(String, MineRecord)>> {
    let prefix = mine_key(id, "");
    let of_minion = store.scan_prefix(MINE, &prefix)?;
    let named = |(key, bytes): (Vec<u8>, Vec<u8>)| {
        let function = String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
        Ok((function, decode(MINE, &bytes)?))
    };
    of_minion.into_iter().map(named).collect()
}

/// Sets a run.
pub(crate) fn put_run(r: &RunRecord) -> Change {
    put(RUNS, r.run.to_string().into_bytes(), r)
}

/// Forgets a run.
pub(crate) fn delete_run(run: RunId) -> Change {
    Change::Delete { bucket: RUNS, key: run.to_string().into_bytes() }
}

/// Reads all runs, oldest first.
pub(crate) fn runs(store: &dyn KeyStore) -> Read<Vec<RunRecord>> {
    all(store, RUNS)
}

/// Keeps what time it was believed to be.
pub(crate) fn put_believed(time: Timestamp) -> Change {
    put(CLOCK, BELIEVED.to_vec(), &time)
}

/// Reads what time it was believed to be last.
pub(crate) fn believed(store: &dyn KeyStore) -> Read<Option<Timestamp>> {
    one(store, CLOCK, BELIEVED)
}

fn key_key(id: &MinionId, fingerprint: Fingerprint) -> Vec<u8> {
    format!("{id}\0{fingerprint}").into_bytes()
}

fn mine_key(id: &MinionId, function: &str) -> Vec<u8> {
    format!("{id}\0{function}").into_bytes()
}

fn put<T: Serialize + ?Sized>(bucket: Bucket, key: Vec<u8>, record: &T) -> Change {
    // Over a frame's megabyte the encoding fails; the store refuses such a value anyway, and names it.
    let value = codec::encode(record).unwrap_or_else(|_| vec![0; crate::store::MAX_KEY_VALUE + 1]);
    Change::Put { bucket, key, value }
}

fn one<T: DeserializeOwned>(store: &dyn KeyStore, bucket: Bucket, key: &[u8]) -> Read<Option<T>> {
    store.get(bucket, key)?.map(|bytes| decode(bucket, &bytes)).transpose()
}

fn all<T: DeserializeOwned>(store: &dyn KeyStore, bucket: Bucket) -> Read<Vec<T>> {
    store.scan(bucket)?.iter().map(|(_, bytes)| decode(bucket, bytes)).collect()
}

fn decode<T: DeserializeOwned>(bucket: Bucket, bytes: &[u8]) -> Read<T> {
    codec::decode(bytes).map_err(|source| RecordError::Malformed { bucket: bucket.as_str(), source })
}
