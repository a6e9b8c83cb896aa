//! The definition of a wait, written down a second time, from the words of the architecture and straight from
//! the log. Shares no code with the engine: reads tags and data itself, slowly and plainly.

use std::collections::BTreeSet;

use lab_proto::{Event, Origin, RunId, Value, glob};

/// A wait of a story.
#[derive(Clone, Debug)]
pub struct Question {
    /// The step.
    pub step: String,
    /// The steps that it requires.
    pub after: Vec<String>,
    /// The tags that it asks for.
    pub tag: String,
    /// From whom.
    pub ids: Vec<String>,
    /// Restarted agents count.
    pub restart_counts: bool,
}

/// What the definition says of a wait that was entered and ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The step.
    pub step: String,
    /// Who was seen, with the event's number.
    pub met: Vec<(String, u64)>,
    /// Who was not.
    pub missing: Vec<String>,
}

/// Answers every wait that was reached, in the order in which they were.
pub fn answers(log: &[Event], run: RunId, questions: &[Question]) -> Vec<Answer> {
    let mut reached: Vec<(u64, &Question)> = Vec::new();
    for q in questions {
        if let Some(entry) = find(log, &format!("lab/run/{run}/step/{}/entered", q.step)) {
            reached.push((entry.position.seq, q));
        }
    }
    reached.sort_by_key(|(seq, _)| *seq);
    let mut taken: BTreeSet<(u64, String)> = BTreeSet::new();
    reached.into_iter().map(|(_, q)| answer(log, run, q, &mut taken)).collect()
}

fn answer(log: &[Event], run: RunId, q: &Question, taken: &mut BTreeSet<(u64, String)>) -> Answer {
    // The first entry of the steps that it requires.
    let since = q
        .after
        .iter()
        .filter_map(|step| find(log, &format!("lab/run/{run}/step/{step}/entered")))
        .min_by_key(|e| e.position.seq)
        .expect("a reached wait has a required step that was entered");
    // The decision looked at the log up to here.
    let until = find(log, &format!("lab/run/{run}/step/{}/ended", q.step))
        .and_then(|e| e.data.get("seen").and_then(Value::as_str)?.rsplit_once(':')?.1.parse::<u64>().ok())
        .unwrap_or(u64::MAX);
    let mut out = Answer { step: q.step.clone(), met: Vec::new(), missing: Vec::new() };
    for id in &q.ids {
        let hit = log.iter().find(|e| {
            e.position.seq <= until
                && glob::matches(&q.tag, e.tag.as_str())
                && id_of(e) == Some(id)
                && counts(e, id, since, q.restart_counts)
                && !taken.contains(&(e.position.seq, id.clone()))
        });
        match hit {
            Some(e) => {
                taken.insert((e.position.seq, id.clone()));
                out.met.push((id.clone(), e.position.seq));
            }
            None => out.missing.push(id.clone()),
        }
    }
    out
}

fn find<'a>(log: &'a [Event], tag: &str) -> Option<&'a Event> {
    log.iter().find(|e| e.tag.as_str() == tag)
}

fn id_of(e: &Event) -> Option<&str> {
    e.data.get("id").or_else(|| e.data.get("data")?.get("id")).and_then(Value::as_str)
}

fn counts(e: &Event, id: &str, since: &Event, restart_counts: bool) -> bool {
    let Origin::Minion(from) = &e.origin else { return e.position.seq > since.position.seq };
    let knew = from.seen.is_some_and(|seen| seen.seq >= since.position.seq);
    if e.tag.as_str() != format!("salt/minion/{id}/start") {
        return knew;
    }
    if e.data.get("cause").and_then(Value::as_str) != Some("boot") {
        return restart_counts && knew;
    }
    match recorded_boot(since, id) {
        Some((boot_id, number)) => {
            from.boot.id.to_string() != boot_id && i128::from(from.boot.number) >= number
        }
        None => true,
    }
}

/// Where the entry says that the minion stood.
fn recorded_boot(entry: &Event, id: &str) -> Option<(String, i128)> {
    let rows = entry.data.get("minions")?.as_list()?;
    let row = rows.iter().find(|r| r.get("id").and_then(Value::as_str) == Some(id))?;
    let boot = row.get("boot")?;
    Some((boot.get("id")?.as_str()?.to_owned(), boot.get("number")?.as_int()?))
}
