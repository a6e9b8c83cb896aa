//! Questions to the master, asked from worker threads: one short stream each.

use std::pin::pin;
use std::time::Duration;

use lab_proto::Digest;
use lab_proto::v1::link::{Query, QueryReply, RESET_DAMAGED, RESET_UNREADABLE, StreamOpen};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::{FrameReader, FrameWriter, StreamError};

/// How long a question waits for a link and for its answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a blob that are taken from its stream at once.
const PART: usize = 256 << 10;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// There is no link, and none came up in time.
    #[error("there is no link to the master")]
    NoLink,
    /// The master took too long.
    #[error("the master did not answer within {} s", PATIENCE.as_secs())]
    Silent,
    /// The stream broke.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// There is no such thing, or it may not be read from here.
    #[error("{0}")]
    NotFound(String),
    /// The master could not answer.
    #[error("{0}")]
    Failed(String),
    /// The master's own copy of a blob is not what its name says.
    #[error("the master's own copy is damaged; its log names the file")]
    Damaged,
    /// The master's disk failed under a blob.
    #[error("the master cannot read its copy; its log says why")]
    Unreadable,
    /// What came could not be kept on this side.
    #[error("what the master sent cannot be kept")]
    Keep(#[source] std::io::Error),
    /// The answer is not one to this question.
    #[error("the master gave an answer to another question")]
    Unexpected,
}

/// Asks the master.
#[derive(Clone, Debug)]
pub struct Queries {
    connection: watch::Receiver<Option<quinn::Connection>>,
    runtime: Handle,
}

impl Queries {
    pub(super) fn new(connection: watch::Receiver<Option<quinn::Connection>>, runtime: Handle) -> Self {
        Self { connection, runtime }
    }

    /// Asks one question; blocks the calling thread, which must not be the runtime's. All questions may be asked
    /// twice, so one whose link broke is asked again over the next link.
    ///
    /// # Errors
    /// When there is no link or no answer.
    pub fn ask(&self, query: Query) -> Result<QueryReply, QueryError> {
        self.block_on(self.over_links(async || {
            let mut reader = self.open(query.clone()).await?;
            reader.next().await?.ok_or(QueryError::Stream(StreamError::Ended))
        }))
    }

