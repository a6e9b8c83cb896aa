//! `lab-minion finger`: the fingerprints to compare with the master's.

use std::process::ExitCode;

use super::{Common, Done, Failure, exit};
use crate::identity::Pki;

/// Prints the fingerprint of this machine's key and, once met, of the master's CA.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
}

impl Args {
    #[expect(clippy::print_stdout, reason = "this is the command's data")]
    pub(super) fn run(self) -> Done {
        let config = self.common.config()?;
        let pki = Pki::new(&self.common.config_dir);
        let failed = |e: crate::identity::IdentityError| Failure::new(e, exit::FAILED);
        println!("{} {}", config.minion_id()?, pki.identity().map_err(failed)?.fingerprint());
        if let Some(ca) = pki.pinned().map_err(failed)? {
            println!("master {ca}");
        }
        Ok(ExitCode::SUCCESS)
    }
}
