//! Mounts and swap of this machine, through mount(8) and its companions: they know labels, loop devices and the helpers
//! of network file systems.

use std::path::Path;
use std::time::Duration;

use lab_states::host::{Cause, Command, Commands, HostError, MountRequest, Mounts, Output, Silent};

use super::LinuxHost;

/// A server that does not answer holds mount(8) up for minutes; this only bounds one that hangs for ever.
const LIMIT: Duration = Duration::from_secs(300);

impl Mounts for LinuxHost {
    fn mount(&self, request: &MountRequest) -> Result<(), HostError> {
        let MountRequest { device, target, fstype, options, user } = request;
        let place = target.display().to_string();
        let mut argv = vec!["mount".to_owned()];
        if !options.is_empty() {
            argv.extend(["-o".to_owned(), options.join(",")]);
        }
        if let Some(fstype) = fstype {
            argv.extend(["-t".to_owned(), fstype.clone()]);
        }
        argv.extend(["--".to_owned(), device.clone(), place.clone()]);
        let mut command = Command::argv(argv);
        command.user.clone_from(user);
        self.mount_tool("mount", &place, command)
    }

    fn unmount(&self, target: &Path, lazy: bool) -> Result<(), HostError> {
        let place = target.display().to_string();
        let mut argv = vec!["umount".to_owned()];
        if lazy {
            argv.push("--lazy".to_owned());
        }
        argv.extend(["--".to_owned(), place.clone()]);
        self.mount_tool("unmount", &place, Command::argv(argv))
    }

    fn swap_on(&self, device: &Path) -> Result<(), HostError> {
        let place = device.display().to_string();
        self.mount_tool("swap on", &place, Command::argv(["swapon", "--", &place]))
    }

    fn swap_off(&self, device: &Path) -> Result<(), HostError> {
        let place = device.display().to_string();
        self.mount_tool("swap off", &place, Command::argv(["swapoff", "--", &place]))
    }
}

impl LinuxHost {
    fn mount_tool(&self, action: &'static str, place: &str, mut command: Command) -> Result<(), HostError> {
        command.timeout = Some(LIMIT);
        let output: Output = self.run(&command, &Silent).map_err(|e| match e.cause {
            Cause::NotFound => {
                let why = "the program for it is not here (install the package util-linux)".to_owned();
                HostError::new(action, place, Cause::Unsupported(why))
            }
            cause => HostError::new(action, place, cause),
        })?;
        super::success(action, place, &output)
    }
}
