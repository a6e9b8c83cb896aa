//! Printing: data to stdout, talk to stderr; tables for people, one JSON object per line for programs.

use std::borrow::Cow;
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
        put(&line);
    }
}

/// Makes one JSON line.
fn json_line(value: &impl serde::Serialize) -> Option<String> {
    serde_json::to_string(value).map_err(no_json).ok()
}

fn no_json(e: serde_json::Error) {
    eprintln!("error: a value has no JSON form: {e}");
}

/// Lines that came together and are printed in one go.
#[derive(Default)]
pub(super) struct Lines(Vec<u8>);

impl Lines {
    /// Adds a JSON line.
    pub(super) fn json(&mut self, value: &impl serde::Serialize) {
        let before = self.0.len();
        match serde_json::to_writer(&mut self.0, value) {
            Ok(()) => self.0.push(b'\n'),
            Err(e) => {
                self.0.truncate(before);
                no_json(e);
            }
        }
    }

    /// Adds a line of text, with what would steer a terminal shown.
    pub(super) fn text(&mut self, line: &str) {
        self.0.extend_from_slice(printable(line).as_bytes());
        self.0.push(b'\n');
    }

    /// Prints them.
    pub(super) fn print(&self) {
        bytes(&self.0);
    }
}

/// Prints a line of text, with what would steer a terminal shown.
pub(super) fn line(text: &str) {
    put(&printable(text));
}

/// Prints a line as it is. What cannot be printed ends the command: its reader must not take a part for the whole.
fn put(text: &str) {
    if let Err(e) = writeln!(std::io::stdout().lock(), "{text}") {
        unprinted(&e);
    }
}

/// Ends the command because standard output takes no more. Quietly when nobody reads it: SIGPIPE says so elsewhere, but it may
/// be blocked.
pub(super) fn unprinted(error: &std::io::Error) -> ! {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    eprintln!("error: cannot write to standard output: {error}");
    std::process::exit(super::exit::MACHINE.into());
}

/// Says what the master is about, before its answer.
pub(super) fn note(text: &str) {
    eprintln!("lab-master: {}", printable(text));
}

/// Prints bytes as they are.
pub(super) fn bytes(part: &[u8]) {
    let mut out = std::io::stdout().lock();
    if let Err(e) = out.write_all(part).and_then(|()| out.flush()) {
        unprinted(&e);
    }
}

/// Prints what is shown only this once.
///
/// # Errors
/// When standard output does not take it.
pub(super) fn once(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush())
}

/// Shows what would steer a terminal instead of doing it: a host's output is not to be trusted with the operator's screen.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().map(|c| if steers(c) { c.escape_default().to_string() } else { c.to_string() });
    Cow::Owned(shown.collect())
}

/// Prints the id of what goes on at the master without this command.
pub(super) fn detached(key: &str, id: &str, as_json: bool) {
    if as_json {
        json(&serde_json::json!({ key: id, "detached": true }));
    } else {
        line(id);
    }
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
        line(padded.join("  ").trim_end());
    }
}

/// Prints one value: a mapping as `key: value` lines, text as it is, anything else as JSON.
pub(super) fn value(value: &Value, as_json: bool) {
    if as_json {
        json(value);
        return;
    }
    match value {
        Value::Str(text) => line(text),
        other => line(lab_states::render::yaml::dump_block(other).trim_end()),
    }
}

/// Prints an event: a JSON line, or time, tag and data.
pub(super) fn event(event: &Event, as_json: bool) {
    if as_json {
        json(event);
    } else {
        line(&format!("{:>8}  {}  {}  {}", event.position.seq, event.stamp, event.tag, event.data));
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
            let text = format!("{:>8}  {}  {}  {}", event.position.seq, event.stamp, event.tag, event.data);
            writeln!(out, "{}", printable(&text))?;
        }
    }
    out.flush()
}

/// Tells whether progress may be drawn over itself.
pub(super) fn live() -> bool {
    std::io::stderr().is_terminal() && std::io::stdout().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(printable("a\tb\nc ö"), "a\tb\nc ö");
        assert_eq!(printable("\u{1b}[2Jx\r\u{7}\u{9b}"), "\\u{1b}[2Jx\\r\\u{7}\\u{9b}");
    }
}
