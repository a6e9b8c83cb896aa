//! Services, whatever manages them on this machine.

use super::HostError;

/// What the manager knows about a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceStatus {
    /// Whether it runs.
    pub running: bool,
    /// Whether it starts at boot; `None` where the manager has no such notion for it (a static unit).
    pub enabled: Option<bool>,
    /// Whether it is masked: it cannot be started at all.
    pub masked: bool,
}

/// What can be done to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceAction {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Stop and start it.
    Restart,
    /// Let it read its configuration again.
    Reload,
    /// Start it at boot.
    Enable,
    /// Do not start it at boot.
    Disable,
    /// Make it impossible to start.
    Mask,
    /// Make it possible to start again.
    Unmask,
}

impl ServiceAction {
    /// Returns the verb that managers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Mask => "mask",
            Self::Unmask => "unmask",
        }
    }
}

/// Services.
pub trait Services: Send + Sync {
    /// Names what manages services here: `systemd`, `init.d`, `simulation`.
    fn service_manager(&self) -> &'static str;

    /// Looks at a service; `None` when the manager does not know it.
    ///
    /// # Errors
    /// When the manager does not answer.
    fn service(&self, name: &str) -> Result<Option<ServiceStatus>, HostError>;

    /// Lists the services that the manager knows, sorted.
    ///
    /// # Errors
    /// When the manager does not answer.
    fn service_list(&self) -> Result<Vec<String>, HostError>;

    /// Does something to a service and waits until the manager says that it is done.
    ///
    /// # Errors
    /// When the service is unknown or the manager reports a failure.
    fn service_act(&self, name: &str, action: ServiceAction) -> Result<(), HostError>;

    /// Lets the manager read the definitions of its services again. Managers that always read them have nothing to do.
    ///
    /// # Errors
    /// When the manager reports a failure.
    fn service_definitions_changed(&self) -> Result<(), HostError>;
}
