//! Writes a confirmed change down for the next boot, and tells whoever owns the links.
//!
//! What is written is decided by [`lab_states::net::render`] from what the kernel has; here the files are found, checked by
//! the tools that will read them, and written so that a crash leaves the old or the new ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_states::host::{Command, Commands, Host, NetSnapshot, NetStep, Silent};
use lab_states::net::NetCall;
use lab_states::net::render::{Edit, Managers, Owned, Rendered, render};

use super::journal::{Journal, OldFile, Places, remove};
use crate::files;
use crate::host::LinuxHost;

/// How long a manager may take to read its files again.
const HAND_OVER: Duration = Duration::from_secs(20);
/// Where managers keep their files, and how these are named.
const CONFIGURATION: &[(&str, &[&str])] = &[
    ("/etc/netplan", &[".yaml"]),
    ("/etc/systemd/network", &[".network", ".netdev", ".link", ".conf"]),
    ("/run/systemd/network", &[".network"]),
    ("/usr/lib/systemd/network", &[".network"]),
    ("/etc/network/interfaces.d", &[""]),
    ("/etc/NetworkManager/system-connections", &[".nmconnection"]),
];

/// What is about to be written.
pub struct Writing {
    edits: Vec<Edit>,
    /// Whose a file was that is there no more and comes back, by path.
    owners: BTreeMap<String, (u32, u32)>,
    /// The commands that make managers read it.
    pub hand_over: Vec<Vec<String>>,
}

/// Decides what is written, and has it checked. Writes nothing but in a temporary directory.
///
/// # Errors
/// When a file cannot be read or a manager would not take what is to be written.
pub fn prepare(
    places: &Places,
    host: &dyn Host,
    journal: &Journal,
    after: &NetSnapshot,
) -> Result<Writing, String> {
    let managers = managers(after)?;
    let owned_file = places.owned();
    let earlier: Owned = read_json(&owned_file)?.unwrap_or_default();
    let Rendered { mut edits, mut hand_over, owned, notes } =
        render(&earlier, &journal.before, after, &journal.steps, &managers).map_err(|e| e.to_string())?;
    for note in notes {
        tracing::info!(note, "network configuration");
    }
    lint(host, &managers, &edits)?;
    edits.extend(journal.steps.iter().filter_map(|s| written_by(&s.step)));
    hand_over.extend(journal.steps.iter().filter_map(|s| restarted_by(&s.step)));
    let committed: Vec<NetCall> = read_json(&places.committed())?.unwrap_or_default();
    edits.push(own(&owned_file, &owned)?);
    let committed = merged(committed, &journal.calls);
    let have = |path: &str| fs::read_to_string(path).ok();
    edits.extend(lab_states::net::kernel_wants(&committed, host)?.files(have));
    edits.push(own(&places.committed(), &committed)?);
    Ok(Writing { edits, owners: BTreeMap::new(), hand_over })
}

/// Who reads a file that the change writes is started anew once it is written.
fn restarted_by(step: &NetStep) -> Option<Vec<String>> {
    let NetStep::RestartService { name } = step else { return None };
    Some(["systemctl", "restart", name].map(str::to_owned).to_vec())
}

impl Writing {
    /// Takes files as they are, from an earlier change.
    pub(super) fn of(files: &[OldFile], hand_over: Vec<Vec<String>>) -> Result<Self, String> {
        let text = |f: &OldFile| -> Result<Edit, String> {
            let bytes = f.bytes.as_ref().map(hex::decode).transpose().map_err(|e| e.to_string())?;
            let text = bytes.map(String::from_utf8).transpose().map_err(|e| e.to_string())?;
            Ok(Edit { path: f.path.display().to_string(), text, mode: f.mode })
        };
        let owners = files.iter().filter(|f| f.bytes.is_some());
        let owners = owners.map(|f| (f.path.display().to_string(), (f.uid, f.gid))).collect();
        Ok(Self { edits: files.iter().map(text).collect::<Result<_, _>>()?, owners, hand_over })
    }

    /// Reads the files as they are now.
    ///
    /// # Errors
    /// When one is there and cannot be read.
    pub fn old_files(&self) -> Result<Vec<OldFile>, String> {
        let one = |e: &Edit| {
            let mut old = OldFile::of(Path::new(&e.path)).map_err(|e| crate::chain(&e))?;
            old.written = e.text.as_ref().map(|t| lab_proto::Digest::of(t.as_bytes()).to_string());
            Ok(old)
        };
        self.edits.iter().map(one).collect()
    }

