//! Questions of minions, one stream each; answered for the asking minion only.

use std::sync::Arc;
use std::time::Duration;

use lab_proto::v1::link::{MAX_UPLOAD, Query, QueryReply, RESET_DAMAGED, RESET_UNREAD, RESET_UNREADABLE};
use lab_proto::{Digest, Map, MinionId, Target, Value};
use quinn::SendStream;
use tokio::sync::mpsc;
use tracing::warn;

use super::{Shared, chain, pillar, targets};
use crate::core::Write;
use crate::core::facts;
use crate::core::records::{self, MineRecord};
use crate::core::targets::{allows, check_allow, needs_pillar};
use crate::frames::{FrameError, FrameReader, send};
use crate::store::MAX_KEY_VALUE;
use crate::store::blob::{BlobError, BlobReader};

/// Parts of a blob that go from the disk's thread to the stream together: each time costs a change of threads.
const TOGETHER: usize = 4;
/// How often that many wait for the stream: bounds what one transfer holds in memory.
const WAITING: usize = 2;
/// Parts of an uploaded blob between the stream and the disk.
const PARTS: usize = 4;
/// From so many bytes on a blob is large: the socket goes wide for it.
const LARGE: u64 = 1 << 20;
/// Blobs on their way at a time, up and down, of all minions: each holds a blocking thread while its peer is slow.
pub(super) const MAX_TRANSFERS: usize = 128;
/// How long a transfer may stand still, and the peer's end may take to acknowledge the last of it.
const STALL: Duration = Duration::from_secs(60);
/// The longest name of a mine value: an event's tag holds it beside the longest id.
const MAX_NAME: usize = 128;
/// Names that one minion may have in the mine.
const MAX_MINE: usize = 1024;

/// A question as it came.
pub(super) struct Asked {
    pub(super) query: Query,
    /// Whether the way back carries large packets: few of them are much already.
    pub(super) jumbo: bool,
}

pub(super) async fn answer(
    shared: &Arc<Shared>,
    minion: &MinionId,
    Asked { query, jumbo }: Asked,
    mut down: SendStream,
    up: FrameReader,
) -> Result<(), FrameError> {
    let reply = match query {
        Query::BlobGet { digest, offset } => return send_blob(shared, (digest, offset), jumbo, down).await,
        Query::BlobPut { digest, size } => take_blob(shared, minion, digest, size, up).await,
        Query::Pillar { overrides } => own_pillar(shared, minion, overrides).await,
        Query::MineGet { target, function } => mine_get(shared, minion, &target, &function).await,
        Query::MineSend { function, value, allow, ttl_seconds } => {
            mine_send(shared, minion, function, value, allow, ttl_seconds).await
        }
        Query::MineDelete { function } => mine_delete(shared, minion, function).await,
    };
    send(&mut down, &reply).await?;
    down.finish()?;
    Ok(())
}

/// Streams a blob in constant memory, as it lies on the disk: whoever asks for a digest checks what comes against it. Where
/// nothing is left to send the question is whether it is whole here. What is not finished is reset with a code that says why.
async fn send_blob(
    shared: &Arc<Shared>,
    (digest, offset): (Digest, u64),
    jumbo: bool,
    mut down: SendStream,
) -> Result<(), FrameError> {
    // Nobody closes it; without a place it would still be right to go on.
    let _place = shared.transfers.acquire().await.ok();
    let opened = blocking({
        let shared = shared.clone();
        move || shared.content.reader(&digest)
    })
    .await;
    let reader = match opened {
        Ok(Ok(reader)) => reader,
        Ok(Err(BlobError::Missing(_))) => {
            return say(&mut down, QueryReply::NotFound(format!("no blob {digest}"))).await;
        }
        Ok(Err(e)) => return say(&mut down, QueryReply::Failed(chain(&e))).await,
        Err(e) => return say(&mut down, QueryReply::Failed(e)).await,
    };
    // Jobs and answers go first.
    down.set_priority(-1)?;
    send(&mut down, &QueryReply::Blob { size: reader.size() }).await?;
    let large = reader.size().saturating_sub(offset) >= LARGE;
    let _wide = (large && !jumbo).then(|| shared.width.blob());
    let (parts, mut inbox) = mpsc::channel(WAITING);
    let pump = tokio::task::spawn_blocking(move || {
        if let Err(e) = pump(reader, offset, &parts) {
            // A receiver that is gone needs no word.
            let _ = parts.blocking_send(Err(e));
        }
    });
    while let Some(parts) = inbox.recv().await {
        let parts = match parts {
            Ok(parts) => parts,
            Err(e) => {
                let _ = down.reset(give_up(&digest, &e).into());
                return Ok(());
            }
        };
        for part in parts {
            let Ok(written) = tokio::time::timeout(STALL, down.write_chunk(part.into())).await else {
                let _ = down.reset(RESET_UNREAD.into());
                return Ok(());
            };
            written?;
        }
    }
    let _ = pump.await;
    down.finish()?;
    // Until then the bytes are in memory: neither the place nor the width is given back before.
    acknowledged(&mut down).await;
    Ok(())
}

