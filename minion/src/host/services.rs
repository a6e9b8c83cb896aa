//! Services of this machine, through what manages them.
//!
//! With systemd running (it is the first process) that is `systemctl`. Else it is plain init scripts as System V
//! has them, which is what the namespaced test hosts use: `/etc/init.d/NAME start|stop|restart|reload|status` (status 0
//! = runs), enabled = a link `/etc/rc2.d/S??NAME`, masked = `/etc/init.d/NAME` links to `/dev/null`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_states::host::{
    Cause, Command, Commands, HostError, Output, ServiceAction, ServiceStatus, Services, Silent,
};

use super::{LinuxHost, success};

const INIT: &str = "/etc/init.d";
const RUNLEVEL: &str = "/etc/rc2.d";
/// A unit that takes longer to start has its own timeout in systemd (90 s by default); this only bounds a hung tool.
const LIMIT: Duration = Duration::from_secs(300);

impl Services for LinuxHost {
    fn service_manager(&self) -> &'static str {
        if crate::systemd::runs() { "systemd" } else { "init.d" }
    }

    fn service(&self, name: &str) -> Result<Option<ServiceStatus>, HostError> {
        if crate::systemd::runs() { self.unit(name) } else { self.script(name) }
    }

    fn service_list(&self) -> Result<Vec<String>, HostError> {
        if !crate::systemd::runs() {
            return Ok(names_in(Path::new(INIT)));
        }
        let argv = ["systemctl", "list-unit-files", "--type=service", "--no-legend", "--no-pager", "--plain"];
        let output = self.tool("list services", "systemd", &argv)?;
        let text = output.stdout_text();
        let units = text.lines().filter_map(|l| l.split_whitespace().next());
        Ok(units.map(|u| u.trim_end_matches(".service").to_owned()).collect())
    }

    fn service_definitions_changed(&self) -> Result<(), HostError> {
        if !crate::systemd::runs() {
            return Ok(());
        }
        let (action, argv) = ("read again", ["systemctl", "daemon-reload"]);
        success(action, "the units", &self.tool(action, "the units", &argv)?)
    }

    fn service_act(&self, name: &str, action: ServiceAction) -> Result<(), HostError> {
        if crate::systemd::runs() {
            if matches!(action, ServiceAction::Start | ServiceAction::Restart | ServiceAction::Reload) {
                self.read_changed_unit(name)?;
            }
            let argv = ["systemctl", action.as_str(), name];
            return success(action.as_str(), name, &self.tool(action.as_str(), name, &argv)?);
        }
        if !Path::new(INIT).join(name).exists() && action != ServiceAction::Unmask {
            return Err(HostError::new(action.as_str(), name, Cause::NotFound));
        }
        match action {
            ServiceAction::Start | ServiceAction::Stop | ServiceAction::Restart | ServiceAction::Reload => {
                let script = format!("{INIT}/{name}");
                let output = self.tool(action.as_str(), name, &[&script, action.as_str()])?;
                success(action.as_str(), name, &output)
            }
            ServiceAction::Enable => enable(name),
            ServiceAction::Disable => disable(name),
            ServiceAction::Mask | ServiceAction::Unmask => Err(HostError::new(
                action.as_str(),
                name,
                Cause::Unsupported("init scripts cannot be masked; systemd is not running here".to_owned()),
            )),
        }
    }
}

impl LinuxHost {
    fn tool(&self, action: &'static str, name: &str, argv: &[&str]) -> Result<Output, HostError> {
        let mut command = Command::argv(argv.iter().copied());
        command.timeout = Some(LIMIT);
        self.run(&command, &Silent).map_err(|e| HostError::new(action, name, e.cause))
    }

    fn unit(&self, name: &str) -> Result<Option<ServiceStatus>, HostError> {
        let argv = ["systemctl", "show", name, "--property=LoadState,ActiveState,SubState,UnitFileState"];
        let output = self.tool("look at service", name, &argv)?;
        success("look at service", name, &output)?;
        Ok(unit_status(&output.stdout_text()))
    }

