//! A simulated machine for tests: files, users, services, links and scripted commands in memory.
//!
//! It is no machine and says so: commands that nobody scripted answer `simulation: …` with status 127. It counts every
//! write, so that "test mode writes nothing" can be asserted, and it can be told to fail the next step at a place.

mod accounts;
mod archives;
mod commands;
mod files;
mod kernel;
mod network;
mod packages;
mod remote;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use lab_proto::BootId;

use super::{
    Cause, Command, DiskUsage, Group, HostError, Mac, Neighbour, NetClaim, NetSnapshot, NetStep,
    PowerRequest, ServiceAction, ServiceStatus, Services, Shadow, System, User,
};
use files::Node;

/// What a scripted command answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimReply {
    /// Its status.
    pub code: i32,
    /// What it writes to standard output.
    pub stdout: String,
    /// What it writes to standard error.
    pub stderr: String,
    /// Files that it writes, as a real command would.
    pub writes: Vec<(PathBuf, Vec<u8>)>,
    /// How long it takes: one with a longer time than its timeout is killed.
    pub takes: Duration,
}

impl SimReply {
    /// Answers success with this output.
    pub fn ok(stdout: impl Into<String>) -> Self {
        Self { stdout: stdout.into(), ..Self::default() }
    }

    /// Answers a status.
    pub fn code(code: i32) -> Self {
        Self { code, ..Self::default() }
    }
}

type Script = Arc<dyn Fn(&Command) -> Option<SimReply> + Send + Sync>;

/// A simulated machine; see the module.
pub struct SimHost {
    state: Mutex<State>,
}

struct State {
    nodes: BTreeMap<PathBuf, Node>,
    users: Vec<User>,
    groups: Vec<Group>,
    shadows: BTreeMap<String, Shadow>,
    services: BTreeMap<String, ServiceStatus>,
    net: NetSnapshot,
    /// The network as it was read ahead of time.
    ahead: Option<NetSnapshot>,
    silent: Vec<NetClaim>,
    packages: packages::SimPackages,
    steps: Vec<NetStep>,
    scripts: Vec<Script>,
    commands: Vec<Command>,
    slept: Duration,
    writes: u64,
    faults: Vec<Fault>,
    power: Option<PowerRequest>,
    boot_id: BootId,
    uptime: Duration,
    hostname: String,
    seconds: i64,
    web: Vec<remote::Answer>,
    env: BTreeMap<String, String>,
}

struct Fault {
    action: &'static str,
    place: String,
    cause: Cause,
    after: u32,
}

impl Default for SimHost {
    fn default() -> Self {
        Self::new()
    }
}

impl SimHost {
    /// Makes a machine with `/`, `/etc`, `/tmp`, `/root`, the user root, and a loopback.
    pub fn new() -> Self {
        let mut nodes = BTreeMap::new();
        for dir in ["/", "/etc", "/root", "/usr", "/usr/bin", "/var", "/var/lib"] {
            nodes.insert(PathBuf::from(dir), Node::dir(0o755));
        }
        nodes.insert(PathBuf::from("/tmp"), Node::dir(0o1777));
        let root = User {
            name: "root".to_owned(),
            uid: 0,
            gid: 0,
            gecos: "root".to_owned(),
            home: "/root".to_owned(),
            shell: "/bin/sh".to_owned(),
        };
        let state = State {
            nodes,
            users: vec![root],
            groups: vec![Group { name: "root".to_owned(), gid: 0, members: vec![] }],
            shadows: BTreeMap::new(),
            services: BTreeMap::new(),
            net: network::loopback_only(),
            ahead: None,
            silent: Vec::new(),
            packages: packages::SimPackages::default(),
            steps: Vec::new(),
            scripts: Vec::new(),
            commands: Vec::new(),
            slept: Duration::ZERO,
            writes: 0,
            faults: Vec::new(),
            power: None,
            boot_id: BootId::from_u128(1),
            uptime: Duration::from_secs(3600),
            hostname: "simulated".to_owned(),
            web: Vec::new(),
            env: BTreeMap::new(),
            seconds: 1_000_000_000,
        };
        Self { state: Mutex::new(state) }
    }

    /// Adds a file with mode 0644, and the directories above it.
    #[must_use]
    pub fn with_file(self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.put_file(path, content, 0o644);
        self
    }

    /// Adds a directory with mode 0755, and those above it.
    #[must_use]
    pub fn with_dir(self, path: &str) -> Self {
        self.lock().make_dirs(Path::new(path));
        self
    }

