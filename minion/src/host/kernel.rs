//! The kernel of this machine: its files, its modules through modprobe, its name.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use lab_states::host::{Cause, Command, Commands, HostError, Kernel, Silent};

use super::LinuxHost;

/// A module that waits for hardware may take long to load; this only bounds one that hangs.
const LIMIT: Duration = Duration::from_secs(120);

impl Kernel for LinuxHost {
    fn kernel_write(&self, path: &Path, value: &[u8]) -> Result<(), HostError> {
        // One write(2): the kernel takes each write as a whole value.
        OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(value))
            .map_err(|e| HostError::io("write", path, &e))
    }

    fn module_load(&self, name: &str, options: &[String]) -> Result<(), HostError> {
        let mut argv = vec!["modprobe".to_owned(), "--".to_owned(), name.to_owned()];
        argv.extend(options.iter().cloned());
        modprobe(self, "load module", name, argv)
    }

    fn module_unload(&self, name: &str) -> Result<(), HostError> {
        let argv = ["modprobe", "--remove", "--", name].map(str::to_owned).to_vec();
        modprobe(self, "unload module", name, argv)
    }

    fn set_hostname(&self, name: &str) -> Result<(), HostError> {
        nix::unistd::sethostname(name)
            .map_err(|e| HostError::new("set hostname", name, Cause::from(&std::io::Error::from(e))))
    }
}

fn modprobe(host: &LinuxHost, action: &'static str, name: &str, argv: Vec<String>) -> Result<(), HostError> {
    let unsupported = |why: &str| HostError::new(action, name, Cause::Unsupported(why.to_owned()));
    if !Path::new("/proc/modules").exists() {
        return Err(unsupported(
            "this kernel has no modules (it was built without, or a sandbox hides them)",
        ));
    }
    let mut command = Command::argv(argv);
    command.timeout = Some(LIMIT);
    let output = host.run(&command, &Silent).map_err(|e| match e.cause {
        Cause::NotFound => unsupported("there is no modprobe here (install the package kmod)"),
        cause => HostError::new(action, name, cause),
    })?;
    super::success(action, name, &output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_kernels_is_written_in_place_and_never_made() {
        let host = LinuxHost::new();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("value");
        assert!(host.kernel_write(&path, b"1").unwrap_err().is_not_found());
        assert!(!path.exists());
        // Both threads of this process may name themselves; the name is read back as the kernel keeps it.
        let comm = Path::new("/proc/thread-self/comm");
        host.kernel_write(comm, b"lab-test-comm").unwrap();
        assert_eq!(super::super::read_line(comm).unwrap(), "lab-test-comm");
    }

    #[test]
    fn a_module_that_is_not_there_is_an_error_that_names_it() {
        let error = LinuxHost::new().module_load("lab_no_such_module", &[]).unwrap_err();
        assert!(error.to_string().starts_with("cannot load module lab_no_such_module: "), "{error}");
    }
}
