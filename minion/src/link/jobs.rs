//! The stream of jobs.

use lab_proto::v1::link::{JobsDown, JobsUp, StreamOpen};
use tokio::sync::mpsc;

use super::{FrameReader, FrameWriter, LinkEvent, StreamError};

/// Runs until the stream breaks; `tell` brings the agent's frames.
pub(super) async fn run(
    connection: quinn::Connection,
    agent: mpsc::Sender<LinkEvent>,
    mut tell: mpsc::Receiver<JobsUp>,
) -> Result<(), StreamError> {
    let (send, recv) = connection.open_bi().await?;
    let (mut up, mut down) = (FrameWriter::new(send), FrameReader::new(recv));
    up.send(&StreamOpen::Jobs).await?;
    loop {
        let event = tokio::select! {
            frame = down.next() => match frame?.ok_or(StreamError::Ended)? {
                JobsDown::Registered => LinkEvent::Registered,
                JobsDown::Publish { job, pillar } => LinkEvent::Publish { job, pillar },
                JobsDown::Kill { jid, by } => LinkEvent::Kill { jid, by },
            },
            frame = tell.recv() => {
                let Some(frame) = frame else { return Ok(()) };
                up.send(&frame).await?;
                continue;
            }
        };
        if agent.send(event).await.is_err() {
            return Ok(());
        }
    }
}
