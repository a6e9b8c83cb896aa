//! Commands on this machine: each in its own process group, its output read as it comes.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use lab_states::host::{
    Accounts, Cause, Command, Commands, Exit, HostError, Observer, Output, Program, Stream, User,
};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::{LinuxHost, MASK};

/// For how long output is still read after the command ended: what it left behind in the background (a daemon,
/// say) may hold the pipes open for ever.
const ORPHAN_GRACE: Duration = Duration::from_secs(1);
/// How often cancel and exit are looked at while nothing is written.
const TICK: Duration = Duration::from_millis(20);

impl Commands for LinuxHost {
    fn run(&self, command: &Command, observer: &dyn Observer) -> Result<Output, HostError> {
        let fail = |cause| HostError::new("run", command.line(), cause);
        let account = match &command.user {
            None => None,
            Some(name) => match self.user(name)? {
                Some(user) => Some(user),
                None => return Err(fail(Cause::Other(format!("there is no user {name:?}")))),
            },
        };
        let gid = match &command.group {
            None => None,
            Some(name) => match self.group(name)? {
                Some(group) => Some(group.gid),
                None => return Err(fail(Cause::Other(format!("there is no group {name:?}")))),
            },
        };
        if let Some(cwd) = &command.cwd
            && !cwd.is_dir()
        {
            return Err(fail(Cause::Other(format!(
                "the working directory {} does not exist",
                cwd.display()
            ))));
        }
        let mut os = prepare(command, account.as_ref(), gid).ok_or_else(|| fail(Cause::NotFound))?;
        for (key, value) in self.env.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // What the command itself was given counts more.
            if command.env.contains_key(key) || command.clean_env {
                continue;
            }
            match value {
                Some(value) => os.env(key, value),
                None => os.env_remove(key),
            };
        }
        let child = os.spawn().map_err(|e| fail(Cause::from(&e)))?;
        watch(child, command, observer).map_err(|e| fail(Cause::from(&e)))
    }

    fn which(&self, program: &str) -> Option<PathBuf> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|dir| dir.join(program)).find(|p| is_executable(p))
    }

    fn sleep(&self, time: Duration, observer: &dyn Observer) -> bool {
        let end = Instant::now() + time;
        loop {
            if observer.cancelled() {
                return false;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(TICK));
        }
    }
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok()
}

