//! The programs under test and the load generator, as cargo puts them beside this one, and children that end with us.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::echo::BoxError;

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `lab-master`.
    pub master: PathBuf,
    /// `lab-minion`.
    pub minion: PathBuf,
    /// `lab-bench-load`.
    pub load: PathBuf,
}

impl Programs {
    /// Finds them beside the running program.
    ///
    /// # Errors
    /// When one was not built.
    pub fn beside_this() -> Result<Self, BoxError> {
        let this = std::env::current_exe()?;
        let find = |name: &str| {
            let path = this.with_file_name(name);
            if path.exists() {
                Ok(path)
            } else {
                Err(format!("{} is not there; start this by `cargo xtask bench`", path.display()))
            }
        };
        Ok(Self { master: find("lab-master")?, minion: find("lab-minion")?, load: find("lab-bench-load")? })
    }
}

/// Lets this program and its children have as many files open as the system lets them: whoever starts a benchmark of ten
/// thousand endpoints need not think of it.
///
/// # Errors
/// When the system refuses.
pub fn raise_limits() -> nix::Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)
}

/// A child process whose output is read line by line. Dropping it ends it.
pub struct Helper {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Helper {
    /// Starts it.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(command: &mut Command) -> Result<Self, BoxError> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().ok_or("standard output is piped")?;
        Ok(Self { child, lines: BufReader::with_capacity(1 << 18, out) })
    }

    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns its next line, without its end.
    ///
    /// # Errors
    /// When its output ended.
    pub fn line(&mut self) -> Result<String, BoxError> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Err(format!("a helper ended early: {}", self.child.wait()?).into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// Waits for its end and returns what else it printed.
    ///
    /// # Errors
    /// When it fails.
    pub fn finish(mut self) -> Result<Vec<String>, BoxError> {
        let mut rest = Vec::new();
        for line in self.lines.by_ref().lines() {
            rest.push(line?);
        }
        let status = self.child.wait()?;
        if status.success() { Ok(rest) } else { Err(format!("a helper ended with {status}").into()) }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
