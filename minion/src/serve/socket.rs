//! The door for programs on this machine: `lab-minion event send` hands an event to the running agent.
//!
//! One JSON line each way over a unix socket that only root can open. The answer comes when the event is durable.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_proto::{EventTag, Value};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use crate::emit::Emitter;
use crate::files::{self, FileError};

/// The longest request: an event, its tag, and room for JSON's escapes.
const MAX_LINE: u64 = 512 * 1024;
/// How long a client may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many clients are served side by side.
const CLIENTS: usize = 16;

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
                clients.spawn(async move {
                    if tokio::time::timeout(PATIENCE, serve_one(stream, emitter)).await.is_err() {
                        tracing::debug!("a client at the socket took too long");
                    }
                });
            }
            Err(e) => {
                tracing::warn!(error = %e, "the agent's socket does not accept");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn serve_one(stream: tokio::net::UnixStream, emitter: Emitter) {
    let (read, mut write) = stream.into_split();
    let mut line = Vec::new();
    let read = tokio::io::BufReader::new(read.take(MAX_LINE)).read_until(b'\n', &mut line).await;
    let answer = match read.map_err(|e| e.to_string()).and_then(|_| parse(&line)) {
        Ok(Ask { tag, data }) => match emitter.emit(tag, data, None).await {
            Ok(counter) => Answer::Stored { counter },
            Err(e) => Answer::Refused { why: crate::chain(&e) },
        },
        Err(why) => Answer::Refused { why },
    };
    let mut line = serde_json::to_vec(&answer).unwrap_or_default();
    line.push(b'\n');
    // A client that is gone needs no answer.
    let _ = write.write_all(&line).await;
}

fn parse(line: &[u8]) -> Result<Ask, String> {
    serde_json::from_slice(line).map_err(|e| format!("the request was not understood: {e}"))
}
