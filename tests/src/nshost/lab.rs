//! The lab as its owner holds it.

use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::unistd::geteuid;

use super::door::{Door, Place};
use super::error::Doing;
use super::traces::started;
use super::words::{DIRECTORY, HostStatus, LabReply, LabRequest, LabSpec, MARKER, Started, ask, lab_socket};
use super::{Host, HostSpec, NsError, Requirement, Traces, requirements};

/// A running lab. Dropping it takes everything down and waits until it is gone.
#[derive(Debug)]
pub struct Lab {
    shared: Arc<Shared>,
    keeper: Mutex<Option<Keeper>>,
}

#[derive(Debug)]
struct Keeper {
    process: Child,
    /// Held, never written: its end is what ends the lab.
    lifeline: ChildStdin,
}

/// What handles of a lab share: its description. They find its processes through its directory.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) spec: LabSpec,
}

impl Lab {
    /// Begins the description of a lab.
    #[must_use]
    pub fn builder() -> LabBuilder {
        LabBuilder::default()
    }

    /// Returns what this machine lacks to run labs, each with its remedy; empty when labs work.
    #[must_use]
    pub fn requirements(helper: &Path) -> Vec<Requirement> {
        requirements(helper)
    }

    /// Returns the id that marks every process of this lab.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.spec.id
    }

    /// Returns the lab's directory: logs, sockets, the layers of the hosts. It goes with the lab.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.shared.spec.dir
    }

    /// Whether the lab runs in a user namespace, with one uid mapped.
    #[must_use]
    pub fn is_unprivileged(&self) -> bool {
        self.shared.spec.user_namespace
    }

    /// Returns the place at 10.77.0.1 where the master runs.
    #[must_use]
    pub fn master(&self) -> Place {
        Place::new(Door::new(&self.shared, "master"))
    }

    /// Returns the place at 10.77.0.254, for a remote operator; only with [`LabBuilder::outside`].
    #[must_use]
    pub fn outside(&self) -> Option<Place> {
        self.shared.spec.outside.then(|| Place::new(Door::new(&self.shared, "outside")))
    }

    /// Returns one host.
    ///
    /// # Errors
    /// [`NsError::Unknown`] names the hosts that exist.
    pub fn host(&self, name: &str) -> Result<Host, NsError> {
        let known = || self.shared.spec.hosts.iter().map(|h| h.name.as_str());
        if known().any(|host| host == name) {
            return Ok(Host::new(Door::new(&self.shared, name)));
        }
        Err(NsError::Unknown { name: name.to_owned(), known: known().collect::<Vec<_>>().join(", ") })
    }

    /// Returns all hosts in the order of their description.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        self.shared.spec.hosts.iter().map(|h| Host::new(Door::new(&self.shared, &h.name))).collect()
    }

    /// Drops all traffic between a host and the master, in the switch: the host keeps its link, and the other hosts.
    ///
    /// # Errors
    /// When the lab does not answer or nftables fails.
    pub fn partition(&self, host: &Host) -> Result<(), NsError> {
        host.partition()
    }

    /// Ends [`Lab::partition`] (and [`Host::isolate`]).
    ///
    /// # Errors
    /// As [`Lab::partition`].
    pub fn heal(&self, host: &Host) -> Result<(), NsError> {
        host.heal()
    }

    /// Returns what can be looked for, after the lab has ended, to show that nothing is left of it.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub fn traces(&self) -> Result<Traces, NsError> {
        let keeper =
            self.keeper.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|k| k.process.id());
        let since = keeper.and_then(|pid| started(Path::new(&format!("/proc/{pid}"))));
        let since = since.ok_or_else(|| NsError::Lab("it has ended".to_owned()))?;
        match self.shared.ask(&LabRequest::Namespaces)? {
            LabReply::Namespaces(namespaces) => {
                Ok(Traces { id: self.id().to_owned(), dir: self.dir().to_owned(), namespaces, since })
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Returns the last `lines` lines of every log of the lab: its own, and those of each host and place.
    #[must_use]
    pub fn logs(&self, lines: usize) -> String {
        let mut files = vec![self.dir().join("lab.log")];
        for place in fs::read_dir(self.dir().join("io")).into_iter().flatten().flatten() {
            let logs = fs::read_dir(place.path().join("log")).into_iter().flatten().flatten();
            files.extend(logs.map(|entry| entry.path()));
        }
        files.sort();
        files.iter().map(|file| self.tail(file, lines)).collect()
    }

    fn tail(&self, file: &Path, lines: usize) -> String {
        let text = String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned();
        let all: Vec<_> = text.lines().collect();
        let last = all[all.len().saturating_sub(lines)..].iter().flat_map(|line| [line, "\n"]);
        let name = file.strip_prefix(self.dir().join("io")).unwrap_or(file).display().to_string();
        format!("==> {}\n{}", name.replace("/log/", "/"), last.collect::<String>())
    }

    /// Leaves the lab running beyond its owner; printing the result says how to enter and how to end it.
    ///
    /// # Errors
    /// When the lab does not answer; it is then taken down as usual.
    pub fn keep(self) -> Result<Kept, NsError> {
        self.shared.request(&LabRequest::Keep)?;
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        let keeper = keeper.ok_or_else(|| NsError::Lab("it has ended".to_owned()))?;
        drop(keeper.lifeline);
        Ok(Kept { keeper: keeper.process.id(), how_to_enter: self.how_to_enter() })
    }

    /// Says which commands enter the lab's hosts and places.
    #[must_use]
    pub fn how_to_enter(&self) -> String {
        let LabSpec { helper, dir, hosts, .. } = &self.shared.spec;
        let names = std::iter::once("master").chain(hosts.iter().map(|h| h.name.as_str()));
        let line =
            |name| format!("  {} enter --lab {} --place {name} -- bash\n", helper.display(), dir.display());
        format!(
            "enter the lab with\n{}logs are in {}/io/*/log\n",
            names.map(line).collect::<String>(),
            dir.display()
        )
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Keeper { mut process, lifeline }) = keeper else { return };
        if std::thread::panicking() {
            eprintln!("the logs of lab {}, which a failed test leaves now:\n{}", self.id(), self.logs(40));
        }
        drop(lifeline);
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            match process.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                _ => return,
            }
        }
        eprintln!("lab {}: its keeper (pid {}) has not ended in 30 s; killing it", self.id(), process.id());
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// A lab that outlives its owner.
#[derive(Debug)]
pub struct Kept {
    /// The process to send SIGTERM to: it then takes the lab down.
    pub keeper: u32,
    how_to_enter: String,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}end it with\n  kill {}\n", self.how_to_enter, self.keeper)
    }
}