    /// Adds a symbolic link, and the directories above it.
    #[must_use]
    pub fn with_symlink(self, path: &str, target: &str) -> Self {
        {
            let mut state = self.lock();
            if let Some(parent) = Path::new(path).parent() {
                state.make_dirs(parent);
            }
            state.nodes.insert(PathBuf::from(path), Node::symlink(target));
        }
        self
    }

    /// Adds a user with a group of the same name and number.
    #[must_use]
    pub fn with_user(self, name: &str, id: u32) -> Self {
        {
            let mut state = self.lock();
            state.groups.push(Group { name: name.to_owned(), gid: id, members: vec![] });
            state.users.push(User {
                name: name.to_owned(),
                uid: id,
                gid: id,
                gecos: String::new(),
                home: format!("/home/{name}"),
                shell: "/bin/sh".to_owned(),
            });
        }
        self
    }

    /// Adds a group.
    #[must_use]
    pub fn with_group(self, name: &str, gid: u32, members: &[&str]) -> Self {
        let members = members.iter().map(|m| (*m).to_owned()).collect();
        self.lock().groups.push(Group { name: name.to_owned(), gid, members });
        self
    }

    /// Adds a service.
    #[must_use]
    pub fn with_service(self, name: &str, running: bool, enabled: bool) -> Self {
        let status = ServiceStatus { running, enabled: Some(enabled), masked: false };
        self.lock().services.insert(name.to_owned(), status);
        self
    }

    /// Adds a network card with an address and, when given, a default route through a gateway on it.
    #[must_use]
    pub fn with_nic(self, name: &str, address: &str, gateway: Option<&str>) -> Self {
        network::add_nic(&mut self.lock().net, name, address, gateway);
        self
    }

    /// Adds another machine that nobody has heard of as yet, but that says whose an address is when it is asked on a link.
    #[must_use]
    pub fn with_silent_neighbour(self, ip: &str, link: &str, vlan: Option<u16>) -> Self {
        let ip = ip.parse().expect("tests give addresses like 10.0.0.7");
        self.lock().silent.push(NetClaim { ip, link: link.to_owned(), vlan });
        self
    }

    /// Adds another machine that was seen on a link.
    #[must_use]
    pub fn with_neighbour(self, ip: &str, link: &str) -> Self {
        let seen = Neighbour {
            ip: ip.parse().expect("tests give addresses like 10.0.0.7"),
            mac: Mac([2, 0, 0, 0, 0, 7]),
            link: link.to_owned(),
        };
        self.lock().net.neighbours.push(seen);
        self
    }

    /// Adds a script that may answer commands; later ones are asked first.
    #[must_use]
    pub fn with_script(self, script: impl Fn(&Command) -> Option<SimReply> + Send + Sync + 'static) -> Self {
        self.lock().scripts.push(Arc::new(script));
        self
    }

    /// Answers one command line always in the same way.
    #[must_use]
    pub fn with_command(self, line: &str, reply: SimReply) -> Self {
        let line = line.to_owned();
        self.with_script(move |c| (c.line() == line).then(|| reply.clone()))
    }

    /// Puts a file behind the back of the functions: not counted as a write.
    pub fn put_file(&self, path: &str, content: impl Into<Vec<u8>>, mode: u32) {
        let mut state = self.lock();
        if let Some(parent) = Path::new(path).parent() {
            state.make_dirs(parent);
        }
        let now = state.seconds;
        state.nodes.insert(PathBuf::from(path), Node::file(content.into(), mode, now));
    }

    /// Lets the step `action` fail at a place (a path, a service, a link; `*` for any) after it succeeded `after` times.
    pub fn fail(&self, action: &'static str, place: &str, cause: Cause, after: u32) {
        self.lock().faults.push(Fault { action, place: place.to_owned(), cause, after });
    }

    /// Returns how many steps changed something so far: files, services, links, power, and every command run.
    pub fn writes(&self) -> u64 {
        self.lock().writes
    }

    /// Returns the text of a file, if it is one.
    pub fn text(&self, path: &str) -> Option<String> {
        let state = self.lock();
        state
            .nodes
            .get(Path::new(path))
            .and_then(Node::content)
            .map(|c| String::from_utf8_lossy(c).into_owned())
    }

    /// Returns every path with its mode and content, to compare a machine with itself.
    pub fn tree(&self) -> IndexMap<PathBuf, String> {
        self.lock().nodes.iter().map(|(path, node)| (path.clone(), node.describe())).collect()
    }

    /// Returns the commands that were run.
    pub fn commands(&self) -> Vec<Command> {
        self.lock().commands.clone()
    }

    /// Reads the network ahead of time: the next question is answered with that, unless somebody says that it counts no more.
    pub fn read_ahead(&self) {
        let mut state = self.lock();
        state.ahead = Some(state.net.clone());
    }

