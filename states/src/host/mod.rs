//! The only door to the machine: everything a state or execution function may see or do goes through [`Host`].
//!
//! Implemented by the minion for the machine it runs on and by [`sim::SimHost`] (feature `simulation`) for tests.
//! A host answers questions and carries out single steps; it never decides. All calls may block and take `&self`:
//! workers call them from several threads at once.

mod accounts;
mod archives;
mod commands;
mod error;
mod files;
mod kernel;
mod mounts;
mod network;
pub mod nowhere;
pub mod packages;
mod remote;
mod services;
#[cfg(feature = "simulation")]
pub mod sim;
mod system;

pub use accounts::{AccountStep, Accounts, Ageing, Group, NewUser, Shadow, User, UserAttributes};
pub use archives::{ArchiveEntry, ArchiveFormat, ArchiveKind, ArchiveSource, Archives, Extraction};
pub use commands::{Command, Commands, Exit, KILL_GRACE, Observer, Output, Program, Silent, Stream};
pub use error::{Cause, HostError};
pub use files::{CHANGED, FileKind, FileMeta, Files, Node, Seen, WriteOptions};
pub use kernel::Kernel;
pub use mounts::{MountRequest, Mounts};
pub use network::{
    Address, BondMode, BondOptions, BridgeOptions, LAB_ALIAS, LacpRate, Lifetime, Link, LinkKind, MAIN_TABLE,
    Mac, MacError, MacvlanMode, NET_FORMAT, Neighbour, NetClaim, NetSession, NetSnapshot, NetStep, Network,
    NewLink, PortState, PortVlan, Protocol, Route, RouteKey, RouteKind, Rule, RuleAction, TapOptions,
    VxlanOptions, WITHOUT_FIRST_LINK, XmitHashPolicy,
};
pub use packages::{
    Package, PackageAction, PackageChange, PackageJob, PackageManager, PackageOptions, PackagePlan,
    PackageSpec, Packages, VersionRules,
};
pub use remote::{HttpReply, HttpRequest, Remote};
pub use services::{ServiceAction, ServiceStatus, Services};
pub use system::{DiskUsage, PowerRequest, System};

/// A machine, real or simulated.
pub trait Host:
    Files + Commands + Services + Network + Accounts + Packages + System + Kernel + Mounts + Remote + Archives
{
}

impl<
    T: Files
        + Commands
        + Services
        + Network
        + Accounts
        + Packages
        + System
        + Kernel
        + Mounts
        + Remote
        + Archives,
> Host for T
{
}
