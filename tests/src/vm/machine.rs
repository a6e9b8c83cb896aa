//! One virtual machine: QEMU, its console, its life.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::image::{find, run};
use super::{Image, VmError};

/// Words that keep the kernel quick and quiet under emulation (measured; see docs/testing.md).
const KERNEL_WORDS: &str = "console=ttyS0 quiet loglevel=3 mitigations=off nokaslr audit=0 \
     nowatchdog no_timer_check tsc=reliable cryptomgr.notests=1 random.trust_cpu=on panic=-1 net.ifnames=0";

/// Further words where systemd is the first process: nothing of its own on the slow console.
const SYSTEMD_WORDS: &str = "systemd.show_status=0 systemd.log_level=notice lsm=capability";

/// How often a machine that says nothing is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What a machine is started with.
#[derive(Clone, Debug)]
pub(super) struct Setup<'a> {
    pub(super) image: &'a Image,
    /// The case's name.
    pub(super) case: &'a str,
    /// `a`, or `b` of two.
    pub(super) host: char,
    pub(super) modules: &'a str,
    /// In MiB.
    pub(super) memory: u32,
    /// Where its disk and its sockets are.
    pub(super) dir: &'a Path,
    /// Its network cards.
    pub(super) cards: Cards,
    pub(super) limit: Duration,
    /// Set by the first machine of the case that fails: the others would wait for it until the limit.
    pub(super) lost: &'a AtomicBool,
}

/// What network cards a machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cards {
    None,
    /// One, with a cable to the other machine of the case.
    ToTheOther,
    /// So many, all on one cable.
    OnOneCable(u32),
}

/// How a machine ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Pass,
    Fail(String),
    /// It was ended because another machine of the case failed.
    Left,
}

/// Runs a machine to its verdict, through all its power cuts and restarts. Returns it with the whole console.
pub(super) fn live(setup: &Setup<'_>) -> Result<(End, String), VmError> {
    let lived = boots(setup);
    if !matches!(lived, Ok((End::Pass | End::Left, _))) {
        setup.lost.store(true, Ordering::Relaxed);
    }
    lived
}

fn boots(setup: &Setup<'_>) -> Result<(End, String), VmError> {
    let disk = setup.dir.join(format!("{}.img", setup.host));
    let from = setup.image.systemd.as_ref().unwrap_or(&setup.image.disk);
    run(Command::new("cp").args(["--sparse=always", "--reflink=auto"]).arg(from).arg(&disk))?;
    let began = Instant::now();
    let deadline = began + setup.limit;
    let mut console = String::new();
    for boot in 1.. {
        let at = began.elapsed().as_secs();
        console.push_str(&format!("--- {} boot {boot}, after {at} s\n", setup.host));
        match one_boot(setup, &disk, boot, deadline, &mut console)? {
            Said::Pass => return Ok((End::Pass, console)),
            Said::Fail(why) => return Ok((End::Fail(why), console)),
            Said::Left => return Ok((End::Left, console)),
            Said::Again => {}
            Said::Nothing => {
                return Ok((End::Fail("the machine ended without a verdict".into()), console));
            }
            Said::TimedOut => {
                return Ok((End::Fail(format!("no verdict within {:?}", setup.limit)), console));
            }
        }
    }
    unreachable!("the deadline ends the boots")
}

enum Said {
    Pass,
    Fail(String),
    Again,
    Nothing,
    TimedOut,
    /// Another machine of the case failed.
    Left,
}

fn one_boot(
    setup: &Setup<'_>,
    disk: &Path,
    boot: u32,
    deadline: Instant,
    console: &mut String,
) -> Result<Said, VmError> {
    let mut qemu = Qemu::start(setup, disk, boot)?;
    let mut said = Said::Nothing;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = match qemu.lines.recv_timeout(left.min(LOOK)) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return Ok(said),
            Err(RecvTimeoutError::Timeout) if setup.lost.load(Ordering::Relaxed) => return Ok(Said::Left),
            Err(RecvTimeoutError::Timeout) if left > LOOK => continue,
            Err(RecvTimeoutError::Timeout) => return Ok(Said::TimedOut),
        };
        console.push_str(&line);
        console.push('\n');
        match line.trim_end().strip_prefix("@@ ") {
            Some("PASS") => said = Said::Pass,
            Some("RESTART") => said = Said::Again,
            Some("CUT") => {
                qemu.kill();
                return Ok(Said::Again);
            }
            Some(other) => {
                if let (Some(why), Said::Nothing) = (other.strip_prefix("FAIL "), &said) {
                    said = Said::Fail(why.to_owned());
                }
            }
            None => {}
        }
    }
}

