//! `lab-minion serve`: the agent.

use std::process::ExitCode;

use super::{Common, Done, Failure, exit, log, runtime};
use crate::serve::{self, BootError, Options, ServeError};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: lab-minion serve --master master.example")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// A join token for the first enrolment.
    #[arg(long, value_name = "TOKEN", env = "LAB_JOIN_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Sets a damaged outbox or journal aside and begins anew; what was in them is lost.
    #[arg(long)]
    accept_loss: bool,
}

impl Args {
    pub(super) fn run(self) -> Done {
        log("info");
        let options = Options {
            config: self.common.config()?,
            config_dir: self.common.config_dir,
            token: self.token,
            accept_loss: self.accept_loss,
        };
        let runtime = runtime()?;
        runtime.block_on(async {
            let shell = serve::start(options).await.map_err(failure)?;
            shell.run().await.map_err(ended)
        })?;
        // Threads of functions that do not stop must not keep the process.
        runtime.shutdown_background();
        Ok(ExitCode::SUCCESS)
    }
}

fn failure(e: BootError) -> Failure {
    let code = match &e {
        e if e.is_damage() => exit::DAMAGED,
        BootError::InUse { .. } => exit::REFUSED,
        BootError::Config(_) | BootError::Token(_) => exit::USAGE,
        BootError::Dial(e) => super::enrol::of_dialling(e),
        BootError::Enrol(e) => super::enrol::code(e),
        _ => exit::FAILED,
    };
    Failure::new(e, code)
}

fn ended(e: ServeError) -> Failure {
    let code = match &e {
        ServeError::Outbox { .. } => exit::MACHINE,
        ServeError::Signals(_) => exit::FAILED,
    };
    Failure::new(e, code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrol::EnrolError;
    use crate::link::DialError;

    #[test]
    fn without_a_master_to_dial_enrol_and_serve_end_with_the_code_of_the_configuration() {
        for none in [|| DialError::NoMaster, || DialError::OtherCa { place: "lab:4510".to_owned() }] {
            let code = super::super::enrol::code(&EnrolError::Dial(none()));
            assert_eq!(failure(BootError::Dial(none())).code, code);
            assert_eq!(failure(BootError::Enrol(none().into())).code, code);
            assert_eq!(code == exit::USAGE, matches!(none(), DialError::NoMaster));
        }
    }

    #[test]
    fn an_outbox_that_cannot_be_written_is_trouble_of_the_machine_and_no_bug() {
        let dir = std::path::PathBuf::from("/var/lib/lab-minion/outbox");
        let failure = ended(ServeError::Outbox { dir });
        assert_eq!(failure.code, exit::MACHINE);
        assert!(failure.error.to_string().contains("/var/lib/lab-minion/outbox"), "{failure:?}");
        let unit = include_str!("../../../packaging/lab-minion.service");
        assert!(
            unit.contains("\nRestart=always\n") && !unit.contains("RestartPreventExitStatus"),
            "as it says"
        );
    }
}
