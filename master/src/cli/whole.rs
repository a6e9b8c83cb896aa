//! Returns that are too large for their events, fetched from the master.

use lab_proto::facts::StandIn;
use lab_proto::v1::op::{JobRequest, OpReply, OpRequest};
use lab_proto::{MinionId, Value};

use super::Failure;
use crate::client::{Client, ClientError};

/// The largest return that is shown unasked, in bytes: read as a value it takes several times as much.
const SHOWN: u64 = 16 << 20;

/// Puts in place of a stand-in what was returned; says why where that cannot be had.
pub(super) async fn instead_of(value: &mut Value, client: &Client, jid: &str, id: &MinionId) {
    let Some(large) = StandIn::of(value) else { return };
    if large.size > SHOWN {
        eprintln!(
            "{id} returned {} bytes, too many to show: `lab-master job return {jid} {id}` prints them",
            large.size
        );
        return;
    }
    match fetch(client, jid, id).await {
        Ok(whole) => *value = whole,
        Err(e) => eprintln!("{id}: {e}; `lab-master job return {jid} {id}` tries again"),
    }
}

async fn fetch(client: &Client, jid: &str, id: &MinionId) -> Result<Value, Failure> {
    let mut bytes = Vec::new();
    stream(client, jid, id, |part| {
        // Whatever size the event told: what is kept of it is bounded here.
        if (bytes.len() + part.len()) as u64 > SHOWN {
            return Err(Failure::Local(format!("the return has more than the {SHOWN} bytes that are shown")));
        }
        bytes.extend_from_slice(part);
        Ok(())
    })
    .await?;
    serde_json::from_slice(&bytes).map_err(|e| Failure::Local(format!("the return is not JSON: {e}")))
}

/// Fetches a return as JSON, part by part.
///
/// # Errors
/// When the master has none, the connection breaks, or `each` fails.
pub(super) async fn stream(
    client: &Client,
    jid: &str,
    id: &MinionId,
    mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let request = JobRequest::Return { jid: jid.to_owned(), id: id.clone() };
    let mut replies = client.request(OpRequest::Job(request)).await?;
    let (mut announced, mut got) = (0, 0);
    while let Some(reply) = replies.next().await? {
        match reply {
            OpReply::Return { size } => announced = size,
            OpReply::Part(part) => {
                got += part.len() as u64;
                each(&part)?;
            }
            _ => {}
        }
    }
    if got == announced {
        return Ok(());
    }
    let text = format!("the return ended after {got} of {announced} bytes");
    Err(Failure::Client(ClientError::Broken(text)))
}
