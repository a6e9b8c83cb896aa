//! One host of a lab, as its owner holds it.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::door::{Cmd, Door, Output, Running};
use super::words::{Cut, HostPhase, HostSpec, HostStatus, InitReply, InitRequest, LabRequest, ask, io_dir};
use super::{NsError, Service, ServiceStatus, Signal};

/// A host. Cheap to clone; all clones are the same host.
#[derive(Clone, Debug)]
pub struct Host {
    door: Door,
}

impl Host {
    pub(super) fn new(door: Door) -> Self {
        Self { door }
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.door.name
    }

    /// Returns its description.
    #[must_use]
    pub fn spec(&self) -> &HostSpec {
        let hosts = &self.door.lab.spec.hosts;
        hosts
            .iter()
            .find(|h| h.name == self.door.name)
            .expect("handles are made for hosts of the description")
    }

    /// Runs a command in the host to its end.
    ///
    /// # Errors
    /// When the host is down; a command that fails is an `Ok` with its status.
    pub fn exec(&self, command: impl Into<Cmd>) -> Result<Output, NsError> {
        self.door.exec(&command.into())
    }

    /// Runs a command that has to succeed, and returns its standard output.
    ///
    /// # Errors
    /// Also when the command fails; the error carries what it said.
    pub fn run(&self, command: impl Into<Cmd>) -> Result<String, NsError> {
        self.door.run(&command.into())
    }

    /// Starts a command in the host, outside of its init's care; its output goes to the log `name`.
    ///
    /// # Errors
    /// When the host is down.
    pub fn spawn(&self, name: &str, command: impl Into<Cmd>) -> Result<Running, NsError> {
        self.door.spawn(name, &command.into())
    }

