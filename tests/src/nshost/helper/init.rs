//! pid 1 of a host: builds its file tree, brings up its network, looks after its services, reaps, goes down.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, sethostname};

use super::super::NsError;
use super::super::error::{Doing, chain};
use super::super::words::{
    BootPlan, HELPER_INSIDE, InitReply, InitRequest, Restart, Service, ServiceStatus, ask, read_json,
    serve_one,
};
use super::enter::host_environment;
use super::{network, rootfs, say};

/// To kill(2): every process that init can see but init.
const EVERYONE: Pid = Pid::from_raw(-1);
const SOCKET: &str = "/run/lab-nshost/init.sock";

pub(super) fn init(plan: &Path) -> Result<ExitCode, NsError> {
    set_pdeathsig(Signal::SIGKILL).doing(|| "ask for a death signal".to_owned())?;
    let plan: BootPlan = read_json(plan)?;
    rootfs::build(&plan)?;
    sethostname(&plan.host.name).doing(|| format!("set the host name {}", plan.host.name))?;
    network::configure(plan.host.address)?;
    let mut init = Init::new(plan)?;
    // Before anything of the host's own runs: the switch serves no other host until it hears this.
    say("up")?;
    boot_scripts(&init.plan.lab);
    init.start_all();
    let how = init.run()?;
    init.stop_all()?;
    let error = reboot(how.mode()).map(|never| match never {});
    error.doing(|| "reboot".to_owned())
}

/// Runs what the host's files say shall run at boot: `/etc/rc.local`, then `/etc/rc2.d/S??NAME start` in their order,
/// as Linux systems without systemd do. (A host begins without any of the machine's own.)
fn boot_scripts(lab: &str) {
    run_script(lab, Path::new("/etc/rc.local"), &[]);
    let entries = fs::read_dir("/etc/rc2.d").into_iter().flatten().flatten().map(|entry| entry.path());
    let is_start = |path: &PathBuf| path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"S"));
    let mut scripts: Vec<_> = entries.filter(is_start).collect();
    scripts.sort();
    for script in scripts {
        run_script(lab, &script, &["start"]);
    }
}

fn run_script(lab: &str, script: &Path, arguments: &[&str]) {
    if !fs::metadata(script).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0) {
        return;
    }
    let status = Command::new(HELPER_INSIDE)
        .args(["become", "--session", "--"])
        .arg(script)
        .args(arguments)
        .env_clear()
        .envs(host_environment(lab))
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status();
    match status {
        Ok(status) => eprintln!("init: {}: {status}", script.display()),
        Err(error) => eprintln!("init: {}: {error}", script.display()),
    }
}

/// What the host does after it has stopped everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GoDown {
    Reboot,
    PowerOff,
}

impl GoDown {
    /// What the command of this name means, with `arguments`; none when it is another command.
    pub(super) fn by_name(name: &OsStr, mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        match name.to_str() {
            Some("reboot") => Some(Self::Reboot),
            Some("shutdown") if arguments.any(|a| a == "-r" || a == "--reboot") => Some(Self::Reboot),
            Some("poweroff" | "halt" | "shutdown") => Some(Self::PowerOff),
            _ => None,
        }
    }

    fn mode(self) -> RebootMode {
        match self {
            Self::Reboot => RebootMode::RB_AUTOBOOT,
            Self::PowerOff => RebootMode::RB_POWER_OFF,
        }
    }
}

/// What `reboot` and `poweroff` do inside a host: ask init, or with `-f` the kernel.
pub(super) fn ask_to_go_down(how: GoDown) -> Result<(), NsError> {
    if std::env::args().any(|arg| arg == "-f" || arg == "--force") {
        if is_in_a_host() {
            return reboot(how.mode()).map(|never| match never {}).doing(|| "reboot".to_owned());
        }
        return Err(NsError::Lab("this is not a namespaced host; it will not be rebooted".to_owned()));
    }
    let request = if how == GoDown::Reboot { InitRequest::Reboot } else { InitRequest::PowerOff };
    match ask(Path::new(SOCKET), &request)? {
        InitReply::Done => Ok(()),
        other => Err(NsError::Lab(format!("{other:?}"))),
    }
}

