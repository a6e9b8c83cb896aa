//! `lab-minion finger`: the fingerprints to compare with the master's.

use std::process::ExitCode;

use super::{Common, Done, Failure, exit, report};
use crate::identity::Pki;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
}

impl Args {
    pub(super) fn run(self) -> Done {
        let config = self.common.config()?;
        let pki = Pki::new(&self.common.config_dir);
        let failed = |e: crate::identity::IdentityError| Failure::new(e, exit::FAILED);
        let key = pki.known().map_err(failed)?.ok_or_else(|| {
            let text = format!(
                "there is no key below {} yet: `lab-minion enrol` or `lab-minion serve` makes it",
                self.common.config_dir.display()
            );
            Failure::new(std::io::Error::other(text), exit::REFUSED)
        })?;
        let met = pki.met().map_err(failed)?;
        let id = match met.as_ref().and_then(|met| met.asks_for.clone()) {
            Some(id) => id,
            None => config.minion_id()?,
        };
        report::line(format_args!("{id} {}", key.fingerprint()));
        if let Some(met) = met {
            report::line(format_args!("master {}", met.ca));
        }
        Ok(ExitCode::SUCCESS)
    }
}
