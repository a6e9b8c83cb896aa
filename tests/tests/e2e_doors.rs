//! The three doors of a real master, and everyone who must not get through them.

mod e2e;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use e2e::{Random, papers, times};
use lab_proto::v1::link::{EventAck, ToMinion};
use lab_proto::v1::op::OpReply;
use lab_proto::v1::{ALPN_ENROL, ALPN_MINION, ALPN_OPERATOR};
use lab_proto::{Event, MinionId, OutboxId, Value};
use lab_tests::alone::Alone;
use lab_tests::kubic::LIMIT;
use lab_tests::peer::{Doors, Papers, batch, hello};

const OUTBOX: OutboxId = OutboxId::from_u128(0xbad);

fn web1() -> MinionId {
    MinionId::new("web1").expect("valid")
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

/// One attempt: `Ok` is what the door gave, which must not be.
async fn at_operators(doors: &Doors, papers: Option<&Papers>) -> Result<String, String> {
    let peer = doors.dial(ALPN_OPERATOR, papers).await?;
    match peer.ask_status::<OpReply>().await {
        Ok(OpReply::Refused(why)) => Err(why.to_string()),
        Ok(reply) => Ok(format!("{reply:?}")),
        Err(why) => Err(why),
    }
}

async fn at_minions(doors: &Doors, papers: Option<&Papers>) -> Result<String, String> {
    let peer = doors.dial(ALPN_MINION, papers).await?;
    match peer.hello::<ToMinion>(hello(&web1(), OUTBOX, 0)).await {
        Ok((_, ToMinion::Refused(why))) => Err(why.to_string()),
        Ok((_, reply)) => Ok(format!("{reply:?}")),
        Err(why) => Err(why),
    }
}

/// Says bytes on the first stream of a door; anything but an end of the conversation would be an answer.
async fn says(doors: &Doors, alpn: &[u8], papers: Option<&Papers>, bytes: &[u8]) -> Result<String, String> {
    let peer = doors.dial(alpn, papers).await?;
    let mut frames = peer.open().await?;
    frames.say_bytes(bytes).await?;
    frames.finish();
    match alpn {
        ALPN_ENROL => match frames.hear::<lab_proto::v1::enrol::EnrolReply>().await? {
            lab_proto::v1::enrol::EnrolReply::Refused(why) => Err(why.to_string()),
            reply => Ok(format!("{reply:?}")),
        },
        ALPN_MINION => match frames.hear::<ToMinion>().await? {
            ToMinion::Refused(why) => Err(why.to_string()),
            reply => Ok(format!("{reply:?}")),
        },
        _ => match frames.hear::<OpReply>().await? {
            OpReply::Refused(why) => Err(why.to_string()),
            reply => Ok(format!("{reply:?}")),
        },
    }
}

/// The refusals in the log: how many of each kind.
fn refusals(master: &Alone) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for event in master.events("lab/security/refused").expect("the master answers") {
        let why = event.data.get("why").and_then(Value::as_str).expect("a reason").to_owned();
        let count = event.data.get("count").and_then(Value::as_int).expect("a count");
        *found.entry(why).or_default() += u64::try_from(count).expect("not negative");
    }
    found
}

/// Waits until so many refusals are in the log: repeated ones are told once a second.
fn await_refusals(master: &Alone, number: u64) -> BTreeMap<String, u64> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let found = refusals(master);
        if found.values().sum::<u64>() >= number {
            return found;
        }
        assert!(Instant::now() < deadline, "{number} refusals are named in the log; there are {found:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn whoever_comes_to_a_door_that_is_not_theirs_is_refused_and_named() {
    let (master, other) = (Alone::start("", &[]).unwrap(), Alone::start("", &[]).unwrap());
    let (minion, operator) = (papers::minion(&master, "web1"), papers::operator(&master));
    let (foreign_minion, foreign_operator) = (papers::minion(&other, "web1"), papers::operator(&other));
    let revoked = papers::minion(&master, "web2");
    master.run(&["key", "reject", "web2"]).unwrap();

    let attempts = block_on(async {
        let doors = Doors::new(master.address(), papers::ca(&master)).unwrap();
        let attempts = vec![
            at_operators(&doors, None).await,
            at_minions(&doors, None).await,
            at_operators(&doors, Some(&foreign_operator)).await,
            at_minions(&doors, Some(&foreign_minion)).await,
            at_minions(&doors, Some(&revoked)).await,
            at_operators(&doors, Some(&minion)).await,
            at_minions(&doors, Some(&operator)).await,
            doors.dial(b"lab-root/1", None).await.map(|_| "let in".to_owned()),
        ];
        doors.finish().await;
        attempts
    });

    for attempt in &attempts {
        assert!(attempt.is_err(), "{attempt:?}");
    }
    let named = await_refusals(&master, 8);
    let expected = [
        ("no certificate at the operators' door", 1),
        ("no certificate at the minions' door", 1),
        ("handshake: the certificate is of another CA", 2),
        ("handshake: the key of the certificate is not accepted", 1),
        ("a minion's certificate at the operators' door", 1),
        ("an operator's certificate at the minions' door", 1),
        ("handshake: an unknown protocol was asked for", 1),
    ];
    assert_eq!(named, expected.map(|(why, n)| (why.to_owned(), n)).into_iter().collect());
}