/// Guards the machine: reboot(2) outside of a host's pid namespace would be the real thing.
fn is_in_a_host() -> bool {
    fs::read_to_string("/proc/1/cmdline").is_ok_and(|line| line.contains("lab-nshost\0init\0"))
}

struct Supervised {
    service: Service,
    pid: Option<Pid>,
    wanted: bool,
    starts: u64,
    start_at: Option<Instant>,
    last_end: Option<String>,
}

struct Init {
    plan: BootPlan,
    services: Vec<Supervised>,
    signals: SignalFd,
    listener: UnixListener,
    go_down: Option<GoDown>,
}

impl Init {
    fn new(plan: BootPlan) -> Result<Self, NsError> {
        let mask: SigSet =
            [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGUSR2].into_iter().collect();
        mask.thread_block().doing(|| "block signals".to_owned())?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = SignalFd::with_flags(&mask, flags).doing(|| "make a signal descriptor".to_owned())?;
        let _ = fs::remove_file(SOCKET);
        let listener = UnixListener::bind(SOCKET).doing(|| format!("listen at {SOCKET}"))?;
        let services = plan.host.services.iter().cloned().map(Supervised::new).collect();
        Ok(Self { plan, services, signals, listener, go_down: None })
    }

    fn start_all(&mut self) {
        for service in &mut self.services {
            service.start(&self.plan.lab);
        }
    }

    /// Looks after the host until it is to go down.
    fn run(&mut self) -> Result<GoDown, NsError> {
        loop {
            if let Some(how) = self.go_down {
                return Ok(how);
            }
            self.turn(self.next_start())?;
            let now = Instant::now();
            for service in &mut self.services {
                if service.start_at.is_some_and(|at| at <= now) {
                    service.start(&self.plan.lab);
                }
            }
        }
    }

    /// Waits for one thing to happen, until `deadline`, and handles it.
    fn turn(&mut self, deadline: Option<Instant>) -> Result<(), NsError> {
        let timeout = deadline.map_or(PollTimeout::NONE, |at| {
            let left = at.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        let mut fds = [
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.listener.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).doing(|| "wait for something to happen".to_owned()),
        }
        let asked = fds[1].any().unwrap_or(false);
        while let Ok(Some(info)) = self.signals.read_signal() {
            match Signal::try_from(info.ssi_signo.cast_signed()) {
                Ok(Signal::SIGTERM | Signal::SIGINT) => self.go_down = Some(GoDown::Reboot),
                Ok(Signal::SIGUSR2) => self.go_down = Some(GoDown::PowerOff),
                _ => {}
            }
        }
        self.reap();
        if asked {
            self.answer();
        }
        Ok(())
    }

    fn next_start(&self) -> Option<Instant> {
        self.services.iter().filter_map(|s| s.start_at).min()
    }

    /// Takes note of every child that ended; false when there is no child left.
    fn reap(&mut self) -> bool {
        loop {
            let (pid, end) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, format!("exit code {code}")),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, signal.to_string()),
                Ok(WaitStatus::StillAlive) => return true,
                Err(_) => return false,
                Ok(_) => continue,
            };
            let found = self.services.iter_mut().find(|s| s.pid == Some(pid));
            if let Some(service) = found {
                eprintln!("init: {} ended: {end}", service.service.name);
                service.ended(end);
                end_session(pid);
            }
        }
    }

    fn answer(&mut self) {
        // Borrowed apart from the rest, so that the request can change it.
        let Ok(listener) = self.listener.try_clone() else { return };
        if let Err(error) = serve_one(&listener, |request| self.handle(request)) {
            eprintln!("init: {}", chain(&error));
        }
    }

    fn handle(&mut self, request: InitRequest) -> InitReply {
        match request {
            InitRequest::Services => {
                InitReply::Services(self.services.iter().map(Supervised::status).collect())
            }
            InitRequest::Start { service } => {
                self.add(service);
                InitReply::Done
            }
            InitRequest::Stop { name } => self.with(&name, |service| {
                service.wanted = false;
                service.start_at = None;
                service.signal(Signal::SIGTERM)
            }),
            InitRequest::Signal { name, signal } => self.with(&name, |service| {
                let signal = Signal::try_from(signal).map_err(|e| e.to_string())?;
                service.pid.ok_or("it is not running")?;
                service.signal(signal)
            }),
            InitRequest::Reboot => {
                self.go_down = Some(GoDown::Reboot);
                InitReply::Done
            }
            InitRequest::PowerOff => {
                self.go_down = Some(GoDown::PowerOff);
                InitReply::Done
            }
        }
    }

    /// Starts a service, new or stopped; one that runs is left alone.
    fn add(&mut self, service: Service) {
        let index = self.services.iter().position(|s| s.service.name == service.name).unwrap_or_else(|| {
            self.services.push(Supervised::new(service.clone()));
            self.services.len() - 1
        });
        let supervised = &mut self.services[index];
        supervised.service = service;
        if supervised.pid.is_none() {
            supervised.start(&self.plan.lab);
        }
    }

    fn with(&mut self, name: &str, act: impl FnOnce(&mut Supervised) -> Result<(), String>) -> InitReply {
        let Some(service) = self.services.iter_mut().find(|s| s.service.name == name) else {
            return InitReply::Refused(format!("no service {name}"));
        };
        act(service)
            .map_or_else(|why| InitReply::Refused(format!("service {name}: {why}")), |()| InitReply::Done)
    }

    /// SIGTERM to every process, a grace, then SIGKILL to whatever is left.
    fn stop_all(&mut self) -> Result<(), NsError> {
        for service in &mut self.services {
            service.wanted = false;
            service.start_at = None;
        }
        // ESRCH, here and below: nothing is left.
        let _ = kill(EVERYONE, Signal::SIGTERM);
        let deadline = Instant::now() + self.plan.host.grace;
        while self.reap() && Instant::now() < deadline {
            self.turn(Some(deadline))?;
        }
        let _ = kill(EVERYONE, Signal::SIGKILL);
        Ok(())
    }
}

