//! The server in this process, over a store in memory, with scripted minions on loopback: doors, keys, events, jobs.

mod content;
mod gate;
mod jobs;
mod limits;
mod store;
mod support;
mod trust;

use lab_proto::event::Boot;
use lab_proto::v1::enrol::{EnrolRefusal, EnrolReply};
use lab_proto::v1::link::{EventAck, EventBatch, JobsDown, Query, QueryReply, StreamOpen, ToMinion};
use lab_proto::v1::op::{JobRequest, KeyRequest, OpReply, OpRequest, RunRequest};
use lab_proto::v1::{ALPN_MINION, ALPN_OPERATOR};
use lab_proto::{BootId, EndState, JobReturn, Map, Target, TargetKind, Value};

use support::{Frames, Master, ScriptedMinion, dial, token, token_for};

fn text<'a>(data: &'a Value, key: &str) -> &'a str {
    data.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_minion_is_told_the_moment_its_key_is_accepted() {
    let master = Master::start().await;
    let minion = ScriptedMinion::new(&master, "00:00:00:11:11:11");
    let (_connection, mut frames, first) = minion.enrol(None).await;
    let EnrolReply::Pending { fingerprint } = first else { panic!("not pending: {first:?}") };
    master.logged("salt/auth pend", |tag, d| tag == "salt/auth" && text(d, "act") == "pend").await;
    let accept = KeyRequest::Accept { pattern: minion.id.to_string() };
    let rows = master.ask(OpRequest::Key(accept)).await;
    assert_eq!(text(&rows[0], "fingerprint"), fingerprint.to_string());
    let second = frames.hear::<EnrolReply>().await;
    assert!(matches!(second, Some(EnrolReply::Accepted { .. })), "{second:?}");
    master.logged("salt/key", |tag, d| tag == "salt/key" && text(d, "act") == "accept").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_works_once_for_its_id_and_supersedes_an_older_key() {
    let master = Master::start().await;
    let token_of_web1 = token(&master, "web1").await;
    let other = ScriptedMinion::new(&master, "web2").enrol(Some(token_of_web1.clone())).await.2;
    assert!(matches!(other, EnrolReply::Refused(EnrolRefusal::BadToken { .. })), "{other:?}");
    let first = ScriptedMinion::new(&master, "web1").enrol(Some(token_of_web1.clone())).await.2;
    assert!(matches!(first, EnrolReply::Accepted { .. }), "{first:?}");
    let again = ScriptedMinion::new(&master, "web1").enrol(Some(token_of_web1)).await.2;
    assert!(matches!(again, EnrolReply::Refused(EnrolRefusal::BadToken { .. })), "{again:?}");
    let stranger = ScriptedMinion::new(&master, "web1").enrol(None).await.2;
    assert!(matches!(stranger, EnrolReply::Refused(EnrolRefusal::IdTaken { .. })), "{stranger:?}");
    let fresh = token(&master, "web*").await;
    let rebuilt = ScriptedMinion::new(&master, "web1").enrol(Some(fresh)).await.2;
    assert!(matches!(rebuilt, EnrolReply::Accepted { .. }), "{rebuilt:?}");
    let states: Vec<String> = master
        .ask(OpRequest::Key(KeyRequest::List))
        .await
        .iter()
        .map(|k| text(k, "state").to_owned())
        .collect();
    assert_eq!(states, ["superseded", "accepted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_put_a_key_in_the_place_of_one_that_waits() {
    let master = Master::start().await;
    let (_connection, mut frames, first) = ScriptedMinion::new(&master, "web1").enrol(None).await;
    let EnrolReply::Pending { fingerprint } = first else { panic!("not pending: {first:?}") };
    let stranger = ScriptedMinion::new(&master, "web1").enrol(None).await.2;
    let taken = EnrolReply::Refused(EnrolRefusal::IdTaken { accepted: fingerprint });
    assert_eq!(stranger, taken);
    let accept = KeyRequest::Accept { pattern: "web1".to_owned() };
    let rows = master.ask(OpRequest::Key(accept)).await;
    assert_eq!(text(&rows[0], "fingerprint"), fingerprint.to_string(), "the key that was compared");
    let told = frames.hear::<EnrolReply>().await;
    assert!(matches!(told, Some(EnrolReply::Accepted { .. })), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_token_for_many_takes_no_minion_over_and_undoes_no_rejection() {
    let master = Master::start().await;
    let for_many = token_for(&master, "web*", 9).await;
    let web1 = ScriptedMinion::new(&master, "web1");
    let joined = web1.enrol(Some(for_many.clone())).await.2;
    assert!(matches!(joined, EnrolReply::Accepted { .. }), "{joined:?}");
    let thief = ScriptedMinion::new(&master, "web1").enrol(Some(for_many.clone())).await.2;
    assert!(matches!(thief, EnrolReply::Refused(EnrolRefusal::BadToken { .. })), "{thief:?}");
    master.ask(OpRequest::Key(KeyRequest::Reject { pattern: "web1".to_owned() })).await;
    let rejected = web1.enrol(Some(for_many.clone())).await.2;
    assert!(matches!(rejected, EnrolReply::Refused(EnrolRefusal::BadToken { .. })), "{rejected:?}");
    let web2 = ScriptedMinion::new(&master, "web2").enrol(Some(for_many)).await.2;
    assert!(matches!(web2, EnrolReply::Accepted { .. }), "the token still works for others: {web2:?}");
    let fresh = token(&master, "web1").await;
    let meant = web1.enrol(Some(fresh)).await.2;
    assert!(matches!(meant, EnrolReply::Accepted { .. }), "{meant:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minion_cannot_probe_the_pillar_of_others_through_the_mine() {
    let master = Master::start().await;
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    let up = minion.up().await;
    let probes = [(TargetKind::Pillar, "password:a*"), (TargetKind::Compound, "db* and I@password:a*")];
    for (kind, expr) in probes {
        let mut question = Frames::open(&up.connection).await;
        let target = Target { kind, expr: expr.to_owned() };
        question
            .say(&StreamOpen::Query(Query::MineGet { target, function: "network.ip_addrs".to_owned() }))
            .await;
        let answer = question.hear::<QueryReply>().await;
        assert!(matches!(&answer, Some(QueryReply::Failed(why)) if why.contains("by pillar")), "{answer:?}");
    }
    master.refusal_logged("a target that looks at pillar").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_through_a_wrong_door_and_each_attempt_is_named() {
    let master = Master::start().await;
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    let certificate = minion.certificate.clone().expect("joined");

    let bare = dial(master.address, &master.ca, None, ALPN_MINION).await.expect("TLS alone lets it");
    bare.closed().await;
    master.refusal_logged("no certificate at the minions' door").await;

    let identity = Some((certificate.clone(), minion.key()));
    let wrong = dial(master.address, &master.ca, identity, ALPN_OPERATOR).await.expect("its key is accepted");
    wrong.closed().await;
    master.refusal_logged("a minion's certificate at the operators' door").await;

    let key = rcgen::KeyPair::generate().expect("key");
    let own = rcgen::CertificateParams::default().self_signed(&key).expect("self-signed").der().clone();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    if let Ok(connection) = dial(master.address, &master.ca, Some((own, key)), ALPN_MINION).await {
        connection.closed().await;
    }
    master.refusal_logged("the certificate is of another CA").await;

    master.ask(OpRequest::Key(KeyRequest::Reject { pattern: "web1".to_owned() })).await;
    if let Ok(connection) = minion.dial().await {
        connection.closed().await;
    }
    master.refusal_logged("the key of the certificate is not accepted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejecting_a_key_closes_its_link_at_once() {
    let master = Master::start().await;
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    let mut up = minion.up().await;
    master.ask(OpRequest::Key(KeyRequest::Reject { pattern: "web1".to_owned() })).await;
    let last = up.control.hear::<ToMinion>().await;
    assert!(matches!(last, Some(ToMinion::Closing(_))), "{last:?}");
    drop(up.control);
    up.connection.closed().await;
    master
        .logged("disconnected", |tag, d| {
            tag.ends_with("web1/disconnected") && text(d, "reason") == "key revoked"
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_enter_the_log_once_and_another_minions_tag_is_refused() {
    let master = Master::start().await;
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    let mut up = minion.up().await;
    assert_eq!(up.mark, 0);
    up.events.say(&minion.batch(1, &["my/one", "salt/minion/web2/start", "my/three"])).await;
    let mut refused = None;
    loop {
        match up.events.hear::<EventAck>().await.expect("answered") {
            EventAck::Refused { counter, reason } => refused = Some((counter, reason)),
            EventAck::Durable { counter: 3, .. } => break,
            EventAck::Durable { .. } => {}
            other @ EventAck::Gap { .. } => panic!("{other:?}"),
        }
    }
    if let Some((counter, reason)) = refused {
        assert!(counter == 2 && reason.contains("not this minion's"), "{counter} {reason}");
    }
    // The same once more, overlapping: nothing is doubled.
    up.events.say(&minion.batch(2, &["x", "my/three", "my/four"])).await;
    loop {
        if let Some(EventAck::Durable { counter: 4, .. }) = up.events.hear::<EventAck>().await {
            break;
        }
    }
    up.events.say(&minion.batch(9, &["my/nine"])).await;
    assert_eq!(up.events.hear::<EventAck>().await, Some(EventAck::Gap { expected: 5 }));
    let mine: Vec<String> =
        master.log().await.into_iter().map(|(t, _)| t).filter(|t| t.starts_with("my/") || t == "x").collect();
    assert_eq!(mine, ["my/one", "my/three", "my/four"]);
    master.refusal_logged("salt/minion/web2/start").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_under_its_own_tag_that_names_another_in_its_data_is_refused() {
    let master = Master::start().await;
    let mut evil = ScriptedMinion::new(&master, "evil");
    evil.join(&master).await;
    let mut up = evil.up().await;
    let start = Value::from([("id", "cplane"), ("cause", "boot")]);
    let events = vec![
        evil.event(1, "salt/minion/evil/start", start),
        evil.event(2, "lab/minion/evil/ready", Value::from([("id", "cplane")])),
        evil.event(3, "my/own", Value::Null),
    ];
    up.events.say(&EventBatch { events }).await;
    loop {
        match up.events.hear::<EventAck>().await.expect("answered") {
            EventAck::Durable { counter: 3, .. } => break,
            EventAck::Refused { counter, reason } => {
                assert!(counter < 3 && reason.contains("cplane"), "{reason}")
            }
            EventAck::Durable { .. } => {}
            other @ EventAck::Gap { .. } => panic!("{other:?}"),
        }
    }
    for tag in ["salt/minion/evil/start", "lab/minion/evil/ready"] {
        master.refusal_logged(&format!("{tag} has cplane as `id`")).await;
        assert!(master.log().await.iter().all(|(t, _)| t != tag), "{tag}");
    }
    assert!(master.log().await.iter().any(|(t, _)| t == "my/own"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_boot_is_a_reboot_and_a_newer_link_takes_over() {
    let master = Master::start().await;
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    let mut first = minion.up().await;
    minion.boot = Boot { id: BootId::from_u128(2), number: 2 };
    let _second = minion.up().await;
    let last = first.control.hear::<ToMinion>().await;
    assert!(matches!(last, Some(ToMinion::Closing(_))), "{last:?}");
    let tags: Vec<String> = master.log().await.into_iter().map(|(t, _)| t).collect();
    assert_eq!(tags.iter().filter(|t| *t == "lab/minion/web1/reboot").count(), 1, "{tags:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewound_outbox_is_refused_and_named() {
    let master = Master::start().await;
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    let mut up = minion.up().await;
    up.events.say(&minion.batch(1, &["my/one", "my/two"])).await;
    assert!(matches!(up.events.hear().await, Some(EventAck::Durable { counter: 2, .. })));
    minion.outbox_head = 1;
    let connection = minion.dial().await.expect("the certificate is good");
    let mut control = Frames::open(&connection).await;
    control.say(&StreamOpen::Control(minion.hello())).await;
    let answer = control.hear::<ToMinion>().await;
    assert!(matches!(answer, Some(ToMinion::Refused(_))), "{answer:?}");
    master.logged("outbox-rewound", |tag, _| tag == "lab/minion/web1/outbox-rewound").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_goes_out_and_its_return_ends_the_job() {
    let master = Master::start().await;
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    // Accepted, but never connected: it counts as offline.
    ScriptedMinion::new(&master, "web2").join(&master).await;
    let mut up = minion.up().await;
    let request = RunRequest {
        target: Target::glob("web*"),
        fun: "test.ping".to_owned(),
        args: Vec::new(),
        kwargs: Map::new(),
        timeout: None,
        subset: None,
        batch: None,
        detach: false,
    };
    let mut replies = master.operator.request(OpRequest::Run(request)).await.expect("taken");
    let Some(OpReply::Job { jid, minions }) = replies.next().await.expect("goes on") else {
        panic!("no job")
    };
    assert_eq!(minions.len(), 2);
    let Some(JobsDown::Publish { job, .. }) = up.jobs.hear().await else { panic!("not published") };
    assert_eq!((job.jid, job.fun.as_str()), (jid, "test.ping"));
    let answer = JobReturn {
        jid,
        id: minion.id.clone(),
        fun: job.fun.clone(),
        state: EndState::Returned,
        success: true,
        retcode: 0,
        value: Value::from(true),
        duration_micros: 5,
    };
    let event = minion.event(1, answer.tag().as_str(), answer.data());
    up.events.say(&EventBatch { events: vec![event] }).await;
    let mut tags = Vec::new();
    while let Some(reply) = replies.next().await.expect("goes on") {
        if let OpReply::Events(events) = reply {
            tags.extend(events.iter().map(|e| e.tag.to_string()));
        }
    }
    assert!(tags.contains(&format!("lab/job/{jid}/end/web2")), "{tags:?}");
    assert!(tags.contains(&format!("salt/job/{jid}/ret/web1")), "{tags:?}");
    assert_eq!(tags.last(), Some(&format!("lab/job/{jid}/done")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_killed_while_its_minion_was_away_is_not_published_to_it_later() {
    let master = Master::start().await;
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    let mut up = minion.up().await;
    let request = RunRequest {
        target: Target::glob("web1"),
        fun: "test.sleep".to_owned(),
        args: Vec::new(),
        kwargs: Map::new(),
        timeout: None,
        subset: None,
        batch: None,
        detach: false,
    };
    let mut replies = master.operator.request(OpRequest::Run(request)).await.expect("taken");
    let Some(OpReply::Job { jid, .. }) = replies.next().await.expect("goes on") else { panic!("no job") };
    let published = up.jobs.hear().await;
    assert!(matches!(published, Some(JobsDown::Publish { .. })), "{published:?}");
    up.connection.close(0u32.into(), b"cut");
    master.logged("disconnected", |tag, _| tag.ends_with("web1/disconnected")).await;
    master.ask(OpRequest::Job(JobRequest::Kill { jid })).await;
    let mut back = minion.up().await;
    let first = back.jobs.hear().await;
    assert!(matches!(first, Some(JobsDown::Kill { jid: killed, .. }) if killed == jid), "{first:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orchestration_runs_its_steps_in_order_to_its_end() {
    let master = Master::start().await;
    let orch = master.dir.path().join("states/orch");
    std::fs::create_dir_all(&orch).expect("made");
    let sls = "one:\n  salt.function:\n    - name: test.ping\n    - tgt: 'web1'\n\
               two:\n  test.nop:\n    - require:\n      - salt: one\n";
    std::fs::write(orch.join("demo.sls"), sls).expect("written");
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    let mut up = minion.up().await;
    let request = lab_proto::v1::op::OrchestrateRequest {
        name: "demo".to_owned(),
        pillar: Map::new(),
        show: false,
        test: false,
        follow_tree: false,
    };
    let mut replies = master.operator.request(OpRequest::Orchestrate(request)).await.expect("taken");
    let Some(OpReply::Run { run }) = replies.next().await.expect("goes on") else { panic!("no run") };
    let Some(JobsDown::Publish { job, .. }) = up.jobs.hear().await else { panic!("not published") };
    let entered = format!("lab/run/{run}/step/one/entered");
    assert!(
        master.log().await.iter().any(|(t, _)| *t == entered),
        "the entry is durable before the job leaves"
    );
    let answer = JobReturn {
        jid: job.jid,
        id: minion.id.clone(),
        fun: job.fun.clone(),
        state: EndState::Returned,
        success: true,
        retcode: 0,
        value: Value::from(true),
        duration_micros: 5,
    };
    let event = minion.event(1, answer.tag().as_str(), answer.data());
    up.events.say(&EventBatch { events: vec![event] }).await;
    let mut last = None;
    while let Some(reply) = replies.next().await.expect("goes on") {
        if let OpReply::Events(events) = reply {
            last = events.last().map(|e| (e.tag.to_string(), e.data.clone())).or(last);
        }
    }
    let (tag, data) = last.expect("events");
    assert_eq!((tag, text(&data, "outcome")), (format!("lab/run/{run}/ended"), "succeeded"));
    master.server.shut_down().await;
}
