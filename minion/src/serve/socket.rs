//! The door for programs on this machine: `lab-minion event send` hands an event to the running agent.
//!
//! JSON lines over a unix socket that only root can open: one line per event, one answer per line, in order. An answer
//! comes when its event is durable; many events may be on their way at once.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_proto::{EventTag, Value};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use crate::disk::Stored;
use crate::emit::Emitter;
use crate::files::{self, FileError};
use crate::outbox::OutboxError;

/// The longest request: an event, its tag, and room for JSON's escapes.
const MAX_LINE: usize = 512 * 1024;
/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many clients are served side by side.
const CLIENTS: usize = 16;
/// How many events of one client may be on their way to the disk: as many as share a sync.
const PIPELINE: usize = 1024;

#[derive(Serialize, Deserialize)]
struct Ask {
    tag: EventTag,
    data: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Stored { counter: u64 },
    Refused { why: String },
}

/// Why an event was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No agent listens.
    #[error("no agent listens at {}; is `lab-minion serve` running?", path.display())]
    NoAgent {
        /// The socket.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// The conversation broke.
    #[error("the agent did not answer")]
    Broken(#[source] std::io::Error),
    /// The agent does not take the event.
    #[error("{0}")]
    Refused(String),
}

/// Hands an event to the running agent; returns its number once it is durable.
///
/// # Errors
/// When no agent runs or it does not take the event.
pub fn send_event(run_dir: &Path, tag: EventTag, data: Value) -> Result<u64, SendError> {
    let path = run_dir.join("agent.sock");
    let stream = UnixStream::connect(&path).map_err(|source| SendError::NoAgent { path, source })?;
    let answer = ask(&stream, &Ask { tag, data }).map_err(SendError::Broken)?;
    match answer {
        Answer::Stored { counter } => Ok(counter),
        Answer::Refused { why } => Err(SendError::Refused(why)),
    }
}

/// Hands many events to the running agent, one JSON object `{"tag": …, "data": …}` per line, and calls `stored` with each
/// number in order, and whether the next one is here already.
///
/// # Errors
/// When no agent runs, a line cannot be read, or the agent does not take an event; those before it are stored.
pub fn send_events(
    run_dir: &Path,
    mut lines: impl BufRead + Send,
    mut stored: impl FnMut(u64, bool),
) -> Result<(), SendError> {
    let path = run_dir.join("agent.sock");
    let stream = UnixStream::connect(&path).map_err(|source| SendError::NoAgent { path, source })?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(SendError::Broken)?;
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            // What has been read is passed on at once: whoever writes line by line gets answers line by line.
            loop {
                let bytes = lines.fill_buf()?;
                if bytes.is_empty() {
                    break;
                }
                (&stream).write_all(bytes)?;
                let passed = bytes.len();
                lines.consume(passed);
            }
            stream.shutdown(std::net::Shutdown::Write)
        });
        let mut answers = BufReader::new(&stream);
        let mut line = Vec::new();
        let refused = loop {
            line.clear();
            match answers.read_until(b'\n', &mut line).map_err(SendError::Broken) {
                Ok(0) => break Ok(()),
                Ok(_) => {}
                Err(e) => break Err(e),
            }
            match serde_json::from_slice(&line).map_err(|e| SendError::Broken(e.into())) {
                Ok(Answer::Stored { counter }) => stored(counter, !answers.buffer().is_empty()),
                Ok(Answer::Refused { why }) => break Err(SendError::Refused(why)),
                Err(e) => break Err(e),
            }
        };
        if refused.is_err() {
            // The writer must not wait for an agent that is no longer read from.
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        let written = writing.join().unwrap_or_else(|_| Err(std::io::Error::other("the writer ended")));
        refused.and(written.map_err(SendError::Broken))
    })
}

fn ask(mut stream: &UnixStream, ask: &Ask) -> std::io::Result<Answer> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(ask)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}

/// Opens the door; the task ends with the agent.
pub(super) fn listen(run_dir: &Path, emitter: Emitter) -> Result<tokio::task::JoinHandle<()>, FileError> {
    files::make_dir(run_dir, 0o755)?;
    let path = run_dir.join("agent.sock");
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(FileError::at("remove", &path)(e)),
        _ => {}
    }
    let listener = UnixListener::bind(&path).map_err(FileError::at("listen at", &path))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .map_err(FileError::at("close to others", &path))?;
    Ok(tokio::spawn(accept(listener, emitter)))
}