/// Waits until the peer's end has all that was sent, or wants no more; forgets what it leaves standing.
async fn acknowledged(down: &mut SendStream) {
    if tokio::time::timeout(STALL, down.stopped()).await.is_err() {
        let _ = down.reset(RESET_UNREAD.into());
    }
}

/// Says why a blob is not sent on; returns the code for its stream.
fn give_up(digest: &Digest, error: &BlobError) -> u32 {
    if matches!(error, BlobError::Damaged { .. } | BlobError::Cut { .. }) {
        warn!(%digest, error = chain(error), "a blob is damaged");
        return RESET_DAMAGED;
    }
    warn!(%digest, error = chain(error), "a blob cannot be read");
    RESET_UNREADABLE
}

/// Reads a blob from an offset on, some parts at a time, until nobody wants more.
fn pump(
    mut reader: BlobReader,
    offset: u64,
    outbox: &mpsc::Sender<Result<Vec<Vec<u8>>, BlobError>>,
) -> Result<(), BlobError> {
    if offset >= reader.size() {
        return reader.verify();
    }
    reader.seek(offset)?;
    loop {
        let mut parts = Vec::with_capacity(TOGETHER);
        while parts.len() < TOGETHER
            && let Some(part) = reader.next_part()?
        {
            parts.push(part);
        }
        if parts.is_empty() || outbox.blocking_send(Ok(parts)).is_err() {
            return Ok(());
        }
    }
}

/// Takes an uploaded blob; it must be what it was announced to be.
async fn take_blob(
    shared: &Arc<Shared>,
    minion: &MinionId,
    digest: Digest,
    size: u64,
    up: FrameReader,
) -> QueryReply {
    if size > MAX_UPLOAD {
        return QueryReply::Failed(format!(
            "{size} bytes are too many for a blob; at most {MAX_UPLOAD} are taken"
        ));
    }
    let quota = (shared.config.events.keep_blobs / 4).max(MAX_UPLOAD);
    let Some(mut share) = shared.uploads.take(minion, size, quota, shared.clock.now()) else {
        return QueryReply::Failed(format!(
            "with this blob of {size} bytes this minion would exceed {quota} bytes within the hour, a fourth of events.keep_blobs; try again later"
        ));
    };
    // Nobody closes it; without a place it would still be right to go on.
    let _place = shared.transfers.acquire().await.ok();
    let (first, mut stream) = up.into_rest();
    let (parts, mut inbox) = mpsc::channel::<Vec<u8>>(PARTS);
    let store = shared.clone();
    let writer = tokio::task::spawn_blocking(move || {
        let mut writer = store.content.blobs().writer()?;
        while let Some(part) = inbox.blocking_recv() {
            writer.write(&part)?;
        }
        writer.finish_as(&digest)
    });
    let mut left = size;
    let mut next = Some(first);
    loop {
        if let Some(part) = next.take().filter(|p| !p.is_empty()) {
            let Some(rest) = left.checked_sub(part.len() as u64) else {
                return QueryReply::Failed("more bytes came than were announced".to_owned());
            };
            left = rest;
            share.came(part.len() as u64);
            if parts.send(part).await.is_err() {
                break;
            }
        }
        let Ok(chunk) = tokio::time::timeout(STALL, stream.read_chunk(256 * 1024, true)).await else {
            return QueryReply::Failed(format!("nothing came for {} s", STALL.as_secs()));
        };
        match chunk {
            Ok(Some(chunk)) => next = Some(chunk.bytes.to_vec()),
            Ok(None) => break,
            Err(e) => return QueryReply::Failed(e.to_string()),
        }
    }
    drop(parts);
    match writer.await {
        Ok(Ok(())) => QueryReply::Stored,
        Ok(Err(e)) => QueryReply::Failed(chain(&e)),
        Err(e) => QueryReply::Failed(e.to_string()),
    }
}

