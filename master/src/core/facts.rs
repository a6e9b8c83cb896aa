//! The master's own facts: one function per kind of event, each a row in docs/events.md.

use lab_proto::event::Boot;
use lab_proto::facts::{
    JobEnd, JobNew, MinionConnected, MinionDisconnected, MinionFound, MinionLost, MinionReboot,
};
use lab_proto::v1::link::Hello;
use lab_proto::{
    BootId, EndState, EventTag, Fingerprint, JobId, JobSpec, Map, MinionId, NewEvent, Origin, Target,
    Timestamp, Value,
};

/// Above so many ids a job's event does not name them: an event is at most 64 KiB, and the job may need most of it.
const MAX_NAMED: usize = 250;

/// The longest text of a peer's that is put into an event of the master, in bytes: an event that is too large for the log
/// would be lost with everything that waits for it.
const MAX_WORDS: usize = 1024;
/// The boots that are named of those that the master did not see, at most: the newest.
const MAX_BOOTS: usize = 64;

/// Cuts what a peer says.
pub(super) fn brief(text: &str) -> String {
    cut(text, MAX_WORDS)
}

/// Cuts a text to so many bytes, and shows that it did.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// Makes an event of the master.
pub(crate) fn master(tag: impl Into<String>, data: impl Into<Value>) -> NewEvent {
    let tag = EventTag::new(tag).expect("built from checked ids, which have no white space and are short");
    NewEvent { tag, origin: Origin::Master, data: data.into() }
}

/// What happened to a key, in Salt's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyAct {
    /// Waits to be accepted.
    Pend,
    /// Let in.
    Accept,
    /// Shut out.
    Reject,
    /// Forgotten.
    Delete,
    /// Tried to enrol though shut out or taken.
    Denied,
}

impl KeyAct {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pend => "pend",
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Delete => "delete",
            Self::Denied => "denied",
        }
    }
}

/// A minion came to the enrolment door.
pub(crate) fn auth(id: &MinionId, act: KeyAct, key: Fingerprint, by: &str, address: &str) -> NewEvent {
    let result = !matches!(act, KeyAct::Denied | KeyAct::Reject);
    let data = text([
        ("id", id.as_str().into()),
        ("act", act.as_str().into()),
        ("result", result.into()),
        ("fingerprint", key.to_string().into()),
        ("by", by.into()),
        ("address", address.into()),
    ]);
    master("salt/auth", data)
}

/// A minion came with a key that is accepted for somebody else.
pub(crate) fn key_in_use(id: &MinionId, holder: &str, key: Fingerprint, by: &str, address: &str) -> NewEvent {
    let mut event = auth(id, KeyAct::Denied, key, by, address);
    if let Value::Map(data) = &mut event.data {
        data.insert("holder".into(), holder.into());
    }
    event
}

/// A key changed its state.
pub(crate) fn key(id: &MinionId, act: KeyAct, key: Fingerprint, by: &str) -> NewEvent {
    let data = text([
        ("id", id.as_str().into()),
        ("act", act.as_str().into()),
        ("result", true.into()),
        ("fingerprint", key.to_string().into()),
        ("by", by.into()),
    ]);
    master("salt/key", data)
}

/// A token was made, used or revoked; never its secret.
pub(crate) fn token(name: &str, act: &str, pattern: &str, by: &str) -> NewEvent {
    let data = [("name", name), ("act", act), ("pattern", pattern), ("by", by)];
    master("lab/token", Value::from(data.map(|(k, v)| (k, Value::from(v)))))
}

/// An operator's key was let in (`issued`) or shut out (`revoked`).
pub(crate) fn operator(name: &str, act: &str, key: Fingerprint, by: &str) -> NewEvent {
    let key = key.to_string();
    let data = [("name", name), ("act", act), ("fingerprint", key.as_str()), ("by", by)];
    master("lab/operator", Value::from(data.map(|(k, v)| (k, Value::from(v)))))
}

/// Somebody tried what is not allowed, `count` times since the last such event.
pub(crate) fn refused(why: &str, peer: &str, count: u64) -> NewEvent {
    master(
        "lab/security/refused",
        text([("why", brief(why).into()), ("peer", brief(peer).into()), ("count", count.into())]),
    )
}

/// A link came up.
pub(crate) fn connected(hello: &Hello, address: &str, agent_restarted: bool) -> NewEvent {
    MinionConnected {
        id: hello.id.clone(),
        address: address.to_owned(),
        boot_id: hello.boot.id,
        boot_number: hello.boot.number,
        process: hello.process,
        machine_id: hello.machine_id,
        version: brief(&hello.version),
        agent_restarted,
    }
    .event()
}

/// A link went down.
pub(crate) fn disconnected(id: &MinionId, boot_id: BootId, reason: &str, jid: Option<JobId>) -> NewEvent {
    MinionDisconnected { id: id.clone(), boot_id, reason: brief(reason), jid }.event()
}

/// A minion gives no sign of life any more.
pub(crate) fn lost(id: &MinionId, last_heard: Timestamp) -> NewEvent {
    MinionLost { id: id.clone(), last_heard }.event()
}

