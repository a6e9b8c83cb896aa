//! Every frame and stored record has frozen bytes in `fixtures/v1`: what one version wrote, every later
//! version must read, and what this version writes, every earlier one of the same format must read.
//!
//! A new frame needs a new fixture: `FREEZE=1 cargo test -p lab-proto --test fixtures` writes the files that are missing.
//! An existing file is never rewritten; a test that fails here means the format changed.

use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;

use lab_proto::event::Boot;
use lab_proto::ids::ProcessId;
use lab_proto::job::StepRef;
use lab_proto::v1::enrol::{EnrolRefusal, EnrolReply, EnrolRequest};
use lab_proto::v1::link::{
    CloseReason, EventAck, EventBatch, Hello, JobState, JobsDown, JobsUp, LinkRefusal, ProbeEcho, Progress,
    Query, QueryReply, StreamOpen, ToMaster, ToMinion, Welcome,
};
use lab_proto::v1::op::{
    Batch, EventQuery, JobRequest, KeyRequest, OpOpen, OpRefusal, OpReply, OpRequest, OrchestrateRequest,
    RefusalKind, RunRequest, RunsRequest, Since, TokenRequest, Until,
};
use lab_proto::version::{NoCommonVersion, SUPPORTED, VersionRange};
use lab_proto::{
    BootId, Digest, EndState, Event, EventTag, Fingerprint, JobId, JobReturn, JobSpec, LogId, MachineId, Map,
    MinionId, MinionOrigin, NewEvent, Origin, OutboxEvent, OutboxId, Position, RunId, StateOutcome,
    StateReturn, StepId, TagPattern, Target, TargetKind, Timestamp, Value, codec,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[expect(clippy::disallowed_methods, reason = "a test reads its frozen files")]
fn frozen<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, samples: &[T]) {
    for (i, sample) in samples.iter().enumerate() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/v1/{name}-{i:02}.hex"));
        let now = codec::frame(sample).expect("encodes");
        if !path.exists() && std::env::var("FREEZE").is_ok() {
            std::fs::write(&path, format!("{}\n", hex::encode(&now))).expect("writes the new fixture");
        }
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|e| panic!("{}: {e}; a new frame is frozen with FREEZE=1", path.display()));
        let then = hex::decode(text.trim()).expect("a fixture is hex");
        let mut buffer = codec::FrameBuffer::default();
        buffer.push(&then);
        let read: T = buffer.next_frame().expect("old bytes decode").expect("a whole frame");
        assert_eq!(&read, sample, "{name}-{i:02} reads as something else than it was");
        assert_eq!(hex::encode(&now), text.trim(), "{name}-{i:02} is written differently than before");
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}
fn minion() -> MinionId {
    MinionId::new("00:00:00:11:11:11").expect("valid")
}
fn tag() -> EventTag {
    EventTag::new("salt/minion/00:00:00:11:11:11/start").expect("valid")
}
fn position() -> Position {
    Position { log_id: LogId::from_u128(0x1234), seq: 300 }
}
fn boot() -> Boot {
    Boot { id: BootId::from_u128(0xb007), number: 2 }
}
fn jid() -> JobId {
    JobId::new(at(1_795_238_380), 0xabcd)
}
fn run() -> RunId {
    RunId::new(at(1_795_238_381), 0xef)
}
fn map() -> Map {
    Map::from_iter([(Value::from("test"), Value::from(true))])
}
fn every_kind_of_value() -> Value {
    Value::List(vec![
        Value::Null,
        Value::Bool(true),
        Value::Int(-7),
        Value::Int(i128::MAX),
        Value::Float(1.5),
        Value::from("text"),
        Value::Bytes(vec![0, 255]),
        Value::Tuple(vec![Value::from(1)]),
        Value::Map(Map::from_iter([(Value::from(1), Value::from("one"))])),
    ])
}
fn target() -> Target {
    Target::new(TargetKind::Compound, "G@os:Debian and kvm*")
}
fn job() -> JobSpec {
    JobSpec {
        jid: jid(),
        fun: "state.apply".to_owned(),
        args: vec![Value::from("web")],
        kwargs: map(),
        target: target(),
        timeout_micros: Some(5_000_000),
        tree: Some(Digest::of(b"tree")),
        user: "root".to_owned(),
        step: Some(StepRef { run: run(), step: StepId::new("install").expect("valid") }),
        at: at(3),
    }
}
fn outbox_event() -> OutboxEvent {
    OutboxEvent {
        counter: 9,
        boot: boot(),
        seen: Some(position()),
        at: at(4),
        tag: tag(),
        data: every_kind_of_value(),
    }
}
fn hello() -> Hello {
    Hello {
        versions: SUPPORTED,
        id: minion(),
        boot: boot(),
        booted_at: at(1),
        earlier_boots: vec![Boot { id: BootId::from_u128(1), number: 1 }],
        machine_id: MachineId::from_u128(2),
        process: ProcessId::from_u128(3),
        outbox_id: OutboxId::from_u128(4),
        outbox_head: 9,
        version: "0.1.0".to_owned(),
        now: at(5),
    }
}
fn no_common() -> NoCommonVersion {
    NoCommonVersion { ours: SUPPORTED, theirs: VersionRange { min: 2, max: 3 } }
}

