//! Pings over one live QUIC session, at a fixed rate: what a change of the network costs is what does not come back.
//!
//! `lab-pings serve ADDRESS` echoes; `lab-pings ping ADDRESS` connects once and runs a burst for every line that it reads
//! (`COUNT`), so that one session lives through many changes. Both ends run in namespaces of a test's lab.

use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::bench::echo::{BoxError, client_config, server_config};

/// Between two pings: 1,000 a second.
const PAUSE: Duration = Duration::from_millis(1);
/// How long an echo may take; it counts as lost after that.
const LATE: Duration = Duration::from_secs(3);

/// What came of a burst.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Burst {
    /// How many were sent.
    pub sent: usize,
    /// How many did not come back.
    pub lost: usize,
    /// The longest time without an echo, in milliseconds.
    pub gap_ms: f64,
}

/// Echoes every datagram of every session, for ever.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(address: SocketAddr) -> Result<(), BoxError> {
    let endpoint = quinn::Endpoint::server(server_config()?, address)?;
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(async move {
            let Ok(connection) = incoming.await else { return };
            while let Ok(datagram) = connection.read_datagram().await {
                if connection.send_datagram(datagram).is_err() {
                    break;
                }
            }
        });
    }
    Ok(())
}

/// Connects, says so, and runs a burst for each line of `input` that holds a count. A line `half` is written when half of a
/// burst is out, one with the outcome as JSON at its end.
///
/// # Errors
/// When the session cannot be made, or ends.
pub async fn ping(address: SocketAddr, input: impl BufRead, mut output: impl Write) -> Result<(), BoxError> {
    let any: SocketAddr = ([0, 0, 0, 0], 0).into();
    let mut endpoint = quinn::Endpoint::client(any)?;
    endpoint.set_default_client_config(client_config()?);
    let connection = endpoint.connect(address, "echo")?.await?;
    writeln!(output, "connected")?;
    output.flush()?;
    let mut first = 0;
    for line in input.lines() {
        let count: u32 = line?.trim().parse()?;
        let burst = burst(&connection, first, count, &mut output).await?;
        first += count;
        writeln!(output, "{}", serde_json::to_string(&burst)?)?;
        output.flush()?;
    }
    connection.close(0u32.into(), b"done");
    endpoint.wait_idle().await;
    Ok(())
}

async fn burst(
    connection: &quinn::Connection,
    first: u32,
    count: u32,
    output: &mut impl Write,
) -> Result<Burst, BoxError> {
    let (mut sent, mut back) = (0, vec![false; usize::try_from(count)?]);
    let (mut last, mut gap) = (Instant::now(), Duration::ZERO);
    let mut clock = tokio::time::interval(PAUSE);
    // A busy machine must not make a burst of what was to be spread.
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut end = None;
    while back.iter().any(|b| !b) && end.is_none_or(|end: Instant| Instant::now() < end) {
        tokio::select! {
            _ = clock.tick() => {
                if sent < count {
                    connection.send_datagram((first + sent).to_be_bytes().to_vec().into())?;
                    sent += 1;
                    if sent == count / 2 {
                        writeln!(output, "half")?;
                        output.flush()?;
                    }
                } else if end.is_none() {
                    end = Some(Instant::now() + LATE);
                }
            }
            datagram = connection.read_datagram() => {
                let bytes: [u8; 4] = datagram?.as_ref().try_into()?;
                // An echo of an earlier burst that was given up counts for nothing.
                let Some(n) = u32::from_be_bytes(bytes).checked_sub(first) else { continue };
                if let Some(slot) = back.get_mut(usize::try_from(n)?) {
                    *slot = true;
                }
                gap = gap.max(last.elapsed());
                last = Instant::now();
            }
        }
    }
    let lost = back.iter().filter(|b| !**b).count();
    Ok(Burst { sent: back.len(), lost, gap_ms: gap.as_secs_f64() * 1e3 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_ping_of_every_burst_comes_back_on_the_loopback() {
        let address: SocketAddr = ([127, 0, 0, 1], 0).into();
        let socket = std::net::UdpSocket::bind(address).expect("a free port");
        let address = socket.local_addr().expect("bound");
        drop(socket);
        tokio::spawn(serve(address));
        let mut output = Vec::new();
        ping(address, "20\n30\n".as_bytes(), &mut output).await.expect("answers");
        let lines: Vec<&str> = std::str::from_utf8(&output).expect("text").lines().collect();
        assert_eq!(lines[0], "connected");
        let bursts: Vec<Burst> = lines.iter().filter_map(|l| serde_json::from_str(l).ok()).collect();
        assert_eq!(bursts.iter().map(|b| (b.sent, b.lost)).collect::<Vec<_>>(), [(20, 0), (30, 0)]);
    }
}
