//! The keeper: starts the switch as pid 1 of the lab, and removes the lab's directory when the switch is gone.
//!
//! It stays in the owner's pid and mount namespaces, has no death signal and a process group of its own, so that neither
//! Ctrl-C nor the owner's death keeps it from tidying up. If it is killed itself, the kernel kills the switch.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitCode};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{getegid, geteuid, setsid};

use super::super::NsError;
use super::super::error::{Doing, chain};
use super::super::words::{LabSpec, PATH, Started};
use super::{rootfs, say, this_binary, tool};

pub(super) fn keep(dir: &Path) -> Result<ExitCode, NsError> {
    // EPERM: it leads a group of its own, as its owner starts it; that is enough to be out of the way of Ctrl-C.
    match setsid() {
        Ok(_) | Err(Errno::EPERM) => {}
        Err(error) => return Err(error).doing(|| "start a session".to_owned()),
    }
    // Whatever the owner's umask is, users inside of hosts can walk their file trees.
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    let outcome = start_switch(dir).and_then(|mut switch| stay_until_it_ends(&mut switch));
    if let Err(error) = &outcome {
        tell_owner(&Started::Failed(chain(error)))?;
    }
    remove(dir)?;
    outcome
}

fn start_switch(dir: &Path) -> Result<Child, NsError> {
    if LabSpec::read(dir)?.user_namespace {
        enter_user_namespace()?;
    }
    unshare(CloneFlags::CLONE_NEWPID).doing(|| "make a pid namespace".to_owned())?;
    watched_signals().thread_block().doing(|| "block signals".to_owned())?;
    let switch = Command::new(this_binary()?)
        .arg("switch")
        .arg(dir)
        .env("PATH", PATH)
        .spawn()
        .doing(|| "start the switch".to_owned())?;
    let pid_file = dir.join("switch.pid");
    fs::write(&pid_file, switch.id().to_string()).doing(|| format!("write {}", pid_file.display()))?;
    Ok(switch)
}

fn watched_signals() -> SigSet {
    [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect()
}

fn stay_until_it_ends(switch: &mut Child) -> Result<ExitCode, NsError> {
    loop {
        let ended = switch.try_wait().doing(|| "wait for the switch".to_owned())?;
        if let Some(status) = ended {
            return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        let signal = watched_signals().wait().doing(|| "wait for a signal".to_owned())?;
        if signal != Signal::SIGCHLD {
            // Killing pid 1 of the lab ends every process in it; the next turn reaps it.
            switch.kill().doing(|| "kill the switch".to_owned())?;
        }
    }
}

pub(super) fn tell_owner(started: &Started) -> Result<(), NsError> {
    let line = serde_json::to_string(started).map_err(std::io::Error::from);
    say(&line.doing(|| "describe the start".to_owned())?)
}

/// Removes the directory; a few attempts, because mounts of the dead lab may still be on their way out.
fn remove(dir: &Path) -> Result<(), NsError> {
    for _ in 0..50 {
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).doing(|| format!("remove {}", dir.display()));
            }
            _ => return Ok(()),
        }
    }
    fs::remove_dir_all(dir).doing(|| format!("remove {}", dir.display()))
}

/// Becomes root of a user namespace in which only the caller's own uid and gid exist.
fn enter_user_namespace() -> Result<(), NsError> {
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER).doing(|| "make a user namespace".to_owned())?;
    let write = |file: &str, text: String| fs::write(file, text).doing(|| format!("write {file}"));
    write("/proc/self/setgroups", "deny".to_owned())?;
    write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    write("/proc/self/gid_map", format!("0 {gid} 1"))
}

pub(super) fn probe_proc() -> Result<ExitCode, NsError> {
    rootfs::mount_proc(Path::new("/proc"))?;
    Ok(ExitCode::SUCCESS)
}

/// Tries, in namespaces that end with this process, each thing that a lab needs; one line per thing that fails.
pub(super) fn probe() -> Result<ExitCode, NsError> {
    let mut failed = false;
    let mut attempt = |what: &str, result: Result<(), NsError>| -> Result<bool, NsError> {
        let Err(error) = result else { return Ok(true) };
        failed = true;
        say(&format!("{what}\t{}", chain(&error)))?;
        Ok(false)
    };
    if !geteuid().is_root() && !attempt("user namespace", enter_user_namespace())? {
        return Ok(ExitCode::FAILURE);
    }
    let flags = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC;
    if !attempt("namespaces", unshare(flags).doing(|| "unshare mount, network, uts and ipc".to_owned()))? {
        return Ok(ExitCode::FAILURE);
    }
    if !attempt("private mounts", rootfs::make_private())? {
        return Ok(ExitCode::FAILURE);
    }
    attempt("overlay", rootfs::probe_overlay())?;
    attempt("sysfs", rootfs::mount_sys(Path::new("/sys")))?;
    let ip = |args: &str| tool(Command::new("ip").args(args.split(' ')).env("PATH", PATH));
    attempt("bridge", ip("link add lab0 type bridge"))?;
    attempt("veth", ip("link add p0 type veth peer name p1"))?;
    attempt("nftables", super::network::probe_filter())?;
    attempt(
        "tbf",
        tool(
            Command::new("tc")
                .args("qdisc replace dev p0 root tbf rate 100kbit burst 16kb latency 1s".split(' '))
                .env("PATH", PATH),
        ),
    )?;
    // Last, because a pid namespace whose first process ended takes no other; by a child, because only that is in it.
    let own_pids = unshare(CloneFlags::CLONE_NEWPID).doing(|| "make a pid namespace".to_owned());
    // Not by its path: an overlay that was tried above may hide that by now.
    let probe = || tool(Command::new("/proc/self/exe").arg("probe-proc"));
    attempt("proc", own_pids.and_then(|()| probe()))?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
