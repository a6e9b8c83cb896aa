//! What an event of the log says of a job.

use lab_proto::{EndState, Event, JobId, MinionId, Value};

use crate::core::RowRecord;

/// What became of a job.
pub(super) enum JobEvent {
    New,
    Kill(String),
    Ended(MinionId, RowRecord),
    Done,
}

/// Reads it, if the event is about a job.
pub(super) fn job_event(event: &Event) -> Option<(JobId, JobEvent)> {
    let mut parts = event.tag.parts();
    let head = (parts.next()?, parts.next()?);
    if !matches!(head, ("salt" | "lab", "job")) {
        return None;
    }
    let jid: JobId = parts.next()?.parse().ok()?;
    let kind = match (head.0, parts.next()?) {
        ("salt", "new") => JobEvent::New,
        ("lab", "done") => JobEvent::Done,
        ("lab", "kill") => JobEvent::Kill(event.data.get("by")?.as_str()?.to_owned()),
        ("salt", "ret") | ("lab", "end") => {
            let minion = MinionId::new(parts.next()?).ok()?;
            let data = &event.data;
            let end = EndState::named(data.get("state")?.as_str()?)?;
            let retcode = data.get("retcode").and_then(Value::as_int).and_then(|n| i64::try_from(n).ok());
            let row = RowRecord {
                end: Some(end),
                success: data.get("success").and_then(Value::as_bool).unwrap_or(false),
                retcode: retcode.unwrap_or(1),
                seq: event.position.seq,
            };
            JobEvent::Ended(minion, row)
        }
        _ => return None,
    };
    Some((jid, kind))
}
