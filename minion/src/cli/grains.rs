//! `lab-minion grains`: what is known of this machine.

use std::process::ExitCode;

use lab_proto::Value;

use super::{Common, Done, Failure, exit, report};
use crate::grains;
use crate::host::LinuxHost;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Write them as one line of JSON.
    #[arg(long)]
    json: bool,
    /// Only these.
    names: Vec<String>,
}

impl Args {
    pub(super) fn run(self) -> Done {
        let config = self.common.config()?;
        let id = config.minion_id()?;
        let all = grains::of_machine(id.as_str(), &LinuxHost::new());
        let file = self.common.config_dir.join("grains");
        let all = grains::with_file(all, &file).map_err(|e| Failure::new(e, exit::USAGE))?;
        let wanted =
            |key: &Value| self.names.is_empty() || self.names.iter().any(|n| key.as_str() == Some(n));
        let shown = all.as_map().into_iter().flatten().filter(|(key, _)| wanted(key));
        report::value(&Value::Map(shown.map(|(k, v)| (k.clone(), v.clone())).collect()), self.json);
        Ok(ExitCode::SUCCESS)
    }
}