#[test]
fn stored_records_keep_their_bytes() {
    let origin = MinionOrigin {
        id: minion(),
        key: Fingerprint::of(b"key"),
        outbox_id: OutboxId::from_u128(4),
        counter: 9,
        boot: boot(),
        seen: None,
        at: at(4),
    };
    let new = |origin| NewEvent { tag: tag(), origin, data: every_kind_of_value() };
    frozen(
        "new-event",
        &[
            new(Origin::Master),
            new(Origin::Minion(origin.clone())),
            new(Origin::Operator { name: "root".to_owned() }),
        ],
    );
    frozen("event", &[Event::place(new(Origin::Minion(origin)), position(), at(6))]);
    frozen("outbox-event", &[outbox_event()]);
    let end = |state| JobReturn {
        jid: jid(),
        id: minion(),
        fun: "test.ping".to_owned(),
        state,
        success: true,
        retcode: 0,
        value: Value::from(true),
        duration_micros: 42,
    };
    frozen(
        "job-return",
        &[
            EndState::Returned,
            EndState::Failed,
            EndState::Interrupted,
            EndState::Killed,
            EndState::TimedOut,
            EndState::Lost,
            EndState::Offline,
        ]
        .map(end),
    );
    let state = |outcome| StateReturn {
        id: "motd".to_owned(),
        state: "file.managed".to_owned(),
        name: "/etc/motd".to_owned(),
        sls: "web".to_owned(),
        outcome,
        reason: Some("onchanges".to_owned()),
        changes: map(),
        comment: "ok".to_owned(),
        run_num: 3,
        started: at(7),
        duration_micros: 8,
    };
    frozen(
        "state-return",
        &[StateOutcome::Ok, StateOutcome::WouldChange, StateOutcome::Failed, StateOutcome::Skipped]
            .map(state),
    );
    frozen("job-spec", &[job()]);
    frozen(
        "target-kind",
        &[
            TargetKind::Glob,
            TargetKind::List,
            TargetKind::Pcre,
            TargetKind::Grain,
            TargetKind::GrainPcre,
            TargetKind::Pillar,
            TargetKind::PillarPcre,
            TargetKind::Compound,
            TargetKind::Nodegroup,
        ],
    );
}

#[test]
fn enrolment_frames_keep_their_bytes() {
    let fingerprint = Fingerprint::of(b"key");
    frozen(
        "enrol-request",
        &[EnrolRequest {
            versions: SUPPORTED,
            id: minion(),
            csr: vec![48, 130],
            token: Some("T".to_owned()),
            grains: map(),
            machine_id: Some(MachineId::from_u128(2)),
            now: at(5),
        }],
    );
    frozen(
        "enrol-reply",
        &[
            EnrolReply::Pending { fingerprint },
            EnrolReply::Accepted { certificate: vec![1], ca: vec![2], now: at(5) },
            EnrolReply::Refused(EnrolRefusal::Rejected { fingerprint }),
            EnrolReply::Refused(EnrolRefusal::IdTaken { accepted: fingerprint }),
            EnrolReply::Refused(EnrolRefusal::BadToken { reason: "expired".to_owned() }),
            EnrolReply::Refused(EnrolRefusal::Malformed { reason: "no CSR".to_owned() }),
            EnrolReply::Refused(EnrolRefusal::Busy { retry_after_seconds: 3 }),
            EnrolReply::Refused(EnrolRefusal::Version(no_common())),
            EnrolReply::Refused(EnrolRefusal::KeyInUse {
                fingerprint,
                id: minion(),
                holder: "minion web9".to_owned(),
            }),
        ],
    );
}

