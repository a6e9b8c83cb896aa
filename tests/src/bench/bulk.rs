//! The yardstick of the file server: one bare quinn connection on the loopback over which one program sends bytes and another
//! throws them away. No file, no hash.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lab_proto::v1::link::MAX_DATAGRAM;

use super::echo::{self, BoxError};

/// Bytes that are handed to the stream at a time.
const PART: usize = 256 << 10;

/// How large the packets may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Packets {
    /// As quinn has it: those of ordinary Ethernet.
    Ordinary,
    /// As between lab's own ends where the way carries jumbo frames, which the loopback does.
    Jumbo,
}

impl Packets {
    fn endpoint(self) -> Result<quinn::EndpointConfig, BoxError> {
        let mut config = quinn::EndpointConfig::default();
        if self == Self::Jumbo {
            config.max_udp_payload_size(MAX_DATAGRAM)?;
        }
        Ok(config)
    }

    fn transport(self) -> Result<Arc<quinn::TransportConfig>, BoxError> {
        let mut transport = echo::transport()?;
        if self == Self::Jumbo {
            let mut discovery = quinn::MtuDiscoveryConfig::default();
            discovery.upper_bound(MAX_DATAGRAM);
            transport.mtu_discovery_config(Some(discovery));
        }
        Ok(Arc::new(transport))
    }
}

/// Sends `bytes` to the first who connects, once it asks.
///
/// # Errors
/// When the connection breaks.
pub async fn serve(bytes: u64, packets: Packets, listening: impl FnOnce(SocketAddr)) -> Result<(), BoxError> {
    let mut config = echo::server_config()?;
    config.transport_config(packets.transport()?);
    let any = ([127, 0, 0, 1], 0).into();
    let endpoint = echo::endpoint_with(packets.endpoint()?, any, Some(config))?;
    listening(endpoint.local_addr()?);
    let connection = endpoint.accept().await.ok_or("the endpoint closed")?.await?;
    let (mut send, mut asked) = connection.accept_bi().await?;
    asked.read_exact(&mut [0]).await?;
    let part = vec![7; PART];
    let mut left = bytes;
    while left > 0 {
        let now = usize::try_from(left.min(PART as u64))?;
        send.write_all(&part[..now]).await?;
        left -= now as u64;
    }
    send.finish()?;
    send.stopped().await?;
    endpoint.wait_idle().await;
    Ok(())
}

/// Asks for the bytes and throws them away; returns how many came and how long that took.
///
/// # Errors
/// When the connection breaks.
pub async fn take(server: SocketAddr, packets: Packets) -> Result<(u64, Duration), BoxError> {
    let mut endpoint = echo::endpoint_with(packets.endpoint()?, ([127, 0, 0, 1], 0).into(), None)?;
    let mut config = echo::client_config()?;
    config.transport_config(packets.transport()?);
    endpoint.set_default_client_config(config);
    let connection = endpoint.connect(server, "echo")?.await?;
    let (mut ask, mut recv) = connection.open_bi().await?;
    let start = Instant::now();
    ask.write_all(&[1]).await?;
    let (mut part, mut bytes) = (vec![0; PART], 0);
    while let Some(got) = recv.read(&mut part).await? {
        bytes += got as u64;
    }
    let took = start.elapsed();
    connection.close(0u32.into(), b"done");
    endpoint.wait_idle().await;
    Ok((bytes, took))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_bytes_come() {
        for packets in [Packets::Ordinary, Packets::Jumbo] {
            let (tell, told) = tokio::sync::oneshot::channel();
            let server =
                tokio::spawn(serve(1_000_000, packets, |a| tell.send(a).expect("the test waits for it")));
            let (bytes, _) = take(told.await.expect("listens"), packets).await.expect("reads");
            assert_eq!(bytes, 1_000_000);
            server.await.expect("ends").expect("works");
        }
    }
}
