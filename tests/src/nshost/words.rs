//! What the owner of a lab, its switch and the inits of its hosts say to each other, and how: one JSON line each
//! way over a Unix socket in the lab's directory.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::NsError;
use super::error::Doing;

/// The environment variable that every process of a lab carries; its value is the lab's id.
pub const MARKER: &str = "LAB_NSHOST";
/// What the names of labs, and of their directories, begin with.
pub(super) const DIRECTORY: &str = "lab-nshost-";
/// Prefix length of the lab network 10.77.0.0/24.
pub(super) const PREFIX: u8 = 24;
/// Where the `master` place is on the lab network.
pub(super) const MASTER_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// Where the `outside` place is on the lab network.
pub(super) const OUTSIDE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 254);
/// Commands are looked up here, inside hosts and by the switch.
pub(super) const PATH: &str =
    "/opt/lab/sbin:/opt/lab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The helper binary as seen from inside a host.
pub(super) const HELPER_INSIDE: &str = "/opt/lab/nshost";

/// One host, as asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostSpec {
    /// Host name and name in the lab.
    pub name: String,
    /// MAC address of its `eth0`.
    pub mac: String,
    /// Address of its `eth0` in 10.77.0.0/24.
    pub address: Ipv4Addr,
    /// Started at each boot, in this order.
    pub services: Vec<Service>,
    /// A directory of limited size that outlives reboots; what [`super::Host::fill_disk`] fills.
    pub state_dir: Option<StateDir>,
    /// Further directories or files of the machine, shown read-only.
    pub binds: Vec<Bind>,
    /// How long the host stays down between a reboot and the next boot.
    pub boot_delay: Duration,
    /// How long services have between SIGTERM and SIGKILL when the host goes down gracefully.
    pub grace: Duration,
}

impl HostSpec {
    /// A host with nothing but a name and an address.
    pub fn new(name: &str, mac: &str, address: impl Into<Ipv4Addr>) -> Self {
        Self {
            name: name.to_owned(),
            mac: mac.to_owned(),
            address: address.into(),
            services: Vec::new(),
            state_dir: None,
            binds: Vec::new(),
            boot_delay: Duration::ZERO,
            grace: Duration::from_secs(5),
        }
    }

    /// Starts this service at each boot.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// Puts `path` on a file system of `bytes` bytes of its own, kept across reboots.
    #[must_use]
    pub fn state_dir(mut self, path: &str, bytes: u64) -> Self {
        self.state_dir = Some(StateDir { path: path.into(), bytes });
        self
    }

    /// Shows a file or directory of the machine inside the host, read-only.
    #[must_use]
    pub fn bind(mut self, source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        self.binds.push(Bind { source: source.into(), target: target.into() });
        self
    }

    /// Sets how long a reboot leaves the host down.
    #[must_use]
    pub fn boot_delay(mut self, delay: Duration) -> Self {
        self.boot_delay = delay;
        self
    }

    /// Sets how long services have to end when the host goes down gracefully.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    pub(super) fn check(&self) -> Result<(), NsError> {
        let bad = |what, value: &str, why| NsError::BadSpec { what, value: value.to_owned(), why };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.len() > 32 || !self.name.chars().all(plain) {
            return Err(bad("host name", &self.name, "1 to 32 of a-z, 0-9 and -"));
        }
        if matches!(self.name.as_str(), "master" | "outside") {
            return Err(bad("host name", &self.name, "the lab has a place of that name"));
        }
        let bytes: Vec<_> = self.mac.split(':').map(|b| (b.len(), u8::from_str_radix(b, 16))).collect();
        let unicast = matches!(bytes.first(), Some((2, Ok(first))) if first & 1 == 0);
        if bytes.len() != 6 || !unicast || bytes.iter().any(|(len, b)| *len != 2 || b.is_err()) {
            return Err(bad("mac", &self.mac, "six hexadecimal pairs, and not a group address"));
        }
        let taken = [MASTER_ADDRESS, OUTSIDE_ADDRESS].contains(&self.address);
        if self.address.octets()[..3] != MASTER_ADDRESS.octets()[..3] || taken {
            return Err(bad("address", &self.address.to_string(), "10.77.0.2 to 10.77.0.253"));
        }
        Ok(())
    }
}

/// A size-limited directory of a host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StateDir {
    /// Where it is inside the host.
    pub path: PathBuf,
    /// How much it holds.
    pub bytes: u64,
}

/// A file or directory of the machine that a host sees read-only.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bind {
    /// On the machine.
    pub source: PathBuf,
    /// In the host.
    pub target: PathBuf,
}

/// A process that a host's init looks after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Names it in requests and its log.
    pub name: String,
    /// Program (looked up in the host's PATH) and arguments.
    pub argv: Vec<String>,
    /// Added to the host's environment.
    pub env: BTreeMap<String, String>,
    /// What to do when it ends by itself.
    pub restart: Restart,
}

impl Service {
    /// A service that is restarted 100 ms after it ended, as systemd's `Restart=always` does.
    pub fn new(name: &str, argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            name: name.to_owned(),
            argv: argv.into_iter().map(Into::into).collect(),
            env: BTreeMap::new(),
            restart: Restart::Always { delay: Duration::from_millis(100) },
        }
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets what happens when the process ends by itself.
    #[must_use]
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }
}

/// What init does when a service ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restart {
    /// Leaves it.
    Never,
    /// Starts it again after the delay.
    Always {
        /// Time between end and start.
        delay: Duration,
    },
}

