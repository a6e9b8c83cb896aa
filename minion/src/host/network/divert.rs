//! A way around a port that does not forward yet: what comes in on one link is given to another one instead.
//!
//! A link that becomes a port hands its packets to the bridge a moment before the bridge takes them, and one that ceases to be
//! one does so a moment too long; what comes in meanwhile is thrown away. The kernel looks for a program of ours before it
//! looks for a bridge, so the packets of this machine can go round that moment. The program hangs on a descriptor: whatever
//! becomes of this process, the way around is gone with it, and nothing is left to clean up.
#![expect(
    unsafe_code,
    reason = "bpf() has no safe wrapper; each call passes a structure of ours and its size, and returns a descriptor that is ours"
)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use lab_states::host::Cause;
use nix::libc::{SYS_bpf, c_int, c_long, syscall};

/// Commands of `bpf()`, and what they are about.
const PROG_LOAD: c_int = 5;
const LINK_CREATE: c_int = 28;
const SCHED_CLS: u32 = 3;
const TCX_INGRESS: u32 = 46;
/// Fields of the packet's description that the program reads (`struct __sk_buff`).
const PROTOCOL: i16 = 16;
const VLAN_PRESENT: i16 = 20;
/// The kernel's function that gives a packet to another link, and its flag for "as if it had come in there".
const REDIRECT: i32 = 23;
const INGRESS: i32 = 1;
/// "Not mine": what would have happened without the program.
const NEXT: i32 = -1;

/// Packets of one link are given to another while this lives.
pub(super) struct Diversion {
    _link: OwnedFd,
}

/// One instruction (`struct bpf_insn`).
#[repr(C)]
#[derive(Clone, Copy)]
struct Instruction {
    code: u8,
    registers: u8,
    offset: i16,
    value: i32,
}

#[repr(C)]
struct ProgLoad {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log: [u64; 2],
    version: u32,
    flags: u32,
    name: [u8; 16],
}

#[repr(C)]
struct LinkCreate {
    program: u32,
    link: u32,
    attach: u32,
    flags: u32,
    relative: [u64; 2],
}

/// Gives what comes in on link `from` and is for this machine's IP, without a VLAN tag, to link `to`.
///
/// # Errors
/// When the kernel is older than 6.6 or forbids it.
pub(super) fn divert(from: u32, to: u32) -> Result<Diversion, Cause> {
    let program = program(to)?;
    let license = c"GPL";
    let load = ProgLoad {
        kind: SCHED_CLS,
        count: u32::try_from(program.len()).unwrap_or(u32::MAX),
        instructions: address(program.as_ptr()),
        license: address(license.as_ptr()),
        log: [0; 2],
        version: 0,
        flags: 0,
        name: *b"lab_take_over\0\0\0",
    };
    let program = bpf(PROG_LOAD, &load)?;
    let create = LinkCreate {
        program: u32::try_from(program.as_raw_fd()).unwrap_or(u32::MAX),
        link: from,
        attach: TCX_INGRESS,
        flags: 0,
        relative: [0; 2],
    };
    Ok(Diversion { _link: bpf(LINK_CREATE, &create)? })
}

/// Tagged packets are those of VLANs that stand on the link, and whatever is not IP is no business of this machine's: both
/// take their usual way.
fn program(to: u32) -> Result<[Instruction; 12], Cause> {
    let to = i32::try_from(to).map_err(|_| Cause::Other("the number of a link is too large".to_owned()))?;
    let network_order = |protocol: u16| i32::from(protocol.to_be());
    let i = |code, registers, offset, value| Instruction { code, registers, offset, value };
    let load = |offset| i(0x61, 0x12, offset, 0);
    let is = |protocol, skip| i(0x15, 0x02, skip, network_order(protocol));
    Ok([
        load(VLAN_PRESENT),
        i(0x55, 0x02, 4, 0),
        load(PROTOCOL),
        is(0x0800, 4),
        is(0x86dd, 3),
        is(0x0806, 2),
        i(0xb7, 0x00, 0, NEXT),
        i(0x95, 0x00, 0, 0),
        i(0xb7, 0x01, 0, to),
        i(0xb7, 0x02, 0, INGRESS),
        i(0x85, 0x00, 0, REDIRECT),
        i(0x95, 0x00, 0, 0),
    ])
}

fn address<T>(pointer: *const T) -> u64 {
    pointer.expose_provenance() as u64
}

fn bpf<T>(command: c_int, attributes: &T) -> Result<OwnedFd, Cause> {
    let size = c_long::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: the kernel reads `size` bytes, which are all of `attributes`; the places that these name (instructions, a license)
    // are alive until the caller returns, and read before the call does.
    let made = unsafe { syscall(SYS_bpf, c_long::from(command), &raw const *attributes, size) };
    let failed = || Cause::from(&io::Error::last_os_error());
    let number = c_int::try_from(made).ok().filter(|n| *n >= 0).ok_or_else(failed)?;
    // SAFETY: the kernel has just made it, for nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
