//! What a run found: rows with a value, what it cost, and whether it is within its aim. Printed as a table, kept as JSON.

use serde::Serialize;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The part of the benchmark.
    pub section: &'static str,
    /// What was measured.
    pub what: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// What it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aim: Option<Aim>,
    /// Whether it is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
    /// What it cost, what it is compared with, how it was counted.
    pub notes: Vec<String>,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Aim {
    fn met_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

/// All figures of a run, and the machine that it ran on.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The processor, how many of them, how busy they were with other work before.
    pub machine: String,
    /// Whether sizes and times were cut down: such figures are a smoke test.
    pub quick: bool,
    /// The figures.
    pub rows: Vec<Row>,
}

impl Report {
    /// Begins a report about this machine.
    pub fn new(quick: bool) -> Self {
        Self { machine: machine(), quick, rows: Vec::new() }
    }

    /// Adds a figure; shows it at once on standard error, since a whole run takes minutes.
    pub fn add(
        &mut self,
        section: &'static str,
        what: impl Into<String>,
        (value, unit): (f64, &'static str),
        aim: Option<Aim>,
        notes: Vec<String>,
    ) {
        let met = aim.map(|a| a.met_by(value));
        let row = Row { section, what: what.into(), value, unit, aim, met, notes };
        eprintln!("{}", row.line());
        self.rows.push(row);
    }

    /// Returns the table.
    pub fn table(&self) -> String {
        let quick = if self.quick { "quick run: a smoke test, no measurement\n" } else { "" };
        let lines: Vec<String> = self.rows.iter().map(Row::line).collect();
        format!("{}\n{quick}{}\n", self.machine, lines.join("\n"))
    }
}

impl Row {
    fn line(&self) -> String {
        let Self { section, what, value, unit, aim, met, notes } = self;
        let aim = match aim {
            Some(Aim::AtMost(n)) => format!("≤ {}", figure(*n)),
            Some(Aim::AtLeast(n)) => format!("≥ {}", figure(*n)),
            None => String::new(),
        };
        let verdict = match met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        let value = format!("{} {unit}", figure(*value));
        let line = format!("{section:8} {what:48} {value:>18}  {aim:>9} {verdict:6} {}", notes.join("; "));
        line.trim_end().to_owned()
    }
}

/// Writes a number with three figures, or whole when it is large.
fn figure(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": ")).map(|(_, m)| m);
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let load = read("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or("?");
    format!("{cpus} × {}, load before {load}", model.unwrap_or("unknown processor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_beyond_its_aim_is_marked() {
        let mut report = Report::new(true);
        report.add("ping", "fast", (1.5, "×"), Some(Aim::AtMost(2.0)), Vec::new());
        report.add("ping", "slow", (2.5, "×"), Some(Aim::AtMost(2.0)), vec!["why".to_owned()]);
        report.add("events", "rate", (10.0, "/s"), Some(Aim::AtLeast(11.0)), Vec::new());
        assert_eq!(
            report.rows.iter().map(|r| r.met).collect::<Vec<_>>(),
            [Some(true), Some(false), Some(false)]
        );
        let table = report.table();
        assert!(table.contains("≤ 2.00 met") && table.contains("≤ 2.00 MISSED why"), "{table}");
    }
}
