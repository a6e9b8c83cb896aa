//! `lab-master config show`

use std::path::PathBuf;

use clap::Subcommand;
use lab_proto::Value;

use super::{Failure, Outcome, output};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Every value that applies, and where it comes from
    Show {
        /// The configuration file [default: /etc/lab/master.toml]
        #[arg(long, value_name = "FILE", env = "LAB_MASTER_CONFIG")]
        config: Option<PathBuf>,
    },
}

pub(super) fn run(args: &Args, json: bool) -> Outcome {
    let What::Show { config } = &args.what;
    let (origins, wrong) =
        crate::config::explain(config.as_deref()).map_err(|e| Failure::Usage(chain(&e)))?;
    let rows: Vec<Value> = origins
        .into_iter()
        .map(|(key, (origin, value))| {
            Value::from([("key", key), ("value", value.to_string()), ("origin", origin)])
        })
        .collect();
    output::records(&rows, &["key", "value", "origin"], json);
    // Shown all the same: whoever is sent here looks for where a value comes from.
    wrong.map_or(Ok(0), |e| Err(Failure::Usage(chain(&e))))
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