/// The description of a lab.
#[derive(Clone, Debug, Default)]
pub struct LabBuilder {
    hosts: Vec<HostSpec>,
    helper: Option<PathBuf>,
    binaries: Option<PathBuf>,
    outside: bool,
}

impl LabBuilder {
    /// Adds a host.
    #[must_use]
    pub fn host(mut self, host: HostSpec) -> Self {
        self.hosts.push(host);
        self
    }

    /// Adds the second place, `outside`.
    #[must_use]
    pub fn outside(mut self) -> Self {
        self.outside = true;
        self
    }

    /// Shows this directory in every host, read-only, as /opt/lab/bin (which is in the PATH).
    #[must_use]
    pub fn binaries(mut self, dir: impl Into<PathBuf>) -> Self {
        self.binaries = Some(dir.into());
        self
    }

    /// Says where the binary `lab-nshost` is; without this, [`find_helper`] looks.
    #[must_use]
    pub fn helper(mut self, path: impl Into<PathBuf>) -> Self {
        self.helper = Some(path.into());
        self
    }

    /// Makes the lab and boots its hosts; returns when the inits of all of them run.
    ///
    /// # Errors
    /// When the description is not usable, the machine lacks something, or a host does not boot.
    pub fn start(self) -> Result<Lab, NsError> {
        let mut seen: Vec<&HostSpec> = Vec::new();
        for host in &self.hosts {
            host.check()?;
            let twin = |h: &&HostSpec| h.name == host.name || h.mac == host.mac || h.address == host.address;
            if seen.iter().any(twin) {
                let value = format!("{} {} {}", host.name, host.mac, host.address);
                return Err(NsError::BadSpec {
                    what: "host",
                    value,
                    why: "another host has that name or address",
                });
            }
            seen.push(host);
        }
        let helper = match self.helper {
            Some(path) => path,
            None => find_helper()?,
        };
        let helper = fs::canonicalize(&helper).map_err(|_| NsError::NoHelper(helper))?;
        let binaries = self
            .binaries
            .map(|dir| fs::canonicalize(&dir).doing(|| format!("find the binaries in {}", dir.display())));
        let dir = make_directory()?;
        let id = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let spec = LabSpec {
            id,
            dir,
            helper,
            binaries: binaries.transpose()?,
            outside: self.outside,
            user_namespace: !geteuid().is_root(),
            hosts: self.hosts,
        };
        start(spec)
    }
}

