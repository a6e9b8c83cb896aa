//! Printing: data to stdout, talk to stderr; tables for people, one JSON object per line for programs.

#![expect(clippy::print_stdout, reason = "the one place where commands print data")]

use std::io::{BufWriter, IsTerminal, Write};

use lab_proto::{Event, Value};

/// Has this process end as others do when nobody reads its output any more: quietly, by SIGPIPE. What it asked the master for
/// goes on there.
#[expect(unsafe_code, reason = "sets a signal's disposition; the default one runs no code of ours")]
pub(super) fn end_with_reader() {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: `SigDfl` is no function that could do what a signal handler must not.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
}

/// Prints one JSON line.
pub(super) fn json(value: &impl serde::Serialize) {
    if let Some(line) = json_line(value) {
        println!("{line}");
    }
}

/// Makes one JSON line.
pub(super) fn json_line(value: &impl serde::Serialize) -> Option<String> {
    serde_json::to_string(value).map_err(|e| eprintln!("error: a value has no JSON form: {e}")).ok()
}

/// Prints lines that came together in one go.
pub(super) fn lines(lines: &[String]) {
    if !lines.is_empty() {
        println!("{}", lines.join("\n"));
    }
}

/// Prints a line of data.
pub(super) fn line(text: &str) {
    println!("{text}");
}

/// Prints records as JSON lines or as a table of the given columns.
pub(super) fn records(rows: &[Value], columns: &[&str], as_json: bool) {
    if as_json {
        rows.iter().for_each(json);
        return;
    }
    let cell = |row: &Value, column: &str| match row.get(column) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::List(l)) => l.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        Some(v) => v.to_string(),
    };
    let body: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|c| cell(row, c)).collect()).collect();
    let head: Vec<String> = columns.iter().map(|c| c.to_uppercase().replace('_', " ")).collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|i| body.iter().chain([&head]).map(|row| row[i].chars().count()).max().unwrap_or(0))
        .collect();
    for row in [&head].into_iter().chain(&body) {
        let padded: Vec<String> = row.iter().zip(&widths).map(|(c, w)| format!("{c:w$}")).collect();
        println!("{}", padded.join("  ").trim_end());
    }
}

/// Prints one value: a mapping as `key: value` lines, text as it is, anything else as JSON.
pub(super) fn value(value: &Value, as_json: bool) {
    if as_json {
        json(value);
        return;
    }
    match value {
        Value::Str(text) => println!("{text}"),
        other => print!("{}", lab_states::render::yaml::dump_block(other)),
    }
}

/// Prints an event: a JSON line, or time, tag and data.
pub(super) fn event(event: &Event, as_json: bool) {
    if as_json {
        json(event);
    } else {
        println!("{:>8}  {}  {}  {}", event.position.seq, event.stamp, event.tag, event.data);
    }
}

/// Prints events that came together in one go.
///
/// # Errors
/// When nobody reads standard output any more.
pub(super) fn events(events: &[Event], as_json: bool) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
    for event in events {
        if as_json {
            serde_json::to_writer(&mut out, event)?;
            out.write_all(b"\n")?;
        } else {
            writeln!(out, "{:>8}  {}  {}  {}", event.position.seq, event.stamp, event.tag, event.data)?;
        }
    }
    out.flush()
}

/// Tells whether progress may be drawn over itself.
pub(super) fn live() -> bool {
    std::io::stderr().is_terminal() && std::io::stdout().is_terminal()
}