/// What a service is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// Its pid inside the host while it runs.
    pub pid: Option<i32>,
    /// How often it was started in this boot.
    pub starts: u64,
    /// How its last process ended.
    pub last_end: Option<String>,
}

/// Whether a host is up, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostPhase {
    /// Its init runs: network and files are there, boot scripts and services are started or about to be.
    Up,
    /// It rebooted and its boot delay runs, or it is held down.
    Rebooting,
    /// It is off until told to boot.
    Off,
    /// Its last boot failed.
    Broken,
}

/// One host, as it is now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostStatus {
    /// Its name.
    pub name: String,
    /// Up or not.
    pub phase: HostPhase,
    /// The boot id of this boot, while up.
    pub boot_id: Option<String>,
    /// How many boots were completed since the lab started.
    pub boots: u64,
    /// Whether it stays down after the next reboot.
    pub held: bool,
    /// How the last boot ended.
    pub last_end: Option<String>,
    /// Its init, in the lab's pid namespace.
    pub(super) init: Option<i32>,
}

/// The lab, as it is written for the keeper and the switch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LabSpec {
    pub(super) id: String,
    pub(super) dir: PathBuf,
    pub(super) helper: PathBuf,
    pub(super) binaries: Option<PathBuf>,
    pub(super) outside: bool,
    pub(super) user_namespace: bool,
    pub(super) hosts: Vec<HostSpec>,
}

impl LabSpec {
    pub(super) fn write(&self) -> Result<(), NsError> {
        write_json(&self.dir.join("lab.json"), self)
    }

    pub(super) fn read(dir: &Path) -> Result<Self, NsError> {
        read_json(&dir.join("lab.json"))
    }
}

/// One boot of one host, as the switch writes it for the helper that carries it out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct BootPlan {
    pub(super) lab: String,
    pub(super) dir: PathBuf,
    pub(super) helper: PathBuf,
    pub(super) binaries: Option<PathBuf>,
    pub(super) user_namespace: bool,
    pub(super) boot_id: String,
    pub(super) host: HostSpec,
}

/// The line that the owner reads when the lab has started, or has not.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Started {
    Ready,
    Failed(String),
}

/// Which traffic of a host is dropped in the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Cut {
    None,
    FromMaster,
    FromAll,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum LabRequest {
    Status,
    Namespaces,
    Boot { host: String },
    CutPower { host: String },
    Hold { host: String, hold: bool },
    Cut { host: String, cut: Cut },
    Slow { host: String, kbit: Option<u32> },
    Fill { host: String },
    Free { host: String },
    AddService { host: String, service: Service },
    Keep,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum LabReply {
    Done,
    Status { places: Vec<(String, i32)>, hosts: Vec<HostStatus> },
    Namespaces(Vec<String>),
    Refused(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum InitRequest {
    Services,
    Start { service: Service },
    Stop { name: String },
    Signal { name: String, signal: i32 },
    Reboot,
    PowerOff,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum InitReply {
    Done,
    Services(Vec<ServiceStatus>),
    Refused(String),
}

/// Where the switch answers.
pub(super) fn lab_socket(dir: &Path) -> PathBuf {
    dir.join("lab.sock")
}

/// The directory of one host or place that both sides see: log/, init.sock.
pub(super) fn io_dir(dir: &Path, name: &str) -> PathBuf {
    dir.join("io").join(name)
}

/// Sends one request and reads its answer.
pub(super) fn ask<Q: Serialize, A: DeserializeOwned>(socket: &Path, request: &Q) -> Result<A, NsError> {
    let doing = || format!("ask {}", socket.display());
    let stream = UnixStream::connect(socket).doing(doing)?;
    // Longer than a boot may take: the switch answers nothing while it boots a host.
    stream.set_read_timeout(Some(Duration::from_secs(60))).doing(doing)?;
    let mut line = serde_json::to_vec(request).map_err(std::io::Error::from).doing(doing)?;
    line.push(b'\n');
    (&stream).write_all(&line).doing(doing)?;
    let mut answer = String::new();
    BufReader::new(&stream).read_line(&mut answer).doing(doing)?;
    serde_json::from_str(&answer).map_err(std::io::Error::from).doing(doing)
}

/// Accepts one connection, reads its request, and writes what `answer` makes of it.
pub(super) fn serve_one<Q: DeserializeOwned, A: Serialize>(
    listener: &UnixListener,
    answer: impl FnOnce(Q) -> A,
) -> Result<(), NsError> {
    let doing = || "answer a request".to_owned();
    let (stream, _) = listener.accept().doing(doing)?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).doing(doing)?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).doing(doing)?;
    let request = serde_json::from_str(&line).map_err(std::io::Error::from).doing(doing)?;
    let mut reply = serde_json::to_vec(&answer(request)).map_err(std::io::Error::from).doing(doing)?;
    reply.push(b'\n');
    (&stream).write_all(&reply).doing(doing)
}

pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), NsError> {
    let doing = || format!("write {}", path.display());
    let bytes = serde_json::to_vec_pretty(value).map_err(std::io::Error::from).doing(doing)?;
    std::fs::write(path, bytes).doing(doing)
}

pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, NsError> {
    let doing = || format!("read {}", path.display());
    let bytes = std::fs::read(path).doing(doing)?;
    serde_json::from_slice(&bytes).map_err(std::io::Error::from).doing(doing)
}
