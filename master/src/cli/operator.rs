//! `lab-master operator issue`: an identity for an operator on another machine. The key is made here and never
//! crosses the wire.

use std::path::PathBuf;

use clap::Subcommand;
use lab_proto::Value;
use lab_proto::v1::op::OpRequest;

use super::{Context, Failure, Outcome, output};
use crate::pki;

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Make a key and have the master certify it; carry the directory to the other machine
    Issue {
        /// The operator's name, as events will show it
        name: String,
        /// Where to write operator.crt, operator.key and ca.crt
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let What::Issue { name, out } = args.what;
    let (key, csr) = pki::operator_request().map_err(|e| Failure::Local(e.to_string()))?;
    let rows = context.client.collect(OpRequest::OperatorIssue { name, csr }).await?;
    let field = |name: &str| match rows.first().and_then(|row| row.get(name)) {
        Some(Value::Bytes(der)) => Ok(der.clone()),
        _ => Err(Failure::Local(format!("the master's answer has no {name}"))),
    };
    pki::save_operator(&out, &key, &field("certificate")?, &field("ca")?)
        .map_err(|e| Failure::Local(e.to_string()))?;
    output::line(&out.display().to_string());
    Ok(0)
}
