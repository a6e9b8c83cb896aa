//! Jobs and steps over the wire: batches, sizes, returns that come late, trees that runs need.

use std::time::Duration;

use lab_proto::v1::link::{EventBatch, JobState, JobsDown, JobsUp, Query, QueryReply, StreamOpen};
use lab_proto::v1::op::{Batch, JobRequest, OpReply, OpRequest, OrchestrateRequest, RunRequest};
use lab_proto::{Digest, Map, Value};

use crate::support::{Frames, Master, minions, run_request};
use crate::text;

fn orchestrate(name: &str) -> OpRequest {
    OpRequest::Orchestrate(OrchestrateRequest {
        name: name.to_owned(),
        pillar: Map::new(),
        show: false,
        test: false,
        follow_tree: false,
    })
}

fn write_orch(master: &Master, name: &str, sls: &str) {
    let orch = master.dir.path().join("states/orch");
    std::fs::create_dir_all(&orch).expect("made");
    std::fs::write(orch.join(format!("{name}.sls")), sls).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_whose_arguments_are_too_large_fails_at_once_and_says_why() {
    let master = Master::start().await;
    let _minions = minions(&master, &["web1"]).await;
    let large = "x".repeat(70_000);
    let sls = format!(
        "big:\n  salt.function:\n    - name: test.echo\n    - tgt: web1\n    - arg:\n      - {large}\n\
         after:\n  test.nop:\n    - require:\n      - salt: big\n"
    );
    write_orch(&master, "big", &sls);
    let mut replies = master.operator.request(orchestrate("big")).await.expect("taken");
    let mut ended = Vec::new();
    let to_its_end = async {
        while let Some(reply) = replies.next().await.expect("goes on") {
            if let OpReply::Events(events) = reply {
                ended.extend(events.into_iter().filter(|e| e.tag.as_str().ends_with("/ended")));
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), to_its_end).await.expect("it does not hang");
    let big = ended.iter().find(|e| e.tag.as_str().contains("/step/big/")).expect("the step ended");
    assert_eq!(text(&big.data, "outcome"), "failed");
    let words = text(&big.data, "comment");
    assert!(words.contains("arguments have 70") && words.contains("put large data into files"), "{words}");
    assert_eq!(text(&ended.last().expect("the run").data, "outcome"), "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_goes_on_when_a_minion_returns_and_a_subset_is_as_large_as_asked() {
    let master = Master::start().await;
    let mut minions = minions(&master, &["a", "b", "c"]).await;
    let request = RunRequest { batch: Some(Batch::Count(1)), ..run_request("*", "test.ping") };
    let mut replies = master.operator.request(OpRequest::Run(request)).await.expect("taken");
    for (minion, up) in &mut minions {
        let Some(JobsDown::Publish { job, .. }) = up.jobs.hear().await else { panic!("not published") };
        // Nobody else has it: the log shows the returns in the order of the batch.
        up.events.say(&EventBatch { events: vec![minion.returns(1, &job)] }).await;
    }
    let mut order = Vec::new();
    while let Some(reply) = replies.next().await.expect("goes on") {
        if let OpReply::Events(events) = reply {
            order.extend(events.iter().map(|e| e.tag.to_string()).filter(|t| t.contains("/ret/")));
        }
    }
    let last: Vec<&str> = order.iter().filter_map(|t| t.rsplit('/').next()).collect();
    assert_eq!(last, ["a", "b", "c"]);

    let request = RunRequest { subset: Some(2), ..run_request("*", "test.ping") };
    let mut replies = master.operator.request(OpRequest::Run(request)).await.expect("taken");
    let Some(OpReply::Job { minions: chosen, .. }) = replies.next().await.expect("goes on") else {
        panic!("no job")
    };
    assert_eq!(chosen.len(), 2);
    for (minion, up) in minions.iter_mut().filter(|(m, _)| chosen.contains(&m.id)) {
        let Some(JobsDown::Publish { job, .. }) = up.jobs.hear().await else { panic!("not published") };
        up.events.say(&EventBatch { events: vec![minion.returns(2, &job)] }).await;
    }
    let mut done = None;
    while let Some(reply) = replies.next().await.expect("goes on") {
        if let OpReply::Events(events) = reply {
            done = events.last().map(|e| e.data.clone()).or(done);
        }
    }
    let ends = done.expect("it ended").get("ends").cloned().unwrap_or_default();
    assert_eq!(ends, Value::from([("returned", 2_u32)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_one_is_not_published_to_a_second_minion_before_the_first_returned() {
    let master = Master::start().await;
    let mut minions = minions(&master, &["a", "b"]).await;
    let request =
        RunRequest { batch: Some(Batch::Percent(50)), detach: true, ..run_request("*", "test.ping") };
    let jid = master.operator.request(OpRequest::Run(request)).await.expect("taken").next().await;
    let Ok(Some(OpReply::Job { jid, .. })) = jid else { panic!("{jid:?}") };
    let [(first, first_up), (_, second_up)] = minions.as_mut_slice() else { panic!("two") };
    let Some(JobsDown::Publish { job, .. }) = first_up.jobs.hear().await else { panic!("not published") };
    // What a killed job tells a minion shows whether it was published there.
    master.ask(OpRequest::Job(JobRequest::Kill { jid })).await;
    assert!(matches!(first_up.jobs.hear().await, Some(JobsDown::Kill { .. })));
    first_up.events.say(&EventBatch { events: vec![first.returns(1, &job)] }).await;
    master.logged("done", |tag, _| tag == format!("lab/job/{jid}/done")).await;
    let next = OpRequest::Run(RunRequest { detach: true, ..run_request("b", "test.echo") });
    master.ask(next).await;
    let Some(JobsDown::Publish { job, .. }) = second_up.jobs.hear().await else { panic!("not published") };
    assert_eq!(job.fun, "test.echo", "the first job never came here");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_late_returns_of_one_job_in_one_flush_correct_both_rows() {
    let master = Master::start().await;
    let mut minions = minions(&master, &["a", "b"]).await;
    let request = RunRequest {
        timeout: Some(Duration::from_millis(50)),
        detach: true,
        ..run_request("*", "test.ping")
    };
    let mut replies = master.operator.request(OpRequest::Run(request)).await.expect("taken");
    let Some(OpReply::Job { jid, .. }) = replies.next().await.expect("goes on") else { panic!("no job") };
    let mut jobs = Vec::new();
    for (_, up) in &mut minions {
        let Some(JobsDown::Publish { job, .. }) = up.jobs.hear().await else { panic!("not published") };
        jobs.push(job);
    }
    master.logged("done", |tag, _| tag == format!("lab/job/{jid}/done")).await;
    // A write is held up until both returns wait behind it, so that one flush takes both.
    master.store.behaviour.let_pass(0);
    let held = master.operator.request(OpRequest::EventSend {
        tag: lab_proto::EventTag::new("my/filler").expect("valid"),
        data: Value::Null,
    });
    let held = held.await.expect("taken");
    tokio::task::block_in_place(|| master.store.behaviour.wait_until_held());
    for ((minion, up), job) in minions.iter_mut().zip(&jobs) {
        let ready = format!("lab/minion/{}/ready", minion.id);
        let events = vec![minion.returns(1, job), minion.event(2, &ready, Value::Null)];
        up.events.say(&EventBatch { events }).await;
        // The roster knows before the disk does.
        let mut there = false;
        while !there {
            let shown = master.ask(OpRequest::MinionShow { id: minion.id.clone() }).await;
            there = shown[0].get("ready") == Some(&Value::from(true));
        }
    }
    // The filler, the records and events of both; the first correction waits again.
    master.store.behaviour.let_pass(3);
    tokio::task::block_in_place(|| master.store.behaviour.wait_until_held());
    master.store.behaviour.open();
    drop(held);
    let mut shown = Value::Null;
    let corrected = async {
        let end = |shown: &Value, id: &str| {
            shown.get("minions")?.get(id)?.get("state")?.as_str().map(str::to_owned)
        };
        while ["a", "b"].iter().any(|id| end(&shown, id).as_deref() != Some("returned")) {
            shown = master.ask(OpRequest::Job(JobRequest::Show { jid: jid.to_string() })).await.remove(0);
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(10), corrected).await.is_ok();
    assert!(in_time, "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_run_keeps_the_files_of_its_tree_also_after_a_restart_of_the_master() {
    let master = Master::start().await;
    write_orch(&master, "two", "one:\n  salt.function:\n    - name: test.ping\n    - tgt: web1\n");
    let file = b"what the next step needs".to_vec();
    std::fs::write(master.dir.path().join("states/file"), &file).expect("written");
    let minions_up = minions(&master, &["web1"]).await;
    let mut replies = master.operator.request(orchestrate("two")).await.expect("taken");
    let run = replies.next().await.expect("goes on");
    assert!(matches!(run, Some(OpReply::Run { .. })), "{run:?}");
    master.logged("the step", |tag, _| tag.ends_with("/step/one/entered")).await;
    drop((replies, minions_up));

    // What is not in use is kept up to the least that makes sense, and the oldest goes first.
    let master = master.restart(&["events.keep_blobs=1MiB", "events.retention_every=1s"]).await;
    let (mut minion, up) = minions(&master, &["web2"]).await.remove(0);
    let uploaded = b"nobody's".repeat((1 << 17) + 1);
    let mut put = Frames::open(&up.connection).await;
    let query = Query::BlobPut { digest: Digest::of(&uploaded), size: uploaded.len() as u64 };
    put.say(&StreamOpen::Query(query)).await;
    put.send.write_all(&uploaded).await.expect("sent");
    put.send.finish().expect("open");
    assert_eq!(put.hear::<QueryReply>().await, Some(QueryReply::Stored));
    minion.outbox_head = 0;
    let get = async |digest: Digest| {
        let mut get = Frames::open(&up.connection).await;
        get.say(&StreamOpen::Query(Query::BlobGet { digest, offset: 0 })).await;
        get.hear::<QueryReply>().await.expect("answered")
    };
    // That it is gone shows that retention ran.
    let gone = async { while !matches!(get(Digest::of(&uploaded)).await, QueryReply::NotFound(_)) {} };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("retention runs");
    let kept = get(Digest::of(&file)).await;
    assert!(matches!(kept, QueryReply::Blob { .. }), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minion_that_refuses_a_job_with_endless_words_still_ends_its_row() {
    let master = Master::start().await;
    let (_, mut up) = minions(&master, &["web1"]).await.remove(0);
    let run = OpRequest::Run(run_request("web1", "test.ping"));
    let mut replies = master.operator.request(run).await.expect("taken");
    let Some(JobsDown::Publish { job, .. }) = up.jobs.hear().await else { panic!("not published") };
    let state = JobState::Refused("no ".repeat(100_000));
    up.jobs.say(&JobsUp::State { jid: job.jid, state }).await;
    let to_its_end = async { while replies.next().await.expect("goes on").is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), to_its_end).await.expect("the job ends");
    let end = format!("lab/job/{}/end/web1", job.jid);
    let log = master.log().await;
    let (_, data) = log.iter().find(|(tag, _)| *tag == end).expect("the end is in the log");
    assert_eq!(text(data, "state"), "failed");
    let words = text(data, "reason");
    assert!(words.starts_with("no no") && words.len() < 2000, "{data:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_job_that_never_came_to_its_minion_ends_as_killed() {
    let master = Master::start().await;
    let (minion, mut up) = minions(&master, &["web1"]).await.remove(0);
    let run = OpRequest::Run(run_request("web1", "test.sleep"));
    let mut replies = master.operator.request(run).await.expect("taken");
    let Some(JobsDown::Publish { job, .. }) = up.jobs.hear().await else { panic!("not published") };
    master.ask(OpRequest::Job(JobRequest::Kill { jid: job.jid })).await;
    assert!(matches!(up.jobs.hear().await, Some(JobsDown::Kill { .. })));
    // What an agent says that never saw the job.
    let state = JobState::Refused("killed by operator local before it came here".to_owned());
    up.jobs.say(&JobsUp::State { jid: job.jid, state }).await;
    let to_its_end = async { while replies.next().await.expect("goes on").is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), to_its_end).await.expect("the job ends");
    let end = format!("lab/job/{}/end/{}", job.jid, minion.id);
    let log = master.log().await;
    let state = log.iter().find(|(tag, _)| *tag == end).map(|(_, data)| text(data, "state").to_owned());
    assert_eq!(state.as_deref(), Some("killed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_return_is_fetched_by_its_job_and_minion_once_it_is_there_and_whole() {
    let master = Master::start().await;
    let (minion, mut up) = minions(&master, &["web1"]).await.remove(0);
    let run = OpRequest::Run(run_request("web1", "test.echo"));
    let mut replies = master.operator.request(run).await.expect("taken");
    let Some(JobsDown::Publish { job, .. }) = up.jobs.hear().await else { panic!("not published") };
    let asked = |id: &str| {
        let id = lab_proto::MinionId::new(id).expect("valid");
        OpRequest::Job(JobRequest::Return { jid: job.jid.to_string(), id })
    };
    assert!(master.refused(asked("web1")).await.contains("has not returned"));
    assert!(master.refused(asked("web2")).await.contains("was not for web2"));

    let whole = format!("\"{}\"", "x".repeat(200_000)).into_bytes();
    let digest = Digest::of(&whole);
    let stand_in =
        Value::from([("blob", Value::from(digest.to_string())), ("size", Value::from(whole.len() as u64))]);
    let mut event = minion.returns(1, &job);
    let Value::Map(data) = &mut event.data else { panic!("a mapping") };
    data.insert("return".into(), stand_in);
    up.events.say(&EventBatch { events: vec![event] }).await;
    while replies.next().await.expect("goes on").is_some() {}
    assert!(master.refused(asked("web1")).await.contains("has not sent it yet"));

    let mut put = Frames::open(&up.connection).await;
    put.say(&StreamOpen::Query(Query::BlobPut { digest, size: whole.len() as u64 })).await;
    put.send.write_all(&whole).await.expect("sent");
    put.send.finish().expect("open");
    assert_eq!(put.hear::<QueryReply>().await, Some(QueryReply::Stored));
    let mut replies = master.operator.request(asked("web1")).await.expect("taken");
    assert_eq!(replies.next().await.expect("goes on"), Some(OpReply::Return { size: whole.len() as u64 }));
    let mut got = Vec::new();
    while let Some(reply) = replies.next().await.expect("goes on") {
        let OpReply::Part(part) = reply else { panic!("{reply:?}") };
        got.extend(part);
    }
    assert_eq!(got, whole);

    // What rotted on the master's disk does not pass for a return.
    let name = digest.to_string();
    let file = master.dir.path().join("data/blobs").join(&name[..2]).join(&name[2..]);
    let mut rotten = whole.clone();
    rotten[100_000] = b'y';
    std::fs::write(file, rotten).expect("written");
    assert!(master.refused(asked("web1")).await.contains("damaged"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minion_that_comes_back_to_very_many_jobs_gets_them_all_over_one_link() {
    const MANY: usize = 600;
    let master = Master::start_with(&["jobs.reconnect_grace=10m"]).await;
    let (minion, up) = minions(&master, &["web1"]).await.remove(0);
    up.connection.close(0u32.into(), b"");
    master.logged("gone", |tag, _| tag == "lab/minion/web1/disconnected").await;
    let submit = async |_| {
        let run = RunRequest { detach: true, ..run_request("web1", "test.ping") };
        let mut replies = master.operator.request(OpRequest::Run(run)).await.expect("taken");
        while replies.next().await.expect("goes on").is_some() {}
    };
    futures_util::future::join_all((0..MANY).map(submit)).await;
    let mut up = minion.up().await;
    let all = async {
        let mut jids = std::collections::BTreeSet::new();
        while jids.len() < MANY {
            let Some(JobsDown::Publish { job, .. }) = up.jobs.hear().await else {
                panic!("{} came", jids.len())
            };
            jids.insert(job.jid);
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("all come");
}