impl Supervised {
    fn new(service: Service) -> Self {
        Self { service, pid: None, wanted: true, starts: 0, start_at: None, last_end: None }
    }

    fn start(&mut self, lab: &str) {
        self.wanted = true;
        self.start_at = None;
        self.starts += 1;
        match self.spawn(lab) {
            Ok(pid) => self.pid = Some(pid),
            Err(error) => self.ended(chain(&error)),
        }
    }

    fn spawn(&self, lab: &str) -> Result<Pid, NsError> {
        let name = &self.service.name;
        let log = format!("/run/lab-nshost/log/{name}.log");
        let out = File::options().create(true).append(true).open(&log).doing(|| format!("open {log}"))?;
        let err = out.try_clone().doing(|| format!("open {log}"))?;
        let child = Command::new(HELPER_INSIDE)
            .args(["become", "--session", "--"])
            .args(&self.service.argv)
            .env_clear()
            .envs(host_environment(lab))
            .envs(&self.service.env)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .doing(|| format!("start service {name}"))?;
        // Reaped by `reap`, with everything else that ends up under pid 1.
        Ok(Pid::from_raw(child.id().cast_signed()))
    }

    fn ended(&mut self, how: String) {
        self.pid = None;
        self.last_end = Some(how);
        if let (true, Restart::Always { delay }) = (self.wanted, self.service.restart) {
            self.start_at = Some(Instant::now() + delay);
        }
    }

    fn signal(&self, signal: Signal) -> Result<(), String> {
        let Some(pid) = self.pid else { return Ok(()) };
        kill(pid, signal).map_err(|error| error.to_string())
    }

    fn status(&self) -> ServiceStatus {
        ServiceStatus {
            name: self.service.name.clone(),
            pid: self.pid.map(Pid::as_raw),
            starts: self.starts,
            last_end: self.last_end.clone(),
        }
    }
}

/// Ends what a service left behind, as systemd does for a control group: here, for its session.
fn end_session(leader: Pid) {
    let _ = killpg(leader, Signal::SIGKILL);
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        if session_of(pid) == Some(leader.as_raw()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// Field 6 of /proc/PID/stat; the command name before it may hold anything, so the count starts at its end.
fn session_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(3)?.parse().ok()
}
