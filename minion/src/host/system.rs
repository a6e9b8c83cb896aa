//! This machine as a whole.

use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use lab_proto::BootId;
use lab_states::host::{Cause, DiskUsage, HostError, PowerRequest, System};
use nix::sys::statvfs::statvfs;

use super::{LinuxHost, MASK, read_line};

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const UPTIME: &str = "/proc/uptime";

impl System for LinuxHost {
    fn boot_id(&self) -> Result<BootId, HostError> {
        let text = read_line(BOOT_ID).map_err(|e| HostError::io("read", Path::new(BOOT_ID), &e))?;
        text.parse().map_err(|_| HostError::other("read", BOOT_ID, format!("{text:?} is no boot id")))
    }

    fn hostname(&self) -> Result<String, HostError> {
        let name = nix::unistd::gethostname()
            .map_err(|e| HostError::other("read", "hostname", e.desc().to_owned()))?;
        Ok(name.to_string_lossy().into_owned())
    }

    fn uptime(&self) -> Result<Duration, HostError> {
        let text = read_line(UPTIME).map_err(|e| HostError::io("read", Path::new(UPTIME), &e))?;
        let seconds = text.split_whitespace().next().and_then(|s| s.parse::<f64>().ok());
        seconds
            .and_then(|s| Duration::try_from_secs_f64(s).ok())
            .ok_or_else(|| HostError::other("read", UPTIME, format!("{text:?} does not begin with seconds")))
    }

    fn disk_usage(&self, path: &Path) -> Result<DiskUsage, HostError> {
        let s = statvfs(path).map_err(|e| HostError::io("measure", path, &e.into()))?;
        let block = s.fragment_size();
        Ok(DiskUsage {
            total: s.blocks().saturating_mul(block),
            free: s.blocks_free().saturating_mul(block),
            available: s.blocks_available().saturating_mul(block),
        })
    }

    fn env(&self, name: &str) -> Option<String> {
        let env = self.env.lock().unwrap_or_else(PoisonError::into_inner);
        env.get(name).cloned().unwrap_or_else(|| std::env::var(name).ok())
    }

    fn set_env(&self, name: &str, value: Option<&str>) {
        let mut env = self.env.lock().unwrap_or_else(PoisonError::into_inner);
        env.insert(name.to_owned(), value.map(str::to_owned));
    }

    fn umask(&self) -> u32 {
        MASK.get().unwrap_or(self.umask)
    }

    fn mask(&self, umask: Option<u32>) {
        MASK.set(umask);
    }

    fn request_power(&self, request: PowerRequest) -> Result<(), HostError> {
        let mut power = self.power.lock().unwrap_or_else(PoisonError::into_inner);
        if power.is_some_and(|other| other != request) {
            return Err(HostError::new("record", format!("{request:?}"), Cause::Exists));
        }
        *power = Some(request);
        Ok(())
    }

    fn power_request(&self) -> Option<PowerRequest> {
        *self.power.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
