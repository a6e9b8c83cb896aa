//! How a minion's return looks to a person.

use lab_proto::facts::{JobEnd, StateSummary};
use lab_proto::v1::op::RefusalKind;
use lab_proto::{EndState, JobReturn, Value};
use lab_states::render::yaml;

use super::exit;

/// One minion's row of a job.
pub(super) enum Row {
    /// It returned, or ended in a way that it could tell itself.
    Return(JobReturn),
    /// The master ended the waiting for it.
    End(JobEnd),
}

/// What a row amounts to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    state: EndState,
    /// Whether the minion did what it was asked.
    good: bool,
    /// Whether its states do not compile.
    uncompiled: bool,
}

impl Row {
    /// Returns what it amounts to.
    pub(super) fn verdict(&self) -> Verdict {
        let compile = i64::from(RefusalKind::DoesNotCompile.exit_code());
        match self {
            Self::Return(r) => Verdict {
                state: r.state,
                good: r.state == EndState::Returned && r.success,
                uncompiled: r.state == EndState::Failed && r.retcode == compile,
            },
            Self::End(e) => Verdict { state: e.state, good: false, uncompiled: false },
        }
    }

    /// Prints the row as lines, the minion first.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::End(e) => vec![format!("{}: {} ({})", e.id, e.state.as_str(), e.why)],
            Self::Return(r) => return_lines(r),
        }
    }
}

/// Returns the exit code of a job: what is worst decides, failures before silence.
pub(super) fn exit_code(rows: impl Iterator<Item = Verdict> + Clone) -> u8 {
    if rows.clone().any(|r| r.uncompiled) && rows.clone().all(|r| r.good || r.uncompiled) {
        return RefusalKind::DoesNotCompile.exit_code();
    }
    let any = |states: &[EndState]| rows.clone().any(|r| !r.good && states.contains(&r.state));
    if any(&[EndState::Returned, EndState::Failed, EndState::Killed]) {
        exit::FAILED
    } else if any(&[EndState::TimedOut]) {
        exit::TIMED_OUT
    } else if any(&[EndState::Lost, EndState::Offline]) {
        exit::UNREACHABLE
    } else if any(&[EndState::Interrupted]) {
        exit::INTERRUPTED
    } else {
        0
    }
}

fn return_lines(r: &JobReturn) -> Vec<String> {
    let head = match (r.state, r.success) {
        (EndState::Returned, true) => format!("{}:", r.id),
        (EndState::Returned, false) => format!("{}: failed (retcode {})", r.id, r.retcode),
        (state, _) => format!("{}: {}", r.id, state.as_str()),
    };
    if let Some(rows) = state_rows(&r.value) {
        return state_lines(head, &rows, &r.value);
    }
    match &r.value {
        Value::Map(_) | Value::List(_) | Value::Tuple(_) => {
            let body = yaml::dump_block(&r.value);
            std::iter::once(head).chain(body.lines().map(|l| format!("    {l}"))).collect()
        }
        Value::Str(text) if text.contains('\n') => {
            std::iter::once(head).chain(text.lines().map(|l| format!("    {l}"))).collect()
        }
        plain => vec![one_line(head, plain)],
    }
}

/// Puts what was returned behind how it ended.
fn one_line(head: String, value: &Value) -> String {
    let text = match value {
        // Who returned, and nothing, is shown that; who did not has no value.
        Value::Null if !head.ends_with(':') => String::new(),
        other => other.to_string(),
    };
    if text.is_empty() { head } else { format!("{}: {text}", head.trim_end_matches(':')) }
}

/// Returns the rows of a state run's return with what each is about, in the order in which they ran.
fn state_rows(value: &Value) -> Option<Vec<(String, &Value)>> {
    let rows: Vec<(String, &Value)> = match value {
        Value::Map(m) if !m.is_empty() && m.get("blob").is_none() => {
            m.iter().map(|(key, row)| (label(&key.to_string()), row)).collect()
        }
        Value::List(l) if !l.is_empty() => l.iter().map(|row| (named(row), row)).collect(),
        _ => return None,
    };
    let is_state = |row: &Value| row.get("changes").is_some() && row.get("comment").is_some();
    rows.iter().all(|(_, row)| is_state(row)).then(|| {
        let mut rows = rows;
        rows.sort_by_key(|(_, row)| row.get("__run_num__").and_then(Value::as_int));
        rows
    })
}

/// Reads the key of a row, which is Salt's: `file_|-ID_|-/etc/motd_|-managed`.
fn label(key: &str) -> String {
    match key.split("_|-").collect::<Vec<_>>()[..] {
        [module, _, name, function] => format!("{module}.{function} {name}"),
        _ => key.to_owned(),
    }
}

fn named(row: &Value) -> String {
    let text = |key: &str| row.get(key).map(ToString::to_string).unwrap_or_default();
    format!("{} {}", text("state"), text("name"))
}