    /// Returns the network steps that were taken.
    pub fn net_steps(&self) -> Vec<NetStep> {
        self.lock().steps.clone()
    }

    /// Returns how long functions have slept.
    pub fn slept(&self) -> Duration {
        self.lock().slept
    }

    /// Boots again: a new boot id, runtime gone, services back to what is enabled.
    pub fn reboot(&self) {
        let mut state = self.lock();
        state.boot_id = BootId::from_u128(state.boot_id.as_u128() + 1);
        state.uptime = Duration::ZERO;
        state.power = None;
        for status in state.services.values_mut() {
            status.running = status.enabled == Some(true) && !status.masked;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panicking test must not hide its own message behind a poisoned lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a write, or fails it where a fault was injected.
    fn write(&mut self, action: &'static str, place: &str) -> Result<(), HostError> {
        if let Some(fault) =
            self.faults.iter_mut().find(|f| f.action == action && (f.place == place || f.place == "*"))
        {
            if fault.after == 0 {
                return Err(HostError::new(action, place, fault.cause.clone()));
            }
            fault.after -= 1;
        }
        self.writes += 1;
        self.seconds += 1;
        Ok(())
    }
}

impl Services for SimHost {
    fn service_manager(&self) -> &'static str {
        "simulation"
    }

    fn service(&self, name: &str) -> Result<Option<ServiceStatus>, HostError> {
        Ok(self.lock().services.get(name).copied())
    }

    fn service_list(&self) -> Result<Vec<String>, HostError> {
        Ok(self.lock().services.keys().cloned().collect())
    }

    fn service_definitions_changed(&self) -> Result<(), HostError> {
        self.lock().write("reload", "service definitions")
    }

    fn service_act(&self, name: &str, action: ServiceAction) -> Result<(), HostError> {
        let mut state = self.lock();
        let verb = match action {
            ServiceAction::Start => "start service",
            ServiceAction::Stop => "stop service",
            ServiceAction::Restart => "restart service",
            ServiceAction::Reload => "reload service",
            ServiceAction::Enable => "enable service",
            ServiceAction::Disable => "disable service",
            ServiceAction::Mask => "mask service",
            ServiceAction::Unmask => "unmask service",
        };
        let unknown = ServiceStatus { running: false, enabled: None, masked: false };
        let mut status = match state.services.get(name) {
            Some(status) => *status,
            // What is not installed can be kept from starting all the same.
            None if action == ServiceAction::Mask => unknown,
            None => return Err(HostError::new(verb, name, Cause::NotFound)),
        };
        state.write(verb, name)?;
        match action {
            ServiceAction::Start | ServiceAction::Restart if status.masked => {
                return Err(HostError::other(verb, name, "the unit is masked"));
            }
            ServiceAction::Start | ServiceAction::Restart => status.running = true,
            ServiceAction::Stop => status.running = false,
            ServiceAction::Reload => {}
            ServiceAction::Enable => status.enabled = Some(true),
            ServiceAction::Disable => status.enabled = Some(false),
            ServiceAction::Mask => status.masked = true,
            ServiceAction::Unmask => status.masked = false,
        }
        state.services.insert(name.to_owned(), status);
        Ok(())
    }
}

impl System for SimHost {
    fn boot_id(&self) -> Result<BootId, HostError> {
        Ok(self.lock().boot_id)
    }

    fn hostname(&self) -> Result<String, HostError> {
        Ok(self.lock().hostname.clone())
    }

    fn uptime(&self) -> Result<Duration, HostError> {
        Ok(self.lock().uptime)
    }

    fn disk_usage(&self, path: &Path) -> Result<DiskUsage, HostError> {
        if !self.lock().nodes.contains_key(path) {
            return Err(HostError::at("measure", path, Cause::NotFound));
        }
        Ok(DiskUsage { total: 1 << 30, free: 1 << 29, available: 1 << 29 })
    }

    fn env(&self, name: &str) -> Option<String> {
        self.lock().env.get(name).cloned()
    }

    fn set_env(&self, name: &str, value: Option<&str>) {
        let mut state = self.lock();
        state.writes += 1;
        match value {
            Some(value) => state.env.insert(name.to_owned(), value.to_owned()),
            None => state.env.remove(name),
        };
    }

    fn umask(&self) -> u32 {
        0o022
    }

    fn request_power(&self, request: PowerRequest) -> Result<(), HostError> {
        let mut state = self.lock();
        if let Some(other) = state.power
            && other != request
        {
            return Err(HostError::new("record", format!("{request:?}"), Cause::Exists));
        }
        state.write("record", "power")?;
        state.power = Some(request);
        Ok(())
    }

    fn power_request(&self) -> Option<PowerRequest> {
        self.lock().power
    }
}