/// Turns the description into what the operating system starts; `None` for an empty command.
fn prepare(command: &Command, account: Option<&User>, gid: Option<u32>) -> Option<std::process::Command> {
    let mut argv = match &command.program {
        Program::Argv(argv) => argv.clone(),
        Program::Shell { shell, script } => vec![shell.clone(), "-c".to_owned(), script.clone()],
    };
    if let Some(umask) = command.umask.or(MASK.get()) {
        // The umask belongs to the child alone, and there is no safe way to set it between fork and exec.
        let wrapper = ["/bin/sh", "-c", "umask \"$0\"; exec \"$@\"", &format!("{umask:04o}")];
        argv.splice(0..0, wrapper.map(str::to_owned));
    }
    let (program, arguments) = argv.split_first()?;
    let mut os = std::process::Command::new(program);
    os.args(arguments).process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    os.stdin(if command.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    if command.clean_env {
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin:/sbin:/bin".into());
        os.env_clear().env("PATH", path);
    }
    if let Some(user) = account {
        os.uid(user.uid).gid(gid.unwrap_or(user.gid));
        os.env("USER", &user.name)
            .env("LOGNAME", &user.name)
            .env("HOME", &user.home)
            .env("SHELL", &user.shell);
    } else if let Some(gid) = gid {
        os.gid(gid);
    }
    for (key, value) in &command.env {
        match value {
            Some(value) => os.env(key, value),
            None => os.env_remove(key),
        };
    }
    let cwd = command.cwd.clone().or_else(|| home(account));
    os.current_dir(cwd.unwrap_or_else(|| PathBuf::from("/")));
    Some(os)
}

/// Returns the home of the account, or else of this program's own, where it is a directory that can be read.
fn home(account: Option<&User>) -> Option<PathBuf> {
    let own = || std::env::home_dir().filter(|h| h.is_absolute());
    let home = account.map_or_else(own, |u| Some(PathBuf::from(&u.home)))?;
    let readable = home.is_dir() && nix::unistd::access(&home, nix::unistd::AccessFlags::R_OK).is_ok();
    readable.then_some(home)
}

/// Reads and feeds a running child until it is over, and its output with it.
fn watch(mut child: Child, command: &Command, observer: &dyn Observer) -> io::Result<Output> {
    let pid = child.id();
    let deadline = command.timeout.map(|t| Instant::now() + t);
    let mut pipes = Pipes::of(&mut child, command.stdin.clone())?;
    let mut killed: Option<(Exit, Instant)> = None;
    let mut ended: Option<(ExitStatus, Instant)> = None;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    loop {
        pipes.pump(TICK, |stream, bytes| {
            observer.output(stream, bytes);
            match stream {
                Stream::Stdout => stdout.extend_from_slice(bytes),
                Stream::Stderr => stderr.extend_from_slice(bytes),
            }
        })?;
        if ended.is_none() {
            ended = child.try_wait()?.map(|status| (status, Instant::now()));
        }
        if let Some((_, at)) = ended
            && (pipes.closed() || at.elapsed() > ORPHAN_GRACE)
        {
            break;
        }
        let why = match deadline {
            // What has ended is not cut off any more.
            _ if ended.is_some() => None,
            _ if observer.cancelled() => Some(Exit::Cancelled),
            Some(deadline) if Instant::now() >= deadline => Some(Exit::TimedOut),
            _ => None,
        };
        match (killed, why) {
            (None, Some(why)) if ended.is_none() => {
                kill_group(pid, Signal::SIGTERM);
                killed = Some((why, Instant::now()));
            }
            (Some((_, at)), _) if at.elapsed() > observer.grace() => kill_group(pid, Signal::SIGKILL),
            _ => {}
        }
    }
    if killed.is_some() {
        // What ignored the polite signal in the background must not outlive the job.
        kill_group(pid, Signal::SIGKILL);
    }
    let exit = match (killed, ended) {
        (Some((why, _)), _) => why,
        (None, Some((status, _))) => {
            status.code().map_or_else(|| Exit::Signal(status.signal().unwrap_or_default()), Exit::Code)
        }
        (None, None) => unreachable!("the loop is left only after the child ended"),
    };
    Ok(Output { exit, stdout, stderr, pid })
}

fn kill_group(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        // It may be over already, which is all that was wanted.
        let _ = killpg(Pid::from_raw(pid), signal);
    }
}

/// The pipes to a child, none of which blocks.
struct Pipes {
    stdin: Option<(ChildStdin, Vec<u8>, usize)>,
    stdout: Option<std::process::ChildStdout>,
    stderr: Option<std::process::ChildStderr>,
}

impl Pipes {
    fn of(child: &mut Child, input: Option<Vec<u8>>) -> io::Result<Self> {
        let stdin = child.stdin.take().zip(input).map(|(pipe, bytes)| (pipe, bytes, 0));
        let pipes = Self { stdin, stdout: child.stdout.take(), stderr: child.stderr.take() };
        if let Some((pipe, ..)) = &pipes.stdin {
            nonblocking(pipe)?;
        }
        if let Some(pipe) = &pipes.stdout {
            nonblocking(pipe)?;
        }
        if let Some(pipe) = &pipes.stderr {
            nonblocking(pipe)?;
        }
        Ok(pipes)
    }

    fn closed(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// Waits at most `wait` for something to read or write, and does that.
    fn pump(&mut self, wait: Duration, mut take: impl FnMut(Stream, &[u8])) -> io::Result<()> {
        if self.closed() && self.stdin.is_none() {
            // Both outputs are closed, so the child is about to end or works silently on.
            std::thread::sleep(Duration::from_micros(200));
            return Ok(());
        }
        let mut fds = Vec::with_capacity(3);
        if let Some(pipe) = &self.stdout {
            fds.push(PollFd::new(pipe.as_fd(), PollFlags::POLLIN));
        }
        if let Some(pipe) = &self.stderr {
            fds.push(PollFd::new(pipe.as_fd(), PollFlags::POLLIN));
        }
        if let Some((pipe, ..)) = &self.stdin {
            fds.push(PollFd::new(pipe.as_fd(), PollFlags::POLLOUT));
        }
        let wait = PollTimeout::try_from(wait).unwrap_or(PollTimeout::ZERO);
        match poll(&mut fds, wait) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
        }
        drop(fds);
        read_some(&mut self.stdout, |b| take(Stream::Stdout, b))?;
        read_some(&mut self.stderr, |b| take(Stream::Stderr, b))?;
        self.feed()
    }

