//! The lab as the demo and the tests hold it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lab_proto::Event;

use super::files::{self, GATE, WITNESS};
use super::master::Master;
use super::tail::Watch;
use super::{CPLANE, KubicError, LIMIT, Node, Stop, Tail, WORKER, is_ready_of};
use crate::nshost::{Cmd, Host, HostSpec, Kept, Lab, Output, Place, Service, Signal, Traces};

/// Where the master is in the lab.
const MASTER: &str = "10.77.0.1";
/// Where minions keep what must outlive reboots; on a file system of its own, so that it can be filled.
const MINION_DATA: &str = "/var/lib/lab-minion";
const MINION_DATA_BYTES: u64 = 64 << 20;
/// The agent's service.
pub(super) const AGENT: &str = "lab-minion";

/// A master and two enrolled hosts. Dropping it takes everything down.
pub struct KubicLab {
    // Dropped in this order: readers, then the master, then the lab that they live in.
    tail: Tail,
    master: Mutex<Master>,
    lab: Lab,
    access: Access,
    stop: Stop,
}

/// How operators reach the master.
#[derive(Clone, Debug)]
struct Access {
    lab_master: PathBuf,
    identity: PathBuf,
    dir: PathBuf,
}

/// The description of a Kubic lab.
#[derive(Default)]
pub struct KubicBuilder {
    helper: Option<PathBuf>,
    held: Option<Node>,
    witnesses: bool,
    master_settings: Vec<(String, String)>,
    minion_settings: String,
    minion_env: Vec<(String, String)>,
    wrapper: Vec<String>,
    kubeadm: Option<PathBuf>,
    outside: bool,
    stop: Stop,
    watch: Option<Watch>,
    shape: Option<Box<dyn Fn(HostSpec) -> HostSpec>>,
}

impl KubicBuilder {
    /// Says where `lab-nshost` is; without this it is looked for.
    #[must_use]
    pub fn helper(mut self, path: impl Into<PathBuf>) -> Self {
        self.helper = Some(path.into());
        self
    }

    /// Lets this node wait at the beginning of its installation, until [`KubicLab::let_go`].
    #[must_use]
    pub fn hold_install(mut self, node: Node) -> Self {
        self.held = Some(node);
        self
    }

    /// Lets each SLS leave a line on its host whenever it is applied: see [`KubicLab::witness`].
    #[must_use]
    pub fn witnesses(mut self) -> Self {
        self.witnesses = true;
        self
    }

    /// Adds a line to the master's configuration: `link.heartbeat`, `"500ms"` (a TOML value).
    #[must_use]
    pub fn master_setting(mut self, key: &str, toml: &str) -> Self {
        self.master_settings.push((key.to_owned(), toml.to_owned()));
        self
    }

    /// Adds lines to the minions' configuration.
    #[must_use]
    pub fn minion_settings(mut self, toml: &str) -> Self {
        self.minion_settings.push_str(toml);
        self
    }