#[test]
fn link_frames_keep_their_bytes() {
    frozen(
        "stream-open",
        &[
            StreamOpen::Control(hello()),
            StreamOpen::Events { outbox_id: OutboxId::from_u128(4) },
            StreamOpen::Jobs,
            StreamOpen::Query(Query::BlobGet { digest: Digest::of(b"x"), offset: 7 }),
            StreamOpen::Query(Query::BlobPut { digest: Digest::of(b"x"), size: 7 }),
            StreamOpen::Query(Query::Pillar { overrides: map() }),
            StreamOpen::Query(Query::MineGet { target: target(), function: "f".to_owned() }),
            StreamOpen::Query(Query::MineSend {
                function: "f".to_owned(),
                value: Value::from(1),
                allow: Some(target()),
                ttl_seconds: Some(60),
            }),
            StreamOpen::Query(Query::MineDelete { function: None }),
            StreamOpen::Probe { nonce: 7 },
        ],
    );
    frozen("probe-echo", &[ProbeEcho { nonce: 7 }]);
    frozen(
        "to-master",
        &[
            ToMaster::Heartbeat { number: 1, jobs: 2, change_pending_micros: Some(9_000_000) },
            ToMaster::Grains(map()),
            ToMaster::Renew { csr: vec![48] },
            ToMaster::Closing(CloseReason::Shutdown),
            ToMaster::Closing(CloseReason::Reboot(Some(jid()))),
        ],
    );
    frozen(
        "to-minion",
        &[
            ToMinion::Welcome(Welcome {
                version: 1,
                head: position(),
                outbox_mark: 8,
                heartbeat_micros: 5_000_000,
                now: at(5),
            }),
            ToMinion::Refused(LinkRefusal::Version(no_common())),
            ToMinion::Refused(LinkRefusal::WrongId { certificate: minion(), hello: minion() }),
            ToMinion::Refused(LinkRefusal::NotAccepted),
            ToMinion::Refused(LinkRefusal::OutboxRewound { head: 1, mark: 2 }),
            ToMinion::Refused(LinkRefusal::Violation("v".to_owned())),
            ToMinion::HeartbeatAck { number: 1, head: position() },
            ToMinion::Certificate(vec![48]),
            ToMinion::Closing(CloseReason::KeyRevoked),
            ToMinion::Closing(CloseReason::Superseded),
            ToMinion::Closing(CloseReason::Violation("v".to_owned())),
            ToMinion::Closing(CloseReason::Slow("v".to_owned())),
            ToMinion::Closing(CloseReason::NotRecorded("v".to_owned())),
        ],
    );
    frozen("event-batch", &[EventBatch { events: vec![outbox_event()] }]);
    frozen(
        "event-ack",
        &[
            EventAck::Durable { counter: 9, head: position() },
            EventAck::Gap { expected: 3 },
            EventAck::Refused { counter: 4, reason: "tag".to_owned() },
        ],
    );
    frozen(
        "jobs-down",
        &[
            JobsDown::Publish { job: Box::new(job()), pillar: map() },
            JobsDown::Kill { jid: jid(), by: "root".to_owned() },
        ],
    );
    let state = |state| JobsUp::State { jid: jid(), state };
    let progress = |progress| JobsUp::Progress { jid: jid(), progress };
    frozen(
        "jobs-up",
        &[
            state(JobState::Queued(1)),
            state(JobState::Running),
            state(JobState::Ended),
            state(JobState::Refused("full".to_owned())),
            progress(Progress::Stdout("o".to_owned())),
            progress(Progress::Stderr("e".to_owned())),
            progress(Progress::StateStarted { id: "motd".to_owned(), state: "file.managed".to_owned() }),
            progress(Progress::StateEnded(Value::Null)),
        ],
    );
    frozen(
        "query-reply",
        &[
            QueryReply::Blob { size: 7 },
            QueryReply::Stored,
            QueryReply::Value(Value::Null),
            QueryReply::NotFound("n".to_owned()),
            QueryReply::Failed("f".to_owned()),
        ],
    );
}

