//! One host as the switch sees it: off, up, or about to boot.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::super::NsError;
use super::super::error::{Doing, chain};
use super::super::words::{BootPlan, Cut, HostPhase, HostSpec, HostStatus, LabSpec, io_dir, write_json};
use super::boot::Ended;
use super::{network, shadow};

/// Longer than any boot on a loaded machine; a boot that takes this long hangs.
const BOOT_LIMIT: Duration = Duration::from_secs(45);

pub(super) enum Phase {
    Up {
        runner: Pid,
        init: Pid,
        boot_id: String,
    },
    /// Down, and to boot at this time unless held.
    Rebooting {
        at: Instant,
    },
    Off,
    Broken,
}

pub(super) struct Machine {
    pub(super) spec: HostSpec,
    /// Its port on the switch.
    pub(super) port: String,
    pub(super) phase: Phase,
    pub(super) cut: Cut,
    held: bool,
    kbit: Option<u32>,
    boots: u64,
    last_end: Option<String>,
}

impl Machine {
    pub(super) fn new(spec: HostSpec, port: String) -> Self {
        Self {
            spec,
            port,
            phase: Phase::Off,
            cut: Cut::None,
            held: false,
            kbit: None,
            boots: 0,
            last_end: None,
        }
    }

    /// Boots the host and returns when its init runs; what it then starts may take its time.
    pub(super) fn boot(&mut self, lab: &LabSpec) -> Result<(), NsError> {
        let started = self.try_boot(lab);
        match started {
            Ok(up) => {
                self.phase = up;
                self.boots += 1;
                if self.kbit.is_some() { self.slow(lab, self.kbit) } else { Ok(()) }
            }
            Err(error) => {
                self.phase = Phase::Broken;
                self.last_end = Some(chain(&error));
                Err(error)
            }
        }
    }

    fn try_boot(&self, lab: &LabSpec) -> Result<Phase, NsError> {
        let io = io_dir(&lab.dir, &self.spec.name);
        let boot_id = shadow::random_uuid()?;
        let plan = BootPlan {
            lab: lab.id.clone(),
            dir: lab.dir.clone(),
            helper: lab.helper.clone(),
            binaries: lab.binaries.clone(),
            user_namespace: lab.user_namespace,
            boot_id: boot_id.clone(),
            host: self.spec.clone(),
        };
        let plan_file = io.join("boot.json");
        write_json(&plan_file, &plan)?;
        let log = io.join("log/console.log");
        let console = File::options().create(true).append(true).open(&log);
        let mut command = Command::new(&lab.helper);
        command.arg("boot").arg(&plan_file).stderr(console.doing(|| format!("open {}", log.display()))?);
        let mut talk = Talk::start(command, format!("boot {} (see {})", self.spec.name, log.display()))?;
        let init = talk.wire_up(&self.port, &self.spec.mac).and_then(|()| {
            let line = talk.line()?;
            let pid = line.strip_prefix("init ").and_then(|pid| pid.parse().ok());
            talk.expect("up")?;
            pid.ok_or_else(|| talk.broken(&line))
        });
        let runner = talk.pid();
        match init {
            Ok(init) => Ok(Phase::Up { runner, init: Pid::from_raw(init), boot_id }),
            Err(error) => {
                talk.kill();
                Err(error)
            }
        }
    }

    /// Ends the host at once: no grace, no signal to its services, nothing flushed.
    pub(super) fn cut_power(&mut self) -> Result<(), NsError> {
        if let Phase::Up { runner, init, .. } = self.phase {
            kill(init, Signal::SIGKILL).doing(|| format!("kill the init of {}", self.spec.name))?;
            let status = waitpid(runner, None).doing(|| format!("wait for {} to be down", self.spec.name))?;
            self.ended(if let WaitStatus::Exited(_, code) = status {
                Ended::from_code(code)
            } else {
                Ended::Killed
            });
        }
        // A reboot that was under way is cut, too.
        self.phase = Phase::Off;
        Ok(())
    }