    /// Writes the files, durably.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn write(&self) -> Result<(), String> {
        self.edits.iter().try_for_each(|edit| {
            let path = Path::new(&edit.path);
            let chain = |e: files::FileError| crate::chain(&e);
            let Some(text) = &edit.text else { return remove(path).map_err(chain) };
            let old = OldFile::of(path).map_err(chain)?;
            let mode = if old.bytes.is_some() { old.mode } else { edit.mode };
            if let Some(dir) = path.parent() {
                files::make_dir(dir, 0o755).map_err(chain)?;
            }
            files::write_atomically(path, text.as_bytes(), mode).map_err(chain)?;
            let there = old.bytes.is_some().then_some((old.uid, old.gid));
            if let Some((uid, gid)) = there.or_else(|| self.owners.get(&edit.path).copied()) {
                std::os::unix::fs::chown(path, Some(uid), Some(gid))
                    .map_err(|e| format!("{}: {e}", edit.path))?;
            }
            Ok(())
        })
    }
}

fn own<T: serde::Serialize>(path: &Path, value: &T) -> Result<Edit, String> {
    let text = serde_json::to_string_pretty(value).map_err(|e| e.to_string())?;
    Ok(Edit { path: path.display().to_string(), text: Some(text), mode: 0o600 })
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, String> {
    let Some(bytes) = files::read_if_any(path).map_err(|e| crate::chain(&e))? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|e| format!("{}: {e}", path.display()))
}

/// Reads what was committed: all network states that hold here.
///
/// # Errors
/// When the file is damaged.
pub fn committed(places: &Places) -> Result<Vec<NetCall>, String> {
    Ok(read_json(&places.committed())?.unwrap_or_default())
}

/// Reads what lab owns.
///
/// # Errors
/// When the file is damaged.
pub fn owned(places: &Places) -> Result<Owned, String> {
    Ok(read_json(&places.owned())?.unwrap_or_default())
}

fn written_by(step: &NetStep) -> Option<Edit> {
    match step {
        NetStep::WriteFile { path, content } => {
            Some(Edit { path: path.clone(), text: content.clone(), mode: 0o644 })
        }
        _ => None,
    }
}

/// Lays new states over those that were committed: the same state replaces itself, `absent` ends `present`.
fn merged(committed: Vec<NetCall>, calls: &[NetCall]) -> Vec<NetCall> {
    let family = |c: &NetCall| c.function.split('.').next().unwrap_or("").to_owned();
    let mut all = committed;
    for call in calls {
        all.retain(|c| c.name != call.name || family(c) != family(call));
        if !call.function.ends_with(".absent") {
            all.push(call.clone());
        }
    }
    all
}

fn managers(after: &NetSnapshot) -> Result<Managers, String> {
    let mut found = BTreeMap::new();
    for (dir, endings) in CONFIGURATION {
        collect(Path::new(dir), endings, 1, &mut found)?;
    }
    let interfaces = Path::new("/etc/network/interfaces");
    if let Ok(text) = fs::read_to_string(interfaces) {
        found.insert(interfaces.display().to_string(), text);
    }
    let installed = |name: &str| {
        ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].iter().any(|d| Path::new(d).join(name).exists())
    };
    let running = running();
    let nm = running.contains("NetworkManager");
    Ok(Managers {
        netplan: installed("netplan"),
        networkd: running.contains("systemd-network"),
        ifupdown: installed("ifup"),
        network_manager: if nm { managed_by_nm(after) } else { BTreeSet::new() },
        files: found,
    })
}

fn collect(
    dir: &Path,
    endings: &[&str],
    depth: u8,
    found: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && depth > 0 {
            collect(&path, endings, depth - 1, found)?;
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        if !path.is_file() || name.starts_with('.') || !endings.iter().any(|e| name.ends_with(e)) {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        found.insert(path.display().to_string(), text);
    }
    Ok(())
}

/// Names the programs that run, as the kernel has them: at most 15 bytes.
fn running() -> BTreeSet<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|p| fs::read_to_string(p.path().join("comm")).ok())
        .map(|c| c.trim().to_owned())
        .collect()
}

fn managed_by_nm(after: &NetSnapshot) -> BTreeSet<String> {
    let managed = |index: u32| {
        fs::read_to_string(format!("/run/NetworkManager/devices/{index}"))
            .is_ok_and(|t| t.lines().any(|l| matches!(l.trim(), "managed=true" | "managed=full")))
    };
    after.links.iter().filter(|l| managed(l.index)).map(|l| l.name.clone()).collect()
}