async fn own_pillar(shared: &Arc<Shared>, minion: &MinionId, overrides: Map) -> QueryReply {
    match pillar::for_minion(shared, minion, overrides).await {
        Ok(pillar) => QueryReply::Value(Value::Map(pillar)),
        Err(why) => QueryReply::Failed(why),
    }
}

/// Returns the values of other minions as far as this one may read them, by id.
async fn mine_get(shared: &Arc<Shared>, minion: &MinionId, target: &Target, function: &str) -> QueryReply {
    if needs_pillar(target, &shared.config.node_groups) {
        // Each answer would tell whose pillar matches: a minion could spell out the secrets of the others.
        shared.hub.refused("mine: a target that looks at pillar", minion.as_str()).await;
        return QueryReply::Failed("minions cannot ask the mine by pillar; name ids or grains".to_owned());
    }
    let meant = match targets::resolve(shared, target).await {
        Ok(meant) => meant,
        Err(refusal) => return QueryReply::Failed(refusal.text),
    };
    let (shared, minion, function) = (shared.clone(), minion.clone(), function.to_owned());
    let now = crate::server::wall_time();
    let found = blocking(move || {
        let mut found = Map::new();
        for id in meant {
            let Some(record) = records::mine_of(&*shared.store, &id, &function)? else { continue };
            let fresh = record.expires.is_none_or(|t| t > now);
            if fresh && allows(record.allow.as_ref(), &minion, &shared.config.node_groups) {
                found.insert(Value::from(id.as_str()), record.value);
            }
        }
        Ok::<_, records::RecordError>(found)
    });
    match found.await {
        Ok(Ok(found)) => QueryReply::Value(Value::Map(found)),
        Ok(Err(e)) => QueryReply::Failed(chain(&e)),
        Err(e) => QueryReply::Failed(e),
    }
}

async fn mine_send(
    shared: &Arc<Shared>,
    minion: &MinionId,
    function: String,
    value: Value,
    allow: Option<Target>,
    ttl_seconds: Option<u64>,
) -> QueryReply {
    if let Err(why) = check_name(&function) {
        return QueryReply::Failed(why);
    }
    if let Some(Err(why)) = allow.as_ref().map(|allow| check_allow(allow, &shared.config.node_groups)) {
        return QueryReply::Failed(why);
    }
    if let Err(why) = value.check_given() {
        return QueryReply::Failed(format!("the value is {why}"));
    }
    let now = crate::server::wall_time();
    let expires = ttl_seconds.map(|s| now + Duration::from_secs(s));
    let record = MineRecord { value, allow, expires, at: now };
    let change = records::put_mine(minion, &function, &record);
    if matches!(&change, crate::store::Change::Put { value, .. } if value.len() > MAX_KEY_VALUE) {
        return QueryReply::Failed(format!("the value is over {MAX_KEY_VALUE} bytes"));
    }
    match mine_names(shared, minion).await {
        Ok(names) if names.len() >= MAX_MINE && !names.contains(&function) => {
            return QueryReply::Failed(format!(
                "there are {MAX_MINE} names of this minion in the mine already"
            ));
        }
        Ok(_) => {}
        Err(e) => return QueryReply::Failed(e),
    }
    let event = facts::mine(minion, &function, "updated", record.allow.as_ref());
    store(shared, Write { changes: vec![change], events: vec![event], ..Write::default() }).await
}

