//! The book of keys and join tokens: every change is one transaction, durable before anyone is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lab_proto::ids::MachineId;
use lab_proto::token::JoinToken;
use lab_proto::{Digest, Fingerprint, MinionId, Timestamp, Value, glob};
use tokio::sync::{Mutex, watch};

use super::hub::{Hub, HubGone};
use crate::core::facts::{self, KeyAct};
use crate::core::records::{self, RecordError, TokenRecord};
use crate::core::{KeyRecord, KeyState, Write};
use crate::pki::{Authority, IssueError, Peer, Request, Trust};
use crate::store::{KeyStore, StoreError};

/// Join tokens that may exist at a time.
const MAX_TOKENS: usize = 10_000;

/// The book, shared by the enrolment door and the operators' door.
pub(crate) struct KeyBook {
    book: Mutex<Book>,
    changed: watch::Sender<u64>,
    trust: Arc<Trust>,
    authority: Arc<Authority>,
    hub: Hub,
    max_pending: usize,
}

#[derive(Default)]
struct Book {
    keys: BTreeMap<MinionId, Vec<KeyRecord>>,
    tokens: BTreeMap<String, TokenRecord>,
}

/// Why a change of keys was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error(transparent)]
    Gone(#[from] HubGone),
    #[error("the store did not take it: {0}")]
    Store(Arc<StoreError>),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error("there are {MAX_TOKENS} join tokens already; revoke some with `lab-master token revoke`")]
    TooManyTokens,
    #[error("so many keys wait to be accepted that no more are taken; see `lab-master key list`")]
    TooManyPending,
    #[error("the id is taken by the key {0}; see `lab-master key show`")]
    Taken(Fingerprint),
    #[error("the token cannot be used: {0}")]
    BadToken(&'static str),
    #[error(
        "the key {fingerprint} of {id} is accepted for {holder} already, and two must not share one (a cloned disk?): \
         remove the key on one of the machines (`pki` in its configuration directory) and enrol it again, or delete one here with `lab-master key delete`"
    )]
    InUse { id: MinionId, fingerprint: Fingerprint, holder: String },
    #[error("the key {fingerprint} was rejected as {holder}'s; no policy lets it in")]
    Rejected { fingerprint: Fingerprint, holder: MinionId },
    #[error("no randomness: {0}")]
    Random(String),
}

/// Where somebody at the door stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Never seen, or forgotten.
    Unknown,
    /// Waits.
    Pending,
    /// This key is accepted.
    Accepted,
    /// This key is shut out.
    Rejected,
    /// Another key is accepted.
    Taken(Fingerprint),
}

/// Somebody at the door.
pub(crate) struct Applicant<'a> {
    pub(crate) id: &'a MinionId,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) csr: &'a [u8],
    pub(crate) address: &'a str,
    pub(crate) machine_id: Option<MachineId>,
}

impl KeyBook {
    pub(crate) fn load(
        store: &dyn KeyStore,
        hub: Hub,
        trust: Arc<Trust>,
        authority: Arc<Authority>,
        max_pending: usize,
    ) -> Result<Self, RecordError> {
        let mut book = Book::default();
        for key in records::keys(store)? {
            book.keys.entry(key.id.clone()).or_default().push(key);
        }
        for token in records::tokens(store)? {
            book.tokens.insert(token.name.clone(), token);
        }
        let (changed, _) = watch::channel(0);
        Ok(Self { book: Mutex::new(book), changed, trust, authority, hub, max_pending })
    }

    /// Returns a watch that moves with every change of a key.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Tells where a key stands.
    pub(crate) async fn standing(&self, id: &MinionId, fingerprint: Fingerprint) -> Standing {
        let book = self.book.lock().await;
        let keys = book.keys.get(id).map(Vec::as_slice).unwrap_or_default();
        let own = keys.iter().find(|k| k.fingerprint == fingerprint).map(|k| k.state);
        let accepted = keys.iter().find(|k| k.state == KeyState::Accepted).map(|k| k.fingerprint);
        match (own, accepted) {
            (Some(KeyState::Accepted), _) => Standing::Accepted,
            (Some(KeyState::Rejected), _) => Standing::Rejected,
            (_, Some(other)) => Standing::Taken(other),
            (Some(KeyState::Pending), None) => Standing::Pending,
            (Some(KeyState::Superseded) | None, None) => Standing::Unknown,
        }
    }

