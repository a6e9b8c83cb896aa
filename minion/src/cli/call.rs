//! `lab-minion call --local`: an execution function called on this machine without a master.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;

use lab_proto::{Map, Value};
use lab_states::function::CallError;
use lab_states::function::typed::{Place, as_typed};
use lab_states::render::yaml;

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
            arguments(&self.function, &self.arguments).map_err(|e| Failure::new(e, exit::USAGE))?;
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

/// Reads arguments as they are typed: each is YAML, and `name=value` is a named one. A command is text.
fn arguments(function: &str, words: &[String]) -> Result<(Vec<Value>, Map), yaml::YamlError> {
    let (mut args, mut kwargs) = (Vec::new(), Map::new());
    for word in words {
        match word.split_once('=').filter(|(name, _)| is_name(name)) {
            Some((name, value)) => {
                let read = scalar(value)?;
                kwargs.insert(name.into(), as_typed(function, Place::Name(name), value, read));
            }
            None => {
                let read = scalar(word)?;
                args.push(as_typed(function, Place::At(args.len()), word, read));
            }
        }
    }
    Ok((args, kwargs))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn scalar(text: &str) -> Result<Value, yaml::YamlError> {
    // What looks like YAML only by accident (`echo a: b`, `%x`) is text.
    match yaml::parse(text).map(|node| node.to_value()) {
        Ok(Value::Map(_)) if !text.trim_start().starts_with('{') => Ok(text.into()),
        Ok(Value::Null) if text.trim().is_empty() => Ok("".into()),
        Ok(value) => Ok(value),
        Err(e) if text.trim_start().starts_with(['{', '[']) => Err(e),
        Err(_) => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_yaml_and_names_are_told_by_the_equals_sign() {
        let words = ["1", "yes please", "a=[1, 2]", "echo x=y: z", "", "path=/etc"].map(str::to_owned);
        let (args, kwargs) = arguments("test.arg", &words).unwrap();
        assert_eq!(args, [Value::from(1), "yes please".into(), "echo x=y: z".into(), "".into()]);
        assert_eq!(kwargs.get("a"), Some(&Value::from(vec![1, 2])));
        assert_eq!(kwargs.get("path"), Some(&Value::from("/etc")));
        assert!(arguments("test.arg", &["{a".to_owned()]).is_err());
    }

    #[test]
    fn a_command_is_the_text_that_was_typed() {
        let read = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
            arguments("cmd.run", &words).unwrap()
        };
        assert_eq!(read(&["true"]).0, [Value::from("true")]);
        assert_eq!(
            read(&["echo x=y: z", "python_shell=False"]).1.get("python_shell"),
            Some(&Value::from(false))
        );
        assert_eq!(read(&["cmd=yes"]).1.get("cmd"), Some(&Value::from("yes")));
    }
}