    /// Hands the bytes of a blob from an offset on to `keep`, part by part as they come; returns the blob's whole size.
    /// However large it is, only silence ends the patience with it.
    ///
    /// # Errors
    /// When it is not there, the link breaks, or `keep` fails; what came until then was kept.
    pub fn get_blob(
        &self,
        (digest, offset): (Digest, u64),
        limit: u64,
        keep: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<u64, QueryError> {
        self.runtime.block_on(async {
            let (size, reader) = self.open_blob(digest, offset).await?;
            if size > limit {
                return Err(QueryError::Failed(format!(
                    "the blob has {size} bytes; at most {limit} are taken"
                )));
            }
            if offset >= size {
                // Nothing is to come; whether the master's copy is whole is not what is asked here.
                return Ok(size);
            }
            let (first, mut stream) = reader.into_raw();
            let mut left = size.saturating_sub(offset);
            let mut take = |bytes: &[u8]| {
                left = left.checked_sub(bytes.len() as u64).ok_or(QueryError::Unexpected)?;
                keep(bytes).map_err(QueryError::Keep)
            };
            take(&first)?;
            let mut part = vec![0; PART];
            while let Some(got) =
                self.patiently(async { Ok(stream.read(&mut part).await) }).await?.map_err(broken)?
            {
                take(&part[..got])?;
            }
            Ok(size)
        })
    }

    /// Lets the master compare its own copy of a blob with its name.
    ///
    /// # Errors
    /// When it is damaged, or the master does not say in time whether it is.
    pub fn verify_blob(&self, digest: Digest) -> Result<(), QueryError> {
        self.runtime.block_on(async {
            let (_, reader) = self.open_blob(digest, u64::MAX).await?;
            let (first, mut stream) = reader.into_raw();
            let end = self.patiently(async { Ok(stream.read(&mut [0]).await) }).await?.map_err(broken)?;
            if first.is_empty() && end.is_none() { Ok(()) } else { Err(QueryError::Unexpected) }
        })
    }

    /// Asks for a blob from an offset on; returns its whole size and what its bytes come from.
    async fn open_blob(&self, digest: Digest, offset: u64) -> Result<(u64, FrameReader), QueryError> {
        let begin = async {
            let mut reader = self.open(Query::BlobGet { digest, offset }).await?;
            // A blob that is given up at once takes its first frame along.
            let first = reader.next().await.map_err(|e| match e {
                StreamError::Read(e) => broken(e),
                other => other.into(),
            })?;
            match known(first.ok_or(StreamError::Ended)?)? {
                QueryReply::Blob { size } => Ok((size, reader)),
                _ => Err(QueryError::Unexpected),
            }
        };
        self.patiently(begin).await
    }

    /// Sends a blob. However large it is and slow the link, only silence ends the patience with it.
    ///
    /// # Errors
    /// When the master does not take it.
    pub fn put_blob(&self, query: Query, bytes: &[u8]) -> Result<(), QueryError> {
        self.runtime.block_on(self.over_links(async || {
            let (connection, mut writer, mut reader) = self.patiently(self.begin(query.clone())).await?;
            let mut left = bytes;
            while !left.is_empty() {
                match self.patiently(async { Ok(writer.some(left).await) }).await? {
                    Ok(taken) => left = &left[taken..],
                    // Its answer says why it wants no more.
                    Err(quinn::WriteError::Stopped(_)) => break,
                    Err(e) => return Err(StreamError::from(e).into()),
                }
            }
            writer.finish();
            // Much of it may not have left this machine yet.
            let sent = || connection.stats().frame_tx.stream;
            let delivered = async {
                tokio::select! {
                    reply = reader.next() => Some(reply),
                    () = writer.delivered() => None,
                }
            };
            let reply = match while_it_grows(PATIENCE, sent, delivered).await.ok_or_else(|| self.silence())? {
                Some(reply) => reply,
                None => self.patiently(async { Ok(reader.next().await) }).await?,
            };
            match known(reply?.ok_or(StreamError::Ended)?)? {
                QueryReply::Stored => Ok(()),
                _ => Err(QueryError::Unexpected),
            }
        }))
    }

    /// Tells whether there is a link now.
    pub fn is_up(&self) -> bool {
        self.connection.borrow().is_some()
    }

    /// Tries again, over the next link, while links break under the attempt.
    async fn over_links<T>(&self, attempt: impl AsyncFn() -> Result<T, QueryError>) -> Result<T, QueryError> {
        loop {
            let link = self.patiently(self.live()).await?.stable_id();
            match attempt().await {
                Err(QueryError::Stream(_)) if !self.is_live(link) => {}
                other => return other,
            }
        }
    }

    /// Waits for a link that is not closed; the shell hears of a closed one a moment later.
    async fn live(&self) -> Result<quinn::Connection, QueryError> {
        let mut current = self.connection.clone();
        let live = current.wait_for(|c| c.as_ref().is_some_and(|c| c.close_reason().is_none())).await;
        live.map_err(|_| QueryError::NoLink)?.clone().ok_or(QueryError::NoLink)
    }

    fn is_live(&self, link: usize) -> bool {
        let current = self.connection.borrow();
        current.as_ref().is_some_and(|c| c.stable_id() == link && c.close_reason().is_none())
    }

    /// Sends a question that nothing follows.
    async fn open(&self, query: Query) -> Result<FrameReader, QueryError> {
        let (_, mut writer, reader) = self.begin(query).await?;
        writer.finish();
        Ok(reader)
    }

    /// Sends a question; what follows it is written behind it.
    async fn begin(&self, query: Query) -> Result<(quinn::Connection, FrameWriter, FrameReader), QueryError> {
        let connection = self.live().await?;
        let (send, recv) = connection.open_bi().await.map_err(StreamError::from)?;
        let mut writer = FrameWriter::new(send);
        writer.send(&StreamOpen::Query(query)).await?;
        Ok((connection, writer, FrameReader::new(recv)))
    }

    fn block_on<T>(&self, ask: impl Future<Output = Result<T, QueryError>>) -> Result<T, QueryError> {
        self.runtime.block_on(self.patiently(ask))
    }

    async fn patiently<T>(&self, ask: impl Future<Output = Result<T, QueryError>>) -> Result<T, QueryError> {
        tokio::time::timeout(PATIENCE, ask).await.unwrap_or_else(|_| Err(self.silence()))
    }

    fn silence(&self) -> QueryError {
        if self.is_up() { QueryError::Silent } else { QueryError::NoLink }
    }
}

/// Waits for something for as long as a count grows, looked at whenever the patience with it ends.
async fn while_it_grows<T>(
    patience: Duration,
    count: impl Fn() -> u64,
    what: impl Future<Output = T>,
) -> Option<T> {
    let mut what = pin!(what);
    loop {
        let before = count();
        match tokio::time::timeout(patience, &mut what).await {
            Ok(found) => return Some(found),
            Err(_) if count() == before => return None,
            Err(_) => {}
        }
    }
}

/// Tells a blob that the master gave up from a stream that broke.
fn broken(error: quinn::ReadError) -> QueryError {
    match error {
        quinn::ReadError::Reset(code) if code == RESET_DAMAGED.into() => QueryError::Damaged,
        quinn::ReadError::Reset(code) if code == RESET_UNREADABLE.into() => QueryError::Unreadable,
        other => QueryError::Stream(other.into()),
    }
}

/// Turns the answers that mean no into errors.
pub(crate) fn known(reply: QueryReply) -> Result<QueryReply, QueryError> {
    match reply {
        QueryReply::NotFound(what) => Err(QueryError::NotFound(what)),
        QueryReply::Failed(why) => Err(QueryError::Failed(why)),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn what_moves_is_waited_for_and_what_stands_still_is_given_up() {
        let (looks, patience) = (Cell::new(0_u64), Duration::from_millis(1));
        let count = || {
            looks.set(looks.get() + 1);
            looks.get().min(20)
        };
        assert_eq!(while_it_grows(patience, count, std::future::pending::<()>()).await, None);
        assert!(looks.get() > 20, "it was given up while it moved, at {}", looks.get());
        assert_eq!(while_it_grows(patience, || 0, async { 7 }).await, Some(7));
    }
}
