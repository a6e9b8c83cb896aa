//! A place: a network namespace on the lab network over the machine's own files. The master runs in one, a remote
//! operator in another. The process does nothing but hold the namespaces; commands enter them.

use std::fs;
use std::io::{BufRead, stdin};
use std::path::Path;
use std::process::ExitCode;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{pause, sethostname};

use super::super::NsError;
use super::super::error::Doing;
use super::super::words::{MASTER_ADDRESS, OUTSIDE_ADDRESS};
use super::{network, rootfs, say};

pub(super) fn hold(dir: &Path, name: &str) -> Result<ExitCode, NsError> {
    set_pdeathsig(Signal::SIGKILL).doing(|| "ask for a death signal".to_owned())?;
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS)
        .doing(|| format!("make the namespaces of {name}"))?;
    rootfs::make_private()?;
    rootfs::mount_sys(Path::new("/sys"))?;
    let hosts = dir.join("hosts.txt");
    if fs::exists("/etc/hosts").unwrap_or(false) {
        mount(Some(&hosts), "/etc/hosts", None::<&str>, MsFlags::MS_BIND, None::<&str>)
            .doing(|| format!("show {} as /etc/hosts", hosts.display()))?;
    }
    sethostname(name).doing(|| format!("set the host name {name}"))?;
    say("ready")?;
    stdin().lock().read_line(&mut String::new()).doing(|| "wait for the cable".to_owned())?;
    network::configure(if name == "master" { MASTER_ADDRESS } else { OUTSIDE_ADDRESS })?;
    say("up")?;
    loop {
        pause();
    }
}