    fn feed(&mut self) -> io::Result<()> {
        let Some((pipe, bytes, done)) = &mut self.stdin else { return Ok(()) };
        let rest = bytes.get(*done..).unwrap_or_default();
        match pipe.write(rest) {
            Ok(n) => *done += n,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            // It need not read all that it is offered.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => *done = bytes.len(),
            Err(e) => return Err(e),
        }
        if *done >= bytes.len() {
            self.stdin = None;
        }
        Ok(())
    }
}

fn nonblocking(fd: &impl AsFd) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

fn read_some(pipe: &mut Option<impl Read>, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        let Some(open) = pipe else { return Ok(()) };
        match open.read(&mut buffer) {
            Ok(0) => *pipe = None,
            Ok(n) => take(buffer.get(..n).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_states::host::Silent;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn run(command: &Command) -> Output {
        LinuxHost::new().run(command, &Silent).unwrap()
    }

    #[test]
    fn output_status_input_and_surroundings_come_through() {
        let mut command = Command::shell("cat; echo $FLAG; pwd; umask; echo err >&2; exit 3");
        command.stdin = Some(vec![b'x'; 300_000]);
        command.env.insert("FLAG".to_owned(), Some("up".to_owned()));
        command.cwd = Some(PathBuf::from("/usr"));
        command.umask = Some(0o027);
        let output = run(&command);
        assert_eq!(output.exit, Exit::Code(3));
        assert_eq!(output.stdout.len(), 300_000 + "up\n/usr\n0027\n".len());
        assert!(output.stdout_text().ends_with("up\n/usr\n0027"));
        assert_eq!(output.stderr_text(), "err");
    }

    #[test]
    fn a_command_that_is_not_there_is_an_error_and_a_failing_one_is_an_output() {
        let error = LinuxHost::new().run(&Command::argv(["no-such-program"]), &Silent).unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert_eq!(run(&Command::argv(["false"])).exit, Exit::Code(1));
        assert_eq!(run(&Command::shell("kill -9 $$")).exit, Exit::Signal(9));
    }

    #[test]
    fn the_whole_group_is_killed_when_the_time_is_up() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("mark");
        let mut command = Command::shell(format!("(sleep 30; echo x > {}) & sleep 30", mark.display()));
        command.timeout = Some(Duration::from_millis(50));
        assert_eq!(run(&command).exit, Exit::TimedOut);
        assert!(!mark.exists());
    }

    struct CancelAtFirstOutput {
        seen: Mutex<Vec<u8>>,
        cancel: AtomicBool,
        grace: Duration,
    }

    impl Observer for CancelAtFirstOutput {
        fn output(&self, _: Stream, bytes: &[u8]) {
            self.seen.lock().unwrap().extend_from_slice(bytes);
            self.cancel.store(true, Ordering::SeqCst);
        }
        fn cancelled(&self) -> bool {
            self.cancel.load(Ordering::SeqCst)
        }
        fn grace(&self) -> Duration {
            self.grace
        }
    }

    #[test]
    fn output_is_seen_while_the_command_runs_and_cancel_ends_it() {
        let cancelled = |line: &str, grace| {
            let (seen, cancel) = (Mutex::default(), AtomicBool::new(false));
            let observer = CancelAtFirstOutput { seen, cancel, grace };
            let output = LinuxHost::new().run(&Command::shell(line), &observer).unwrap();
            assert_eq!(output.exit, Exit::Cancelled);
            String::from_utf8(observer.seen.into_inner().unwrap()).unwrap()
        };
        assert_eq!(cancelled("echo first; sleep 60", Duration::ZERO), "first\n");
        // Longer than the grace that is usual. What is told to end may put things in order first, as long as its observer has patience.
        let tidy = "trap 'sleep 3; echo tidy; exit 1' TERM; echo first; while :; do sleep 0.05; done";
        assert_eq!(cancelled(tidy, Duration::from_secs(60)), "first\ntidy\n");
        let stubborn = "trap '' TERM; echo first; while :; do sleep 0.05; done";
        assert_eq!(cancelled(stubborn, Duration::from_millis(100)), "first\n");
    }

    #[test]
    fn a_daemon_that_keeps_the_pipes_does_not_keep_the_job() {
        let output = run(&Command::shell("sleep 5 & echo started"));
        assert_eq!((output.exit, output.stdout_text().as_str()), (Exit::Code(0), "started"));
    }
}
