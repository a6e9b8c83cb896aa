//! `lab-minion call --local`: an execution function called on this machine without a master.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;

use lab_states::function::{CallError, typed};

use super::{Done, Failure, exit, interrupt, report};
use crate::grains;
use crate::host::LinuxHost;
use crate::local::{Local, Settings};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Work from directories on this machine, without a master.
    #[arg(long, required = true)]
    local: bool,
    /// The state tree; given several times, the first that has a file wins.
    #[arg(long, value_name = "DIR")]
    states: Vec<PathBuf>,
    /// The pillar tree.
    #[arg(long, value_name = "DIR")]
    pillar: Option<PathBuf>,
    /// A YAML file that is laid over this machine's grains.
    #[arg(long, value_name = "FILE")]
    grains: Option<PathBuf>,
    /// A YAML file of execution functions and their answers, in place of real ones: to compile trees that need others.
    #[arg(long, value_name = "FILE")]
    stubs: Option<PathBuf>,
    /// The minion's id.
    #[arg(long, default_value = "lab-minion")]
    id: String,
    /// Write the return as one line of JSON.
    #[arg(long)]
    json: bool,
    /// The function.
    function: String,
    /// Its arguments, as YAML; NAME=VALUE is a named one.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Args {
    pub(super) fn run(self) -> Done {
        super::trees(&self.states, self.pillar.as_ref())?;
        let (args, kwargs) =
            typed::arguments(&self.function, &self.arguments).map_err(|e| Failure::new(e, exit::USAGE))?;
        let stop =
            interrupt::watch("the running command is ended").map_err(|e| Failure::new(e, exit::FAILED))?;
        let host = LinuxHost::new();
        let mut known = grains::of_machine(&self.id, &host);
        if let Some(path) = &self.grains {
            known = grains::with_file(known, path).map_err(|e| Failure::new(e, exit::USAGE))?;
        }
        let (sender, _unheard) = mpsc::channel();
        let settings =
            Settings { id: self.id, states: self.states, pillar: self.pillar, stop, ..Settings::default() };
        let mut local = Local::new(settings, host, known, sender);
        if let Some(path) = &self.stubs {
            let names = local.load_stubs(path).map_err(|e| Failure::new(e, exit::USAGE))?;
            let text = format!("stubs from {} answer for {}", path.display(), names.join(", "));
            report::progress(&lab_states::function::Progress::Message(text));
        }
        local.load_pillar().map_err(|e| Failure::new(e, exit::COMPILE))?;
        let ctx = local.ctx();
        let called = ctx
            .registry
            .exec(&self.function)
            .map_err(CallError::from)
            .and_then(|f| f.call(&args, &kwargs, &ctx));
        if local.was_cut() {
            // What it returned is that of a command that was ended, or of a part of what it does.
            let text = format!("interrupted: {} did not come to its end", self.function);
            return Err(Failure::new(std::io::Error::other(text), exit::INTERRUPTED));
        }
        match called {
            Ok(value) => {
                report::value(&local.hide(&value), self.json);
                Ok(ExitCode::SUCCESS)
            }
            Err(e @ (CallError::Unknown(_) | CallError::Args(_))) => Err(Failure::new(e, exit::USAGE)),
            Err(e) => {
                let text = local.hide_text(&e.to_string());
                Err(Failure::new(std::io::Error::other(text), exit::STATE_FAILED))
            }
        }
    }
}
