//! `lab-master check`: compiles a lab's files for its minions without running anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_proto::v1::op::OpRequest;
use lab_proto::{Map, Target, TargetKind, Value};
use lab_states::check::{Input, Level, Subject, check};
use lab_states::render::yaml_document;

use super::trees::Trees;
use super::{Failure, Global, Outcome, exit, output};
use crate::client::{Client, Identity};

/// How long the master may take to say which minions there are.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(clap::Args, Debug)]
#[command(after_help = "\
Errors end with code 13, lints with 19 under --deny-lints. A file silences a lint with `# lab: allow(ID)` on the line
or above it, or `# lab: allow-file(ID)`; docs/reference/lints.md lists them.

Example: lab-master check /srv/lab --minion kvm1 --minion kvm2 --deny-lints")]
pub(super) struct Args {
    /// A state tree, or a directory with `states` and `pillar` in it; without it what the configuration names
    path: Option<PathBuf>,
    /// The pillar tree
    #[arg(long, value_name = "DIR")]
    pillar: Option<PathBuf>,
    /// Check for this minion; may be given several times. Without it for all that the master knows
    #[arg(long, value_name = "ID")]
    minion: Vec<String>,
    /// A YAML file with the grains: of all minions, or by minion id
    #[arg(long, value_name = "FILE")]
    grains: Option<PathBuf>,
    /// Do not ask a master for its minions
    #[arg(long)]
    offline: bool,
    /// End with code 19 when there are lints
    #[arg(long)]
    deny_lints: bool,
    /// The configuration file [default: /etc/lab/master.toml]
    #[arg(long, value_name = "FILE", env = "LAB_MASTER_CONFIG")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args, global: &Global) -> Outcome {
    let places = Places::of(args)?;
    let states = Trees::open(&places.states).map_err(Failure::Usage)?;
    let pillar = if places.pillar.is_empty() {
        None
    } else {
        Some(Trees::open(&places.pillar).map_err(Failure::Usage)?)
    };
    let mut registry = lab_states::functions::builtin();
    states.extensions(&mut registry);
    let minions = minions(args, global)?;
    let mut report = check(&Input {
        states: &states,
        pillar: pillar.as_ref().map(|p| p as _),
        minions: &minions,
        node_groups: &places.node_groups,
        registry: &registry,
    });
    for finding in &mut report.findings {
        let tree = if finding.pillar { pillar.as_ref() } else { Some(&states) };
        for place in std::iter::once(&mut finding.place).chain(&mut finding.trace) {
            if let Some(path) = tree.and_then(|t| t.place(&place.file)) {
                place.file = path;
            }
        }
    }
    for finding in &report.findings {
        if global.json {
            output::json(&finding.to_value());
        } else {
            output::line(&finding.text(report.minions));
        }
    }
    let (errors, lints, notes) =
        (report.count(Level::Error), report.count(Level::Lint), report.count(Level::Note));
    eprintln!(
        "{} SLS and {} checked for {}: {}, {}, {}",
        report.sls,
        counted(report.orchestrations, "orchestration"),
        if minions.len() == 1 { minions[0].id.clone() } else { counted(minions.len(), "minion") },
        counted(errors, "error"),
        counted(lints, "lint"),
        counted(notes, "note"),
    );
    Ok(match (errors, lints) {
        (0, 0) => 0,
        (0, _) if args.deny_lints => exit::LINTS,
        (0, _) => 0,
        _ => exit::DOES_NOT_COMPILE,
    })
}

