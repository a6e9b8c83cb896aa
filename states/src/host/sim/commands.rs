//! Scripted commands of the simulated machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::{Command, Commands, Exit, HostError, Observer, Output, Program, Stream};
use super::files::Node;
use super::{SimHost, SimReply};

impl Commands for SimHost {
    fn run(&self, command: &Command, observer: &dyn Observer) -> Result<Output, HostError> {
        let scripts = {
            let mut state = self.lock();
            if !command.looks_only {
                state.write("run", &command.line())?;
            }
            state.commands.push(command.clone());
            state.scripts.clone()
        };
        let reply = scripts
            .iter()
            .rev()
            .find_map(|s| s(command))
            .or_else(|| self.crontab(command))
            .unwrap_or_else(|| builtin(command));
        let exit = self.finish(command, &reply, observer);
        if exit == Exit::Code(reply.code) {
            let mut state = self.lock();
            let now = state.seconds;
            for (path, content) in &reply.writes {
                if let Some(parent) = path.parent() {
                    state.make_dirs(parent);
                }
                state.nodes.insert(path.clone(), Node::file(content.clone(), 0o644, now));
            }
        }
        observer.output(Stream::Stdout, reply.stdout.as_bytes());
        observer.output(Stream::Stderr, reply.stderr.as_bytes());
        Ok(Output { exit, stdout: reply.stdout.into_bytes(), stderr: reply.stderr.into_bytes(), pid: 0 })
    }

    fn which(&self, program: &str) -> Option<PathBuf> {
        let path = Path::new("/usr/bin").join(program);
        self.lock().nodes.contains_key(&path).then_some(path)
    }

    fn sleep(&self, time: Duration, observer: &dyn Observer) -> bool {
        if observer.cancelled() {
            return false;
        }
        self.lock().slept += time;
        true
    }
}

impl SimHost {
    /// Keeps the tables of `crontab -u USER -l` and `crontab -u USER -`.
    fn crontab(&self, command: &Command) -> Option<SimReply> {
        let Program::Argv(argv) = &command.program else { return None };
        let ["crontab", "-u", user, action] = argv.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
            return None;
        };
        let path = Path::new("/var/spool/cron/crontabs").join(user);
        if action == "-l" {
            let text = self.text(&path.display().to_string());
            return Some(text.map_or_else(
                || SimReply { code: 1, stderr: format!("no crontab for {user}\n"), ..SimReply::default() },
                SimReply::ok,
            ));
        }
        let content = command.stdin.clone().unwrap_or_default();
        Some(SimReply { writes: vec![(path, content)], ..SimReply::default() })
    }

    fn finish(&self, command: &Command, reply: &SimReply, observer: &dyn Observer) -> Exit {
        if observer.cancelled() {
            return Exit::Cancelled;
        }
        let took = command.timeout.map_or(reply.takes, |t| t.min(reply.takes));
        self.lock().slept += took;
        if took < reply.takes { Exit::TimedOut } else { Exit::Code(reply.code) }
    }
}

/// Answers the few commands that need no script: `true`, `false`, `exit N`, `echo TEXT`.
fn builtin(command: &Command) -> SimReply {
    let line = command.line();
    let unknown = || SimReply {
        code: 127,
        stderr: format!("simulation: no script answers {line:?}\n"),
        ..SimReply::default()
    };
    let plain =
        !matches!(&command.program, Program::Shell { .. }) || !line.contains(['>', '|', ';', '&', '$']);
    match line.split_once(' ').unwrap_or((&line, "")) {
        ("true", "") => SimReply::default(),
        ("false", "") => SimReply::code(1),
        ("exit", code) => code.trim().parse().map_or_else(|_| unknown(), SimReply::code),
        ("echo", text) if plain => SimReply::ok(format!("{text}\n")),
        _ => unknown(),
    }
}
