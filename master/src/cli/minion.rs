//! `lab-master minion …`

use clap::Subcommand;
use lab_proto::MinionId;
use lab_proto::v1::op::OpRequest;

use super::{Context, Outcome, output};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// All accepted minions
    List,
    /// Everything known of one minion
    Show {
        /// The minion's id
        id: MinionId,
    },
}

const COLUMNS: &[&str] = &["id", "state", "address", "boot_id", "version", "last_seen", "queue"];

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    match args.what {
        What::List => {
            let rows = context.client.collect(OpRequest::MinionList).await?;
            output::records(&rows, COLUMNS, context.json);
        }
        What::Show { id } => {
            for row in context.client.collect(OpRequest::MinionShow { id }).await? {
                output::value(&row, context.json);
            }
        }
    }
    Ok(0)
}
