//! Small virtual machines with Debian's kernel, for what this machine's own kernel may lack: 802.1Q, bonds, VLAN
//! filtering, kernel modules, a power cut that loses what was not synced, a reboot that is one.
//!
//! A [`Case`] is a directory in `tests/vm/`: `run.sh`, which a busybox shell runs as the machine's init would, and
//! whatever files it uses (state trees). A stranger adds one without Rust; docs/testing.md has the words. QEMU runs it
//! under TCG, so no hardware virtualisation is needed: a machine is up in about three seconds.
//!
//! ```text
//! Kernel   Debian's, unpacked by xtask (`cargo xtask test` does it by itself)
//! Image    busybox + kmod + iproute2 + our binaries + all cases, as one ext4 disk; made once per content
//! initramfs  the disk's driver, which Debian's kernel has as a module
//! systemd  a whole Debian on a disk of its own, for the cases that want its init (`# system: systemd`)
//! Case     boots one machine, or two on one cable, follows their consoles, cuts their power when they ask for it
//! ```

mod case;
mod error;
mod image;
mod initramfs;
mod kernel;
mod machine;
mod systemd;

pub use case::{Case, Outcome, cases};
pub use error::VmError;
pub use image::Image;
pub use kernel::Kernel;
