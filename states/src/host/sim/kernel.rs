//! The simulated kernel: its settings and modules, mounts and swap are files below `/proc`, as on Linux, and the steps
//! change those.

use std::path::Path;

use super::super::{Cause, HostError, Kernel, MountRequest, Mounts};
use super::files::Node;
use super::{SimHost, State};

const MODULES: &str = "/proc/modules";
const MOUNTINFO: &str = "/proc/self/mountinfo";
const SWAPS: &str = "/proc/swaps";

impl SimHost {
    /// Gives the kernel a setting, `net.ipv4.ip_forward`.
    #[must_use]
    pub fn with_sysctl(self, key: &str, value: &str) -> Self {
        self.put_file(&format!("/proc/sys/{}", key.replace('.', "/")), format!("{value}\n"), 0o644);
        self
    }

    /// Loads a module behind the back of the functions.
    #[must_use]
    pub fn with_module(self, name: &str) -> Self {
        self.lock().append(MODULES, &module_line(name));
        self
    }

    /// Mounts something behind the back of the functions.
    #[must_use]
    pub fn with_mount(self, device: &str, target: &str, fstype: &str, options: &str) -> Self {
        {
            let mut state = self.lock();
            state.make_dirs(Path::new(target));
            let options: Vec<String> = options.split(',').map(str::to_owned).collect();
            let line = mount_line(device, Path::new(target), fstype, &options);
            state.append(MOUNTINFO, &line);
        }
        self
    }
}

impl State {
    fn lines(&self, path: &str) -> Vec<String> {
        let content = self.nodes.get(Path::new(path)).and_then(Node::content).unwrap_or_default();
        String::from_utf8_lossy(content).lines().map(str::to_owned).collect()
    }

    fn put_lines(&mut self, path: &str, lines: &[String]) {
        let path = Path::new(path);
        if let Some(parent) = path.parent() {
            self.make_dirs(parent);
        }
        let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
        let node = Node::file(text.into_bytes(), 0o444, self.seconds);
        self.nodes.insert(path.to_owned(), node);
    }

    fn append(&mut self, path: &str, line: &str) {
        let mut lines = self.lines(path);
        lines.push(line.to_owned());
        self.put_lines(path, &lines);
    }
}

fn module_line(name: &str) -> String {
    format!("{} 16384 0 - Live 0x0000000000000000", name.replace('-', "_"))
}

/// Writes a line as proc(5) describes it.
fn mount_line(device: &str, target: &Path, fstype: &str, options: &[String]) -> String {
    let escaped = |s: &str| s.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011");
    let invisible = ["defaults", "nofail", "remount", "bind", "auto", "loop", "_netdev"];
    let mut shown: Vec<&str> =
        options.iter().map(String::as_str).filter(|o| !invisible.contains(o)).collect();
    if !shown.contains(&"ro") && !shown.contains(&"rw") {
        shown.insert(0, "rw");
    }
    let (place, device) = (escaped(&target.display().to_string()), escaped(device));
    format!("40 22 0:40 / {place} {} - {fstype} {device} {}", shown.join(","), shown.join(","))
}

fn is_at(line: &str, target: &Path) -> bool {
    let place = target.display().to_string().replace(' ', "\\040");
    line.split(' ').nth(4) == Some(place.as_str())
}

impl Kernel for SimHost {
    fn kernel_write(&self, path: &Path, value: &[u8]) -> Result<(), HostError> {
        let mut state = self.lock();
        if state.nodes.get(path).and_then(Node::content).is_none() {
            return Err(HostError::at("write", path, Cause::NotFound));
        }
        state.write("write", &path.display().to_string())?;
        let value = String::from_utf8_lossy(value).split_whitespace().collect::<Vec<_>>().join("\t");
        let node = Node::file(format!("{value}\n").into_bytes(), 0o644, state.seconds);
        state.nodes.insert(path.to_owned(), node);
        Ok(())
    }

    fn module_load(&self, name: &str, _options: &[String]) -> Result<(), HostError> {
        let mut state = self.lock();
        state.write("load module", name)?;
        state.append(MODULES, &module_line(name));
        if name == "br_netfilter" {
            // Its settings come with it, which is what makes people need it.
            for key in ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"] {
                state.put_lines(&format!("/proc/sys/net/bridge/{key}"), &["1".to_owned()]);
            }
        }
        Ok(())
    }

    fn module_unload(&self, name: &str) -> Result<(), HostError> {
        let mut state = self.lock();
        let (name, lines) = (name.replace('-', "_"), state.lines(MODULES));
        let left: Vec<String> =
            lines.iter().filter(|l| l.split(' ').next() != Some(&name)).cloned().collect();
        if left.len() == lines.len() {
            return Err(HostError::new("unload module", name, Cause::NotFound));
        }
        state.write("unload module", &name)?;
        state.put_lines(MODULES, &left);
        Ok(())
    }

    fn set_hostname(&self, name: &str) -> Result<(), HostError> {
        let mut state = self.lock();
        state.write("set hostname", name)?;
        name.clone_into(&mut state.hostname);
        Ok(())
    }
}

impl Mounts for SimHost {
    fn mount(&self, request: &MountRequest) -> Result<(), HostError> {
        let MountRequest { device, target, fstype, options, user: _ } = request;
        let place = target.display().to_string();
        let mut state = self.lock();
        if !state.nodes.contains_key(target) {
            return Err(HostError::new("mount", place, Cause::NotFound));
        }
        state.write("mount", &place)?;
        let fstype = fstype.as_deref().unwrap_or("ext4");
        if options.iter().any(|o| o == "remount") {
            let mut lines = state.lines(MOUNTINFO);
            lines.retain(|l| !is_at(l, target));
            state.put_lines(MOUNTINFO, &lines);
        }
        state.append(MOUNTINFO, &mount_line(device, target, fstype, options));
        Ok(())
    }

    fn unmount(&self, target: &Path, _lazy: bool) -> Result<(), HostError> {
        let place = target.display().to_string();
        let mut state = self.lock();
        let mut lines = state.lines(MOUNTINFO);
        let Some(last) = lines.iter().rposition(|l| is_at(l, target)) else {
            return Err(HostError::other("unmount", place, "it is not mounted"));
        };
        state.write("unmount", &place)?;
        lines.remove(last);
        state.put_lines(MOUNTINFO, &lines);
        Ok(())
    }

    fn swap_on(&self, device: &Path) -> Result<(), HostError> {
        let place = device.display().to_string();
        let mut state = self.lock();
        state.write("swap on", &place)?;
        if state.lines(SWAPS).is_empty() {
            state.append(SWAPS, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority");
        }
        state.append(SWAPS, &format!("{place} file 1024 0 -2"));
        Ok(())
    }

    fn swap_off(&self, device: &Path) -> Result<(), HostError> {
        let place = device.display().to_string();
        let mut state = self.lock();
        state.write("swap off", &place)?;
        let mut lines = state.lines(SWAPS);
        lines.retain(|l| l.split_whitespace().next() != Some(&place));
        state.put_lines(SWAPS, &lines);
        Ok(())
    }
}