    /// Adds a variable to the environment of the minions.
    #[must_use]
    pub fn minion_env(mut self, name: &str, value: &str) -> Self {
        self.minion_env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs the master under a program: `strace -f …`.
    #[must_use]
    pub fn master_under(mut self, argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.wrapper = argv.into_iter().map(Into::into).collect();
        self
    }

    /// Puts another program in place of the kubeadm double.
    #[must_use]
    pub fn kubeadm(mut self, path: impl Into<PathBuf>) -> Self {
        self.kubeadm = Some(path.into());
        self
    }

    /// Adds the place of a remote operator.
    #[must_use]
    pub fn outside(mut self) -> Self {
        self.outside = true;
        self
    }

    /// Lets this end every wait.
    #[must_use]
    pub fn stop(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// Calls this for every event of the log.
    #[must_use]
    pub fn watch(mut self, watch: impl Fn(&Event) + Send + 'static) -> Self {
        self.watch = Some(Box::new(watch));
        self
    }

    /// Changes the description of each host.
    #[must_use]
    pub fn hosts(mut self, shape: impl Fn(HostSpec) -> HostSpec + 'static) -> Self {
        self.shape = Some(Box::new(shape));
        self
    }

    /// Makes the lab: hosts, master, tokens, enrolment; returns when both minions are ready.
    ///
    /// # Errors
    /// When a part of it does not come up.
    pub fn start(self) -> Result<KubicLab, KubicError> {
        let binaries = files::binaries()?;
        let kubeadm = self.kubeadm.clone().unwrap_or_else(files::kubeadm_double);
        let mut builder = Lab::builder().binaries(&binaries);
        for node in [CPLANE, WORKER] {
            let spec = node
                .spec()
                .state_dir(MINION_DATA, MINION_DATA_BYTES)
                .bind(&kubeadm, "/usr/local/bin/kubeadm");
            builder =
                builder.host(self.shape.as_ref().map_or_else(|| spec.clone(), |shape| shape(spec.clone())));
        }
        if let Some(helper) = &self.helper {
            builder = builder.helper(helper);
        }
        if self.outside {
            builder = builder.outside();
        }
        let lab = builder.start()?;
        // Inside the lab's directory, so that it goes with the lab.
        let dir = lab.dir().join("kubic");
        files::copy_example(&dir)?;
        if let Some(node) = &self.held {
            files::hold_install(&dir.join("states"), node)?;
        }
        if self.witnesses {
            files::add_witnesses(&dir.join("states"))?;
        }
        let config = dir.join("master.toml");
        files::spill(&config, &self.master_config(&dir))?;
        let lab_master = binaries.join("lab-master");
        let mut master = Master::new(lab_master.clone(), config, &dir, self.wrapper.clone());
        master.start(&lab, &self.stop)?;
        let access = Access { lab_master, identity: dir.join("master/operator"), dir };
        let (place, reach) = (lab.master(), access.clone());
        let tail = Tail::start(move || reach.command(&place), self.stop.clone(), self.watch);
        let kubic = KubicLab { tail, master: Mutex::new(master), lab, access, stop: self.stop };
        for node in [CPLANE, WORKER] {
            kubic.enrol(&node, &self.minion_settings, &self.minion_env)?;
        }
        for node in [CPLANE, WORKER] {
            kubic.tail.wait(&format!("{} to be ready", node.host), LIMIT, is_ready_of(node.id))?;
        }
        Ok(kubic)
    }

    fn master_config(&self, dir: &Path) -> String {
        let root = |name: &str| dir.join(name).display().to_string();
        let (data, states, pillar) = (root("master"), root("states"), root("pillar"));
        let mut text = format!(
            "listen = \"0.0.0.0:4510\"\ndata_dir = \"{data}\"\nfile_roots = [\"{states}\"]\npillar_roots = [\"{pillar}\"]\n\
             link.heartbeat = \"1s\"\n"
        );
        for (key, value) in &self.master_settings {
            text.push_str(&format!("{key} = {value}\n"));
        }
        text
    }
}

impl KubicLab {
    /// Begins the description of a lab.
    #[must_use]
    pub fn builder() -> KubicBuilder {
        KubicBuilder::default()
    }

    /// Returns the namespaced lab below.
    #[must_use]
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Returns the log as an independent process sees it.
    #[must_use]
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Returns the lab's own directory: copies of states and pillar, the master's data.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.access.dir
    }

    /// Returns the host of a node.
    ///
    /// # Panics
    /// Never: both nodes are in every lab.
    #[must_use]
    pub fn host(&self, node: &Node) -> Host {
        self.lab.host(node.host).expect("both nodes are hosts of the lab")
    }

    /// Returns what to look for after the lab has ended.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub fn traces(&self) -> Result<Traces, KubicError> {
        Ok(self.lab.traces()?)
    }

