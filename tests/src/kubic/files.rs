//! What a Kubic lab needs of files: the binaries, a copy of the example, configurations.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::Doing;
use super::{KubicError, Node};

/// The example that the lab runs.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/kubic");
/// A file that lets a held node go on with its installation; in /run, so that a reboot forgets it.
pub(super) const GATE: &str = "/run/kubic-go";
/// Where applied SLS leave their names.
pub(super) const WITNESS: &str = "/root/witness";

/// Returns the kubeadm double.
pub(super) fn kubeadm_double() -> PathBuf {
    Path::new(EXAMPLE).join("kubeadm-double/kubeadm")
}

/// Finds the directory of the binaries: LAB_BINARIES, else beside the running one, or one above it.
///
/// # Errors
/// When they are not there, with the way to build them.
pub fn binaries() -> Result<PathBuf, KubicError> {
    let complete = |dir: &Path| ["lab-master", "lab-minion"].iter().all(|b| dir.join(b).is_file());
    if let Some(dir) = std::env::var_os("LAB_BINARIES") {
        let dir = PathBuf::from(dir);
        return if complete(&dir) { Ok(dir) } else { Err(KubicError::NoBinary(dir.join("lab-master"))) };
    }
    let exe = std::env::current_exe().doing(|| "find this binary".to_owned())?;
    let near = exe.ancestors().skip(1).take(2);
    let found = near.clone().find(|dir| complete(dir)).map(Path::to_owned);
    found.ok_or_else(|| KubicError::NoBinary(exe.with_file_name("lab-master")))
}

/// Copies the example's states and pillar below `to`.
pub(super) fn copy_example(to: &Path) -> Result<(), KubicError> {
    for part in ["states", "pillar"] {
        copy_tree(&Path::new(EXAMPLE).join(part), &to.join(part))?;
    }
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), KubicError> {
    let doing = || format!("copy {} to {}", from.display(), to.display());
    fs::create_dir_all(to).doing(doing)?;
    for entry in fs::read_dir(from).doing(doing)? {
        let entry = entry.doing(doing)?;
        let target = to.join(entry.file_name());
        if entry.file_type().doing(doing)?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).doing(doing)?;
        }
    }
    Ok(())
}

/// Lets a node wait at the beginning of its installation until the lab's owner lets it go on. This changes the
/// lab's copy of the example, never the example.
pub(super) fn hold_install(states: &Path, node: &Node) -> Result<(), KubicError> {
    let file = states.join("kubic/node.sls");
    let text = fs::read_to_string(&file).doing(|| format!("read {}", file.display()))?;
    let marker = "/etc/kubic/node.conf:\n";
    let held = format!(
        "{{% if grains['id'] == '{}' %}}\n\
         held back by the owner of this lab:\n  cmd.run:\n    - name: |\n\
         \x20       for _ in $(seq 1200); do [ -e {GATE} ] && exit 0; sleep 0.1; done\n\
         \x20       echo 'not let go on within two minutes' >&2; exit 1\n\
         {{% endif %}}\n\n{marker}",
        node.id
    );
    spill(&file, &text.replacen(marker, &held, 1))
}

/// Lets each of the example's SLS leave a line in [`WITNESS`] on its host whenever it is applied. This changes the lab's
/// copy of the example, never the example.
pub(super) fn add_witnesses(states: &Path) -> Result<(), KubicError> {
    // The reboot of a node is its last state; its witness comes before.
    for (name, before) in [("node", Some("reboot:\n")), ("control_plane", None), ("join", None)] {
        let file = states.join(format!("kubic/{name}.sls"));
        let text = fs::read_to_string(&file).doing(|| format!("read {}", file.display()))?;
        let witness = format!("witness of {name}:\n  cmd.run:\n    - name: echo {name} >> {WITNESS}\n\n");
        let text = match before {
            Some(marker) => text.replacen(marker, &format!("{witness}{marker}"), 1),
            None => format!("{text}\n{witness}"),
        };
        spill(&file, &text)?;
    }
    Ok(())
}

/// Writes a file and its directory.
pub(super) fn spill(file: &Path, text: &str) -> Result<(), KubicError> {
    let doing = || format!("write {}", file.display());
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir).doing(doing)?;
    }
    fs::write(file, text).doing(doing)
}
