//! `lab-minion enrol`: asks a master to let this machine in, and waits for the answer.

use std::cell::Cell;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lab_proto::v1::enrol::EnrolRefusal;
use lab_proto::{Fingerprint, MinionId};

use super::{Common, Done, Failure, exit, log, runtime};
use crate::config::Config;
use crate::enrol::{self, EnrolError, Progress};
use crate::identity::{Pin, Pki};
use crate::link::{DialError, Dialer};
use crate::serve::{enrol_grains, machine_id, pin};
use crate::workers::read_grains;

/// After how much silence it is said that it is silent; a master answers in far less.
const SILENCE: Duration = Duration::from_secs(3);

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: lab-minion enrol --master master.example --token NAME.SECRET.CA")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// A join token from `lab-master token create`; it names the master's CA too.
    #[arg(long, value_name = "TOKEN", env = "LAB_JOIN_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The fingerprint of the master's CA, from `lab-master key finger`.
    #[arg(long, value_name = "FINGERPRINT", conflicts_with = "token")]
    fingerprint: Option<Fingerprint>,
}

impl Args {
    pub(super) fn run(self) -> Done {
        log("warn");
        let config = self.common.config()?;
        let pki = Pki::new(&self.common.config_dir);
        let id = config.minion_id()?;
        let failed = |e: crate::identity::IdentityError| Failure::new(e, exit::FAILED);
        let identity = Arc::new(pki.identity().map_err(failed)?);
        let pin = match self.fingerprint {
            Some(ca) => Pin::Fingerprint(ca),
            None => pin(&config, &pki, self.token.as_deref()).map_err(|e| Failure::new(e, exit::USAGE))?,
        };
        crate::files::make_dir(&config.data_dir, 0o700).map_err(|e| Failure::new(e, exit::FAILED))?;
        let machine = machine_id(&config.data_dir).map_err(|e| Failure::new(e, exit::FAILED))?;
        let request = enrol::Request {
            id: id.clone(),
            identity,
            token: self.token,
            pin,
            grains: enrol_grains(&read_grains(&id, &self.common.config_dir)),
            machine_id: Some(machine),
        };
        let enrolled = runtime()?.block_on(async {
            let dialer = Dialer::new(&config.master)?;
            let heard = Cell::new(false);
            let mut asking = std::pin::pin!(enrol::enrol(&request, &dialer, |progress| {
                heard.set(true);
                note(&pki, &id, progress);
                tell(&id, progress);
            }));
            let enrolled = match tokio::time::timeout(SILENCE, &mut asking).await {
                Ok(enrolled) => enrolled,
                Err(_) => {
                    if !heard.get() {
                        eprintln!("no answer from {} yet; still trying", config.master.join(", "));
                    }
                    asking.await
                }
            };
            dialer.finish().await;
            enrolled
        });
        let enrolled = enrolled.map_err(failure)?;
        pki.store(&enrolled.credentials).map_err(failed)?;
        Config::remember_enrolment(&self.common.config_dir, &id, &config.master)
            .map_err(|e| Failure::new(e, exit::FAILED))?;
        let (theirs, ours) = enrolled.clocks;
        if theirs.since(ours).max(ours.since(theirs)) > std::time::Duration::from_secs(60) {
            eprintln!("warning: the master's clock says {theirs}, this machine's {ours}");
        }
        eprintln!("{id} is enrolled; start the agent with `lab-minion serve`");
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes down what `lab-minion finger` shows while a person compares it.
fn note(pki: &Pki, id: &MinionId, progress: Progress) {
    if let Progress::Met { ca, .. } = progress
        && let Err(e) = pki.note_met(ca, id)
    {
        eprintln!("warning: {}; `lab-minion finger` does not show what is pending", crate::chain(&e));
    }
}

fn tell(id: &MinionId, progress: Progress) {
    match progress {
        Progress::Met { ca, pinned: true } => eprintln!("met the master with CA {ca}"),
        Progress::Met { ca, pinned: false } => {
            eprintln!("trusting the master with CA {ca} on first use; compare with `lab-master key finger`");
        }
        Progress::Pending { fingerprint } => {
            eprintln!("waiting to be accepted; this machine's key is {fingerprint}");
            eprintln!("on the master: lab-master key accept {id}");
        }
    }
}

fn failure(e: EnrolError) -> Failure {
    let code = code(&e);
    Failure::new(e, code)
}

/// Returns the exit code of an enrolment that failed.
pub(super) fn code(e: &EnrolError) -> u8 {
    match e {
        EnrolError::Refused(EnrolRefusal::Version(_)) => exit::VERSIONS,
        EnrolError::Refused(_)
        | EnrolError::KeyInUse { .. }
        | EnrolError::WrongCa { .. }
        | EnrolError::OtherMaster { .. } => exit::REFUSED,
        EnrolError::Dial(e) => of_dialling(e),
        EnrolError::Stream(_) => exit::UNREACHABLE,
        EnrolError::Identity(_) | EnrolError::Tls(_) | EnrolError::NoCa => exit::FAILED,
    }
}

/// Returns the exit code of what no master was reached for.
pub(super) fn of_dialling(e: &DialError) -> u8 {
    match e {
        DialError::NoMaster | DialError::Address(_) => exit::USAGE,
        DialError::OtherCa { .. } => exit::REFUSED,
        _ => exit::UNREACHABLE,
    }
}