    /// systemd goes by what it read last, also where the file of a unit has changed since.
    fn read_changed_unit(&self, name: &str) -> Result<(), HostError> {
        let argv = ["systemctl", "show", name, "--property=NeedDaemonReload"];
        let output = self.tool("look at service", name, &argv)?;
        if output.stdout_text().trim() == "NeedDaemonReload=yes" {
            self.service_definitions_changed()?;
        }
        Ok(())
    }

    fn script(&self, name: &str) -> Result<Option<ServiceStatus>, HostError> {
        let script = Path::new(INIT).join(name);
        if !script.is_file() {
            return Ok(None);
        }
        let output = self.tool("look at service", name, &[&script.to_string_lossy(), "status"])?;
        let enabled = Some(!start_links(name).is_empty());
        Ok(Some(ServiceStatus { running: output.exit.success(), enabled, masked: false }))
    }
}

fn unit_status(shown: &str) -> Option<ServiceStatus> {
    let field = |key: &str| shown.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('=')).unwrap_or("");
    let masked = field("LoadState") == "masked";
    if field("LoadState") == "not-found" {
        return None;
    }
    // One that dies again and again is waiting for its next try most of the time; that is not running.
    let running = match field("ActiveState") {
        "active" | "reloading" => true,
        "activating" => field("SubState") != "auto-restart",
        _ => false,
    };
    let enabled = match field("UnitFileState") {
        "enabled" | "enabled-runtime" | "alias" => Some(true),
        "disabled" | "linked" | "linked-runtime" | "masked" | "masked-runtime" => Some(false),
        _ => None,
    };
    Some(ServiceStatus { running, enabled, masked })
}

fn names_in(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// Returns the links that start a service at boot: `S` and two digits before its name.
fn start_links(name: &str) -> Vec<PathBuf> {
    let ours = |link: &String| {
        link.strip_prefix('S').is_some_and(|rest| {
            rest.get(2..) == Some(name) && rest.bytes().take(2).all(|b| b.is_ascii_digit())
        })
    };
    names_in(Path::new(RUNLEVEL)).into_iter().filter(ours).map(|l| Path::new(RUNLEVEL).join(l)).collect()
}

fn enable(name: &str) -> Result<(), HostError> {
    if !start_links(name).is_empty() {
        return Ok(());
    }
    let link = Path::new(RUNLEVEL).join(format!("S01{name}"));
    fs::create_dir_all(RUNLEVEL)
        .and_then(|()| symlink(format!("../init.d/{name}"), &link))
        .map_err(|e| HostError::io("enable", &link, &e))
}

fn disable(name: &str) -> Result<(), HostError> {
    for link in start_links(name) {
        fs::remove_file(&link).map_err(|e| HostError::io("disable", &link, &e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemctl_shows_becomes_a_status() {
        let shown = |load: &str, active: &str, file: &str| {
            unit_status(&format!("LoadState={load}\nActiveState={active}\nUnitFileState={file}"))
        };
        let status = |running, enabled, masked| Some(ServiceStatus { running, enabled, masked });
        assert_eq!(shown("loaded", "active", "enabled"), status(true, Some(true), false));
        assert_eq!(shown("loaded", "failed", "disabled"), status(false, Some(false), false));
        assert_eq!(shown("loaded", "active", "static"), status(true, None, false));
        assert_eq!(shown("masked", "inactive", "masked"), status(false, Some(false), true));
        let dying = "LoadState=loaded\nActiveState=activating\nSubState=auto-restart\nUnitFileState=enabled";
        assert_eq!(unit_status(dying), status(false, Some(true), false));
        assert_eq!(shown("loaded", "activating", "linked"), status(true, Some(false), false));
        assert_eq!(shown("not-found", "inactive", ""), None);
    }
}
