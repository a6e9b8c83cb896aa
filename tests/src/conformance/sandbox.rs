//! A throw-away copy of a case, in which `@ROOT@` is a real directory.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Case, TOKEN};

/// What stands at one path after a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// `file`, `dir`, `link` or `other`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The permission bits, `0644`.
    pub mode: Option<String>,
    /// Where a link leads.
    pub target: Option<String>,
    /// The hash of a file's content.
    pub sha256: Option<String>,
    /// The content, for people; not compared.
    pub text: Option<String>,
}

/// A case's directories; they go with it.
pub struct Sandbox {
    top: tempfile::TempDir,
    pillar: bool,
    grains: bool,
}

impl Sandbox {
    /// Copies a case.
    ///
    /// # Errors
    /// When the temporary directory cannot be filled.
    pub fn new(case: &Case) -> io::Result<Self> {
        let top = tempfile::Builder::new().prefix("lab-conformance-").tempdir()?;
        fs::set_permissions(top.path(), Permissions::from_mode(0o755))?;
        let (pillar, grains) = (case.dir.join("pillar").is_dir(), case.dir.join("grains.yaml").is_file());
        let sandbox = Self { top, pillar, grains };
        sandbox.copy_dir(&case.dir.join("states"), &sandbox.states())?;
        sandbox.copy_dir(&case.dir.join("root"), &sandbox.root())?;
        if pillar {
            sandbox.copy_dir(&case.dir.join("pillar"), &sandbox.path("pillar"))?;
        }
        if grains {
            sandbox.copy_file(&case.dir.join("grains.yaml"), &sandbox.path("grains.yaml"))?;
        }
        Ok(sandbox)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.top.path().join(name)
    }

    /// Returns the directory that `@ROOT@` stands for.
    pub fn root(&self) -> PathBuf {
        self.path("root")
    }

    /// Returns the state tree.
    pub fn states(&self) -> PathBuf {
        self.path("states")
    }

    /// Returns the pillar tree, if the case has one.
    pub fn pillar(&self) -> Option<PathBuf> {
        self.pillar.then(|| self.path("pillar"))
    }

    /// Returns the grains file, if the case has one.
    pub fn grains(&self) -> Option<PathBuf> {
        self.grains.then(|| self.path("grains.yaml"))
    }

    /// Replaces this sandbox's directories by what stands for them.
    pub fn neutral(&self, text: &str) -> String {
        let top = self.top.path().to_string_lossy();
        text.replace(&*self.root().to_string_lossy(), TOKEN).replace(&*top, "@TOP@")
    }

    /// Lists everything below `@ROOT@`, by path.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn snapshot(&self) -> io::Result<IndexMap<String, Entry>> {
        let mut out = IndexMap::new();
        self.list(&self.root(), "", &mut out)?;
        out.sort_keys();
        Ok(out)
    }

    fn list(&self, dir: &Path, below: &str, out: &mut IndexMap<String, Entry>) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let path = entry.path();
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            let meta = fs::symlink_metadata(&path)?;
            let mode = Some(format!("{:04o}", meta.permissions().mode() & 0o7777));
            let mut found = Entry { mode, ..Entry::default() };
            if meta.is_symlink() {
                found.kind = "link".to_owned();
                found.mode = None;
                found.target = Some(self.neutral(&fs::read_link(&path)?.to_string_lossy()));
            } else if meta.is_dir() {
                found.kind = "dir".to_owned();
                self.list(&path, &format!("{name}/"), out)?;
            } else if meta.is_file() {
                found.kind = "file".to_owned();
                let data =
                    replace(&fs::read(&path)?, self.root().as_os_str().as_encoded_bytes(), TOKEN.as_bytes());
                found.sha256 = Some(hex(&Sha256::digest(&data)));
                found.text = String::from_utf8(data).ok();
            } else {
                found.kind = "other".to_owned();
            }
            out.insert(name, found);
        }
        Ok(())
    }

    fn copy_dir(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::create_dir_all(to)?;
        fs::set_permissions(to, Permissions::from_mode(0o755))?;
        if !from.is_dir() {
            return Ok(());
        }
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            if entry.file_name() == ".keep" {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                let target =
                    fs::read_link(&from)?.to_string_lossy().replace(TOKEN, &self.root().to_string_lossy());
                symlink(target, to)?;
            } else if kind.is_dir() {
                self.copy_dir(&from, &to)?;
            } else {
                self.copy_file(&from, &to)?;
            }
        }
        Ok(())
    }

    fn copy_file(&self, from: &Path, to: &Path) -> io::Result<()> {
        let data = replace(&fs::read(from)?, TOKEN.as_bytes(), self.root().as_os_str().as_encoded_bytes());
        fs::write(to, data)?;
        // A version control system keeps the executable bit only, so nothing else may matter.
        let executable = fs::metadata(from)?.permissions().mode() & 0o100 != 0;
        fs::set_permissions(to, Permissions::from_mode(if executable { 0o755 } else { 0o644 }))
    }
}

fn replace(data: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while !rest.is_empty() {
        if rest.starts_with(from) {
            out.extend_from_slice(to);
            rest = &rest[from.len()..];
        } else {
            out.push(rest[0]);
            rest = &rest[1..];
        }
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
