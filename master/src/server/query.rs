//! Questions of minions, one stream each; answered for the asking minion only.

use std::sync::Arc;

use lab_proto::MinionId;
use lab_proto::v1::link::{Query, QueryReply};
use quinn::SendStream;

use super::Shared;
use crate::frames::{FrameError, FrameReader, send};

pub(crate) async fn answer(
    _shared: &Arc<Shared>,
    _minion: &MinionId,
    _query: Query,
    mut down: SendStream,
    _up: FrameReader,
) -> Result<(), FrameError> {
    send(&mut down, &QueryReply::Failed("not served yet".to_owned())).await?;
    down.finish()?;
    Ok(())
}