fn start(spec: LabSpec) -> Result<Lab, NsError> {
    spec.write()?;
    let log = spec.dir.join("lab.log");
    let log = fs::File::create(&log).doing(|| format!("write {}", log.display()))?;
    let mut process = Command::new(&spec.helper)
        .arg("keep")
        .arg(&spec.dir)
        // Not in our group: a Ctrl-C before it has blocked the signal would end it, and nobody else tidies up.
        .process_group(0)
        .env(MARKER, &spec.id)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .doing(|| format!("start {}", spec.helper.display()))?;
    let lifeline = process.stdin.take().expect("stdin was asked to be a pipe");
    let stdout = process.stdout.take().expect("stdout was asked to be a pipe");
    let (helper, dir) = (spec.helper.clone(), spec.dir.clone());
    // From here on, leaving this function takes down whatever was made.
    let lab =
        Lab { shared: Arc::new(Shared { spec }), keeper: Mutex::new(Some(Keeper { process, lifeline })) };
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).doing(|| "wait for the lab to start".to_owned())?;
    let reason = match serde_json::from_str(&line) {
        Ok(Started::Ready) => return Ok(lab),
        Ok(Started::Failed(reason)) => reason,
        Err(_) => format!("it ended without a word: {line:?}"),
    };
    drop(lab);
    // A keeper that was killed before it began has left this to us.
    if dir.exists() {
        fs::remove_dir_all(&dir).doing(|| format!("remove {}", dir.display()))?;
    }
    let missing = requirements(&helper);
    Err(if missing.is_empty() { NsError::Lab(reason) } else { NsError::Machine(missing) })
}

/// Finds `lab-nshost`: the variable LAB_NSHOST_BIN, or beside (or one above) the running binary.
///
/// # Errors
/// [`NsError::NoHelper`] says how to build it.
pub fn find_helper() -> Result<PathBuf, NsError> {
    if let Some(path) = std::env::var_os("LAB_NSHOST_BIN") {
        return Ok(path.into());
    }
    let exe = std::env::current_exe().doing(|| "find this binary".to_owned())?;
    let beside = exe.with_file_name("lab-nshost");
    let above = exe.parent().and_then(Path::parent).map(|dir| dir.join("lab-nshost"));
    let found = [Some(beside.clone()), above].into_iter().flatten().find(|path| path.is_file());
    found.ok_or(NsError::NoHelper(beside))
}

/// Makes the lab's directory outside of everything that hosts see through overlays: an overlay cannot have its
/// upper layer inside its lower one.
fn make_directory() -> Result<PathBuf, NsError> {
    let wanted = std::env::temp_dir();
    let overlaid = ["/etc", "/usr", "/var", "/srv", "/opt", "/root"];
    let usable = wanted.is_absolute() && !overlaid.iter().any(|dir| wanted.starts_with(dir));
    let base = if usable { wanted } else { PathBuf::from("/tmp") };
    let dir = tempfile::Builder::new().prefix(DIRECTORY).tempdir_in(&base);
    // The keeper removes it: it outlives this process when that is killed.
    Ok(dir.doing(|| format!("make a directory in {}", base.display()))?.keep())
}

impl Shared {
    pub(super) fn ask(&self, request: &LabRequest) -> Result<LabReply, NsError> {
        match ask(&lab_socket(&self.spec.dir), request)? {
            LabReply::Refused(why) => Err(NsError::Lab(why)),
            reply => Ok(reply),
        }
    }

    pub(super) fn request(&self, request: &LabRequest) -> Result<(), NsError> {
        match self.ask(request)? {
            LabReply::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) fn hosts(&self) -> Result<Vec<HostStatus>, NsError> {
        match self.ask(&LabRequest::Status)? {
            LabReply::Status { hosts, .. } => Ok(hosts),
            other => Err(unexpected(&other)),
        }
    }
}

fn unexpected(reply: &LabReply) -> NsError {
    NsError::Lab(format!("an answer to another question: {reply:?}"))
}
