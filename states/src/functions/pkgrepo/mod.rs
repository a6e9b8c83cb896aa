//! Package repositories: lines and stanzas of apt, `.repo` files of zypper and dnf.

mod absent;
mod apt;
mod deb822;
mod files;
mod key;
mod managed;
mod rpm;

use std::path::PathBuf;
use std::sync::Arc;

use crate::function::{JobCtx, Registry, StateError};
use crate::host::PackageManager;

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(absent::Absent));
    registry.add_state(Arc::new(managed::Managed));
}

const APT_FILE: &str = "/etc/apt/sources.list";
const APT_DIR: &str = "/etc/apt/sources.list.d";

/// How repositories are written down here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Apt,
    Rpm {
        /// Where the files are.
        dir: &'static str,
        zypper: bool,
    },
}

fn style(ctx: &JobCtx<'_>) -> Result<Style, StateError> {
    Ok(match ctx.host.package_manager()? {
        PackageManager::Apt | PackageManager::Simulation => Style::Apt,
        PackageManager::Zypper | PackageManager::TransactionalUpdate => {
            Style::Rpm { dir: "/etc/zypp/repos.d", zypper: true }
        }
        PackageManager::Dnf => Style::Rpm { dir: "/etc/yum.repos.d", zypper: false },
    })
}

/// A file as it would be written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FileEdit {
    path: PathBuf,
    /// `None` removes it.
    text: Option<String>,
}