    /// Records that a key waits. One id has one waiting key: the first, so that a stranger cannot put a key of theirs
    /// under an id whose fingerprint an operator has just compared and is about to accept.
    pub(crate) async fn pend(&self, a: &Applicant<'_>, now: Timestamp) -> Result<(), KeyError> {
        let mut book = self.book.lock().await;
        self.only_owner(a.id, a.fingerprint, "enrolment", a.address).await?;
        if let Some(other) = book.other(a.id, a.fingerprint, &[KeyState::Accepted, KeyState::Pending]) {
            return Err(KeyError::Taken(other));
        }
        let waiting = book.keys.values().flatten().filter(|k| k.state == KeyState::Pending);
        if waiting.count() >= self.max_pending {
            return Err(KeyError::TooManyPending);
        }
        let record = a.record(KeyState::Pending, "enrolment", now);
        let changes = vec![records::put_key(&record)];
        let events = vec![facts::auth(a.id, KeyAct::Pend, a.fingerprint, "enrolment", a.address)];
        self.write(Write { changes, events, ..Write::default() }).await?;
        book.set(record);
        self.moved();
        Ok(())
    }

    /// Notes in the log that somebody was sent away.
    pub(crate) async fn deny(&self, a: &Applicant<'_>) -> Result<(), KeyError> {
        let event = facts::auth(a.id, KeyAct::Denied, a.fingerprint, "enrolment", a.address);
        self.write(Write { events: vec![event], ..Write::default() }).await
    }

    /// Lets an applicant in by an autosign policy. Never takes the place of an accepted key.
    pub(crate) async fn autosign(&self, a: &Applicant<'_>, by: &str, now: Timestamp) -> Result<(), KeyError> {
        let mut book = self.book.lock().await;
        // Asked again under the lock: two applicants for one id may both have been told that it is free.
        if let Some(other) = book.other(a.id, a.fingerprint, &[KeyState::Accepted]) {
            return Err(KeyError::Taken(other));
        }
        self.only_owner(a.id, a.fingerprint, by, a.address).await?;
        // A key that was shut out must not come back by a policy because its machine calls itself by another name.
        let shut_out = |k: &&KeyRecord| k.fingerprint == a.fingerprint && k.state == KeyState::Rejected;
        if let Some(holder) = book.keys.values().flatten().find(shut_out).map(|k| k.id.clone()) {
            return Err(KeyError::Rejected { fingerprint: a.fingerprint, holder });
        }
        let event = facts::auth(a.id, KeyAct::Accept, a.fingerprint, by, a.address);
        self.admit(&mut book, a.record(KeyState::Accepted, by, now), Vec::new(), vec![event], now).await
    }

    /// Lets an applicant in by a join token, which is used up in the same transaction. An older key of the same id is
    /// superseded: a rebuilt machine comes back so.
    pub(crate) async fn redeem(&self, a: &Applicant<'_>, text: &str, now: Timestamp) -> Result<(), KeyError> {
        let mut book = self.book.lock().await;
        let token: JoinToken = text.parse().map_err(|_| KeyError::BadToken("it is malformed"))?;
        let mut record = check_token(&book, &token, a, now)?;
        record.uses_left -= 1;
        let by = format!("token {}", record.name);
        self.only_owner(a.id, a.fingerprint, &by, a.address).await?;
        let used_up = record.uses_left == 0;
        let change = if used_up { records::delete_token(&record.name) } else { records::put_token(&record) };
        let events = vec![
            facts::token(&record.name, "used", &record.pattern, a.id.as_str()),
            facts::auth(a.id, KeyAct::Accept, a.fingerprint, &by, a.address),
        ];
        if used_up {
            book.tokens.remove(&record.name);
        } else {
            book.tokens.insert(record.name.clone(), record);
        }
        self.admit(&mut book, a.record(KeyState::Accepted, &by, now), vec![change], events, now).await
    }

    /// Signs the certificate of an accepted key.
    pub(crate) fn certify(
        &self,
        id: &MinionId,
        request: &Request,
        now: Timestamp,
    ) -> Result<Vec<u8>, KeyError> {
        Ok(self.authority.issue(&Peer::Minion(id.clone()), request, now)?)
    }