    /// Returns a [`Command`] that enters the host; the command line to run is added to it as arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        self.door.command(&Cmd::default(), None)
    }

    /// Returns the directory of the host's logs: `console.log` and one per service. They survive reboots.
    #[must_use]
    pub fn log_dir(&self) -> PathBuf {
        self.door.log_dir()
    }

    /// Returns where a changed or new file of the host lies on the machine: its path in the upper layer. Meant for
    /// reading; to change a file of a running host, run a command in it.
    #[must_use]
    pub fn upper(&self, path: &str) -> PathBuf {
        let upper = self.door.lab.spec.dir.join("hosts").join(self.name()).join("upper");
        upper.join(path.trim_start_matches('/'))
    }

    /// Reads a file of the running host.
    ///
    /// # Errors
    /// When the host is down or the file cannot be read.
    pub fn read(&self, path: &str) -> Result<String, NsError> {
        self.run(["cat", "--", path])
    }

    /// Writes a file in the running host, making its directory.
    ///
    /// # Errors
    /// When the host is down or the file cannot be written.
    pub fn write(&self, path: &str, text: &str) -> Result<(), NsError> {
        let script = "mkdir -p -- \"$(dirname -- \"$1\")\" && exec cat > \"$1\"";
        self.run(Cmd::new(["sh", "-c", script, "sh", path]).stdin(text)).map(drop)
    }

    /// Returns what the host is doing.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub fn status(&self) -> Result<HostStatus, NsError> {
        let all = self.door.lab.hosts()?;
        let known = || all.iter().map(|h| h.name.as_str()).collect::<Vec<_>>().join(", ");
        let found = all.iter().find(|h| h.name == self.door.name).cloned();
        found.ok_or_else(|| NsError::Unknown { name: self.name().to_owned(), known: known() })
    }

    /// Returns the boot id of this boot.
    ///
    /// # Errors
    /// [`NsError::Down`] when the host is down.
    pub fn boot_id(&self) -> Result<String, NsError> {
        let status = self.status()?;
        status.boot_id.ok_or_else(|| NsError::Down {
            host: self.name().to_owned(),
            why: status.last_end.unwrap_or_else(|| "never booted".to_owned()),
        })
    }

    /// Asks the host's init to reboot: services get SIGTERM and their grace. Returns at once.
    ///
    /// # Errors
    /// When the host is down.
    pub fn reboot_graceful(&self) -> Result<(), NsError> {
        self.init(&InitRequest::Reboot).map(drop)
    }

    /// Asks the host's init to power off. Returns at once.
    ///
    /// # Errors
    /// When the host is down.
    pub fn power_off(&self) -> Result<(), NsError> {
        self.init(&InitRequest::PowerOff).map(drop)
    }

    /// Ends the host at once, as if its plug was pulled; it stays off until [`Host::boot`]. What was written is kept,
    /// since the page cache is the machine's: this shows crashes of the whole host, not lost writes.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub fn cut_power(&self) -> Result<(), NsError> {
        self.lab(LabRequest::CutPower { host: self.name().to_owned() })
    }

    /// Boots the host if it is down, whether held or not; returns when its init runs. ([`Host::services`] answers
    /// when the services were started.)
    ///
    /// # Errors
    /// When it does not boot.
    pub fn boot(&self) -> Result<(), NsError> {
        self.lab(LabRequest::Boot { host: self.name().to_owned() })
    }

    /// With `true`, the next reboots leave the host down; with `false`, it boots by itself again, at once if it waits.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub fn hold_boot(&self, hold: bool) -> Result<(), NsError> {
        self.lab(LabRequest::Hold { host: self.name().to_owned(), hold })
    }

    /// Waits until the host has completed `boots` boots since the lab started (the first one counts) and is up.
    ///
    /// # Errors
    /// [`NsError::Late`] after `limit`.
    pub fn wait_boots(&self, boots: u64, limit: Duration) -> Result<HostStatus, NsError> {
        self.wait_until(&format!("boot {boots} of {}", self.name()), limit, |status| {
            status.boots >= boots && status.phase == HostPhase::Up
        })
    }

    /// Waits until the host is down.
    ///
    /// # Errors
    /// [`NsError::Late`] after `limit`.
    pub fn wait_down(&self, limit: Duration) -> Result<HostStatus, NsError> {
        self.wait_until(&format!("the end of {}", self.name()), limit, |status| status.phase != HostPhase::Up)
    }

    /// Drops all traffic between this host and the master, in the switch; the host's own link stays up.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub fn partition(&self) -> Result<(), NsError> {
        self.cut(Cut::FromMaster)
    }

    /// Drops all traffic of this host, in the switch; the host's own link stays up.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub fn isolate(&self) -> Result<(), NsError> {
        self.cut(Cut::FromAll)
    }

    /// Ends [`Host::partition`] and [`Host::isolate`].
    ///
    /// # Errors
    /// When the lab does not answer.
    pub fn heal(&self) -> Result<(), NsError> {
        self.cut(Cut::None)
    }

    /// Limits the host's link to a rate, both ways, until told otherwise (`None`) and across reboots.
    ///
    /// # Errors
    /// When the lab does not answer or tc fails.
    pub fn slow_link(&self, kbit: Option<u32>) -> Result<(), NsError> {
        self.lab(LabRequest::Slow { host: self.name().to_owned(), kbit })
    }

    /// Fills the host's state directory to the last byte, by a file that the host does not see.
    ///
    /// # Errors
    /// When the host has no [`super::StateDir`].
    pub fn fill_disk(&self) -> Result<(), NsError> {
        self.lab(LabRequest::Fill { host: self.name().to_owned() })
    }

    /// Undoes [`Host::fill_disk`].
    ///
    /// # Errors
    /// When the host has no [`super::StateDir`].
    pub fn free_disk(&self) -> Result<(), NsError> {
        self.lab(LabRequest::Free { host: self.name().to_owned() })
    }

    /// Adds a service, or changes one of that name: it is started now if the host is up and it does not run, and at
    /// each boot from then on.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub fn add_service(&self, service: Service) -> Result<(), NsError> {
        self.lab(LabRequest::AddService { host: self.name().to_owned(), service })
    }

    /// Returns what each service is doing; during a boot, waits until all were started.
    ///
    /// # Errors
    /// When the host is down.
    pub fn services(&self) -> Result<Vec<ServiceStatus>, NsError> {
        match self.init(&InitRequest::Services)? {
            InitReply::Services(services) => Ok(services),
            other => Err(NsError::Lab(format!("an answer to another question: {other:?}"))),
        }
    }

    /// Returns the pid, inside the host, of a service that runs.
    ///
    /// # Errors
    /// When the host is down.
    pub fn service_pid(&self, name: &str) -> Result<Option<i32>, NsError> {
        Ok(self.services()?.into_iter().find(|s| s.name == name).and_then(|s| s.pid))
    }

    /// Sends a signal to a service's main process; its restart policy then applies.
    ///
    /// # Errors
    /// When the host is down or the service does not run.
    pub fn kill_service(&self, name: &str, signal: Signal) -> Result<(), NsError> {
        self.init(&InitRequest::Signal { name: name.to_owned(), signal: signal as i32 }).map(drop)
    }

    /// Stops a service until the next boot or [`Host::add_service`].
    ///
    /// # Errors
    /// When the host is down.
    pub fn stop_service(&self, name: &str) -> Result<(), NsError> {
        self.init(&InitRequest::Stop { name: name.to_owned() }).map(drop)
    }

    fn wait_until(
        &self,
        what: &str,
        limit: Duration,
        met: impl Fn(&HostStatus) -> bool,
    ) -> Result<HostStatus, NsError> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.status()?;
            if met(&status) {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(NsError::Late {
                    what: what.to_owned(),
                    waited: limit,
                    seen: format!("{status:?}"),
                });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn cut(&self, cut: Cut) -> Result<(), NsError> {
        self.lab(LabRequest::Cut { host: self.name().to_owned(), cut })
    }

    fn lab(&self, request: LabRequest) -> Result<(), NsError> {
        self.door.lab.request(&request)
    }

    fn init(&self, request: &InitRequest) -> Result<InitReply, NsError> {
        self.boot_id()?;
        let socket = io_dir(&self.door.lab.spec.dir, self.name()).join("init.sock");
        match ask(&socket, request)? {
            InitReply::Refused(why) => Err(NsError::Lab(format!("host {}: {why}", self.name()))),
            reply => Ok(reply),
        }
    }
}
