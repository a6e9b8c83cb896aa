//! Reading what processes cost, and picking medians.

use std::time::Duration;

/// What a process has cost so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Its share of memory, in KiB (PSS: shared pages divided by their users).
    pub pss_kib: u64,
    /// Processor time in user and system mode.
    pub cpu: Duration,
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self { pss_kib: a.pss_kib + b.pss_kib, cpu: a.cpu + b.cpu })
    }
}

/// Reads the cost of a process.
///
/// # Errors
/// When the process is gone.
pub fn cost(pid: u32) -> std::io::Result<Cost> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let pss_kib = rollup
        .lines()
        .find_map(|l| l.strip_prefix("Pss:"))
        .and_then(|v| v.trim().trim_end_matches(" kB").trim().parse().ok())
        .unwrap_or(0);
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything; fields are counted after it. 12 and 13 are user and system ticks.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().filter_map(|i| fields.get(*i)?.parse::<u64>().ok()).sum();
    Ok(Cost { pss_kib, cpu: Duration::from_millis(ticks * 10) })
}

/// Runs a command to its end; returns what it took and the most memory that it had. Only for a process that runs no other one.
///
/// # Errors
/// When it does not run, or fails.
pub fn timed(command: &[String]) -> Result<(Duration, i64), super::echo::BoxError> {
    use nix::sys::resource::{UsageWho, getrusage};
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let start = std::time::Instant::now();
    let output = std::process::Command::new(program).args(arguments).output()?;
    let took = start.elapsed();
    if !output.status.success() {
        let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        return Err(format!("{}: {}\n{said}{why}", command.join(" "), output.status).into());
    }
    Ok((took, getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss()))
}

/// Returns the value below which the given share of the values lies.
pub fn percentile(values: &mut [Duration], share: f64) -> Duration {
    values.sort_unstable();
    let last = values.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let at = (last as f64 * share).round() as usize;
    values.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_a_time_and_a_peak_and_one_that_fails_says_why() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (_, peak) = timed(&words("cat /dev/null")).expect("runs");
        assert!(peak > 0);
        let why = timed(&words("cat /there/is/none")).expect_err("fails").to_string();
        assert!(why.contains("/there/is/none"), "{why}");
    }

    #[test]
    fn this_process_costs_something_and_percentiles_are_picked() {
        assert!(cost(std::process::id()).expect("alive").pss_kib > 0);
        let mut v: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut v, 0.5), Duration::from_millis(51));
        assert_eq!(percentile(&mut v, 0.99), Duration::from_millis(99));
        assert_eq!(percentile(&mut [], 0.5), Duration::ZERO);
    }
}
