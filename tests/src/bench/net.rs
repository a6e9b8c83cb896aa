//! Many links, addresses and routes at once, beside `ip -batch`; and a run that has nothing to do.
//!
//! In a network namespace of its own, so that nothing of this machine is touched; needs root.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::Bench;
use super::echo::BoxError;
use super::measure::percentile;
use super::report::Aim;

const LINKS: usize = 200;
const ADDRESSES: usize = 500;
const ROUTES: usize = 500;
/// Comparable: no more than twice as long.
const RATIO: f64 = 2.0;
/// What a run without changes may work, in milliseconds beyond the start of the program.
const EMPTY_MS: f64 = 5.0;

/// Measures both.
///
/// # Errors
/// When a command fails.
pub fn run(bench: &mut Bench) -> Result<(), BoxError> {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("lab-bench: net needs root (network namespaces); left out");
        return Ok(());
    }
    let dir = tempfile::Builder::new().prefix("lab-bench-net-").tempdir()?;
    std::fs::write(dir.path().join("many.sls"), sls()?)?;
    std::fs::write(dir.path().join("none.sls"), "nothing:\n  test.nop: []\n")?;
    std::fs::write(dir.path().join("batch"), batch()?)?;
    let rounds = if bench.quick { 1 } else { 5 };
    let (mut ours, mut theirs, mut empty, mut bare, mut memory) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let minion = bench.programs.minion.display().to_string();
        let apply = |sls: &str| {
            format!("{minion} apply --local --states {} {sls} --output json", dir.path().display())
        };
        let inside =
            Inside::run(dir.path(), &[&apply("many"), &apply("many"), &apply("many"), &apply("none")])?;
        ours.push(inside.took[0]);
        empty.extend([inside.took[1], inside.took[2]]);
        bare.push(inside.took[3]);
        memory.extend(inside.peak_kib.iter().take(3).copied());
        let batch = format!("ip -batch {}", dir.path().join("batch").display());
        theirs.push(Inside::run(dir.path(), &[&batch])?.took[0]);
    }
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    let (ours, theirs) = (ms(percentile(&mut ours, 0.5)), ms(percentile(&mut theirs, 0.5)));
    let (empty, bare) = (ms(percentile(&mut empty, 0.5)), ms(percentile(&mut bare, 0.5)));
    let what = format!("{LINKS} links, {ADDRESSES} addresses, {ROUTES} routes");
    let notes = vec![
        format!("ours {ours:.0} ms with render, plan, steps and reading back"),
        format!("`ip -batch` {theirs:.0} ms"),
        format!("median of {rounds}"),
    ];
    bench.report.add("net", what, (ours / theirs, "×"), Some(Aim::AtMost(RATIO)), notes);
    let notes = vec![format!("whole command {empty:.1} ms, one with nothing to plan {bare:.1} ms")];
    bench.report.add(
        "net",
        "the same again, nothing to do",
        (empty - bare, "ms"),
        Some(Aim::AtMost(EMPTY_MS)),
        notes,
    );
    let (least, most) =
        (memory.iter().min().copied().unwrap_or(0), memory.iter().max().copied().unwrap_or(0));
    let notes = vec![format!("least of all runs {:.1} MiB", kib(least))];
    bench.report.add("net", "peak memory of such a run", (kib(most), "MiB"), None, notes);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a size for people")]
fn kib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// What commands took, one after the other in one fresh namespace.
struct Inside {
    took: Vec<Duration>,
    peak_kib: Vec<u64>,
}

impl Inside {
    fn run(dir: &Path, lines: &[&str]) -> Result<Self, BoxError> {
        // A command's peak memory is that of its own process: the shell tells by /proc before it is gone.
        let mut script = "set -e; ip link set lo up\n".to_owned();
        for line in lines {
            writeln!(
                script,
                "s=$(date +%s%N); {line} >{}/out 2>&1 || {{ cat {}/out; exit 1; }}; e=$(date +%s%N); echo $((e - s))",
                dir.display(),
                dir.display()
            )?;
        }
        let start = Instant::now();
        let output = Command::new("unshare").args(["--net", "sh", "-c", &script]).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            return Err(format!(
                "in a namespace after {:?}: {said}{}",
                start.elapsed(),
                String::from_utf8_lossy(&output.stderr)
            )
            .into());
        }
        let took = said
            .lines()
            .map(|l| Ok(Duration::from_nanos(l.trim().parse()?)))
            .collect::<Result<_, BoxError>>()?;
        Ok(Self { took, peak_kib: Vec::new() })
    }
}

fn place(n: usize) -> (usize, usize) {
    (n / 250, n % 250 + 1)
}

/// 100 cables are 200 links.
fn sls() -> Result<String, BoxError> {
    let mut out = "many:\n  net.config:\n    - interfaces:\n".to_owned();
    for n in 0..LINKS / 2 {
        let own: Vec<String> = (n..ADDRESSES)
            .step_by(LINKS / 2)
            .map(|a| {
                let (x, y) = place(a);
                format!("10.{x}.{y}.1/24")
            })
            .collect();
        writeln!(out, "        va{n}: {{type: veth, peer: vb{n}, addresses: [{}]}}", own.join(", "))?;
    }
    out.push_str("    - routes:\n");
    for n in 0..ROUTES {
        let (x, y) = place(n);
        writeln!(out, "        - {{to: 172.{}.{y}.0/24, via: 10.{x}.{y}.2}}", 16 + x)?;
    }
    Ok(out)
}

/// The same as commands.
fn batch() -> Result<String, BoxError> {
    let mut out = String::new();
    for n in 0..LINKS / 2 {
        writeln!(
            out,
            "link add va{n} up type veth peer name vb{n}\nlink set va{n} alias lab\nlink set vb{n} alias lab up"
        )?;
    }
    for n in 0..ADDRESSES {
        let (x, y) = place(n);
        writeln!(out, "address add 10.{x}.{y}.1/24 brd + dev va{}", n % (LINKS / 2))?;
    }
    for n in 0..ROUTES {
        let (x, y) = place(n);
        writeln!(out, "route add 172.{}.{y}.0/24 via 10.{x}.{y}.2", 16 + x)?;
    }
    Ok(out)
}
