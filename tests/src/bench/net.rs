//! Many links, addresses and routes at once, beside `ip -batch`; and a run that has nothing to do.
//!
//! In namespaces of its own, so that nothing of this machine is touched; needs root.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

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

/// How often the empty run is measured in a round.
const EMPTY_RUNS: usize = 5;
/// Flat: a run of the last round takes no more memory than one of the first, but for noise.
const FLAT: f64 = 1.05;

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
    let file = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(file("many.sls"), sls()?)?;
    std::fs::write(file("none.sls"), "nothing:\n  test.nop: []\n")?;
    std::fs::write(file("batch"), batch()?)?;
    let minion = bench.programs.minion.display().to_string();
    let apply = |sls: &str| {
        format!(
            "{minion} apply --local --config-dir {} --states {} --output json {sls}",
            file("conf"),
            file("")
        )
    };
    let (many, none) = (apply("many"), apply("none"));
    // A run that changed nothing says so.
    let holds = format!("{many} | grep -q '\"changed\":false'");
    let mut lines = vec![many.as_str()];
    lines.extend([many.as_str(), none.as_str()].repeat(EMPTY_RUNS));
    let (mut ours, mut theirs, mut empty, mut bare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut first_peaks, mut empty_peaks) = (Vec::new(), Vec::new());
    for _ in 0..if bench.quick { 2 } else { 7 } {
        // As after a boot: nothing is there, and nothing was written down.
        let _ = std::fs::remove_dir_all(file("data"));
        std::fs::create_dir_all(file("conf"))?;
        let config = format!("run_dir = \"{}\"\ndata_dir = \"{}\"\n", file("run"), file("data"));
        std::fs::write(file("conf/minion.toml"), config)?;
        std::fs::create_dir_all(file("run"))?;
        let found = inside(&bench.programs.load, &lines, &file("run"), &holds)?;
        ours.push(found[0].0);
        first_peaks.push(found[0].1);
        empty.extend(found[1..].iter().step_by(2).map(|f| f.0));
        empty_peaks.extend(found[1..].iter().step_by(2).map(|f| f.1));
        bare.extend(found[2..].iter().step_by(2).map(|f| f.0));
        let batch = format!("ip -batch {}", file("batch"));
        theirs.push(inside(&bench.programs.load, &[&batch], &file("run"), "true")?[0].0);
    }
    let rounds = ours.len();
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    let (ours, theirs) = (ms(percentile(&mut ours, 0.5)), ms(percentile(&mut theirs, 0.5)));
    let what = format!("{LINKS} links, {ADDRESSES} addresses, {ROUTES} routes");
    let notes = vec![
        format!("ours {ours:.0} ms with render, plan, journal, guard, steps, reading back and writing down"),
        format!("`ip -batch` {theirs:.0} ms"),
        format!("median of {rounds}"),
    ];
    bench.report.add("net", what, (ours / theirs, "×"), Some(Aim::AtMost(RATIO)), notes);
    let runs = empty.len();
    let (empty, bare) = (ms(percentile(&mut empty, 0.5)), ms(percentile(&mut bare, 0.5)));
    let notes = vec![
        format!("whole command {empty:.1} ms, one with nothing to plan {bare:.1} ms, in turn"),
        format!("medians of {runs}"),
    ];
    let what = "the same again, nothing to do";
    bench.report.add("net", what, (empty - bare, "ms"), Some(Aim::AtMost(EMPTY_MS)), notes);
    memory(bench, &first_peaks, &empty_peaks);
    Ok(())
}

fn memory(bench: &mut Bench, first: &[u64], empty: &[u64]) {
    let most = |peaks: &[u64]| mib(peaks.iter().copied().max().unwrap_or(0));
    let least = |peaks: &[u64]| mib(peaks.iter().copied().min().unwrap_or(0));
    let notes = vec![format!("least {:.1} MiB; with nothing to do {:.1} MiB", least(first), most(empty))];
    bench.report.add("net", "peak memory of such a run", (most(first), "MiB"), None, notes);
    let at = |n: Option<&u64>| mib(n.copied().unwrap_or(0));
    let (begin, end) = (at(empty.first()), at(empty.last()));
    let notes = vec![format!("first {begin:.1} MiB, last {end:.1} MiB of {}", empty.len())];
    let what = "peak memory of the last empty run beside the first";
    bench.report.add("net", what, (end / begin, "×"), Some(Aim::AtMost(FLAT)), notes);
}

#[expect(clippy::cast_precision_loss, reason = "a size for people")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// Where those keep their files who configure networks at boot; empty in the namespace, so that nothing is written there
/// for this machine.
const OF_MANAGERS: &[&str] = &[
    "/etc/netplan",
    "/etc/systemd/network",
    "/run/systemd/network",
    "/usr/lib/systemd/network",
    "/etc/network",
    "/etc/NetworkManager",
];

/// Runs commands one after the other in namespaces of their own, of networks, mounts and processes; returns what each took
/// and its peak memory in KiB. `run` does not outlive a boot, as `/run` does not: it lies in memory. An error when everything is not there afterwards, or `then` fails.
fn inside(load: &Path, lines: &[&str], run: &str, then: &str) -> Result<Vec<(Duration, u64)>, BoxError> {
    let mut script = format!("set -e; ip link set lo up\nmount -t tmpfs none {run}\n");
    for dir in OF_MANAGERS {
        writeln!(script, "if [ -d {dir} ]; then mount -t tmpfs none {dir}; fi")?;
    }
    for line in lines {
        writeln!(script, "{} timed -- {line}", load.display())?;
    }
    // Each address brings a route of its own; the loopback has one address more.
    let (addresses, routes) = (ADDRESSES + 1, ADDRESSES + ROUTES);
    writeln!(
        script,
        "[ \"$(ip -4 -oneline address show | wc -l)\" -eq {addresses} ] || {{ echo 'addresses are missing' >&2; exit 1; }}\n\
         [ \"$(ip -4 route show | wc -l)\" -eq {routes} ] || {{ echo 'routes are missing' >&2; exit 1; }}\n\
         {then} || {{ echo 'the last run changed something' >&2; exit 1; }}"
    )?;
    let namespaces = ["--net", "--mount", "--pid", "--fork", "--mount-proc"];
    let output = Command::new("unshare").args(namespaces).args(["sh", "-c", &script]).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(format!("in a namespace: {said}{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let read = |line: &str| -> Result<(Duration, u64), BoxError> {
        let (micros, kib) = line.trim().split_once(' ').ok_or_else(|| format!("no figures: {line}"))?;
        Ok((Duration::from_micros(micros.parse()?), kib.parse()?))
    };
    said.lines().map(read).collect()
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