#[test]
fn operator_frames_keep_their_bytes() {
    let open = |request| OpOpen { versions: SUPPORTED, request };
    let query = |since, until| EventQuery {
        since,
        until,
        tags: vec![TagPattern::new("salt/*")],
        minion: Some(minion()),
        limit: Some(10),
        follow: true,
    };
    let run_request = RunRequest {
        target: target(),
        fun: "test.ping".to_owned(),
        args: vec![],
        kwargs: map(),
        timeout: Some(Duration::from_secs(5)),
        subset: Some(2),
        batch: Some(Batch::Percent(10)),
        detach: false,
    };
    let text = || "x".to_owned();
    frozen(
        "op-open",
        &[
            open(OpRequest::Status),
            open(OpRequest::Key(KeyRequest::List)),
            open(OpRequest::Key(KeyRequest::Show { id: minion() })),
            open(OpRequest::Key(KeyRequest::Accept { pattern: text() })),
            open(OpRequest::Key(KeyRequest::Reject { pattern: text() })),
            open(OpRequest::Key(KeyRequest::Delete { pattern: text() })),
            open(OpRequest::Key(KeyRequest::Finger { pattern: None })),
            open(OpRequest::Token(TokenRequest::Create {
                pattern: text(),
                ttl: Duration::from_secs(60),
                uses: 1,
            })),
            open(OpRequest::Token(TokenRequest::List)),
            open(OpRequest::Token(TokenRequest::Revoke { name: text() })),
            open(OpRequest::OperatorIssue { name: text(), csr: vec![48] }),
            open(OpRequest::Events(query(Since::Start, None))),
            open(OpRequest::Events(query(Since::Head, Some(Until::Seq(7))))),
            open(OpRequest::Events(query(Since::After(position()), Some(Until::Time(at(9)))))),
            open(OpRequest::Events(query(Since::AfterSeq(4), None))),
            open(OpRequest::Events(query(Since::Time(at(9)), None))),
            open(OpRequest::EventSend { tag: tag(), data: Value::Null }),
            open(OpRequest::Run(run_request)),
            open(OpRequest::Job(JobRequest::List { limit: 5 })),
            open(OpRequest::Job(JobRequest::Show { jid: text() })),
            open(OpRequest::Job(JobRequest::Kill { jid: jid() })),
            open(OpRequest::MinionList),
            open(OpRequest::MinionShow { id: minion() }),
            open(OpRequest::Orchestrate(OrchestrateRequest {
                name: text(),
                pillar: map(),
                show: true,
                test: false,
                follow_tree: true,
            })),
            open(OpRequest::Runs(RunsRequest::List { limit: 5 })),
            open(OpRequest::Runs(RunsRequest::Show { run: text() })),
            open(OpRequest::Runs(RunsRequest::Explain { run: text(), step: text() })),
            open(OpRequest::Runs(RunsRequest::Attach { run: text() })),
            open(OpRequest::Runs(RunsRequest::Replay { run: text() })),
            open(OpRequest::Pillar { target: target(), key: None }),
            open(OpRequest::Grains { target: target(), key: Some(text()) }),
            open(OpRequest::Mine { target: target(), function: None }),
            open(OpRequest::OperatorList),
            open(OpRequest::OperatorRevoke { name: text() }),
            open(OpRequest::PillarShow { target: target(), key: Some(text()), explain: true, reveal: false }),
            open(OpRequest::Job(JobRequest::Return { jid: text(), id: minion() })),
        ],
    );
    let refused = |kind| OpReply::Refused(OpRefusal { kind, text: "x".to_owned() });
    frozen(
        "op-reply",
        &[
            OpReply::Accepted { version: 1 },
            refused(RefusalKind::Internal),
            refused(RefusalKind::Usage),
            refused(RefusalKind::DoesNotCompile),
            refused(RefusalKind::Versions),
            refused(RefusalKind::NoTarget),
            refused(RefusalKind::Refused),
            refused(RefusalKind::StoreDamaged),
            OpReply::Data(every_kind_of_value()),
            OpReply::Job { jid: jid(), minions: vec![minion()] },
            OpReply::Run { run: run() },
            OpReply::Events(vec![]),
            OpReply::Trimmed { floor: position() },
            OpReply::Progress { jid: jid(), minion: minion(), progress: Progress::Stdout("o".to_owned()) },
            OpReply::End,
            OpReply::Return { size: 7 },
            OpReply::Part(vec![91, 93]),
            OpReply::Note("n".to_owned()),
        ],
    );
}
