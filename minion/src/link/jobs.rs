//! The stream of jobs.

use lab_proto::v1::link::{JobsDown, JobsUp, StreamOpen};
use tokio::sync::mpsc;

use super::{FrameReader, FrameWriter, LinkEvent, StreamError};

/// What the agent has for the stream.
pub(super) struct Outgoing {
    /// States of jobs: each one is sent.
    pub(super) states: mpsc::Receiver<JobsUp>,
    /// Live output: whoever fills it drops what finds no room.
    pub(super) output: mpsc::Receiver<JobsUp>,
}

/// Runs until the stream breaks or the session lets go of [`Outgoing`].
///
/// States go before new output, behind what was put out before them, and an agent that has no room for another job does not
/// keep its states from the master.
pub(super) async fn run(
    connection: quinn::Connection,
    agent: mpsc::Sender<LinkEvent>,
    mut outgoing: Outgoing,
) -> Result<(), StreamError> {
    let (send, recv) = connection.open_bi().await?;
    let (mut up, mut down) = (FrameWriter::new(send), FrameReader::new(recv));
    up.send(&StreamOpen::Jobs).await?;
    let mut waiting: Option<LinkEvent> = None;
    loop {
        tokio::select! {
            biased;
            frame = outgoing.states.recv() => {
                let Some(frame) = frame else { return Ok(()) };
                // A job's output comes before its end.
                for _ in 0..outgoing.output.len() {
                    let Ok(output) = outgoing.output.try_recv() else { break };
                    show(&mut up, &output).await?;
                }
                up.send(&frame).await?;
            }
            room = agent.reserve(), if waiting.is_some() => {
                let Ok(room) = room else { return Ok(()) };
                if let Some(event) = waiting.take() {
                    room.send(event);
                }
            }
            frame = down.next(), if waiting.is_none() => {
                waiting = Some(match frame?.ok_or(StreamError::Ended)? {
                    JobsDown::Registered => LinkEvent::Registered,
                    JobsDown::Publish { job, pillar } => LinkEvent::Publish { job, pillar },
                    JobsDown::Kill { jid, by } => LinkEvent::Kill { jid, by },
                });
            }
            Some(frame) = outgoing.output.recv() => show(&mut up, &frame).await?,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;

/// Sends what a job shows. What cannot be said is not worth the link.
async fn show(up: &mut FrameWriter, frame: &JobsUp) -> Result<(), StreamError> {
    match up.send(frame).await {
        Err(StreamError::Codec(e)) => {
            tracing::debug!(error = %e, "something that a job shows is left out");
            Ok(())
        }
        sent => sent,
    }
}
