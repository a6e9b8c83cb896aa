//! What bounds strangers, floods and slow disks.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use lab_proto::event::Boot;
use lab_proto::v1::ALPN_ENROL;
use lab_proto::v1::link::{
    Hello, JobsDown, JobsUp, Progress, Query, QueryReply, StreamOpen, ToMaster, ToMinion,
};
use lab_proto::v1::op::{OpReply, OpRequest};
use lab_proto::{BootId, Value};

use crate::support::{Frames, Master, ScriptedMinion, dial, run_request};

#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_say_nothing_take_no_places_of_minions_and_are_closed() {
    let settings = ["link.max_connections=2", "enrol.max_connections_per_address=4", "enrol.patience=2s"];
    let master = Master::start_with(&settings).await;
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    master.status("strangers", |n| n == 0).await;
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(dial(master.address, &master.ca, None, ALPN_ENROL).await.expect("the door is open"));
    }
    master.status("strangers", |n| n == 4).await;
    // One more of this address is one too many; the minion behind the same address is let in.
    if let Ok(connection) = dial(master.address, &master.ca, None, ALPN_ENROL).await {
        connection.closed().await;
    }
    master.refusal_logged("enrolment: too many connections").await;
    let _up = minion.up().await;
    for connection in &silent {
        connection.closed().await;
    }
    master.status("strangers", |n| n == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_strangers_do_not_keep_one_who_speaks_out() {
    let master = Master::start_with(&["enrol.max_concurrent=1"]).await;
    let _silent = dial(master.address, &master.ca, None, ALPN_ENROL).await.expect("the door is open");
    master.status("strangers", |n| n == 1).await;
    ScriptedMinion::new(&master, "web1").join(&master).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_that_are_none_of_quics_are_counted() {
    let master = Master::start().await;
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let noise: [&[u8]; 4] = [b"GET / HTTP/1.1", &[0], &[0xff; 1400], &[0x45; 60]];
    for datagram in noise.iter().cycle().take(40) {
        socket.send_to(datagram, master.address).expect("sent");
    }
    // The kernel may join or drop none on loopback; the operator's own datagrams are not among them.
    master.status("noise_datagrams", |n| n == 40).await;
    ScriptedMinion::new(&master, "web1").join(&master).await;
    master.status("noise_datagrams", |n| n == 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_shows_does_not_wait_for_a_slow_disk() {
    let master = Master::start().await;
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    let mut up = minion.up().await;
    let run = OpRequest::Run(run_request("web1", "cmd.run"));
    let mut replies = master.operator.request(run).await.expect("taken");
    let Some(JobsDown::Publish { job, .. }) = up.jobs.hear().await else { panic!("not published") };
    master.store.behaviour.let_pass(0);
    up.events.say(&minion.batch(1, &["my/event"])).await;
    tokio::task::block_in_place(|| master.store.behaviour.wait_until_held());
    let line = || Progress::Stdout("a line".to_owned());
    up.jobs.say(&JobsUp::Progress { jid: job.jid, progress: line() }).await;
    let mut shown = None;
    while shown.is_none() {
        match replies.next().await.expect("goes on").expect("more") {
            OpReply::Progress { progress, .. } => shown = Some(progress),
            OpReply::Job { .. } | OpReply::Events(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(shown, Some(line()));
    assert!(!master.log().await.iter().any(|(tag, _)| tag == "my/event"), "the disk is still slow");
    master.store.behaviour.open();
    master.logged("my/event", |tag, _| tag == "my/event").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_says_that_a_minion_is_ready() {
    let master = Master::start().await;
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    let mut up = minion.up().await;
    up.events.say(&minion.batch(1, &["lab/minion/web1/ready"])).await;
    master.logged("ready", |tag, _| tag == "lab/minion/web1/ready").await;
    let shown = master.ask(OpRequest::MinionShow { id: minion.id.clone() }).await;
    assert_eq!(shown[0].get("ready"), Some(&Value::from(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_slow_to_say_what_it_is_for_holds_up_no_heartbeat() {
    let master = Master::start().await;
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    let mut up = minion.up().await;
    // The beginning of a frame, and then nothing.
    let (mut slow, _down) = up.connection.open_bi().await.expect("a stream");
    slow.write_all(&[0, 0]).await.expect("sent");
    for number in 1..=3 {
        let beat = ToMaster::Heartbeat { number, jobs: 0, change_pending_micros: None };
        up.control.say(&beat).await;
        let answered = tokio::time::timeout(Duration::from_secs(5), up.control.hear::<ToMinion>()).await;
        assert!(matches!(answered, Ok(Some(ToMinion::HeartbeatAck { .. }))), "{answered:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_id_and_the_longest_mine_name_fit_into_an_events_tag() {
    let master = Master::start().await;
    let mut minion = ScriptedMinion::new(&master, &"m".repeat(253));
    minion.join(&master).await;
    let up = minion.up().await;
    for (length, stored) in [(128, true), (129, false)] {
        let mut question = Frames::open(&up.connection).await;
        let query = Query::MineSend {
            function: "f".repeat(length),
            value: Value::from(1),
            allow: None,
            ttl_seconds: None,
        };
        question.say(&StreamOpen::Query(query)).await;
        let answer = question.hear::<QueryReply>().await;
        assert_eq!(answer == Some(QueryReply::Stored), stored, "{length}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_with_more_to_say_than_an_event_holds_is_still_in_the_log() {
    let master = Master::start().await;
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    drop(minion.up().await);
    minion.boot = Boot { id: BootId::from_u128(99_999), number: 99_999 };
    let connection = minion.dial().await.expect("the certificate is good");
    let mut control = Frames::open(&connection).await;
    let earlier_boots = (2..20_000).map(|n| Boot { id: BootId::from_u128(n), number: n as u64 }).collect();
    let hello = Hello { earlier_boots, version: "v".repeat(100_000), ..minion.hello() };
    control.say(&StreamOpen::Control(hello)).await;
    assert!(matches!(control.hear().await, Some(ToMinion::Welcome(_))));
    master.logged("the reboot", |tag, _| tag == "lab/minion/web1/reboot").await;
    assert_eq!(master.log().await.iter().filter(|(t, _)| t == "lab/minion/web1/connected").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heartbeats_of_one_link_are_taken_at_a_bounded_rate() {
    let master = Master::start().await;
    let mut minion = ScriptedMinion::new(&master, "web1");
    minion.join(&master).await;
    let mut up = minion.up().await;
    let (sent, begin) = (200, Instant::now());
    for number in 1..=sent {
        up.control.say(&ToMaster::Heartbeat { number, jobs: 0, change_pending_micros: None }).await;
    }
    let mut answered = 0;
    while answered < sent {
        match up.control.hear().await {
            Some(ToMinion::HeartbeatAck { number, .. }) => answered = number,
            other => panic!("it is not closed for that: {other:?}"),
        }
    }
    let took = begin.elapsed();
    assert!(took > Duration::from_millis(800), "{sent} were taken in {took:?}");
    // Whoever keeps to its time does not pay for that.
    let again = Instant::now();
    up.control.say(&ToMaster::Heartbeat { number: sent + 1, jobs: 0, change_pending_micros: None }).await;
    assert!(matches!(up.control.hear().await, Some(ToMinion::HeartbeatAck { .. })));
    assert!(again.elapsed() < Duration::from_millis(800), "{:?}", again.elapsed());
}