#[test]
fn a_minion_cannot_speak_for_another_and_what_it_says_of_itself_is_taken() {
    let master = Alone::start("", &[]).unwrap();
    let minion = papers::minion(&master, "web1");
    let tags = [
        "lab/minion/web1/event/mine",
        "lab/minion/web2/event/theirs",
        "salt/job/20261121051940000042/ret/web2",
    ];
    let answers = block_on(async {
        let doors = Doors::new(master.address(), papers::ca(&master)).unwrap();
        let peer = doors.dial(ALPN_MINION, Some(&minion)).await.unwrap();
        let (_control, welcome) = peer.hello::<ToMinion>(hello(&web1(), OUTBOX, 3)).await.unwrap();
        assert!(matches!(welcome, ToMinion::Welcome(_)), "{welcome:?}");
        let mut events = peer.events(OUTBOX).await.unwrap();
        events.say(&batch(1, &tags)).await.unwrap();
        let mut answers: Vec<EventAck> = Vec::new();
        while !answers.iter().any(|a| matches!(a, EventAck::Durable { counter: 3, .. })) {
            answers.push(events.hear().await.unwrap());
        }
        peer.abandon();
        doors.finish().await;
        answers
    });
    let refused: Vec<u64> = answers
        .iter()
        .filter_map(|a| if let EventAck::Refused { counter, .. } = a { Some(*counter) } else { None })
        .collect();
    // An acknowledgement may overtake the words of a refusal; the log has them in any case.
    assert!(refused.iter().all(|n| [2, 3].contains(n)), "{answers:?}");
    let named = await_refusals(&master, 2);
    for tag in &tags[1..] {
        assert_eq!(named.get(&format!("the tag {tag} is not this minion's")), Some(&1), "{named:?}");
        assert_eq!(master.events(tag).unwrap(), Vec::<Event>::new());
    }
    assert_eq!(master.events(tags[0]).unwrap().len(), 1);
}

/// Random bytes; every other time behind a plausible frame header, so that decoders see them.
fn random_bytes(random: &mut Random) -> Vec<u8> {
    let length = usize::try_from(random.below(2000)).expect("small") + 1;
    let mut bytes: Vec<u8> = (0..length).map(|_| random.next().to_le_bytes()[0]).collect();
    if random.below(2) == 0 && length > 5 {
        let announced = u32::try_from(length - 4).expect("small");
        bytes[..4].copy_from_slice(&announced.to_be_bytes());
        bytes[4] = lab_proto::codec::FORMAT;
    }
    bytes
}

/// The memory of a process, in KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).expect("a VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn any_number_of_attempts_with_any_bytes_gets_nowhere_and_costs_the_master_no_memory() {
    let number = times("LAB_ATTEMPTS", 400);
    // The door's rate limit is set aside, so that every attempt reaches a decoder.
    let master = Alone::start("[enrol]\nrate = 1000000\nrate_per_address = 1000000\n", &[]).unwrap();
    let other = Alone::start("", &[]).unwrap();
    let (minion, operator) = (papers::minion(&master, "web1"), papers::operator(&master));
    let foreign = papers::operator(&other);
    let revoked = papers::minion(&master, "web2");
    master.run(&["key", "reject", "web2"]).unwrap();
    println!("{number} attempts");
    let mut random = Random::from_environment();
    let (mut before, mut got_in) = (0, Vec::new());

    block_on(async {
        let doors = Doors::new(master.address(), papers::ca(&master)).unwrap();
        for n in 0..number {
            if n == number / 10 {
                // What the master needs for any traffic at all is there by now.
                before = resident(master.pid());
            }
            let bytes = random_bytes(&mut random);
            let attempt = match random.below(10) {
                0 => at_operators(&doors, None).await,
                1 => at_minions(&doors, None).await,
                2 => at_operators(&doors, Some(&foreign)).await,
                3 => at_minions(&doors, Some(&revoked)).await,
                4 => at_operators(&doors, Some(&minion)).await,
                5 => at_minions(&doors, Some(&operator)).await,
                6 => doors.dial(&bytes[..bytes.len().min(20)], None).await.map(|_| "let in".to_owned()),
                7 => says(&doors, ALPN_ENROL, None, &bytes).await,
                8 => says(&doors, ALPN_MINION, Some(&minion), &bytes).await,
                _ => says(&doors, ALPN_OPERATOR, Some(&operator), &bytes).await,
            };
            got_in.extend(attempt.ok());
        }
        doors.finish().await;
    });

    assert_eq!(got_in, Vec::<String>::new());
    let named = await_refusals(&master, u64::try_from(number).unwrap());
    let after = resident(master.pid());
    println!("memory {before} KiB → {after} KiB; named: {named:#?}");
    assert_eq!(
        named.values().sum::<u64>(),
        u64::try_from(number).unwrap(),
        "each is named, none twice: {named:?}"
    );
    assert!(after < before + 32 * 1024, "the master grew from {before} to {after} KiB");
    assert_eq!(
        master.run(&["--json", "key", "list"]).unwrap().lines().count(),
        2,
        "no key but the two enrolled"
    );
}