/// Has netplan read what it would find, in a directory of its own.
fn lint(host: &dyn Commands, managers: &Managers, edits: &[Edit]) -> Result<(), String> {
    let is_ours = |path: &str| path.starts_with("/etc/netplan/");
    if !managers.netplan || !edits.iter().any(|e| is_ours(&e.path)) {
        return Ok(());
    }
    let mut all: BTreeMap<&str, Option<&str>> = managers
        .files
        .iter()
        .filter(|(p, _)| is_ours(p))
        .map(|(p, t)| (p.as_str(), Some(t.as_str())))
        .collect();
    all.extend(edits.iter().filter(|e| is_ours(&e.path)).map(|e| (e.path.as_str(), e.text.as_deref())));
    // A name that nobody guesses and a mode that lets nobody read: netplan's files may hold passwords.
    let root = tempfile::Builder::new()
        .prefix("lab-netplan-")
        .tempdir()
        .map_err(|e| format!("no directory to check the files in: {e}"))?;
    check_in(root.path(), &all, host)
}

fn check_in(root: &Path, all: &BTreeMap<&str, Option<&str>>, host: &dyn Commands) -> Result<(), String> {
    for (path, text) in all {
        let Some(text) = text else { continue };
        let to: PathBuf = root.join(path.trim_start_matches('/'));
        let dir = to.parent().unwrap_or(root);
        fs::create_dir_all(dir)
            .and_then(|()| fs::write(&to, text))
            .map_err(|e| format!("{}: {e}", to.display()))?;
    }
    let root = root.display().to_string();
    let mut command = Command::argv(["netplan", "generate", "--root-dir", &root]);
    command.timeout = Some(HAND_OVER);
    let output = host.run(&command, &Silent).map_err(|e| e.to_string())?;
    if output.exit.success() {
        return Ok(());
    }
    Err(format!("netplan does not take it: {}", output.stderr_text().replace(&root, "")))
}

/// Runs the commands of a hand-over; the first that fails ends it.
pub(super) fn run_all(commands: &[Vec<String>]) -> Result<(), String> {
    let host = LinuxHost::new();
    for argv in commands {
        let mut command = Command::argv(argv.iter().map(String::as_str));
        command.timeout = Some(HAND_OVER);
        let output = Commands::run(&host, &command, &Silent).map_err(|e| e.to_string())?;
        if !output.exit.success() {
            return Err(format!(
                "{} ended with {}: {}",
                command.line(),
                output.exit.code(),
                output.stderr_text()
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_proto::Map;

    fn call(function: &str, name: &str) -> NetCall {
        NetCall { function: function.to_owned(), name: name.to_owned(), args: Map::new() }
    }

    #[test]
    fn what_is_committed_is_the_last_word_about_each_thing() {
        let committed = vec![call("bridge.present", "br0"), call("veth.present", "va")];
        let after = merged(
            committed,
            &[call("bridge.present", "br0"), call("veth.absent", "va"), call("vlan.present", "br0")],
        );
        assert_eq!(after, [call("bridge.present", "br0"), call("vlan.present", "br0")]);
    }

    #[test]
    fn a_file_that_comes_back_is_its_owners_again_also_after_a_try_that_ended_half_way() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("interfaces");
        fs::write(&path, "auto lo\n").expect("written");
        // Only root can give a file away; for others the owner stays theirs.
        let owner = if nix::unistd::geteuid().is_root() { 65534 } else { nix::unistd::geteuid().as_raw() };
        std::os::unix::fs::chown(&path, Some(owner), None).expect("given");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
        let old = OldFile::of(&path).expect("read");
        let is_as_it_was = || {
            let meta = fs::metadata(&path).expect("there");
            assert_eq!((meta.uid(), meta.mode() & 0o7777), (owner, 0o640));
            assert_eq!(fs::read_to_string(&path).expect("read"), "auto lo\n");
        };

        fs::remove_file(&path).expect("removed");
        Writing::of(std::slice::from_ref(&old), Vec::new()).expect("text").write().expect("written");
        is_as_it_was();

        // The bytes are right, what came after them was not done.
        fs::remove_file(&path).expect("removed");
        fs::write(&path, "auto lo\n").expect("written");
        old.put_back().expect("put back");
        is_as_it_was();
    }
}
