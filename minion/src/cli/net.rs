//! `lab-minion net-rollback` and `lab-minion net-restore`: what takes a network change back when no agent does.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use lab_states::host::System;

use super::{Common, Done, Failure, exit, log};
use crate::host::LinuxHost;
use crate::netguard::journal::Places;
use crate::netguard::{self, Armed};

/// How long the boot waits for the cards that lab's own links stand on.
const CARDS: Duration = Duration::from_secs(15);

#[derive(Debug, clap::Args)]
pub(super) struct RollbackArgs {
    /// The change.
    #[arg(value_name = "CHANGE")]
    change: String,
    /// Where the journals of this boot are.
    #[arg(long, value_name = "DIR", default_value = "/run/lab-minion")]
    run_dir: PathBuf,
    /// Where the journals are that outlive a boot.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/lab-minion")]
    data_dir: PathBuf,
}

impl RollbackArgs {
    pub(super) fn run(self) -> Done {
        log("info");
        let places = Places::new(&self.run_dir, &self.data_dir);
        let watched = netguard::watch(&places, &self.change, &LinuxHost::new());
        match watched.map_err(|e| Failure::new(e, exit::FAILED))? {
            Armed::Disarmed => {}
            Armed::TookBack => {
                tracing::warn!(change = self.change, "a network change was taken back at its deadline")
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    common: Common,
}

impl RestoreArgs {
    pub(super) fn run(self) -> Done {
        log("info");
        let config = self.common.config()?;
        let places = Places::new(&config.run_dir, &config.data_dir);
        let host = LinuxHost::new();
        let boot_id = host.boot_id().map_err(|e| Failure::new(e, exit::FAILED))?.to_string();
        let restored = netguard::at_boot(&places, &boot_id).map_err(|e| Failure::new(e, exit::DAMAGED))?;
        if let Some(journal) = restored {
            tracing::warn!(
                change = journal.change,
                "network configuration of before this change was put back"
            );
        }
        netguard::make_own_links(&places, &host, CARDS)
            .map_err(|e| Failure::new(std::io::Error::other(e), exit::FAILED))?;
        Ok(ExitCode::SUCCESS)
    }
}
