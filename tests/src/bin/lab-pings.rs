//! Pings over one QUIC session; see [`lab_tests::pings`].

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use lab_tests::pings::{ping, serve};

/// Echoes, or pings.
#[derive(Parser)]
enum Args {
    /// Echoes until it is ended.
    Serve {
        /// Where to listen.
        address: SocketAddr,
    },
    /// Connects and runs a burst for each count that it reads.
    Ping {
        /// Whom to ping.
        address: SocketAddr,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let result = match Args::parse() {
        Args::Serve { address } => serve(address).await,
        Args::Ping { address } => ping(address, std::io::stdin().lock(), std::io::stdout().lock()).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("lab-pings: {e}");
            ExitCode::FAILURE
        }
    }
}
