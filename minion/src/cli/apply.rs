//! `lab-minion apply --local`: states applied to this machine without a master.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};

use clap::ValueEnum;
use lab_proto::{MinionId, StateOutcome};
use lab_states::function::{ApplyRequest, Progress};

use super::{Done, Failure, exit, interrupt, report};
use crate::config::Config;
use crate::grains;
use crate::host::LinuxHost;
use crate::local::{Local, Settings};
use crate::netguard::{Guard, Mute, Setup};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Work from directories on this machine, without a master.
    #[arg(long, required = true)]
    local: bool,
    /// The state tree; given several times, the first that has a file wins.
    #[arg(long, value_name = "DIR", required = true)]
    states: Vec<PathBuf>,
    /// The pillar tree.
    #[arg(long, value_name = "DIR")]
    pillar: Option<PathBuf>,
    /// A YAML file that is laid over this machine's grains.
    #[arg(long, value_name = "FILE")]
    grains: Option<PathBuf>,
    /// The id that targets are matched against.
    #[arg(long, default_value = "lab-minion")]
    id: String,
    /// End the run at the first failure.
    #[arg(long)]
    failhard: bool,
    /// Change nothing; say what would be changed.
    #[arg(long)]
    test: bool,
    /// What confirms a network change: `none`, or a shell command that must succeed twice in a row. There is no master to
    /// ask, so a change that cuts this machine off stays unless a command says that it does.
    #[arg(long, value_name = "none|COMMAND", default_value = "none")]
    confirm: String,
    /// Where minion.toml lies: where network changes are journalled.
    #[arg(long, value_name = "DIR", default_value = crate::config::CONFIG_DIR)]
    config_dir: PathBuf,
    /// How results are written to standard output.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Which SLS; the highstate when none is named.
    sls: Vec<String>,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people, state by state.
    Text,
    /// One JSON object at the end.
    Json,
}

impl Args {
    pub(super) fn run(self) -> Done {
        super::trees(&self.states, self.pillar.as_ref())?;
        let stop = interrupt::watch("the running command is ended, the states after it are not begun")
            .map_err(|e| Failure::new(e, exit::FAILED))?;
        let host = LinuxHost::new();
        host.keep_links();
        let mut known = grains::of_machine(&self.id, &host);
        if let Some(path) = &self.grains {
            if !path.is_file() {
                let missing = std::io::Error::other(format!("there is no grains file {}", path.display()));
                return Err(Failure::new(missing, exit::USAGE));
            }
            known = grains::with_file(known, path).map_err(|e| Failure::new(e, exit::USAGE))?;
        }
        let json = self.output == Output::Json;
        let (sender, messages) = mpsc::channel::<Progress>();
        let guard = if self.test { None } else { Some(guard(&self)?) };
        let settings = Settings {
            id: self.id,
            states: self.states,
            pillar: self.pillar,
            failhard: self.failhard,
            guard,
            quiet: json,
            test: self.test,
            stop: Arc::clone(&stop),
        };
        let local = Local::new(settings, host, known, sender);
        let secrets = Arc::clone(local.secrets());
        let request = ApplyRequest { sls: self.sls, test: self.test, ..ApplyRequest::default() };
        let outcome = if json {
            // Nobody reads what happens on the way; each message would wake a thread up.
            drop(messages);
            local.run(&request)
        } else {
            std::thread::scope(|scope| {
                // A thread of its own, so that a slow terminal does not slow the states down.
                let printer = scope.spawn(move || messages.into_iter().for_each(|p| report::progress(&p)));
                let outcome = local.run(&request);
                drop(local);
                if printer.join().is_err() {
                    tracing::error!("the report could not be printed");
                }
                outcome
            })
        };
        match outcome {
            Ok((outcome, left)) => {
                let failed = outcome.results.iter().any(|r| r.outcome == StateOutcome::Failed);
                // A signal that came when all was done, and well, has cut nothing off.
                let interrupted = stop.load(Ordering::SeqCst) && (left > 0 || failed);
                if json {
                    report::json(&outcome.results, interrupted)
                } else {
                    report::summary(&outcome.results)
                }
                if interrupted {
                    let begun = outcome.results.len();
                    let rest = if left > 0 {
                        format!("{left} {} not, or not to the end", if left == 1 { "was" } else { "were" })
                    } else {
                        "none was left".to_owned()
                    };
                    let were = if begun == 1 { "state was" } else { "states were" };
                    let text = format!("interrupted: {begun} {were} begun, {rest}");
                    return Err(Failure::new(std::io::Error::other(text), exit::INTERRUPTED));
                }
                Ok(ExitCode::from(if failed { exit::STATE_FAILED } else { 0 }))
            }
            Err(errors) => {
                // The lines that errors show may be rendered ones.
                let text = secrets.text(&errors.to_string());
                if stop.load(Ordering::SeqCst) {
                    // A command that a template ran was ended: what it makes of that is no fault of the tree.
                    let text =
                        format!("interrupted while the states were compiled; no state was begun: {text}");
                    if json {
                        report::json_error(&text, "interrupted");
                    }
                    return Err(Failure::new(std::io::Error::other(text), exit::INTERRUPTED));
                }
                if json {
                    report::json_error(&text, errors.kind().word());
                }
                Err(Failure::new(std::io::Error::other(text), exit::COMPILE))
            }
        }
    }
}

/// Makes the guard of network changes of a run without a master.
fn guard(args: &Args) -> Result<Arc<Guard>, Failure> {
    let mut config = Config::load(&args.config_dir)?;
    config.net.confirm.clone_from(&args.confirm);
    let id = MinionId::new(args.id.as_str()).map_err(|e| Failure::new(e, exit::USAGE))?;
    let Config { run_dir, data_dir, net: settings, .. } = config;
    Ok(Arc::new(Guard::new(Setup { id, run_dir, data_dir, settings, prober: None, voice: Box::new(Mute) })))
}