    /// Runs `lab-master` on the master, whatever comes of it.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn cli(&self, args: &[&str]) -> Result<Output, KubicError> {
        Ok(self.lab.master().exec(self.cmd(args))?)
    }

    /// Runs `lab-master` on the master; it has to succeed. Returns its standard output.
    ///
    /// # Errors
    /// Also when it fails, with what it said.
    pub fn run(&self, args: &[&str]) -> Result<String, KubicError> {
        let output = self.cli(args)?;
        match output.status.code() {
            Some(0) => Ok(output.stdout),
            code => Err(KubicError::Command {
                command: format!("lab-master {}", args.join(" ")),
                code: code.unwrap_or(-1),
                said: format!("{}{}", output.stdout, output.stderr).trim_end().to_owned(),
            }),
        }
    }

    /// Returns the command line of `lab-master ARGS` for this lab's places.
    #[must_use]
    pub fn cmd(&self, args: &[&str]) -> Cmd {
        self.cmd_as(&self.access.identity.display().to_string(), args)
    }

    /// As [`KubicLab::cmd`], with the identity in another directory.
    #[must_use]
    pub fn cmd_as(&self, identity: &str, args: &[&str]) -> Cmd {
        // By the environment, so that options can say otherwise.
        let argv = [self.access.lab_master.display().to_string()].into_iter();
        let argv = argv.chain(args.iter().map(|a| (*a).to_owned()));
        Cmd::new(argv).env("LAB_MASTER", MASTER).env("LAB_IDENTITY", identity)
    }

    /// Returns a [`Command`] that runs `lab-master` on the master; arguments are still to be added.
    #[must_use]
    pub fn command(&self) -> Command {
        self.access.command(&self.lab.master())
    }

    /// Kills the master as a crash would, and returns when it is dead.
    ///
    /// # Errors
    /// When it was not there.
    pub fn kill_master(&self) -> Result<(), KubicError> {
        self.master().end(Signal::SIGKILL)
    }

    /// Stops the master as systemd would, and returns when it has ended.
    ///
    /// # Errors
    /// When it was not there.
    pub fn stop_master(&self) -> Result<(), KubicError> {
        self.master().end(Signal::SIGTERM)
    }

    /// Starts the master, and returns when it is ready.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_master(&self) -> Result<(), KubicError> {
        self.master().start(&self.lab, &self.stop)?;
        self.tail.reconnect();
        Ok(())
    }

    /// Returns the master's pid while it runs.
    #[must_use]
    pub fn master_pid(&self) -> Option<i32> {
        self.master().pid()
    }

    /// Lets a held node go on with its installation.
    ///
    /// # Errors
    /// When the host is down.
    pub fn let_go(&self, node: &Node) -> Result<(), KubicError> {
        Ok(self.host(node).write(GATE, "")?)
    }

    /// Returns what the applied SLS left on a host since the last [`KubicLab::uninstall`]: their names, as they were applied.
    ///
    /// # Errors
    /// When the host is down.
    pub fn witness(&self, node: &Node) -> Result<Vec<String>, KubicError> {
        let text = self.host(node).run(Cmd::sh(&format!("cat {WITNESS} 2>/dev/null || true")))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Takes both nodes back to where they can be installed again: no cluster, no mark of an installation.
    ///
    /// # Errors
    /// When a host is down.
    pub fn uninstall(&self) -> Result<(), KubicError> {
        for node in [CPLANE, WORKER] {
            let line = format!(
                "kubeadm reset >/dev/null && rm -rf /etc/kubic /etc/kubernetes {GATE} {WITNESS} /run/kubic-api-checked"
            );
            self.host(&node).run(Cmd::sh(&line))?;
        }
        Ok(())
    }

    /// Leaves the lab running beyond this process. Returns how to end it, and the script that runs `lab-master` in it.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub fn keep(self) -> Result<(Kept, PathBuf), KubicError> {
        let Self { tail, master, lab, access, .. } = self;
        drop(tail);
        master.lock().unwrap_or_else(PoisonError::into_inner).forget();
        let script = access.script(&lab)?;
        Ok((lab.keep()?, script))
    }

    fn enrol(&self, node: &Node, settings: &str, env: &[(String, String)]) -> Result<(), KubicError> {
        let host = self.host(node);
        let config = format!("master = [\"{MASTER}\"]\nid = \"{}\"\n{settings}", node.id);
        host.write("/etc/lab/minion.toml", &config)?;
        let token = self.run(&["token", "create", "--id", node.id])?;
        host.run(Cmd::new(["lab-minion", "enrol"]).env("LAB_JOIN_TOKEN", token.trim()))?;
        let agent = Service::new(AGENT, ["lab-minion", "serve"]).env("NO_COLOR", "1");
        let agent = env.iter().fold(agent, |agent, (name, value)| agent.env(name, value));
        Ok(host.add_service(agent)?)
    }

    fn master(&self) -> MutexGuard<'_, Master> {
        self.master.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Access {
    fn argv(&self) -> Vec<String> {
        let text = |path: &Path| path.display().to_string();
        [text(&self.lab_master), "--master".into(), MASTER.into(), "--identity".into(), text(&self.identity)]
            .into()
    }

    fn command(&self, place: &Place) -> Command {
        let mut command = place.command();
        command.args(self.argv());
        command
    }

    /// Writes a script that runs `lab-master` inside of a lab that is kept.
    fn script(&self, lab: &Lab) -> Result<PathBuf, KubicError> {
        use std::os::unix::fs::PermissionsExt;

        use super::error::Doing;
        let command = self.command(&lab.master());
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let line = words.map(|w| format!("'{}'", w.to_string_lossy())).collect::<Vec<_>>().join(" ");
        let script = self.dir.join("lab-master");
        files::spill(&script, &format!("#!/bin/sh\nexec {line} \"$@\"\n"))?;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&script, mode).doing(|| format!("make {} executable", script.display()))?;
        Ok(script)
    }
}
