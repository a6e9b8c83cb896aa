//! `lab-master key …`

use clap::Subcommand;
use lab_proto::MinionId;
use lab_proto::v1::op::{KeyRequest, OpRequest};

use super::{Context, Outcome, output};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// All keys with their states
    List,
    /// One minion's keys
    Show {
        /// The minion's id
        id: MinionId,
    },
    /// Let pending or rejected keys in
    Accept {
        /// An id, or a glob: 'kvm*'
        pattern: String,
    },
    /// Shut keys out and close their connections
    Reject {
        /// An id, or a glob
        pattern: String,
    },
    /// Forget keys and close their connections
    Delete {
        /// An id, or a glob
        pattern: String,
    },
    /// Fingerprints of the CA and of keys, to compare with `lab-minion finger`
    Finger {
        /// An id, or a glob; only the CA without it
        pattern: Option<String>,
    },
}

const COLUMNS: &[&str] = &["id", "state", "fingerprint", "since"];

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let request = match args.what {
        What::List => KeyRequest::List,
        What::Show { id } => KeyRequest::Show { id },
        What::Accept { pattern } => KeyRequest::Accept { pattern },
        What::Reject { pattern } => KeyRequest::Reject { pattern },
        What::Delete { pattern } => KeyRequest::Delete { pattern },
        What::Finger { pattern } => KeyRequest::Finger { pattern },
    };
    let columns =
        if matches!(request, KeyRequest::Finger { .. }) { &["id", "fingerprint"][..] } else { COLUMNS };
    let rows = context.client.collect(OpRequest::Key(request)).await?;
    output::records(&rows, columns, context.json);
    Ok(0)
}
