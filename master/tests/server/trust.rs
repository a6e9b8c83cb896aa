//! Who is trusted, and who is no more: operators, keys that two share, policies.

use lab_master::client::{Client, Identity};
use lab_master::pki;
use lab_proto::v1::enrol::{EnrolRefusal, EnrolReply};
use lab_proto::v1::link::{Query, QueryReply, StreamOpen};
use lab_proto::v1::op::{EventQuery, KeyRequest, OpRequest, Since};
use lab_proto::{Map, Target, TargetKind, Value};

use crate::support::{Frames, Master, ScriptedMinion, token};
use crate::text;

/// Makes an operator as `lab-master operator issue` does.
async fn issue(master: &Master, name: &str) -> Identity {
    let (key, csr) = pki::operator_request().expect("a key");
    let issued = master.ask(OpRequest::OperatorIssue { name: name.to_owned(), csr }).await;
    let field = |name: &str| match issued[0].get(name) {
        Some(Value::Bytes(der)) => der.clone(),
        other => panic!("{name}: {other:?}"),
    };
    let dir = master.dir.path().join(name);
    pki::save_operator(&dir, &key, &field("certificate"), &field("ca")).expect("saved");
    Identity::load(&dir).expect("an identity")
}

/// Tells whether somebody may give orders. A client learns only afterwards that its certificate was not taken.
async fn let_in(master: &Master, identity: &Identity) -> bool {
    match Client::connect(&master.address.to_string(), identity).await {
        Ok(client) => client.collect(OpRequest::Status).await.is_ok(),
        Err(_) => false,
    }
}