    /// Accepts the waiting or rejected keys of matching ids; returns what was accepted. One that is accepted for
    /// somebody else is left out, and is an error when the others are done.
    pub(crate) async fn accept(
        &self,
        pattern: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<Vec<KeyRecord>, KeyError> {
        let mut done = Vec::new();
        let mut in_use = None;
        let mut book = self.book.lock().await;
        for mut record in book.matching(pattern) {
            let newest = matches!(record.state, KeyState::Pending | KeyState::Rejected);
            // With both a waiting and a rejected key, the waiting one is meant.
            let other_waits = record.state == KeyState::Rejected && book.has_pending(&record.id);
            if !newest || other_waits {
                continue;
            }
            match self.only_owner(&record.id, record.fingerprint, by, &record.address).await {
                Err(e @ KeyError::InUse { .. }) => {
                    in_use.get_or_insert(e);
                    continue;
                }
                other => other?,
            }
            record.state = KeyState::Accepted;
            record.changed = now;
            by.clone_into(&mut record.by);
            let event = facts::key(&record.id, KeyAct::Accept, record.fingerprint, by);
            self.admit(&mut book, record.clone(), Vec::new(), vec![event], now).await?;
            done.push(record);
        }
        in_use.map_or(Ok(done), Err)
    }

    /// Refuses a key that is accepted for somebody else, and names both in the log. Asked under the book's lock.
    async fn only_owner(
        &self,
        id: &MinionId,
        fingerprint: Fingerprint,
        by: &str,
        address: &str,
    ) -> Result<(), KeyError> {
        let own = Peer::Minion(id.clone());
        let Some(holder) = self.trust.holder(fingerprint).filter(|p| *p != own) else { return Ok(()) };
        let holder = holder.to_string();
        let event = facts::key_in_use(id, &holder, fingerprint, by, address);
        self.write(Write { events: vec![event], ..Write::default() }).await?;
        Err(KeyError::InUse { id: id.clone(), fingerprint, holder })
    }

    /// Rejects the keys of matching ids and closes their links; returns what was rejected.
    pub(crate) async fn reject(
        &self,
        pattern: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<Vec<KeyRecord>, KeyError> {
        let mut done = Vec::new();
        let mut book = self.book.lock().await;
        for mut record in book.matching(pattern) {
            if matches!(record.state, KeyState::Rejected | KeyState::Superseded) {
                continue;
            }
            let was_accepted = record.state == KeyState::Accepted;
            record.state = KeyState::Rejected;
            record.changed = now;
            by.clone_into(&mut record.by);
            let write = Write {
                changes: vec![records::put_key(&record)],
                events: vec![facts::key(&record.id, KeyAct::Reject, record.fingerprint, by)],
                ..Write::default()
            };
            self.write(write).await?;
            book.set(record.clone());
            if was_accepted {
                self.trust.revoke(&Peer::Minion(record.id.clone()));
                self.hub.revoke(record.id.clone(), false).await;
            }
            done.push(record);
        }
        self.moved();
        Ok(done)
    }

    /// Forgets the keys of matching ids and closes their links; returns what was forgotten.
    pub(crate) async fn delete(&self, pattern: &str, by: &str) -> Result<Vec<KeyRecord>, KeyError> {
        let mut book = self.book.lock().await;
        let done = book.matching(pattern);
        for record in &done {
            let write = Write {
                changes: vec![records::delete_key(&record.id, record.fingerprint)],
                events: vec![facts::key(&record.id, KeyAct::Delete, record.fingerprint, by)],
                ..Write::default()
            };
            self.write(write).await?;
            if record.state == KeyState::Accepted {
                self.trust.revoke(&Peer::Minion(record.id.clone()));
                self.hub.revoke(record.id.clone(), true).await;
            }
            book.forget(&record.id, record.fingerprint);
        }
        self.moved();
        Ok(done)
    }

    /// Returns all keys, or those of ids that match.
    pub(crate) async fn matching(&self, pattern: &str) -> Vec<KeyRecord> {
        self.book.lock().await.matching(pattern)
    }

    /// Returns the ids with an accepted key: the minions that targets can mean.
    pub(crate) async fn accepted_ids(&self) -> Vec<MinionId> {
        let book = self.book.lock().await;
        let accepted = |keys: &Vec<KeyRecord>| keys.iter().any(|k| k.state == KeyState::Accepted);
        book.keys.iter().filter(|(_, keys)| accepted(keys)).map(|(id, _)| id.clone()).collect()
    }

    /// Makes a join token.
    pub(crate) async fn create_token(
        &self,
        pattern: &str,
        ttl: Duration,
        uses: u32,
        by: &str,
        now: Timestamp,
    ) -> Result<(JoinToken, TokenRecord), KeyError> {
        let mut book = self.book.lock().await;
        book.tokens.retain(|_, t| t.expires > now);
        if book.tokens.len() >= MAX_TOKENS {
            return Err(KeyError::TooManyTokens);
        }
        let (name, secret) = (random_hex::<4>()?, random_hex::<16>()?);
        let token = JoinToken::new(name.clone(), secret.clone(), self.authority.fingerprint())
            .expect("hex digits are allowed in tokens");
        let record = TokenRecord {
            name,
            hash: Digest::of(secret.as_bytes()),
            pattern: pattern.to_owned(),
            expires: now + ttl,
            uses_left: uses,
            created: now,
            by: by.to_owned(),
        };
        let write = Write {
            changes: vec![records::put_token(&record)],
            events: vec![facts::token(&record.name, "created", pattern, by)],
            ..Write::default()
        };
        self.write(write).await?;
        book.tokens.insert(record.name.clone(), record.clone());
        Ok((token, record))
    }

    /// Returns the tokens that still work.
    pub(crate) async fn tokens(&self, now: Timestamp) -> Vec<TokenRecord> {
        self.book.lock().await.tokens.values().filter(|t| t.expires > now).cloned().collect()
    }

    /// Ends tokens by name, or by a glob over the patterns that they are bound to.
    pub(crate) async fn revoke_tokens(&self, name: &str, by: &str) -> Result<Vec<TokenRecord>, KeyError> {
        let mut book = self.book.lock().await;
        let meant = |t: &&TokenRecord| t.name == name || glob::matches(name, &t.pattern);
        let done: Vec<TokenRecord> = book.tokens.values().filter(meant).cloned().collect();
        for token in &done {
            let write = Write {
                changes: vec![records::delete_token(&token.name)],
                events: vec![facts::token(&token.name, "revoked", &token.pattern, by)],
                ..Write::default()
            };
            self.write(write).await?;
            book.tokens.remove(&token.name);
        }
        Ok(done)
    }

    /// Makes a key the accepted one of its minion; an older one is superseded in the same transaction.
    async fn admit(
        &self,
        book: &mut Book,
        record: KeyRecord,
        mut changes: Vec<crate::store::Change>,
        events: Vec<lab_proto::NewEvent>,
        now: Timestamp,
    ) -> Result<(), KeyError> {
        let older = book.keys.get(&record.id).into_iter().flatten();
        let superseded: Vec<KeyRecord> = older
            .filter(|k| k.state == KeyState::Accepted && k.fingerprint != record.fingerprint)
            .map(|k| KeyRecord { state: KeyState::Superseded, changed: now, ..k.clone() })
            .collect();
        changes.push(records::put_key(&record));
        changes.extend(superseded.iter().map(records::put_key));
        // A key that counts, or a token that is used, without the word that says so would never be told.
        self.write(Write { after: changes, events, ..Write::default() }).await?;
        let replaced = !superseded.is_empty();
        for old in superseded {
            book.set(old);
        }
        let peer = Peer::Minion(record.id.clone());
        self.trust.accept(record.fingerprint, peer);
        if replaced {
            self.hub.revoke(record.id.clone(), false).await;
        }
        self.hub.admitted(record.id.clone()).await;
        book.set(record);
        self.moved();
        Ok(())
    }

    async fn write(&self, write: Write) -> Result<(), KeyError> {
        self.hub.write(write).await?.map(|_| ()).map_err(|e| KeyError::Store(e.0))
    }

    fn moved(&self) {
        self.changed.send_modify(|n| *n += 1);
    }
}

impl Book {
    fn matching(&self, pattern: &str) -> Vec<KeyRecord> {
        let keys = self.keys.values().flatten();
        keys.filter(|k| glob::matches(pattern, k.id.as_str())).cloned().collect()
    }

    fn has_pending(&self, id: &MinionId) -> bool {
        self.keys.get(id).is_some_and(|keys| keys.iter().any(|k| k.state == KeyState::Pending))
    }

    /// Returns another key of the id that stands in one of these ways.
    fn other(&self, id: &MinionId, own: Fingerprint, states: &[KeyState]) -> Option<Fingerprint> {
        let keys = self.keys.get(id)?;
        keys.iter().find(|k| k.fingerprint != own && states.contains(&k.state)).map(|k| k.fingerprint)
    }

    fn set(&mut self, record: KeyRecord) {
        let keys = self.keys.entry(record.id.clone()).or_default();
        keys.retain(|k| k.fingerprint != record.fingerprint);
        keys.push(record);
    }

    fn forget(&mut self, id: &MinionId, fingerprint: Fingerprint) {
        if let Some(keys) = self.keys.get_mut(id) {
            keys.retain(|k| k.fingerprint != fingerprint);
            if keys.is_empty() {
                self.keys.remove(id);
            }
        }
    }
}

impl Applicant<'_> {
    fn record(&self, state: KeyState, by: &str, now: Timestamp) -> KeyRecord {
        KeyRecord {
            id: self.id.clone(),
            fingerprint: self.fingerprint,
            state,
            csr: self.csr.to_vec(),
            since: now,
            changed: now,
            by: by.to_owned(),
            address: self.address.to_owned(),
            machine_id: self.machine_id,
        }
    }
}

/// Describes a key as `--json` prints it.
pub(crate) fn key_value(k: &KeyRecord) -> Value {
    Value::from([
        ("id", Value::from(k.id.as_str())),
        ("state", k.state.as_str().into()),
        ("fingerprint", k.fingerprint.to_string().into()),
        ("since", k.since.to_string().into()),
        ("changed", k.changed.to_string().into()),
        ("by", k.by.as_str().into()),
        ("address", k.address.as_str().into()),
        ("machine_id", k.machine_id.map(|m| m.to_string()).into()),
    ])
}

/// Describes a token as `--json` prints it: without its secret.
pub(crate) fn token_value(t: &TokenRecord) -> Value {
    Value::from([
        ("name", Value::from(t.name.as_str())),
        ("pattern", t.pattern.as_str().into()),
        ("uses", t.uses_left.into()),
        ("expires", t.expires.to_string().into()),
        ("created", t.created.to_string().into()),
        ("by", t.by.as_str().into()),
    ])
}

fn check_token(
    book: &Book,
    token: &JoinToken,
    a: &Applicant<'_>,
    now: Timestamp,
) -> Result<TokenRecord, KeyError> {
    // The hashes are compared, and in constant time: how far a guess agrees with a hash says nothing of the secret.
    let record = book.tokens.get(token.name()).filter(|t| {
        let hash = Digest::of(token.secret().as_bytes());
        let pairs = hash.as_bytes().iter().zip(t.hash.as_bytes());
        pairs.fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    });
    let record = record.ok_or(KeyError::BadToken("it is unknown, used up or revoked"))?;
    if record.expires <= now {
        return Err(KeyError::BadToken("it has expired"));
    }
    if !glob::matches(&record.pattern, a.id.as_str()) {
        return Err(KeyError::BadToken("it is bound to another id"));
    }
    let keys = book.keys.get(a.id).map(Vec::as_slice).unwrap_or_default();
    // Whoever holds what is left of a token for many must not undo a rejection or take over a minion with it: only
    // a token that was made afterwards says that this is meant.
    if keys.iter().any(|k| k.state == KeyState::Rejected && k.changed >= record.created) {
        return Err(KeyError::BadToken("a key of this id was rejected since it was made; make a new one"));
    }
    let accepted = |k: &&KeyRecord| k.state == KeyState::Accepted && k.fingerprint != a.fingerprint;
    if keys.iter().filter(accepted).any(|k| k.changed >= record.created) {
        return Err(KeyError::BadToken(
            "another key of this id was accepted since it was made; make a new one",
        ));
    }
    Ok(record.clone())
}

fn random_hex<const N: usize>() -> Result<String, KeyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| KeyError::Random(e.to_string()))?;
    Ok(hex::encode(bytes))
}