async fn mine_delete(shared: &Arc<Shared>, minion: &MinionId, function: Option<String>) -> QueryReply {
    let names = match mine_names(shared, minion).await {
        Ok(names) => names,
        Err(e) => return QueryReply::Failed(e),
    };
    let mut write = Write::default();
    for name in names.iter().filter(|n| function.as_ref().is_none_or(|f| f == *n)) {
        write.changes.push(records::delete_mine(minion, name));
        write.events.push(facts::mine(minion, name, "deleted", None));
    }
    if write.is_empty() { QueryReply::Stored } else { store(shared, write).await }
}

async fn mine_names(shared: &Arc<Shared>, minion: &MinionId) -> Result<Vec<String>, String> {
    let (shared, minion) = (shared.clone(), minion.clone());
    let all = blocking(move || records::mine(&*shared.store, &minion)).await?.map_err(|e| chain(&e))?;
    Ok(all.into_iter().map(|(name, _)| name).collect())
}

/// The name becomes a part of an event's tag.
fn check_name(function: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if function.is_empty() || function.len() > MAX_NAME || !function.chars().all(plain) {
        return Err(format!(
            "{function:?} cannot be the name of a mine value: letters, digits and .-_ make one"
        ));
    }
    Ok(())
}

async fn store(shared: &Shared, write: Write) -> QueryReply {
    match shared.hub.write(write).await {
        Ok(Ok(_)) => QueryReply::Stored,
        Ok(Err(e)) => QueryReply::Failed(e.to_string()),
        Err(e) => QueryReply::Failed(e.to_string()),
    }
}

async fn say(down: &mut SendStream, reply: QueryReply) -> Result<(), FrameError> {
    send(down, &reply).await?;
    down.finish()?;
    Ok(())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use quinn::{ClientConfig, Endpoint, ServerConfig};
    use rustls_pki_types::PrivatePkcs8KeyDer;

    use super::*;

    /// Two ends on the loopback.
    fn ends() -> (ServerConfig, ClientConfig) {
        let made =
            rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("makes a certificate");
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).expect("a certificate");
        let server = ServerConfig::with_single_cert(vec![made.cert.der().clone()], key.into()).expect("fits");
        (server, ClientConfig::with_root_certificates(Arc::new(roots)).expect("fits"))
    }

    #[test]
    fn a_stream_that_is_finished_is_under_way_until_the_other_end_has_it() {
        let here = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        // It goes on only while it is driven: the peer stands still the rest of the time.
        let there = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (server, client) = ends();
        let server = {
            let _entered = here.enter();
            Endpoint::server(server, (Ipv4Addr::LOCALHOST, 0).into()).expect("binds")
        };
        let address = server.local_addr().expect("bound");
        let accepted = here.spawn(async move {
            let connection = server.accept().await.expect("comes").await.expect("is let in");
            (connection.accept_bi().await.expect("opens").0, connection, server)
        });
        let (mut up, mut recv, _client) = there.block_on(async {
            let mut endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).expect("binds");
            endpoint.set_default_client_config(client);
            let connection = endpoint.connect(address, "localhost").expect("dials").await.expect("gets in");
            let (mut up, down) = connection.open_bi().await.expect("opens");
            up.write_all(b"?").await.expect("goes out");
            (up, down, (connection, endpoint))
        });
        let _ = up.finish();
        let (mut down, connection, _server) = there.block_on(async { accepted.await.expect("accepts") });

        let _entered = here.enter();
        here.block_on(down.write_all(&[7; 1000])).expect("there is room");
        down.finish().expect("open");
        let mut done = pin!(acknowledged(&mut down));
        assert!(done.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let driven = std::thread::spawn(move || {
            there.block_on(async move {
                assert_eq!(recv.read_to_end(2000).await.expect("comes").len(), 1000);
                (_client.0).closed().await;
            });
        });
        here.block_on(done);
        connection.close(0u32.into(), b"");
        driven.join().expect("hears the end");
    }
}
