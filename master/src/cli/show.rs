//! `lab-master show`: what a minion would run, asked of the minion itself and without running it.

use lab_proto::{Map, Value};

use super::arguments::TargetArgs;
use super::run::{Following, follow};
use super::{Context, Failure, Outcome, arguments};

#[derive(clap::Args, Debug)]
#[command(after_help = "Example: lab-master show kvm1 network --lowstate --json")]
pub(super) struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Which SLS; without any the highstate of the top file
    sls: Vec<String>,
    /// The ordered low chunks, as they would run
    #[arg(long, group = "what")]
    lowstate: bool,
    /// The states by ID (the default)
    #[arg(long, group = "what")]
    high: bool,
    /// Which SLS the top file names
    #[arg(long, group = "what", conflicts_with = "sls")]
    top: bool,
    /// Which SLS take part, with what they include
    #[arg(long = "sls", group = "what")]
    only_sls: bool,
    /// Pillar values that override, key=value
    #[arg(long, value_name = "K=V")]
    pillar: Vec<String>,
    #[command(flatten)]
    following: Following,
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let Args { target, sls, lowstate, high: _, top, only_sls, pillar, following } = args;
    let mut kwargs = Map::new();
    let pillar = arguments::mapping(&pillar).map_err(Failure::Usage)?;
    if !pillar.is_empty() {
        kwargs.insert(Value::from("pillar"), Value::Map(pillar));
    }
    let function = match (top, only_sls, lowstate, sls.is_empty()) {
        (true, ..) => "state.show_top",
        (_, true, ..) => "state.show_states",
        (_, _, true, true) => "state.show_lowstate",
        (_, _, true, false) => "state.show_low_sls",
        (_, _, false, true) => "state.show_highstate",
        (_, _, false, false) => "state.show_sls",
    };
    let args = if sls.is_empty() { Vec::new() } else { vec![Value::from(sls)] };
    follow(context, target, function.to_owned(), args, kwargs, following).await
}
