//! pid 1 of a lab: makes the lab network, boots hosts and boots them again, answers the owner. Its end is the end
//! of the lab: the kernel kills every process in its pid namespace, and with them go namespaces and mounts.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use super::super::NsError;
use super::super::error::{Doing, chain};
use super::super::words::{
    HostSpec, InitReply, InitRequest, LabReply, LabRequest, LabSpec, Started, ask, io_dir, lab_socket,
    serve_one,
};
use super::boot::Ended;
use super::keeper::tell_owner;
use super::machine::{Machine, Phase, start_place};
use super::{network, rootfs, shadow};

pub(super) fn switch(dir: &Path) -> Result<ExitCode, NsError> {
    set_pdeathsig(Signal::SIGKILL).doing(|| "ask for a death signal".to_owned())?;
    let mut switch = match Switch::start(dir) {
        Ok(switch) => switch,
        Err(error) => {
            tell_owner(&Started::Failed(chain(&error)))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    tell_owner(&Started::Ready)?;
    switch.run()?;
    Ok(ExitCode::SUCCESS)
}

struct Switch {
    spec: LabSpec,
    places: Vec<(String, i32)>,
    machines: Vec<Machine>,
    signals: SignalFd,
    listener: UnixListener,
    /// Standard input, a pipe that the owner holds; none when the lab is kept beyond its owner.
    lifeline: Option<io::Stdin>,
    keep: bool,
}

impl Switch {
    fn start(dir: &Path) -> Result<Self, NsError> {
        let spec = LabSpec::read(dir)?;
        let own = CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC;
        unshare(own).doing(|| "make the switch's namespaces".to_owned())?;
        rootfs::make_private()?;
        rootfs::mount_proc(Path::new("/proc"))?;
        let mask: SigSet = [Signal::SIGCHLD, Signal::SIGTERM].into_iter().collect();
        mask.thread_block().doing(|| "block signals".to_owned())?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = SignalFd::with_flags(&mask, flags).doing(|| "make a signal descriptor".to_owned())?;
        shadow::prepare_hosts(&spec)?;
        network::make_bridge()?;
        let mut places = Vec::new();
        for name in ["master", "outside"].into_iter().take(1 + usize::from(spec.outside)) {
            places.push((name.to_owned(), start_place(&spec, name)?));
        }
        let mut machines = Vec::new();
        for (index, host) in spec.hosts.iter().enumerate() {
            shadow::prepare_host(&spec, host)?;
            machines.push(Machine::new(host.clone(), format!("h{index}")));
        }
        for machine in &mut machines {
            machine.boot(&spec)?;
        }
        let socket = lab_socket(dir);
        let listener = UnixListener::bind(&socket).doing(|| format!("listen at {}", socket.display()))?;
        Ok(Self { spec, places, machines, signals, listener, lifeline: Some(io::stdin()), keep: false })
    }

    fn run(&mut self) -> Result<(), NsError> {
        while self.turn()? {
            let now = Instant::now();
            for machine in &mut self.machines {
                if machine.boot_at().is_some_and(|at| at <= now)
                    && let Err(error) = machine.boot(&self.spec)
                {
                    eprintln!("switch: {}", chain(&error));
                }
            }
        }
        Ok(())
    }

    /// Waits for one thing to happen and handles it; false when the lab is to end.
    fn turn(&mut self) -> Result<bool, NsError> {
        let next = self.machines.iter().filter_map(Machine::boot_at).min();
        let timeout = next.map_or(PollTimeout::NONE, |at| {
            let left = at.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        let mut fds = vec![
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.listener.as_fd(), PollFlags::POLLIN),
        ];
        if let Some(lifeline) = &self.lifeline {
            fds.push(PollFd::new(lifeline.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).doing(|| "wait for something to happen".to_owned()),
        }
        let ready: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        while let Ok(Some(info)) = self.signals.read_signal() {
            if info.ssi_signo.cast_signed() == Signal::SIGTERM as i32 {
                return Ok(false);
            }
        }
        self.reap();
        if ready[1] {
            self.answer();
        }
        Ok(ready.get(2) != Some(&true) || self.owner_is_there())
    }

    /// Reads the lifeline; its end means that the owner is gone.
    fn owner_is_there(&mut self) -> bool {
        let mut byte = [0];
        let alive = matches!(io::stdin().read(&mut byte), Ok(n) if n > 0);
        if !alive && self.keep {
            self.lifeline = None;
        }
        alive || self.keep
    }

    fn reap(&mut self) {
        loop {
            let (pid, code) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, code),
                Ok(WaitStatus::Signaled(pid, _, _)) => (pid, 0),
                Ok(WaitStatus::StillAlive) | Err(_) => return,
                Ok(_) => continue,
            };
            if let Some(machine) = self.machines.iter_mut().find(|m| m.is_run_by(pid)) {
                machine.ended(Ended::from_code(code));
            }
        }
    }

    fn answer(&mut self) {
        let Ok(listener) = self.listener.try_clone() else { return };
        let served = serve_one(&listener, |request| {
            self.handle(request).unwrap_or_else(|error| LabReply::Refused(chain(&error)))
        });
        if let Err(error) = served {
            eprintln!("switch: {}", chain(&error));
        }
    }

    fn handle(&mut self, request: LabRequest) -> Result<LabReply, NsError> {
        match request {
            LabRequest::Status => {
                let hosts = self.machines.iter().map(Machine::status).collect();
                return Ok(LabReply::Status { places: self.places.clone(), hosts });
            }
            LabRequest::Namespaces => return Ok(LabReply::Namespaces(namespaces())),
            LabRequest::Keep => self.keep = true,
            LabRequest::Boot { host } => {
                let index = self.find(&host)?;
                let machine = &mut self.machines[index];
                if !matches!(machine.phase, Phase::Up { .. }) {
                    machine.boot(&self.spec)?;
                }
            }
            LabRequest::CutPower { host } => {
                let index = self.find(&host)?;
                self.machines[index].cut_power()?;
            }
            LabRequest::Hold { host, hold } => {
                let index = self.find(&host)?;
                self.machines[index].hold(hold);
            }
            LabRequest::Cut { host, cut } => {
                let index = self.find(&host)?;
                self.machines[index].cut = cut;
                let cuts: Vec<_> = self.machines.iter().map(|m| (m.port.as_str(), m.cut)).collect();
                network::filter(&cuts)?;
            }
            LabRequest::Slow { host, kbit } => {
                let index = self.find(&host)?;
                self.machines[index].slow(&self.spec, kbit)?;
            }
            LabRequest::Fill { host } => {
                let index = self.find(&host)?;
                fill(&self.ballast(&self.machines[index].spec)?)?;
            }
            LabRequest::Free { host } => {
                let index = self.find(&host)?;
                let file = self.ballast(&self.machines[index].spec)?;
                match fs::remove_file(&file) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(error).doing(|| format!("remove {}", file.display()));
                    }
                    _ => {}
                }
            }
            LabRequest::AddService { host, service } => {
                let index = self.find(&host)?;
                let machine = &mut self.machines[index];
                machine.spec.services.retain(|s| s.name != service.name);
                machine.spec.services.push(service.clone());
                if matches!(machine.phase, Phase::Up { .. }) {
                    let socket = io_dir(&self.spec.dir, &host).join("init.sock");
                    if let InitReply::Refused(why) = ask(&socket, &InitRequest::Start { service })? {
                        return Ok(LabReply::Refused(why));
                    }
                }
            }
        }
        Ok(LabReply::Done)
    }

    fn find(&self, name: &str) -> Result<usize, NsError> {
        self.machines.iter().position(|m| m.spec.name == name).ok_or_else(|| NsError::Unknown {
            name: name.to_owned(),
            known: self.machines.iter().map(|m| m.spec.name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    /// The file that fills a host's state directory: on its file system, but out of the host's sight.
    fn ballast(&self, host: &HostSpec) -> Result<std::path::PathBuf, NsError> {
        if host.state_dir.is_none() {
            return Err(NsError::Lab(format!("host {} has no state_dir to fill; give it one", host.name)));
        }
        Ok(self.spec.dir.join("hosts").join(&host.name).join("state/ballast"))
    }
}

/// Writes until nothing more fits.
fn fill(path: &Path) -> Result<(), NsError> {
    let doing = || format!("fill {}", path.display());
    let mut file = File::options().create(true).append(true).open(path).doing(doing)?;
    let block = vec![0_u8; 64 * 1024];
    let mut size = block.len();
    loop {
        match file.write(&block[..size]) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::StorageFull && size > 1 => size /= 2,
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
            Err(error) => return Err(error).doing(doing),
        }
    }
}

/// All namespaces that processes of this lab are in, as /proc names them.
fn namespaces() -> Vec<String> {
    let mut found = BTreeSet::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        for kind in ["net", "mnt", "pid", "uts", "ipc"] {
            let link = fs::read_link(process.path().join("ns").join(kind));
            found.extend(link.ok().and_then(|l| l.to_str().map(str::to_owned)));
        }
    }
    found.into_iter().collect()
}
