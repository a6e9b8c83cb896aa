//! The benchmark's other ends, each in a process of its own: a swarm of minion endpoints, and the bare echo.

#![expect(clippy::print_stdout, reason = "the benchmark reads what happens from standard output")]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use lab_tests::bench::bulk;
use lab_tests::bench::echo::{self, BoxError};
use lab_tests::bench::measure;
use lab_tests::bench::swarm::{self, Swarm};

/// Load for `lab-bench`; not for use by hand.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Joins a master as many minions that answer test.ping; prints `ready` once all are welcomed.
    Swarm {
        #[arg(long)]
        master: SocketAddr,
        #[arg(long)]
        ca: PathBuf,
        #[arg(long)]
        token: String,
        #[arg(long)]
        prefix: String,
        #[arg(long)]
        count: usize,
    },
    /// Serves the bare echo: prints its address, `ready`, and at the end each round's microseconds.
    EchoServer {
        #[arg(long)]
        connections: usize,
    },
    /// Connects to the bare echo.
    EchoClients {
        #[arg(long)]
        server: SocketAddr,
        #[arg(long)]
        count: usize,
    },
    /// Sends bytes over a bare stream to the first who connects: prints its address.
    BulkServer {
        #[arg(long)]
        bytes: u64,
        #[arg(long)]
        packets: bulk::Packets,
    },
    /// Takes those bytes and throws them away: prints how many and how many microseconds it took.
    BulkClient {
        #[arg(long)]
        server: SocketAddr,
        #[arg(long)]
        packets: bulk::Packets,
    },
    /// Runs a command whose output nobody wants: prints how many microseconds it took, and its peak memory in KiB.
    Timed {
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Asks the bare echo for one round and prints the number of rows.
    EchoAsk {
        #[arg(long)]
        server: SocketAddr,
        #[arg(long)]
        last: bool,
    },
}

fn main() -> Result<(), BoxError> {
    let part = Args::parse().part;
    // The server as lab-master runs, the others small as lab-minion and the command line are.
    let mut runtime = match part {
        Part::EchoServer { .. } | Part::BulkServer { .. } => tokio::runtime::Builder::new_multi_thread(),
        Part::Swarm { .. }
        | Part::EchoClients { .. }
        | Part::EchoAsk { .. }
        | Part::BulkClient { .. }
        | Part::Timed { .. } => tokio::runtime::Builder::new_current_thread(),
    };
    runtime.enable_all().build()?.block_on(run(part))
}

async fn run(part: Part) -> Result<(), BoxError> {
    match part {
        Part::Swarm { master, ca, token, prefix, count } => {
            let ca = swarm::read_ca(&ca)?;
            swarm::run(Swarm { master, ca, token, prefix, count }, || println!("ready")).await
        }
        Part::EchoServer { connections } => {
            let any = ([127, 0, 0, 1], 0).into();
            let listening = |address| println!("{address}");
            let rounds = echo::serve(any, connections, listening, || println!("ready")).await?;
            rounds.iter().for_each(|took| println!("{}", took.as_micros()));
            Ok(())
        }
        Part::BulkServer { bytes, packets } => {
            bulk::serve(bytes, packets, |address| println!("{address}")).await
        }
        Part::BulkClient { server, packets } => {
            let (bytes, took) = bulk::take(server, packets).await?;
            println!("{bytes} {}", took.as_micros());
            Ok(())
        }
        Part::Timed { command } => {
            let (took, peak_kib) = measure::timed(&command)?;
            println!("{} {peak_kib}", took.as_micros());
            Ok(())
        }
        Part::EchoClients { server, count } => echo::clients(server, count).await,
        Part::EchoAsk { server, last } => echo::ask(server, last, |rows| println!("{rows}")).await,
    }
}