/// Writes a number of things.
fn counted(n: usize, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

/// Where the files are.
struct Places {
    states: Vec<PathBuf>,
    pillar: Vec<PathBuf>,
    node_groups: BTreeMap<String, String>,
}

impl Places {
    fn of(args: &Args) -> Result<Self, Failure> {
        let given = args.pillar.iter().cloned().collect();
        let Some(path) = &args.path else {
            let (config, _) = crate::config::load(args.config.as_deref(), &[])?;
            let exist = |roots: Vec<PathBuf>| roots.into_iter().filter(|r| r.is_dir()).collect::<Vec<_>>();
            let pillar = if args.pillar.is_some() { given } else { exist(config.pillar_roots) };
            return Ok(Self { states: config.file_roots, pillar, node_groups: config.node_groups });
        };
        if path.is_file() {
            let text = format!("{} is a file: name the tree that it is in", path.display());
            return Err(Failure::Usage(text));
        }
        let below = |name: &str| Some(path.join(name)).filter(|p| p.is_dir());
        let states = below("states").unwrap_or_else(|| path.clone());
        let pillar = match (args.pillar.is_some(), below("states").and_then(|_| below("pillar"))) {
            (false, Some(pillar)) => vec![pillar],
            _ => given,
        };
        Ok(Self { states: vec![states], pillar, node_groups: BTreeMap::new() })
    }
}

/// Finds out for which minions: the given ones, those of a grains file, or those that the master knows.
fn minions(args: &Args, global: &Global) -> Result<Vec<Subject>, Failure> {
    let given = args.grains.as_deref().map(grains_file).transpose()?;
    let with_id = |id: &str, grains: Option<&Value>| {
        let mut all = grains.and_then(Value::as_map).cloned().unwrap_or_default();
        all.insert(Value::from("id"), Value::from(id));
        Subject { id: id.to_owned(), grains: Value::Map(all) }
    };
    if let Some(file) = &given {
        let by_id = !file.is_empty() && file.values().all(|v| v.as_map().is_some());
        if args.minion.is_empty() && by_id {
            return Ok(file.iter().map(|(id, grains)| with_id(&id.to_string(), Some(grains))).collect());
        }
        let whole = Value::Map(file.clone());
        let ids = if args.minion.is_empty() { vec!["minion".to_owned()] } else { args.minion.clone() };
        let of = |id: &String| file.get(id.as_str()).filter(|g| g.as_map().is_some()).unwrap_or(&whole);
        return Ok(ids.iter().map(|id| with_id(id, Some(of(id)))).collect());
    }
    let known = if args.offline { Map::new() } else { known_to_master(global) };
    if !args.minion.is_empty() {
        let unknown: Vec<&str> =
            args.minion.iter().map(String::as_str).filter(|id| known.get(*id).is_none()).collect();
        if !args.offline && !unknown.is_empty() {
            eprintln!(
                "no grains are known of {}: checked without (`lab-master minion list` shows who is known; --grains gives some)",
                unknown.join(", ")
            );
        }
        return Ok(args.minion.iter().map(|id| with_id(id, known.get(id.as_str()))).collect());
    }
    if known.is_empty() {
        eprintln!("no minion is known: checked for one called `minion` without grains (--minion, --grains)");
        return Ok(vec![with_id("minion", None)]);
    }
    Ok(known.iter().map(|(id, grains)| with_id(&id.to_string(), Some(grains))).collect())
}

fn grains_file(path: &Path) -> Result<Map, Failure> {
    let name = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|e| Failure::Usage(format!("cannot read {name}: {e}")))?;
    let node = yaml_document(&name, &text).map_err(|e| Failure::Usage(e.to_string()))?;
    match node.to_value() {
        Value::Map(map) => Ok(map),
        other => Err(Failure::Usage(format!("{name}: grains are a mapping, not a {}", other.kind()))),
    }
}

/// Asks the master for the grains that it has seen; without one there are none.
fn known_to_master(global: &Global) -> Map {
    let Ok(identity) = Identity::load(&global.identity) else { return Map::new() };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Map::new();
    };
    let asked = runtime.block_on(async {
        tokio::time::timeout(PATIENCE, async {
            let client = Client::connect(&global.master, &identity).await?;
            let target = Target::new(TargetKind::Glob, "*");
            let rows: Vec<Value> = client.collect(OpRequest::Grains { target, key: None }).await?;
            client.close().await;
            Ok::<_, crate::client::ClientError>(rows)
        })
        .await
    });
    let rows = match asked {
        Ok(Ok(rows)) => rows,
        Ok(Err(e)) => {
            eprintln!("the master does not say which minions there are: {e}");
            Vec::new()
        }
        Err(_) => {
            eprintln!("the master does not say which minions there are: no answer within {PATIENCE:?}");
            Vec::new()
        }
    };
    rows.into_iter().filter_map(|row| row.as_map().cloned()).flatten().collect()
}
