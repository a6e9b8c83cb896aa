//! The file server's other yardstick: what `scp` moves from file to file. The sshd is a throw-away one on the loopback, with a
//! host key, a configuration and a port of its own in a temporary directory; it is ended by its process id.

use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::{User, geteuid};

use super::echo::BoxError;
use super::master::free_port;

/// How long sshd may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Without it sshd does not start as root; a service manager makes it where there is one.
const PRIVILEGE_SEPARATION: &str = "/run/sshd";

/// A running sshd that lets the present user in. Dropping it ends it and removes what it needed.
pub struct Sshd {
    child: Child,
    dir: tempfile::TempDir,
    /// Removed again at the end.
    made: Option<PathBuf>,
}

impl Sshd {
    /// Starts one.
    ///
    /// # Errors
    /// In words, when this machine has none or it does not start.
    pub fn start() -> Result<Self, BoxError> {
        let sshd = find("sshd").ok_or("no sshd (Debian: openssh-server)")?;
        find("scp").ok_or("no scp (Debian: openssh-client)")?;
        let dir = tempfile::Builder::new().prefix("lab-bench-ssh-").tempdir()?;
        let port = free_port(TcpListener::bind)?;
        write_settings(dir.path(), port)?;
        let made = (geteuid().is_root() && std::fs::create_dir(PRIVILEGE_SEPARATION).is_ok())
            .then(|| PRIVILEGE_SEPARATION.into());
        let log = std::fs::File::create(dir.path().join("log"))?;
        let mut command = Command::new(sshd);
        command.args(["-D", "-e", "-f"]).arg(dir.path().join("sshd_config"));
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut sshd = Self { child, dir, made };
        sshd.wait_until_up(port)?;
        Ok(sshd)
    }

    /// Copies a file through it to a new one, which is removed again; returns what that took, from the command's start to its end.
    ///
    /// # Errors
    /// When it fails, or the file arrives with another size.
    pub fn copy(&self, from: &Path) -> Result<Duration, BoxError> {
        let to = self.dir.path().join("copy");
        let mut scp = Command::new("scp");
        scp.args(["-q", "-F"]).arg(self.dir.path().join("ssh_config"));
        scp.arg(format!("yardstick:{}", from.display())).arg(&to).stdin(Stdio::null());
        let start = Instant::now();
        let done = scp.output()?;
        let took = start.elapsed();
        if !done.status.success() {
            return Err(format!("scp: {}{}", String::from_utf8_lossy(&done.stderr), self.log()).into());
        }
        let (came, size) = (std::fs::metadata(&to)?.len(), std::fs::metadata(from)?.len());
        std::fs::remove_file(&to)?;
        if came == size { Ok(took) } else { Err(format!("scp: {came} of {size} bytes came").into()) }
    }

    fn wait_until_up(&mut self, port: u16) -> Result<(), BoxError> {
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("sshd ended with {status}: {}", self.log()).into());
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("sshd did not come up within {PATIENCE:?}: {}", self.log()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(made) = &self.made {
            let _ = std::fs::remove_dir(made);
        }
    }
}

/// Writes the keys and both ends' settings. What is not said is as OpenSSH has it, the cipher above all.
fn write_settings(dir: &Path, port: u16) -> Result<(), BoxError> {
    for key in ["host_key", "user_key"] {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(dir.join(key));
        let done = keygen.stdin(Stdio::null()).output()?;
        if !done.status.success() {
            return Err(format!("ssh-keygen: {}", String::from_utf8_lossy(&done.stderr)).into());
        }
    }
    let public = |key: &str| std::fs::read_to_string(dir.join(key).with_extension("pub"));
    std::fs::write(dir.join("authorized_keys"), public("user_key")?)?;
    std::fs::write(dir.join("known_hosts"), format!("yardstick {}", public("host_key")?))?;
    let place = dir.display();
    let mut server = String::new();
    writeln!(server, "Port {port}\nListenAddress 127.0.0.1\nHostKey {place}/host_key")?;
    writeln!(server, "AuthorizedKeysFile {place}/authorized_keys\nStrictModes no\nUsePAM no\nPidFile none")?;
    writeln!(server, "PasswordAuthentication no\nKbdInteractiveAuthentication no")?;
    writeln!(server, "PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp")?;
    std::fs::write(dir.join("sshd_config"), server)?;
    let user = User::from_uid(geteuid())?.ok_or("the present user has no name")?.name;
    let mut client = String::new();
    writeln!(client, "Host yardstick\nHostName 127.0.0.1\nHostKeyAlias yardstick\nPort {port}\nUser {user}")?;
    writeln!(client, "IdentityFile {place}/user_key\nIdentitiesOnly yes\nIdentityAgent none\nBatchMode yes")?;
    writeln!(client, "UserKnownHostsFile {place}/known_hosts\nGlobalKnownHostsFile none")?;
    std::fs::write(dir.join("ssh_config"), client)?;
    Ok(())
}

/// Finds a program, also where only the administrator's path leads.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(more).map(|dir| dir.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_and_one_that_is_not_there_is_not() {
        assert!(find("sh").is_some());
        assert!(find("lab-there-is-no-such-program").is_none());
    }

    #[test]
    fn a_file_comes_through_and_the_server_is_gone_afterwards() {
        let sshd = Sshd::start().expect("an sshd that starts (`cargo xtask test` says what it needs)");
        let file = tempfile::NamedTempFile::new().expect("made");
        std::fs::write(file.path(), vec![7; 100_000]).expect("written");
        sshd.copy(file.path()).expect("copies");
        let (pid, place) = (sshd.child.id(), sshd.dir.path().to_owned());
        drop(sshd);
        assert!(!Path::new(&format!("/proc/{pid}")).exists() && !place.exists());
    }
}