/// Returns what somebody is told who may not give orders.
async fn refused(master: &Master, identity: &Identity) -> String {
    let asked = match Client::connect(&master.address.to_string(), identity).await {
        Ok(client) => client.collect(OpRequest::Status).await.map(|_| ()),
        Err(e) => Err(e),
    };
    asked.expect_err("it is refused").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_of_another_master_is_told_so_and_a_name_that_cannot_be_one_which_can() {
    let (master, other) = (Master::start().await, Master::start().await);
    let identity = issue(&other, "alice").await;
    let told = refused(&master, &identity).await;
    assert!(told.contains("so this identity is for another master"), "{told}");
    let (_, csr) = pki::operator_request().expect("a key");
    let told = master.refused(OpRequest::OperatorIssue { name: "a b".to_owned(), csr }).await;
    assert!(told.contains("cannot be an operator's name, which is one to 64"), "{told}");
}

fn follow() -> OpRequest {
    OpRequest::Events(EventQuery {
        since: Since::Head,
        until: None,
        tags: Vec::new(),
        minion: None,
        limit: None,
        follow: true,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_operator_is_cut_off_at_once_and_refused_by_name_also_after_a_restart() {
    let master = Master::start().await;
    let identity = issue(&master, "alice").await;
    let alice = Client::connect(&master.address.to_string(), &identity).await.expect("let in");
    let mut tail = alice.request(follow()).await.expect("taken");
    let own = master.refused(OpRequest::OperatorRevoke { name: "local".to_owned() }).await;
    assert!(own.contains("let another operator revoke"), "{own}");

    let revoked = master.ask(OpRequest::OperatorRevoke { name: "alice".to_owned() }).await;
    assert_eq!((text(&revoked[0], "name"), text(&revoked[0], "state")), ("alice", "revoked"));
    while let Ok(Some(_)) = tail.next().await {}
    assert!(alice.collect(OpRequest::Status).await.is_err(), "the connection is closed");
    assert!(!let_in(&master, &identity).await, "nobody of this name");
    let told = refused(&master, &identity).await;
    assert!(told.contains("it was revoked") && told.contains("lab-master operator issue"), "{told}");
    let by_name = |tag: &str, d: &Value| {
        tag == "lab/security/refused"
            && (text(d, "peer"), text(d, "why")) == ("operator alice", "handshake: the operator is revoked")
    };
    master.logged("the refused operator", by_name).await;
    let act = |tag: &str, d: &Value| tag == "lab/operator" && text(d, "act") == "revoked";
    master.logged("the revocation", act).await;

    let master = master.restart(&[]).await;
    assert!(!let_in(&master, &identity).await, "still nobody");
    let states: Vec<(String, String)> = master
        .ask(OpRequest::OperatorList)
        .await
        .iter()
        .map(|o| (text(o, "name").to_owned(), text(o, "state").to_owned()))
        .collect();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(states, [pair("local", "accepted"), pair("alice", "revoked")]);
    let again = master.refused(OpRequest::OperatorRevoke { name: "alice".to_owned() }).await;
    assert!(again.contains("no operator alice is accepted"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_of_the_masters_own_machine_that_is_gone_is_replaced_and_counts_no_more() {
    let master = Master::start().await;
    let stolen = Identity::load(&master.server.operator_dir()).expect("the local one");
    std::fs::remove_dir_all(master.server.operator_dir()).expect("removed");
    let master = master.restart(&[]).await;
    assert!(!let_in(&master, &stolen).await);
    master.refusal_logged("the operator is revoked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_is_not_accepted_under_two_ids_and_both_are_named() {
    let master = Master::start().await;
    let mut original = ScriptedMinion::new(&master, "web1");
    original.join(&master).await;
    let clone = original.twin(&master, "web2");
    let join = token(&master, "web2").await;
    for join in [Some(join.clone()), None] {
        let answer = clone.enrol(join).await.2;
        let EnrolReply::Refused(refusal @ EnrolRefusal::KeyInUse { .. }) = answer else {
            panic!("{answer:?}")
        };
        let words = refusal.to_string();
        assert!(words.contains("web2") && words.contains("minion web1"), "{words}");
    }
    let both = |tag: &str, d: &Value| {
        tag == "salt/auth"
            && text(d, "act") == "denied"
            && text(d, "id") == "web2"
            && text(d, "holder") == "minion web1"
    };
    master.logged("both ids", both).await;
    let _up = original.up().await;
    // With a key of its own the token, which was not used up, lets it in.
    let own = ScriptedMinion::new(&master, "web2").enrol(Some(join)).await.2;
    assert!(matches!(own, EnrolReply::Accepted { .. }), "{own:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_ids_that_wait_with_one_key_only_the_first_is_accepted() {
    let master = Master::start().await;
    let first = ScriptedMinion::new(&master, "web1");
    let waits = [first.enrol(None).await, first.twin(&master, "web2").enrol(None).await];
    assert!(waits.iter().all(|w| matches!(w.2, EnrolReply::Pending { .. })));
    let words = master.refused(OpRequest::Key(KeyRequest::Accept { pattern: "*".to_owned() })).await;
    assert!(words.contains("of web2 is accepted for minion web1"), "{words}");
    let keys = master.ask(OpRequest::Key(KeyRequest::List)).await;
    let states: Vec<&str> = keys.iter().map(|k| text(k, "state")).collect();
    assert_eq!(states, ["accepted", "pending"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_key_does_not_come_back_by_a_policy_under_another_name() {
    let dir = tempfile::tempdir().expect("tempdir");
    std::fs::write(dir.path().join("uuid"), "1234\n").expect("written");
    let setting = format!("enrol.autosign_grains_dir={}", dir.path().display());
    let master = Master::start_with(&[&setting]).await;
    let grains = |uuid: &str| Map::from_iter([(Value::from("uuid"), Value::from(uuid))]);
    let listed = ScriptedMinion::new(&master, "web1");
    let accepted = listed.enrol_with(None, grains("1234")).await.2;
    assert!(matches!(accepted, EnrolReply::Accepted { .. }), "{accepted:?}");
    master.logged("the policy", |tag, d| tag == "salt/auth" && text(d, "by") == "autosign uuid").await;
    let other = ScriptedMinion::new(&master, "web3").enrol_with(None, grains("9999")).await.2;
    assert!(matches!(other, EnrolReply::Pending { .. }), "{other:?}");
    master.ask(OpRequest::Key(KeyRequest::Reject { pattern: "web1".to_owned() })).await;
    let renamed = listed.twin(&master, "web2").enrol_with(None, grains("1234")).await.2;
    assert!(matches!(renamed, EnrolReply::Refused(EnrolRefusal::Rejected { .. })), "{renamed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_read_a_mine_value_is_said_by_ids_alone() {
    let master = Master::start_with(&["node_groups.web=web*", "node_groups.kvm=G@roles:kvm"]).await;
    let mut owner = ScriptedMinion::new(&master, "db1");
    owner.join(&master).await;
    let up = owner.up().await;
    let send = |kind, expr: &str| Query::MineSend {
        function: "token".to_owned(),
        value: Value::from("secret"),
        allow: Some(Target { kind, expr: expr.to_owned() }),
        ttl_seconds: None,
    };
    for (kind, expr, part) in [
        (TargetKind::Grain, "roles:worker", "roles:worker"),
        (TargetKind::Compound, "web* or G@roles:worker", "G@roles:worker"),
        (TargetKind::Nodegroup, "kvm", "G@roles:kvm"),
        (TargetKind::Pillar, "a:b", "a:b"),
    ] {
        let mut question = Frames::open(&up.connection).await;
        question.say(&StreamOpen::Query(send(kind, expr))).await;
        let answer = question.hear::<QueryReply>().await;
        let refused = |why: &String| why.contains(part) && why.contains("minions report of themselves");
        assert!(matches!(&answer, Some(QueryReply::Failed(why)) if refused(why)), "{answer:?}");
    }
    let mut question = Frames::open(&up.connection).await;
    question.say(&StreamOpen::Query(send(TargetKind::Nodegroup, "web"))).await;
    assert_eq!(question.hear::<QueryReply>().await, Some(QueryReply::Stored));
    for (id, may) in [("web1", true), ("other1", false)] {
        let mut reader = ScriptedMinion::new(&master, id);
        reader.join(&master).await;
        let up = reader.up().await;
        let mut question = Frames::open(&up.connection).await;
        let get = Query::MineGet { target: Target::glob("db1"), function: "token".to_owned() };
        question.say(&StreamOpen::Query(get)).await;
        let Some(QueryReply::Value(found)) = question.hear().await else { panic!("no answer") };
        assert_eq!(found.get("db1").is_some(), may, "{id}");
    }
}
