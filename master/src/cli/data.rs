//! `lab-master pillar`, `grains` and `mine`: what the master knows of minions.

use lab_proto::Value;
use lab_proto::v1::op::OpRequest;

use super::{Context, Outcome, output};
use crate::cli::arguments::TargetArgs;

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// A key, with `:` between levels; for the mine the name of a value
    key: Option<String>,
}

pub(super) async fn pillar(args: Args, context: &Context) -> Outcome {
    let Args { target, key } = args;
    print(context, OpRequest::Pillar { target: target.target(), key }).await
}

pub(super) async fn grains(args: Args, context: &Context) -> Outcome {
    let Args { target, key } = args;
    print(context, OpRequest::Grains { target: target.target(), key }).await
}

pub(super) async fn mine(args: Args, context: &Context) -> Outcome {
    let Args { target, key } = args;
    print(context, OpRequest::Mine { target: target.target(), function: key }).await
}

async fn print(context: &Context, request: OpRequest) -> Outcome {
    let rows: Vec<Value> = context.client.collect(request).await?;
    for row in &rows {
        output::value(row, context.json);
    }
    Ok(0)
}
