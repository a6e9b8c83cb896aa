//! The executables that this site installed in place of modules: found on disk, added to the registry.

use std::fs;
use std::path::{Path, PathBuf};

use lab_states::function::{ExtensionKind, Registry};

/// Both kinds, with the folder that each has in the state tree and below the agent's data.
pub(super) const KINDS: [(ExtensionKind, &str, &str); 2] =
    [(ExtensionKind::Module, "_modules", "modules"), (ExtensionKind::State, "_states", "states")];

/// Adds every installed extension.
pub(super) fn register(registry: &mut Registry, dir: &Path) {
    for (kind, folder, _) in KINDS {
        for path in installed(&dir.join(folder)) {
            if let Some(module) = module_of(&path) {
                registry.add_extension(kind, module, &path);
            }
        }
    }
}

/// Lists what is installed in a folder, in order.
pub(super) fn installed(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.is_file() && module_of(path).is_some());
    found.sort();
    found
}

/// Returns the module that a file stands for: its name up to the first dot. Hidden and half-written files are none.
pub(super) fn module_of(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    let module = name.split('.').next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!module.is_empty() && !module.starts_with("__") && module.chars().all(plain)).then_some(module)
}
