//! Blobs on their way to minions: from any offset, beside jobs, and looked at where a minion doubts what came.

use std::path::PathBuf;

use lab_proto::v1::link::{
    JobsDown, MAX_DATAGRAM, MAX_STREAMS, Query, QueryReply, RESET_DAMAGED, RESET_UNREADABLE, StreamOpen,
};
use lab_proto::v1::op::OpRequest;
use lab_proto::{Digest, Map};
use quinn::{Connection, RecvStream, VarInt};

use crate::support::{Frames, Master, minions, run_request};

/// Streams that carry a blob beside control, events, jobs and the one that brought it.
const BLOBS: u32 = MAX_STREAMS - 4;

/// Bytes that tell where they lie.
fn contents(megabytes: usize) -> Vec<u8> {
    (0u32..).flat_map(u32::to_le_bytes).take(megabytes << 20).collect()
}

async fn put(connection: &Connection, bytes: &[u8]) -> Digest {
    let digest = Digest::of(bytes);
    let mut frames = Frames::open(connection).await;
    frames.say(&StreamOpen::Query(Query::BlobPut { digest, size: bytes.len() as u64 })).await;
    frames.send.write_all(bytes).await.expect("sent");
    frames.send.finish().expect("open");
    assert_eq!(frames.hear::<QueryReply>().await, Some(QueryReply::Stored));
    digest
}

/// Asks for a blob; returns its size, and its bytes as far as they were read and as a stream.
async fn get(connection: &Connection, digest: Digest, offset: u64) -> (u64, Vec<u8>, RecvStream) {
    let mut frames = Frames::open(connection).await;
    frames.say(&StreamOpen::Query(Query::BlobGet { digest, offset })).await;
    let Some(QueryReply::Blob { size }) = frames.hear().await else { panic!("no blob") };
    let (first, stream) = frames.into_rest();
    (size, first, stream)
}

/// Asks for a blob that the master gives up, at once or when it has begun: what was sent until then need not arrive.
async fn gave_up(connection: &Connection, digest: Digest, offset: u64) -> quinn::ReadError {
    let mut frames = Frames::open(connection).await;
    frames.say(&StreamOpen::Query(Query::BlobGet { digest, offset })).await;
    let (first, stream) = frames.into_rest();
    rest(first, stream).await.expect_err("it is given up")
}

async fn rest(mut bytes: Vec<u8>, mut stream: RecvStream) -> Result<Vec<u8>, quinn::ReadError> {
    while let Some(chunk) = stream.read_chunk(1 << 16, true).await? {
        bytes.extend_from_slice(&chunk.bytes);
    }
    Ok(bytes)
}

/// Where the master keeps a blob.
fn file_of(master: &Master, digest: &Digest) -> PathBuf {
    let name = digest.to_string();
    master.dir.path().join("data/blobs").join(&name[..2]).join(&name[2..])
}

/// Where the way carries jumbo frames (the loopback does) a minion that takes them gets them, once probes have found out.
#[tokio::test(flavor = "multi_thread")]
async fn a_blob_comes_in_packets_as_large_as_the_way_and_the_minion_take() {
    /// Within so many fetches probes have gone to and fro as often as it takes.
    const FETCHES: usize = 100;
    let master = Master::start().await;
    let (mut minion, up) = minions(&master, &["web1"]).await.remove(0);
    let blob = contents(2);
    let digest = put(&up.connection, &blob).await;
    // It arrived with what any Ethernet carries.
    let (_, first, stream) = get(&up.connection, digest, 0).await;
    assert!(rest(first, stream).await.expect("it is whole") == blob);
    let ordinary = up.connection.stats().udp_rx;
    assert!(ordinary.bytes / ordinary.datagrams < 1_473, "{ordinary:?}");
    drop(up);

    minion.largest = MAX_DATAGRAM;
    let up = minion.up().await;
    let mut average = 0;
    for _ in 0..FETCHES {
        let before = up.connection.stats().udp_rx;
        let (_, first, stream) = get(&up.connection, digest, 0).await;
        assert!(rest(first, stream).await.expect("it is whole") == blob);
        let after = up.connection.stats().udp_rx;
        average = (after.bytes - before.bytes) / (after.datagrams - before.datagrams);
        if average > 4_000 {
            break;
        }
    }
    assert!((4_001..=u64::from(MAX_DATAGRAM)).contains(&average), "{average} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_comes_from_any_offset_and_at_its_end_the_master_looks_at_its_own_copy() {
    let master = Master::start().await;
    let up = minions(&master, &["web1"]).await.remove(0).1;
    let blob = contents(2);
    let (digest, length) = (put(&up.connection, &blob).await, blob.len() as u64);
    for offset in [0, 1, length / 2, length - 1, length] {
        let (size, first, stream) = get(&up.connection, digest, offset).await;
        assert_eq!(size, length);
        let came = rest(first, stream).await.expect("it is whole");
        assert!(came == blob[usize::try_from(offset).expect("small")..], "from {offset}");
    }

    let file = file_of(&master, &digest);
    let mut rotten = blob.clone();
    rotten[1000] ^= 1;
    std::fs::write(&file, &rotten).expect("written");

    // It comes as it lies there: the minion checks. Then it asks.
    let (_, first, stream) = get(&up.connection, digest, 0).await;
    assert!(rest(first, stream).await.expect("comes") == rotten);
    let damaged = gave_up(&up.connection, digest, length).await;
    assert_eq!(damaged, quinn::ReadError::Reset(VarInt::from_u32(RESET_DAMAGED)));

    // What no disk gives, whatever it is asked.
    std::fs::remove_file(&file).expect("removed");
    std::fs::create_dir(&file).expect("made");
    for offset in [0, u64::MAX] {
        let unreadable = gave_up(&up.connection, digest, offset).await;
        assert_eq!(unreadable, quinn::ReadError::Reset(VarInt::from_u32(RESET_UNREADABLE)), "from {offset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_that_nobody_reads_hold_up_no_job() {
    let master = Master::start().await;
    let mut up = minions(&master, &["web1"]).await.remove(0).1;
    let blob = contents(4);
    let digest = put(&up.connection, &blob).await;
    let mut unread = Vec::new();
    for _ in 0..BLOBS {
        unread.push(get(&up.connection, digest, 0).await);
    }

    let asked = OpRequest::Run(run_request("web1", "test.ping"));
    let _replies = master.operator.request(asked).await.expect("taken");

    let job = up.jobs.hear::<JobsDown>().await;
    assert!(matches!(&job, Some(JobsDown::Publish { job, .. }) if job.kwargs == Map::new()), "{job:?}");
    for (_, first, stream) in unread {
        // A stream takes a part of it at a time, so none had come whole.
        assert!(rest(first, stream).await.expect("goes on") == blob);
    }
}