fn state_lines(head: String, rows: &[(String, &Value)], value: &Value) -> Vec<String> {
    let mut lines = vec![head];
    for (label, row) in rows {
        let (verdict, quiet) = verdict(row);
        lines.push(format!("    {verdict:<12} {label}"));
        let text = |key: &str| row.get(key).map(ToString::to_string).unwrap_or_default();
        if !quiet {
            lines.extend(text("comment").lines().map(|l| format!("                 {l}")));
        }
        if let Some(Value::Map(changes)) = row.get("changes") {
            lines.extend(changes.iter().flat_map(change_lines).map(|l| format!("                 {l}")));
        }
    }
    if let Some(sum) = StateSummary::of(value) {
        let would =
            if sum.would_change > 0 { format!(", {} would change", sum.would_change) } else { String::new() };
        let states = if sum.total == 1 { "state" } else { "states" };
        let changed = sum.changed - sum.would_change;
        lines.push(format!("    {} {states}, {changed} changed{would}, {} failed", sum.total, sum.failed));
    }
    lines
}

/// A text of several lines, a diff above all, is shown as it is.
fn change_lines((key, value): (&Value, &Value)) -> Vec<String> {
    match value {
        Value::Str(text) if text.contains('\n') => {
            let body = text.lines().map(|l| format!("  {l}"));
            std::iter::once(format!("{key}:")).chain(body).collect()
        }
        _ => yaml::dump_block(&Value::from([(key.to_string(), value.clone())]))
            .lines()
            .map(str::to_owned)
            .collect(),
    }
}

fn verdict(row: &Value) -> (&'static str, bool) {
    let changed = row.get("changes").is_some_and(Value::truthy);
    let outcome = row.get("outcome").and_then(Value::as_str);
    match (outcome, row.get("result")) {
        (Some("failed"), _) | (None, Some(Value::Bool(false))) => ("failed", false),
        (Some("skipped"), _) => ("skipped", false),
        (Some("would_change"), _) | (None, Some(Value::Null)) => ("would change", false),
        _ if changed => ("changed", true),
        _ => ("ok", true),
    }
}

#[cfg(test)]
mod tests {
    use lab_proto::{JobId, MinionId, Timestamp};

    use super::*;

    fn row(state: EndState, success: bool, value: Value) -> Row {
        Row::Return(JobReturn {
            jid: JobId::new(Timestamp::from_micros(0), 1),
            id: MinionId::new("web1").expect("valid"),
            fun: "test.ping".to_owned(),
            state,
            success,
            retcode: i64::from(!success),
            value,
            duration_micros: 1,
        })
    }

    #[test]
    fn the_worst_end_decides_the_exit_code() {
        let good = || row(EndState::Returned, true, Value::from(true));
        let of = |rows: Vec<Row>| exit_code(rows.iter().map(Row::verdict));
        assert_eq!(of(vec![good(), good()]), 0);
        assert_eq!(of(vec![good(), row(EndState::TimedOut, false, Value::Null)]), 11);
        assert_eq!(of(vec![row(EndState::Offline, false, Value::Null), good()]), 12);
        assert_eq!(
            of(vec![row(EndState::Lost, false, Value::Null), row(EndState::Failed, false, Value::Null)]),
            10
        );
        assert_eq!(of(vec![row(EndState::Interrupted, false, Value::Null)]), 15);
        let uncompiled = || {
            let Row::Return(r) = row(EndState::Failed, false, Value::Null) else {
                unreachable!("made as a return")
            };
            Row::Return(JobReturn { retcode: 13, ..r })
        };
        assert_eq!(of(vec![uncompiled(), good()]), 13);
        assert_eq!(of(vec![uncompiled(), row(EndState::Failed, false, Value::Null)]), 10);
    }

    #[test]
    fn a_plain_return_is_a_line_and_a_state_run_a_table() {
        for (state, success, value, line) in [
            (EndState::Returned, true, Value::from(true), "web1: true"),
            (EndState::Returned, true, Value::from(""), "web1:"),
            (EndState::Returned, false, Value::from("no"), "web1: failed (retcode 1): no"),
            (EndState::Returned, false, Value::from(""), "web1: failed (retcode 1)"),
            (
                EndState::Failed,
                false,
                Value::from("there is no such function"),
                "web1: failed: there is no such function",
            ),
            (EndState::Interrupted, false, Value::Null, "web1: interrupted"),
        ] {
            assert_eq!(row(state, success, value).lines(), [line]);
        }
        let state = Value::from([
            ("state", Value::from("file.managed")),
            ("name", Value::from("/etc/motd")),
            ("changes", Value::map()),
            ("comment", Value::from("fine")),
            ("outcome", Value::from("ok")),
        ]);
        let lines = row(EndState::Returned, true, Value::List(vec![state])).lines();
        assert_eq!(lines[1], "    ok           file.managed /etc/motd");
        assert_eq!(lines[2], "    1 state, 0 changed, 0 failed");
    }
}
