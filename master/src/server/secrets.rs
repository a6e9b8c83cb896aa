//! The keys of pillar secrets: calls `age` and `gpg`, which hold them, and remembers what they answered.
//!
//! See docs/decisions/0011-secrets.md for why these are programs and no libraries.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use lab_states::pillar::secret::{Decrypt, Scheme};

/// So many decrypted values are remembered; pillar is rendered for every job.
const REMEMBERED: usize = 10_000;

/// Where the keys are.
pub(crate) struct Keys {
    age_identity: PathBuf,
    gpg_home: PathBuf,
    known: Mutex<BTreeMap<String, String>>,
}

impl Keys {
    pub(crate) fn new(age_identity: PathBuf, gpg_home: PathBuf) -> Self {
        Self { age_identity, gpg_home, known: Mutex::default() }
    }

    fn command(&self, scheme: Scheme) -> Result<Command, String> {
        let unset = |key: &str| format!("set secrets.{key} in the master's configuration");
        match scheme {
            Scheme::Age if self.age_identity.as_os_str().is_empty() => Err(unset("age_identity")),
            Scheme::Gpg if self.gpg_home.as_os_str().is_empty() => Err(unset("gpg_home")),
            Scheme::Age => {
                let mut age = Command::new("age");
                age.arg("--decrypt").arg("--identity").arg(&self.age_identity);
                Ok(age)
            }
            Scheme::Gpg => {
                let mut gpg = Command::new("gpg");
                gpg.arg("--homedir").arg(&self.gpg_home).args(["--batch", "--quiet", "--decrypt"]);
                Ok(gpg)
            }
        }
    }

    fn run(&self, scheme: Scheme, text: &str) -> Result<String, String> {
        let name = scheme.as_str();
        let failed = |what: &str| format!("cannot decrypt a secret with {name}: {what}");
        let mut command = self.command(scheme).map_err(|e| failed(&e))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| failed(&format!("{e}; install {name} on the master")))?;
        if let Some(mut input) = child.stdin.take() {
            // A program that does not read says why on its standard error.
            let _ = input.write_all(format!("{}\n", text.trim()).as_bytes());
        }
        let output = child.wait_with_output().map_err(|e| failed(&e.to_string()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let line = said.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("it says nothing");
            return Err(failed(line));
        }
        let plain = String::from_utf8(output.stdout).map_err(|_| failed("the secret is no UTF-8 text"))?;
        Ok(plain.strip_suffix('\n').map(str::to_owned).unwrap_or(plain))
    }
}

impl Decrypt for Keys {
    fn decrypt(&self, scheme: Scheme, text: &str) -> Result<String, String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
        if let Some(plain) = known {
            return Ok(plain);
        }
        let plain = self.run(scheme, text)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(text.to_owned(), plain.clone());
        Ok(plain)
    }
}
