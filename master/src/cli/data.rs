//! `lab-master pillar`, `grains` and `mine`: what the master knows of minions.

use lab_proto::Value;
use lab_proto::v1::op::OpRequest;

use super::{Context, Outcome, exit, output};
use crate::cli::arguments::TargetArgs;

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// A key, with `:` between levels; for the mine the name of a value
    key: Option<String>,
}

// The command line of `pillar`.
#[derive(clap::Args, Debug)]
pub(super) struct PillarArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// A key, with `:` between levels
    key: Option<String>,
    /// Tell which files have this key, in the order of merging, and which of them wins
    #[arg(long, value_name = "KEY", conflicts_with = "key")]
    explain: Option<String>,
    /// Show secrets
    #[arg(long)]
    reveal: bool,
}

pub(super) async fn pillar(args: PillarArgs, context: &Context) -> Outcome {
    let PillarArgs { target, key, explain, reveal } = args;
    let target = target.target()?;
    let Some(key) = explain else {
        return print(context, OpRequest::PillarShow { target, key, explain: false, reveal }).await;
    };
    let request = OpRequest::PillarShow { target, key: Some(key.clone()), explain: true, reveal };
    let rows: Vec<Value> = context.client.collect(request).await?;
    if rows.is_empty() {
        eprintln!("error: no pillar file of these minions has {key}; see `lab-master pillar`");
        return Ok(exit::REFUSED);
    }
    output::records(&rows, &["minion", "sls", "file", "verdict", "value"], context.json);
    Ok(0)
}

pub(super) async fn grains(args: Args, context: &Context) -> Outcome {
    let Args { target, key } = args;
    print(context, OpRequest::Grains { target: target.target()?, key }).await
}

pub(super) async fn mine(args: Args, context: &Context) -> Outcome {
    let Args { target, key } = args;
    print(context, OpRequest::Mine { target: target.target()?, function: key }).await
}

async fn print(context: &Context, request: OpRequest) -> Outcome {
    let rows: Vec<Value> = context.client.collect(request).await?;
    for row in &rows {
        output::value(row, context.json);
    }
    Ok(0)
}