    /// Notes that the host went down, and when it is to come back.
    pub(super) fn ended(&mut self, how: Ended) {
        network::unplug(&self.port);
        eprintln!("switch: {}: {}", self.spec.name, how.text());
        self.last_end = Some(how.text().to_owned());
        self.phase = match how {
            Ended::Rebooted => Phase::Rebooting { at: Instant::now() + self.spec.boot_delay },
            Ended::PoweredOff | Ended::Killed => Phase::Off,
            Ended::InitFailed => Phase::Broken,
        };
    }

    pub(super) fn is_run_by(&self, pid: Pid) -> bool {
        matches!(self.phase, Phase::Up { runner, .. } if runner == pid)
    }

    pub(super) fn boot_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Rebooting { at } if !self.held => Some(at),
            _ => None,
        }
    }

    pub(super) fn hold(&mut self, hold: bool) {
        self.held = hold;
    }

    pub(super) fn slow(&mut self, lab: &LabSpec, kbit: Option<u32>) -> Result<(), NsError> {
        self.kbit = kbit;
        match self.phase {
            Phase::Up { init, .. } => network::slow(&self.port, &lab.helper, init.as_raw(), kbit),
            _ => Ok(()),
        }
    }

    pub(super) fn status(&self) -> HostStatus {
        let (phase, boot_id, init) = match &self.phase {
            Phase::Up { init, boot_id, .. } => (HostPhase::Up, Some(boot_id.clone()), Some(init.as_raw())),
            Phase::Rebooting { .. } => (HostPhase::Rebooting, None, None),
            Phase::Off => (HostPhase::Off, None, None),
            Phase::Broken => (HostPhase::Broken, None, None),
        };
        HostStatus {
            name: self.spec.name.clone(),
            phase,
            boot_id,
            boots: self.boots,
            held: self.held,
            last_end: self.last_end.clone(),
            init,
        }
    }
}

/// Starts the process that holds a place's namespaces and connects it; returns its pid.
pub(super) fn start_place(lab: &LabSpec, name: &str) -> Result<i32, NsError> {
    let (port, mac) = if name == "master" {
        (network::MASTER_PORT, "52:54:00:4c:4d:01")
    } else {
        ("o0", "52:54:00:4c:4d:fe")
    };
    let mut command = Command::new(&lab.helper);
    command.arg("place").arg(&lab.dir).arg(name);
    let mut talk = Talk::start(command, format!("start the place {name}"))?;
    talk.wire_up(port, mac)?;
    talk.expect("up")?;
    Ok(talk.pid().as_raw())
}

/// The handshake with a process that makes namespaces: it says ready, gets its cable, says what comes next.
struct Talk {
    child: Child,
    lines: BufReader<ChildStdout>,
    what: String,
    deadline: Instant,
}

impl Talk {
    fn start(mut command: Command, what: String) -> Result<Self, NsError> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().doing(|| what.clone())?;
        let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        Ok(Self { child, lines: BufReader::new(stdout), what, deadline: Instant::now() + BOOT_LIMIT })
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    fn wire_up(&mut self, port: &str, mac: &str) -> Result<(), NsError> {
        self.expect("ready")?;
        network::plug(port, self.pid().as_raw(), mac)?;
        let what = self.what.clone();
        let mut stdin = self.child.stdin.take().expect("stdin was asked to be a pipe");
        stdin.write_all(b"go\n").doing(|| what)
    }

    fn expect(&mut self, word: &str) -> Result<(), NsError> {
        let line = self.line()?;
        if line == word { Ok(()) } else { Err(self.broken(&line)) }
    }

    fn line(&mut self) -> Result<String, NsError> {
        if self.lines.buffer().is_empty() {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(self.lines.get_ref().as_fd(), PollFlags::POLLIN)];
            let ready = poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
            if ready.doing(|| self.what.clone())? == 0 {
                return Err(NsError::Late {
                    what: self.what.clone(),
                    waited: BOOT_LIMIT,
                    seen: "nothing".to_owned(),
                });
            }
        }
        let mut line = String::new();
        self.lines.read_line(&mut line).doing(|| self.what.clone())?;
        Ok(line.trim_end().to_owned())
    }

    fn broken(&self, line: &str) -> NsError {
        let said = if line.is_empty() { "it ended" } else { line };
        NsError::Lab(format!("cannot {}: {said}", self.what))
    }

    /// Ends the process; the kernel ends what it started.
    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
