//! One working tree: single git commands, as the user that it belongs to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::function::{JobCtx, StateError};
use crate::host::{Cause, Command, Commands, HostError, Output};

/// A server that does not answer must not hold a run up for ever.
const LIMIT: Duration = Duration::from_secs(1800);

/// How the other side is asked who we are.
#[derive(Clone, Debug, Default)]
pub(in crate::functions) struct Credentials {
    pub(in crate::functions) identity: Vec<String>,
    pub(in crate::functions) https_user: Option<String>,
    pub(in crate::functions) https_pass: Option<String>,
}

/// A working tree, which need not be there yet.
pub(in crate::functions) struct Repo<'a> {
    pub(in crate::functions) path: PathBuf,
    pub(in crate::functions) user: Option<String>,
    pub(in crate::functions) credentials: Credentials,
    ctx: &'a JobCtx<'a>,
}

impl<'a> Repo<'a> {
    pub(in crate::functions) fn new(path: PathBuf, user: Option<String>, ctx: &'a JobCtx<'a>) -> Self {
        Self { path, user, credentials: Credentials::default(), ctx }
    }

    /// Tells whether git works here already.
    pub(in crate::functions) fn is_there(&self) -> Result<bool, StateError> {
        let host = self.ctx.host;
        Ok(host.stat(&self.path.join(".git"))?.is_some()
            || host.stat(&self.path.join("HEAD"))?.is_some()
                && host.stat(&self.path.join("objects"))?.is_some())
    }

    /// Asks something in the tree; `None` where git says no.
    pub(in crate::functions) fn ask(&self, args: &[&str]) -> Result<Option<String>, StateError> {
        let output = self.output(Some(&self.path), args, true)?;
        Ok(output.exit.success().then(|| output.stdout_text()))
    }

    /// Asks something that needs no tree.
    pub(super) fn ask_anywhere(&self, args: &[&str]) -> Result<Option<String>, StateError> {
        let output = self.output(None, args, true)?;
        if output.exit.success() {
            return Ok(Some(output.stdout_text()));
        }
        // `git config --get` says that there is none by its status alone.
        if output.stderr.is_empty() { Ok(None) } else { Err(failed(args, &output)) }
    }

    /// Does something in the tree.
    pub(super) fn run(&self, args: &[&str]) -> Result<String, StateError> {
        let output = self.output(Some(&self.path), args, false)?;
        if output.exit.success() { Ok(output.stdout_text()) } else { Err(failed(args, &output)) }
    }

    /// Does something that needs no tree.
    pub(super) fn run_anywhere(&self, args: &[&str]) -> Result<String, StateError> {
        let output = self.output(None, args, false)?;
        if output.exit.success() { Ok(output.stdout_text()) } else { Err(failed(args, &output)) }
    }

    fn output(&self, cwd: Option<&Path>, args: &[&str], looks_only: bool) -> Result<Output, StateError> {
        let mut argv = vec!["git".to_owned()];
        // Root may look after a tree that belongs to somebody else; git asks to be told so.
        argv.extend(["-c".to_owned(), format!("safe.directory={}", self.path.display())]);
        if self.credentials.https_user.is_some() {
            let helper = "!f() { echo \"username=$LAB_GIT_USER\"; echo \"password=$LAB_GIT_PASS\"; }; f";
            argv.extend(["-c".to_owned(), format!("credential.helper={helper}")]);
        }
        argv.extend(args.iter().map(|a| (*a).to_owned()));
        let mut command = Command::argv(argv);
        command.looks_only = looks_only;
        command.cwd = cwd.map(Path::to_owned);
        command.user.clone_from(&self.user);
        command.timeout = Some(LIMIT);
        let mut env = |key: &str, value: &str| command.env.insert(key.to_owned(), Some(value.to_owned()));
        env("GIT_TERMINAL_PROMPT", "0");
        env("LC_ALL", "C");
        if let Some(user) = &self.credentials.https_user {
            env("LAB_GIT_USER", user);
            env("LAB_GIT_PASS", self.credentials.https_pass.as_deref().unwrap_or_default());
        }
        let keys: String =
            self.credentials.identity.iter().map(|k| format!(" -i '{}'", k.replace('\'', ""))).collect();
        if !keys.is_empty() {
            env("GIT_SSH_COMMAND", &format!("ssh -o BatchMode=yes -o IdentitiesOnly=yes{keys}"));
        }
        Commands::run(self.ctx.host, &command, self.ctx).map_err(|e| match e.cause {
            Cause::NotFound => StateError::failed("there is no git program here (install the package git)"),
            cause => HostError { cause, ..e }.into(),
        })
    }
}

fn failed(args: &[&str], output: &Output) -> StateError {
    let said = [output.stderr_text(), output.stdout_text()].into_iter().find(|t| !t.is_empty());
    StateError::failed(format!("git {} failed: {}", args.join(" "), said.unwrap_or_default()))
}