async fn accept(listener: UnixListener, emitter: Emitter) {
    let mut clients = tokio::task::JoinSet::new();
    loop {
        while clients.len() >= CLIENTS {
            clients.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                let emitter = emitter.clone();
                clients.spawn(serve_client(stream, emitter));
            }
            Err(e) => {
                tracing::warn!(error = %e, "the agent's socket does not accept");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// What is owed to a client: an event on its way to the disk, or an answer that is known already.
enum Owed {
    Event(Stored),
    Refusal(String),
}

async fn serve_client(stream: tokio::net::UnixStream, emitter: Emitter) {
    let (read, mut write) = stream.into_split();
    let mut lines = Lines { read: tokio::io::BufReader::new(read), line: Vec::new() };
    let (mut owed, mut answers) = (VecDeque::new(), Vec::new());
    let mut more = true;
    while more || !owed.is_empty() {
        let answer = tokio::select! {
            biased;
            answer = next_answer(&mut owed), if !owed.is_empty() => answer,
            line = tokio::time::timeout(PATIENCE, lines.next()), if more && owed.len() < PIPELINE => {
                match line {
                    Ok(Ok(Some(line))) => owed.push_back(begin(&line, &emitter).await),
                    Ok(Ok(None)) | Err(_) => more = false,
                    Ok(Err(e)) => {
                        more = false;
                        owed.push_back(Owed::Refusal(e.to_string()));
                    }
                }
                continue;
            }
        };
        answers.clear();
        add_line(&mut answers, &answer);
        // Events that shared a sync are answered in one go.
        while let Some(answer) = ready_answer(&mut owed) {
            add_line(&mut answers, &answer);
        }
        if write.write_all(&answers).await.is_err() {
            // A client that is gone needs no answers; its events are on their way all the same.
            return;
        }
    }
}

async fn begin(line: &[u8], emitter: &Emitter) -> Owed {
    match parse(line) {
        Ok(Ask { tag, data }) => match emitter.hand_over(tag, data).await {
            Ok(stored) => Owed::Event(stored),
            Err(e) => Owed::Refusal(crate::chain(&e)),
        },
        Err(why) => Owed::Refusal(why),
    }
}

/// Waits for the oldest event and returns its answer.
async fn next_answer(owed: &mut VecDeque<Owed>) -> Answer {
    let answer = match owed.front_mut() {
        Some(Owed::Event(stored)) => outcome(stored.durable().await),
        Some(Owed::Refusal(why)) => Answer::Refused { why: std::mem::take(why) },
        None => std::future::pending().await,
    };
    owed.pop_front();
    answer
}

/// Returns the oldest answer if it is known by now.
fn ready_answer(owed: &mut VecDeque<Owed>) -> Option<Answer> {
    let answer = match owed.front_mut()? {
        Owed::Event(stored) => outcome(stored.known()?),
        Owed::Refusal(why) => Answer::Refused { why: std::mem::take(why) },
    };
    owed.pop_front();
    Some(answer)
}

fn outcome(stored: Result<u64, OutboxError>) -> Answer {
    match stored {
        Ok(counter) => Answer::Stored { counter },
        Err(e) => Answer::Refused { why: crate::chain(&e) },
    }
}

fn add_line(out: &mut Vec<u8>, answer: &Answer) {
    serde_json::to_writer(&mut *out, answer).expect("a number or a text has a JSON form");
    out.push(b'\n');
}

/// Lines of bounded length. What was read of a line is kept when waiting for the rest is cut short.
struct Lines<R> {
    read: R,
    line: Vec<u8>,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    async fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        loop {
            let bytes = self.read.fill_buf().await?;
            if bytes.is_empty() {
                let rest = std::mem::take(&mut self.line);
                return Ok(Some(rest).filter(|l| !l.is_empty()));
            }
            let end = bytes.iter().position(|b| *b == b'\n');
            let taken = end.unwrap_or(bytes.len());
            if self.line.len() + taken > MAX_LINE {
                return Err(std::io::Error::other(format!("a line of more than {MAX_LINE} bytes")));
            }
            self.line.extend_from_slice(&bytes[..taken]);
            self.read.consume(end.map_or(taken, |e| e + 1));
            if end.is_some() {
                return Ok(Some(std::mem::take(&mut self.line)));
            }
        }
    }
}

fn parse(line: &[u8]) -> Result<Ask, String> {
    serde_json::from_slice(line).map_err(|e| format!("the request was not understood: {e}"))
}
