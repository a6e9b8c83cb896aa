//! `lab-minion show --local`: what `apply --local` would run, without running it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;

use lab_proto::{Map, Value};
use lab_states::function::CallError;

use super::{Done, Failure, exit, report};
use crate::grains;
use crate::host::LinuxHost;
use crate::local::{Local, Settings};

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
    /// The ordered low chunks, as they would run.
    #[arg(long, group = "what")]
    lowstate: bool,
    /// The states by ID (the default).
    #[arg(long, group = "what")]
    high: bool,
    /// Which SLS the top file names.
    #[arg(long, group = "what", conflicts_with = "sls")]
    top: bool,
    /// Which SLS take part, with what they include.
    #[arg(long = "sls", group = "what")]
    only_sls: bool,
    /// Write one line of JSON.
    #[arg(long)]
    json: bool,
    /// Which SLS; the highstate when none is named.
    sls: Vec<String>,
}

impl Args {
    pub(super) fn run(self) -> Done {
        super::trees(&self.states, self.pillar.as_ref())?;
        let host = LinuxHost::new();
        let mut known = grains::of_machine(&self.id, &host);
        if let Some(path) = &self.grains {
            known = grains::with_file(known, path).map_err(|e| Failure::new(e, exit::USAGE))?;
        }
        let (sender, _unheard) = mpsc::channel();
        let settings =
            Settings { id: self.id, states: self.states, pillar: self.pillar, ..Settings::default() };
        let local = Local::new(settings, host, known, sender);
        local.load_pillar().map_err(|e| Failure::new(e, exit::COMPILE))?;
        let function = match (self.top, self.only_sls, self.lowstate, self.sls.is_empty()) {
            (true, ..) => "state.show_top",
            (_, true, ..) => "state.show_states",
            (_, _, true, true) => "state.show_lowstate",
            (_, _, true, false) => "state.show_low_sls",
            (_, _, false, true) => "state.show_highstate",
            (_, _, false, false) => "state.show_sls",
        };
        let args = if self.sls.is_empty() { Vec::new() } else { vec![Value::from(self.sls)] };
        let ctx = local.ctx();
        let called = ctx.registry.exec(function).map_err(CallError::from);
        match called.and_then(|f| f.call(&args, &Map::new(), &ctx)) {
            Ok(value) => {
                report::value(&local.hide(&value), self.json);
                Ok(ExitCode::SUCCESS)
            }
            Err(e) => {
                Err(Failure::new(std::io::Error::other(local.hide_text(&e.to_string())), exit::COMPILE))
            }
        }
    }
}