/// The process; it ends with this value, and with the test that holds it.
struct Qemu {
    child: Child,
    lines: Receiver<String>,
}

impl Qemu {
    fn start(setup: &Setup<'_>, disk: &Path, boot: u32) -> Result<Self, VmError> {
        let qemu = find("qemu-system-x86_64").ok_or_else(|| VmError::Missing {
            what: "qemu-system-x86_64".into(),
            remedy: "install Debian's qemu-system-x86",
        })?;
        let init = if setup.image.systemd.is_some() { SYSTEMD_WORDS } else { "init=/init" };
        let append = format!(
            "{KERNEL_WORDS} {init} lab.case={} lab.boot={boot} lab.host={} lab.modules={}",
            setup.case, setup.host, setup.modules
        );
        let mut command = Command::new(qemu);
        command
            .args(["-machine", "q35", "-accel", "tcg", "-cpu", "max", "-nodefaults", "-no-user-config"])
            .args(["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"])
            .args(["-m", &setup.memory.to_string(), "-append", &append, "-kernel"])
            .arg(&setup.image.kernel.image)
            .arg("-initrd")
            .arg(&setup.image.initramfs)
            .args(["-device", "virtio-blk-pci,drive=root", "-drive"])
            .arg(format!("file={},if=none,id=root,format=raw,cache=writeback", disk.display()));
        if setup.image.systemd.is_some() {
            command
                .args(["-device", "virtio-blk-pci,drive=lab", "-drive"])
                .arg(format!("file={},if=none,id=lab,format=raw,readonly=on", setup.image.disk.display()));
        }
        match setup.cards {
            Cards::None => {}
            Cards::ToTheOther => drop(command.args(cable(setup))),
            Cards::OnOneCable(cards) => drop(command.args((0..cards).flat_map(on_one_cable))),
        }
        let parent = std::process::id();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        end_with_parent(&mut command, parent);
        let mut child = command.spawn().map_err(VmError::os("start QEMU"))?;
        let (sender, lines) = mpsc::channel();
        let errors = child.stderr.take().map(BufReader::new);
        let output = child.stdout.take().map(BufReader::new);
        let forward = |mut from: Box<dyn BufRead + Send>, to: mpsc::Sender<String>| {
            std::thread::spawn(move || {
                let mut line = Vec::new();
                while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                    let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                    line.clear();
                    if to.send(text).is_err() {
                        return;
                    }
                }
            });
        };
        if let Some(errors) = errors {
            forward(Box::new(errors), sender.clone());
        }
        if let Some(output) = output {
            forward(Box::new(output), sender);
        }
        Ok(Self { child, lines })
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One virtual cable between two machines: datagrams over two sockets, in no network of this machine.
fn cable(setup: &Setup<'_>) -> [String; 4] {
    let socket = |of: char| -> PathBuf { setup.dir.join(format!("{of}.net")) };
    let other = if setup.host == 'a' { 'b' } else { 'a' };
    let (mine, theirs) = (socket(setup.host), socket(other));
    let _ = fs::remove_file(&mine);
    [
        "-netdev".into(),
        format!(
            "dgram,id=n0,local.type=unix,local.path={},remote.type=unix,remote.path={}",
            mine.display(),
            theirs.display()
        ),
        "-device".into(),
        card(0, u32::from(setup.host) - u32::from('a') + 1),
    ]
}

/// One of several cards of a machine that hear each other and nobody else.
fn on_one_cable(n: u32) -> [String; 4] {
    ["-netdev".into(), format!("hubport,id=n{n},hubid=0"), "-device".into(), card(n, n + 1)]
}

fn card(n: u32, mac: u32) -> String {
    format!("virtio-net-pci,netdev=n{n},mac=52:54:00:00:00:{mac:02x}")
}

/// Has the kernel kill the child when this process dies, so that a test that is killed leaves no machine behind.
#[expect(unsafe_code, reason = "pre_exec; prctl and getppid are async-signal-safe")]
fn end_with_parent(command: &mut Command, parent: u32) {
    // SAFETY: the closure only makes two system calls and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
            let born_orphan = u32::try_from(nix::unistd::getppid().as_raw()).ok() != Some(parent);
            if born_orphan { Err(std::io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
        });
    }
}
