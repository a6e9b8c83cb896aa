//! Users and groups.

use super::HostError;

/// A user as the machine's account database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The number.
    pub uid: u32,
    /// The number of the main group.
    pub gid: u32,
    /// The home directory.
    pub home: String,
    /// The login shell.
    pub shell: String,
}

/// A group as the machine's account database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: String,
    /// The number.
    pub gid: u32,
}

/// Look-ups of users and groups.
pub trait Accounts: Send + Sync {
    /// Looks a user up by name.
    ///
    /// # Errors
    /// When the account database does not answer.
    fn user(&self, name: &str) -> Result<Option<User>, HostError>;

    /// Looks a user up by number.
    ///
    /// # Errors
    /// When the account database does not answer.
    fn user_by_id(&self, uid: u32) -> Result<Option<User>, HostError>;

    /// Looks a group up by name.
    ///
    /// # Errors
    /// When the account database does not answer.
    fn group(&self, name: &str) -> Result<Option<Group>, HostError>;

    /// Looks a group up by number.
    ///
    /// # Errors
    /// When the account database does not answer.
    fn group_by_id(&self, gid: u32) -> Result<Option<Group>, HostError>;
}