/// A minion that was lost on a link gives signs of life on the same link again.
pub(crate) fn found(id: &MinionId) -> NewEvent {
    MinionFound { id: id.clone() }.event()
}

/// A minion came back with another boot than it was last seen with.
pub(crate) fn reboot(hello: &Hello, old: Boot, boots: &[Boot], by: Option<JobId>) -> NewEvent {
    MinionReboot {
        id: hello.id.clone(),
        old: old.id,
        new: hello.boot.id,
        boots: boots[boots.len().saturating_sub(MAX_BOOTS)..].iter().map(|b| b.id).collect(),
        requested_by: by,
        booted_at: Some(hello.booted_at),
    }
    .event()
}

/// A minion's outbox ended before what the log already has of it.
pub(crate) fn outbox_rewound(id: &MinionId, head: u64, mark: u64) -> NewEvent {
    minion(
        id,
        "outbox-rewound",
        text([("id", id.as_str().into()), ("head", head.into()), ("mark", mark.into())]),
    )
}

/// What two agents with one identity mean, and the way out.
pub(crate) const TWINS: &str = "two agents have this minion's id and key (a cloned disk?) and take the link over from each \
     other: on the machine that does not belong, stop the agent, remove its data directory and its key (`pki` in its configuration \
     directory), and enrol it under an id of its own";

/// The agent came back that another with the same id and key had taken over from.
pub(crate) fn duplicate(arrival: &super::Arrival, other: &super::MinionRecord) -> NewEvent {
    let hello = &arrival.hello;
    let one = |address: &str, process: String, machine: String, boot: String| {
        Value::from([
            ("address", Value::from(address)),
            ("process", process.into()),
            ("machine_id", machine.into()),
            ("boot_id", boot.into()),
        ])
    };
    let agents = vec![
        one(
            &arrival.address,
            hello.process.to_string(),
            hello.machine_id.to_string(),
            hello.boot.id.to_string(),
        ),
        one(
            &other.address,
            other.process.to_string(),
            other.machine_id.to_string(),
            other.boot.id.to_string(),
        ),
    ];
    let data =
        [("id", arrival.minion.as_str().into()), ("agents", Value::List(agents)), ("why", TWINS.into())];
    minion(&arrival.minion, "duplicate", text(data))
}

/// A job was stored and is about to be published. With very many minions their names are left to the job's record.
pub(crate) fn job_new(spec: &JobSpec, minions: &[MinionId]) -> NewEvent {
    let JobSpec { jid, fun, args, kwargs, target, timeout_micros: _, tree: _, user, step, at: _ } =
        spec.clone();
    JobNew {
        jid,
        fun,
        arg: args,
        kwarg: kwargs,
        tgt: target.expr,
        tgt_type: target.kind,
        minions: (minions.len() <= MAX_NAMED).then(|| minions.to_vec()),
        count: minions.len() as u64,
        user,
        step,
    }
    .event()
}

/// The master decided how a job ended on a minion that gave no return.
pub(crate) fn job_end(jid: JobId, id: &MinionId, state: EndState, why: &str) -> NewEvent {
    JobEnd { jid, id: id.clone(), state, why: brief(why) }.event()
}

/// Everyone addressed by a job is accounted for.
pub(crate) fn job_done(spec: &JobSpec, success: bool, counts: &[(EndState, u64)]) -> NewEvent {
    let counts: Map =
        counts.iter().map(|(state, n)| (Value::from(state.as_str()), Value::from(*n))).collect();
    let data = text([
        ("jid", spec.jid.to_string().into()),
        ("fun", spec.fun.as_str().into()),
        ("success", success.into()),
        ("ends", Value::Map(counts)),
    ]);
    master(format!("lab/job/{}/done", spec.jid), data)
}

/// An operator asked to end a job.
pub(crate) fn job_kill(jid: JobId, by: &str) -> NewEvent {
    master(format!("lab/job/{jid}/kill"), text([("jid", jid.to_string().into()), ("by", by.into())]))
}

/// A mine value was stored or deleted; never the value.
pub(crate) fn mine(id: &MinionId, function: &str, act: &str, allow: Option<&Target>) -> NewEvent {
    let allow = allow.map(|t| format!("{}:{}", t.kind, t.expr));
    let data = text([("id", id.as_str().into()), ("function", function.into()), ("allow", allow.into())]);
    master(format!("lab/mine/{id}/{function}/{act}"), data)
}

/// The master began or ends.
pub(crate) fn lifecycle(what: &str, version: &str) -> NewEvent {
    master(format!("lab/master/{what}"), text([("version", version.into())]))
}

fn minion(id: &MinionId, what: &str, data: Value) -> NewEvent {
    master(format!("lab/minion/{id}/{what}"), data)
}

fn text<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::from(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_says_is_cut_between_characters() {
        assert_eq!(brief("short"), "short");
        let cut = brief(&"€".repeat(1000));
        assert!(cut.len() <= MAX_WORDS + "…".len() && cut.ends_with("€…"), "{} bytes", cut.len());
    }
}
