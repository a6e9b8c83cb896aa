//! Taps: netlink makes none, the device `/dev/net/tun` does.
#![expect(
    unsafe_code,
    reason = "the kernel makes taps by ioctl only; each call passes a number or a structure of ours"
)]

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;

use lab_states::host::{Cause, TapOptions};
use nix::errno::Errno;
use nix::libc::{IFF_MULTI_QUEUE, IFF_NO_PI, IFF_TAP, IFF_TUN, IFF_VNET_HDR, IFNAMSIZ, c_int, c_short};

/// The kernel's `struct ifreq` with the part of its union that matters here, at its full size.
#[repr(C)]
struct Request {
    name: [u8; IFNAMSIZ],
    flags: c_short,
    rest: [u8; 22],
}

nix::ioctl_write_ptr_bad!(set_iff, nix::request_code_write!(b'T', 202, size_of::<c_int>()), Request);
nix::ioctl_write_int_bad!(set_persist, nix::request_code_write!(b'T', 203, size_of::<c_int>()));
nix::ioctl_write_int_bad!(set_owner, nix::request_code_write!(b'T', 204, size_of::<c_int>()));
nix::ioctl_write_int_bad!(set_group, nix::request_code_write!(b'T', 206, size_of::<c_int>()));

/// A tap that this process holds open. One that is not told to persist goes when it is closed.
pub(super) struct Tap(File);

/// Makes a tap, or opens one that is there, and says who may open it.
pub(super) fn open(name: &str, options: &TapOptions) -> Result<Tap, Cause> {
    let file = OpenOptions::new().read(true).write(true).open("/dev/net/tun").map_err(|e| {
        if e.kind() == std::io::ErrorKind::NotFound {
            return Cause::Unsupported("there is no /dev/net/tun: load the module tun".to_owned());
        }
        Cause::from(&e)
    })?;
    let tap = Tap(file);
    tap.attach(name, options)?;
    let fd = tap.0.as_raw_fd();
    let number = |id: u32| c_int::try_from(id).map_err(|_| Cause::Other(format!("{id} is no user or group")));
    if let Some(owner) = options.owner {
        let owner = number(owner)?;
        // SAFETY: the descriptor is open for as long as `tap` lives, and the call takes a number.
        unsafe { set_owner(fd, owner) }.map_err(refused)?;
    }
    if let Some(group) = options.group {
        let group = number(group)?;
        // SAFETY: as above.
        unsafe { set_group(fd, group) }.map_err(refused)?;
    }
    Ok(tap)
}

impl Tap {
    fn attach(&self, name: &str, options: &TapOptions) -> Result<(), Cause> {
        let TapOptions { tun, multi_queue, vnet_hdr, .. } = *options;
        let mut flags = IFF_NO_PI | if tun { IFF_TUN } else { IFF_TAP };
        if multi_queue {
            flags |= IFF_MULTI_QUEUE;
        }
        if vnet_hdr {
            flags |= IFF_VNET_HDR;
        }
        let flags = c_short::try_from(flags).map_err(|_| Cause::Other("flags out of range".to_owned()))?;
        let mut request = Request { name: [0; IFNAMSIZ], flags, rest: [0; 22] };
        // The last byte stays zero: the kernel reads the name up to it.
        let bytes = name.as_bytes();
        if bytes.len() >= IFNAMSIZ {
            return Err(Cause::Other(format!("{name} is longer than 15 bytes")));
        }
        request.name[..bytes.len()].copy_from_slice(bytes);
        // SAFETY: the descriptor is open; the kernel reads a whole `ifreq`, which `Request` is in size and layout.
        unsafe { set_iff(self.0.as_raw_fd(), &raw const request) }.map(drop).map_err(|e| match e {
            Errno::EBUSY => Cause::Other("a program (a virtual machine?) has it open".to_owned()),
            other => refused(other),
        })
    }

    /// Lets the tap outlive this process.
    pub(super) fn persist(&self) -> Result<(), Cause> {
        // SAFETY: the descriptor is open for as long as `self` lives, and the call takes a number.
        unsafe { set_persist(self.0.as_raw_fd(), 1) }.map(drop).map_err(refused)
    }
}

fn refused(e: Errno) -> Cause {
    Cause::from(&std::io::Error::from(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_as_large_as_the_kernels_ifreq() {
        assert_eq!(size_of::<Request>(), size_of::<nix::libc::ifreq>());
    }
}
