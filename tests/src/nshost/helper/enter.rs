//! Running a command inside a lab from outside: what `nsenter` does, by the names of a lab.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use nix::sched::{CloneFlags, setns};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::setsid;

use super::super::NsError;
use super::super::error::Doing;
use super::super::words::{
    HELPER_INSIDE, HostStatus, LabReply, LabRequest, LabSpec, MARKER, PATH, ask, lab_socket,
};
use super::{EnterArgs, this_binary};

pub(super) fn enter(args: &EnterArgs) -> Result<ExitCode, NsError> {
    let spec = LabSpec::read(&args.lab)?;
    let target = Target::find(&args.lab, &args.place)?;
    // What lies in the machine's mount namespace is looked up before it is left.
    let helper = if target.is_host { PathBuf::from(HELPER_INSIDE) } else { this_binary()? };
    let here = std::env::current_dir().doing(|| "find the current directory".to_owned())?;
    let pid_file =
        args.pid_file.as_deref().map(|path| File::create(path).doing(|| format!("write {}", path.display())));
    let pid_file = pid_file.transpose()?;
    join_lab(&args.lab)?;
    target.join(&args.place)?;

    let mut command = Command::new(helper);
    command.args(["become", "--"]).args(&args.command);
    if target.is_host {
        command.env_clear().envs(host_environment(&spec.id)).current_dir("/root");
    } else {
        command.env(MARKER, &spec.id).current_dir(here);
    }
    command.envs(args.env.iter().filter_map(|pair| pair.split_once('=')));
    if let Some(cwd) = &args.cwd {
        command.current_dir(cwd);
    }
    let mut child = command.spawn().doing(|| format!("start a command in {}", args.place))?;
    if let Some(mut file) = pid_file {
        writeln!(file, "{}", child.id()).doing(|| "write the pid file".to_owned())?;
    }
    let status = child.wait().doing(|| format!("wait for a command in {}", args.place))?;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)))
}

/// The environment that every process of a host starts with.
pub(super) fn host_environment(lab: &str) -> BTreeMap<&str, &str> {
    BTreeMap::from([(MARKER, lab), ("PATH", PATH), ("HOME", "/root"), ("LANG", "C.UTF-8"), ("USER", "root")])
}

struct Target {
    pid: i32,
    is_host: bool,
}

impl Target {
    fn find(lab: &Path, name: &str) -> Result<Self, NsError> {
        let (places, hosts) = match ask(&lab_socket(lab), &LabRequest::Status)? {
            LabReply::Status { places, hosts } => (places, hosts),
            other => return Err(NsError::Lab(format!("{other:?}"))),
        };
        if let Some((_, pid)) = places.iter().find(|(place, _)| place == name) {
            return Ok(Self { pid: *pid, is_host: false });
        }
        match hosts.iter().find(|host| host.name == name) {
            Some(HostStatus { init: Some(pid), .. }) => Ok(Self { pid: *pid, is_host: true }),
            Some(host) => Err(NsError::Down {
                host: name.to_owned(),
                why: host.last_end.clone().unwrap_or_else(|| "never booted".to_owned()),
            }),
            None => {
                let known = places.iter().map(|p| p.0.as_str()).chain(hosts.iter().map(|h| h.name.as_str()));
                Err(NsError::Unknown { name: name.to_owned(), known: known.collect::<Vec<_>>().join(", ") })
            }
        }
    }

    /// Joins the namespaces of the target; a child of this process is then fully inside.
    fn join(&self, name: &str) -> Result<(), NsError> {
        let ns = |kind: &str| format!("/proc/{}/ns/{kind}", self.pid);
        // All are opened first: joining the mount namespace changes what /proc is.
        let files = ["pid", "uts", "ipc", "net", "mnt"].map(|kind| open(&ns(kind)));
        for file in files {
            setns(file?, CloneFlags::empty()).doing(|| format!("enter {name}"))?;
        }
        Ok(())
    }
}

/// Joins the lab's user namespace, if it has one of its own, and the switch's mount namespace, whose /proc shows
/// the processes of the lab by the pids that the switch knows.
fn join_lab(lab: &Path) -> Result<(), NsError> {
    let pid_file = lab.join("switch.pid");
    let pid = fs::read_to_string(&pid_file).doing(|| format!("read {}", pid_file.display()))?;
    let user = open(&format!("/proc/{pid}/ns/user"))?;
    let mounts = open(&format!("/proc/{pid}/ns/mnt"))?;
    let inode = |file: &File| file.metadata().map(|m| m.ino()).doing(|| "look at a namespace".to_owned());
    if inode(&user)? != inode(&open("/proc/self/ns/user")?)? {
        setns(user, CloneFlags::CLONE_NEWUSER).doing(|| "enter the lab's user namespace".to_owned())?;
    }
    setns(mounts, CloneFlags::CLONE_NEWNS).doing(|| "enter the lab's mount namespace".to_owned())
}

/// Runs a command in the network namespace of a process of the lab (a role of the switch's children).
pub(super) fn in_net(pid: i32, command: &[OsString]) -> Result<ExitCode, NsError> {
    let net = open(&format!("/proc/{pid}/ns/net"))?;
    setns(net, CloneFlags::CLONE_NEWNET).doing(|| format!("enter the network namespace of {pid}"))?;
    become_command(false, command)
}

/// Turns this process into the command. Its death signal ends it with the process that started it.
pub(super) fn become_command(session: bool, command: &[OsString]) -> Result<ExitCode, NsError> {
    set_pdeathsig(Signal::SIGKILL).doing(|| "ask for a death signal".to_owned())?;
    if session {
        setsid().doing(|| "start a session".to_owned())?;
    }
    let [program, arguments @ ..] = command else { return Ok(ExitCode::SUCCESS) };
    let error = Command::new(program).args(arguments).exec();
    if error.kind() == std::io::ErrorKind::NotFound {
        eprintln!("lab-nshost: {}: no such command", program.to_string_lossy());
        return Ok(ExitCode::from(127));
    }
    Err(error).doing(|| format!("run {}", program.to_string_lossy()))
}

fn open(path: &str) -> Result<File, NsError> {
    File::open(path).doing(|| format!("open {path}"))
}
