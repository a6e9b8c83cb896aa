//! `archive.extracted`: what an archive holds, below a directory.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{Owner, SourceSum, SumNames, absolute, make_parents, path_of, text_list};
use super::source::{Wanted, format_of};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction, Verdict,
};
use crate::host::{ArchiveEntry, ArchiveFormat, ArchiveKind, Extraction, FileKind, Host};

/// The function.
pub(in crate::functions) struct Extracted;

const ARGS: &[ArgDoc] = &[
    ArgDoc::required("source", Kind::Text, "The archive: salt://…, https://…, or a path."),
    ArgDoc::optional(
        "source_hash",
        Kind::Text,
        "The sum that it must have: alone or as sha256=…, or the path or URL of a file of sums.",
    ),
    ArgDoc::optional("source_hash_name", Kind::Text, "The name that it has in a file of sums."),
    ArgDoc::with_default(
        "skip_verify",
        Kind::Bool,
        "false",
        "Whether a download without source_hash is believed.",
    ),
    ArgDoc::optional(
        "archive_format",
        Kind::Text,
        "tar (plain or compressed) or zip, where the name does not tell.",
    ),
    ArgDoc::optional("options", Kind::Text, "Of tar's options: --strip-components=N."),
    ArgDoc::with_default(
        "enforce_toplevel",
        Kind::Bool,
        "true",
        "Whether an archive is refused that would put more than one directory into the place.",
    ),
    ArgDoc::optional("if_missing", Kind::Path, "Nothing is done when this is there."),
    ArgDoc::optional("user", Kind::Text, "The owner of what is unpacked."),
    ArgDoc::optional("group", Kind::Text, "The group of what is unpacked."),
    ArgDoc::with_default("overwrite", Kind::Bool, "false", "Whether it is unpacked on every run."),
    ArgDoc::with_default(
        "force",
        Kind::Bool,
        "false",
        "Whether what is in the way is removed: a file for a directory.",
    ),
    ArgDoc::with_default(
        "clean",
        Kind::Bool,
        "false",
        "Whether the archive's own directories are removed before.",
    ),
    ArgDoc::with_default(
        "keep_source",
        Kind::Bool,
        "true",
        "Whether a downloaded archive is kept for the next run.",
    ),
    ArgDoc::optional("trim_output", Kind::Any, "How many names are reported at most; 100 for true."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Unpacks an archive into a directory, which the name says, where something of it is missing. Entries and links that lead out of the directory are refused.",
    ARGS,
    "/opt/app:\n  archive.extracted:\n    - source: salt://app.tar.gz\n    - enforce_toplevel: False\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    source: Value,
    source_hash: Option<String>,
    source_hash_name: Option<String>,
    #[serde(default)]
    skip_verify: bool,
    archive_format: Option<String>,
    options: Option<String>,
    #[serde(default = "yes")]
    enforce_toplevel: bool,
    if_missing: Option<String>,
    user: Option<String>,
    group: Option<String>,
    #[serde(default)]
    overwrite: bool,
    #[serde(default)]
    force: bool,
    #[serde(default)]
    clean: bool,
    #[serde(default = "yes")]
    keep_source: bool,
    trim_output: Option<Value>,
}

fn yes() -> bool {
    true
}

impl Args {
    fn source(&self) -> Result<String, StateError> {
        let all = text_list(&self.source);
        match &all[..] {
            [one] => Ok(one.clone()),
            _ => Err(StateError::failed("argument source: exactly one archive can be unpacked")),
        }
    }

    fn sum(&self, source: &str, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Option<SourceSum>, StateError> {
        let hash = self.source_hash.as_deref().filter(|h| !h.is_empty());
        let names = SumNames { given: self.source_hash_name.as_deref(), file: "", source };
        hash.map(|hash| SourceSum::find(hash, &names, &call.saltenv, ctx)).transpose()
    }

    fn strip(&self) -> Result<usize, StateError> {
        let mut strip = 0;
        for word in self.options.as_deref().unwrap_or_default().split_whitespace() {
            let known = ["--no-same-owner", "--same-permissions", "--preserve-permissions", "-o"]
                .contains(&word)
                || word.trim_start_matches('-').chars().all(|c| "xvzjJpf".contains(c));
            let number = word.strip_prefix("--strip-components=").or_else(|| word.strip_prefix("--strip="));
            match number {
                Some(n) => {
                    strip = n
                        .parse()
                        .map_err(|_| StateError::failed(format!("argument options: {word} has no number")))?;
                }
                None if known => {}
                None => {
                    return Err(StateError::failed(format!(
                        "argument options: {word:?} is not supported; --strip-components=N is"
                    )));
                }
            }
        }
        Ok(strip)
    }

    fn limit(&self) -> usize {
        match &self.trim_output {
            Some(Value::Bool(true)) => 100,
            Some(Value::Int(n)) => usize::try_from(*n).unwrap_or(usize::MAX),
            _ => usize::MAX,
        }
    }
}

/// One thing that the archive puts below the directory.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    is_dir: bool,
    is_link: bool,
}

/// What there is to do.
#[derive(Debug, Default)]
struct Plan {
    missing: Vec<PathBuf>,
    in_the_way: Vec<PathBuf>,
    owners: bool,
    top: Vec<PathBuf>,
    /// It cannot be told without downloading the archive.
    unknown: bool,
}

impl Plan {
    fn is_empty(&self) -> bool {
        self.missing.is_empty() && !self.owners && !self.unknown
    }
}

/// A state, read.
struct Job<'a> {
    args: &'a Args,
    source: String,
    place: PathBuf,
    owner: Owner,
    format: ArchiveFormat,
    strip: usize,
    sum: Option<SourceSum>,
}

impl<'a> Job<'a> {
    fn of(args: &'a Args, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Self, StateError> {
        let source = args.source()?;
        Ok(Self {
            place: path_of(call, ctx.host)?,
            owner: Owner::find(args.user.as_deref(), args.group.as_deref(), ctx.host)?,
            format: format_of(args.archive_format.as_deref(), &source)?,
            strip: args.strip()?,
            sum: args.sum(&source, call, ctx)?,
            source,
            args,
        })
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted { source: &self.source, sum: self.sum.as_ref(), skip_verify: self.args.skip_verify }
    }

    fn plan(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Plan, StateError> {
        if let Some(path) = &self.args.if_missing
            && ctx.host.lstat(&absolute(path, ctx.host)?)?.is_some()
        {
            return Ok(Plan::default());
        }
        let Some(archive) = self.wanted().at_hand(call, ctx)? else {
            return Ok(Plan { unknown: true, ..Plan::default() });
        };
        let entries = ctx.host.archive_list(archive.as_source(), self.format)?;
        let parts = parts(&entries, self.strip)?;
        let top: BTreeSet<PathBuf> = parts
            .iter()
            .filter_map(|p| p.path.components().next())
            .map(|c| PathBuf::from(c.as_os_str()))
            .collect();
        let single_dir = top.len() == 1 && parts.iter().any(|p| p.is_dir || p.path.components().count() > 1);
        if self.args.enforce_toplevel && !single_dir {
            return Err(StateError::failed(format!(
                "{} does not have a single directory at its top (add enforce_toplevel: False if it is to be unpacked \
                 into {} nevertheless)",
                self.source,
                self.place.display()
            )));
        }
        let mut plan = Plan { top: top.into_iter().map(|t| self.place.join(t)).collect(), ..Plan::default() };
        for part in &parts {
            self.compare(part, ctx.host, &mut plan)?;
        }
        if ctx.host.stat(&self.place)?.is_none() && plan.missing.is_empty() {
            plan.missing.push(self.place.clone());
        }
        if self.args.overwrite && !call.args.contains_key("__second_look") {
            plan.missing = parts.iter().filter(|p| !p.is_dir).map(|p| self.place.join(&p.path)).collect();
        }
        Ok(plan)
    }

    fn compare(&self, part: &Part, host: &dyn Host, plan: &mut Plan) -> Result<(), StateError> {
        let path = self.place.join(&part.path);
        let Some(meta) = host.lstat(&path)? else {
            plan.missing.push(path);
            return Ok(());
        };
        // A link to a directory stands for it; a link in place of a file is what unpacking would replace.
        let dir_like =
            meta.is_dir() || meta.kind == FileKind::Symlink && host.stat(&path)?.is_some_and(|m| m.is_dir());
        if part.is_dir != dir_like && !part.is_link {
            plan.in_the_way.push(path.clone());
            plan.missing.push(path);
        } else if self.owner.uid.is_some_and(|u| u != meta.uid)
            || self.owner.gid.is_some_and(|g| g != meta.gid)
        {
            plan.owners = true;
        }
        Ok(())
    }

    fn carry_out(&self, plan: &Plan, call: &StateCall, ctx: &JobCtx<'_>) -> Result<(), StateError> {
        let host = ctx.host;
        let Some(archive) = self.wanted().at_hand(call, ctx)? else {
            return Err(StateError::failed(format!("{} is not at hand", self.source)));
        };
        if self.args.clean && !plan.missing.is_empty() {
            for path in &plan.top {
                remove(host, path)?;
            }
        }
        for path in &plan.in_the_way {
            if !self.args.force {
                return Err(StateError::failed(format!(
                    "{} is in the way of what the archive has there (add force: True to remove it)",
                    path.display()
                )));
            }
            remove(host, path)?;
        }
        if host.stat(&self.place)?.is_none() {
            make_parents(host, &self.place, None, self.owner)?;
            host.mkdir(&self.place, None)?;
            if self.owner.is_given() {
                host.chown(&self.place, self.owner.uid, self.owner.gid)?;
            }
        }
        if !plan.missing.is_empty() {
            let how = Extraction {
                into: self.place.clone(),
                strip: self.strip,
                uid: self.owner.uid,
                gid: self.owner.gid,
            };
            host.archive_extract(archive.as_source(), self.format, &how)?;
        }
        if plan.owners {
            for part in parts(&host.archive_list(archive.as_source(), self.format)?, self.strip)? {
                host.chown(&self.place.join(part.path), self.owner.uid, self.owner.gid)?;
            }
        }
        Ok(())
    }

    fn changes(&self, plan: &Plan) -> Map {
        let mut changes = Map::new();
        if plan.unknown {
            changes.insert("extracted_files".into(), format!("what is in {}", self.source).into());
        }
        if !plan.missing.is_empty() {
            let names = plan
                .missing
                .iter()
                .take(self.args.limit())
                .map(|p| p.strip_prefix(&self.place).unwrap_or(p).display().to_string());
            changes.insert("extracted_files".into(), names.collect::<Vec<_>>().into());
        }
        if plan.owners {
            changes.insert("updated ownership".into(), true.into());
        }
        changes
    }
}

fn remove(host: &dyn Host, path: &Path) -> Result<(), StateError> {
    match host.lstat(path)? {
        None => Ok(()),
        Some(meta) if meta.is_dir() => Ok(host.remove_dir_all(path)?),
        Some(_) => Ok(host.remove_file(path)?),
    }
}

/// Returns what the entries put below the directory. The host refuses what would leave it once more; here it is refused
/// before anything is written.
fn parts(entries: &[ArchiveEntry], strip: usize) -> Result<Vec<Part>, StateError> {
    let mut parts = Vec::new();
    for entry in entries {
        let mut path = PathBuf::new();
        for component in Path::new(&entry.path).components() {
            match component {
                Component::Normal(part) => path.push(part),
                Component::CurDir => {}
                _ => {
                    return Err(StateError::failed(format!(
                        "the archive is refused: its entry {:?} would leave the directory",
                        entry.path
                    )));
                }
            }
        }
        let path: PathBuf = path.components().skip(strip).collect();
        if path.as_os_str().is_empty() || entry.kind == ArchiveKind::Special {
            continue;
        }
        if let ArchiveKind::Symlink(target) = &entry.kind {
            stays(&path, target)?;
        }
        parts.push(Part {
            path,
            is_dir: entry.kind == ArchiveKind::Dir,
            is_link: matches!(entry.kind, ArchiveKind::Symlink(_)),
        });
    }
    Ok(parts)
}

fn stays(link: &Path, target: &str) -> Result<(), StateError> {
    let mut depth = link.components().count().saturating_sub(1);
    for part in Path::new(target).components() {
        let next = match part {
            Component::Normal(_) => Some(depth + 1),
            Component::CurDir => Some(depth),
            Component::ParentDir => depth.checked_sub(1),
            Component::RootDir | Component::Prefix(_) => None,
        };
        depth = next.ok_or_else(|| {
            StateError::failed(format!(
                "the archive is refused: its link {} to {target:?} would leave the directory",
                link.display()
            ))
        })?;
    }
    Ok(())
}

impl StateFunction for Extracted {
    fn name(&self) -> &'static str {
        "archive.extracted"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        let job = Job::of(&args, call, ctx)?;
        let plan = job.plan(call, ctx)?;
        let place = job.place.display();
        if plan.is_empty() {
            return Ok(Check::holds(format!("all files in the archive are already present in {place}")));
        }
        Ok(Check::differs(job.changes(&plan), format!("{} would be unpacked into {place}", job.source)))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let job = Job::of(&args, call, ctx)?;
        let plan = job.plan(call, ctx)?;
        if !plan.is_empty() {
            job.carry_out(&plan, call, ctx)?;
        }
        let place = job.place.display();
        Ok(Applied::new(job.changes(&plan), format!("{} was unpacked into {place}", job.source)))
    }

    /// An archive on a web server is fetched first, since nobody can say what is missing of it before.
    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        let run = || -> Result<Verdict, StateError> {
            let args: Args = call.typed()?;
            let job = Job::of(&args, call, ctx)?;
            if call.test {
                return self.sequence(call, ctx);
            }
            if job.plan(call, ctx)?.unknown {
                job.wanted().download(ctx)?;
            }
            let check = self.check(call, ctx)?;
            if check.is_empty() {
                return Ok(Verdict::unchanged(check.comment));
            }
            let applied = self.apply(call, &check, ctx)?;
            let mut again = call.clone();
            again.args.insert("__second_look".into(), true.into());
            let left = self.check(&again, ctx)?;
            if !args.keep_source {
                job.wanted().forget(ctx)?;
            }
            if left.is_empty() {
                return Ok(Verdict::ok(applied.changes, applied.comment));
            }
            let comment =
                format!("the archive was unpacked, but is not all there: {}", Value::Map(left.changes));
            Ok(Verdict::failed_with(applied.changes, comment))
        };
        run().unwrap_or_else(Verdict::from)
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    const APP: &str = "simulated archive\ndir app\nfile app/run #!/bin/sh\nlink app/start run\n";
    const SLS: &str = "/opt:\n  archive.extracted:\n    - source: salt://app.tar.gz\n    - user: app\n";

    fn bench(archive: &str) -> Bench {
        Bench::new(SimHost::new().with_user("app", 7)).with_state_file("app.tar.gz", archive)
    }

    #[test]
    fn it_is_unpacked_where_something_is_missing_and_only_then() {
        let bench = bench(APP);
        assert_eq!(bench.dry(SLS).kind, VerdictKind::WouldChange);
        let verdict = bench.run(SLS);
        assert_eq!(verdict.kind, VerdictKind::Ok, "{}", verdict.comment);
        assert_eq!(bench.host.text("/opt/app/run").as_deref(), Some("#!/bin/sh"));
        assert!(!bench.run(SLS).changed());
        bench.with_ctx(|ctx| ctx.host.remove_file(std::path::Path::new("/opt/app/run"))).unwrap();
        assert!(bench.run(SLS).changed());
        bench.with_ctx(|ctx| ctx.host.chown(std::path::Path::new("/opt/app/run"), Some(0), None)).unwrap();
        assert_eq!(
            bench.run(SLS).changes.keys().map(ToString::to_string).collect::<Vec<_>>(),
            ["updated ownership"]
        );
        assert!(!bench.run(SLS).changed());
        assert!(
            !bench
                .run(&format!("{}    - if_missing: /opt/app/run\n", SLS.replace("/opt:", "/srv:")))
                .changed()
        );
        assert!(bench.run(&format!("{SLS}    - overwrite: True\n")).changed());
    }

    #[test]
    fn what_would_leave_the_directory_or_spread_over_it_is_refused_before_anything_is_written() {
        for (archive, reason) in [
            ("file ../evil x", "would leave"),
            ("file /etc/evil x", "would leave"),
            ("link app/l ../../etc", "would leave"),
            ("link app/l /etc", "would leave"),
            ("file a x\nfile b x", "enforce_toplevel: False"),
        ] {
            let bench = bench(&format!("simulated archive\n{archive}\n"));
            let verdict = bench.run(SLS);
            assert_eq!(verdict.kind, VerdictKind::Failed, "{archive}");
            assert!(verdict.comment.contains(reason), "{archive}: {}", verdict.comment);
            assert_eq!(bench.host.writes(), 0, "{archive}");
        }
        let bench = bench("simulated archive\nfile a/b/c x\n");
        let sls = format!("{SLS}    - options: --strip-components=1\n");
        assert!(bench.run(&sls).changed());
        assert_eq!(bench.host.text("/opt/b/c").as_deref(), Some("x"));
        assert!(bench.run(&format!("{SLS}    - options: --totals\n")).comment.contains("not supported"));
    }

    #[test]
    fn a_download_is_verified_and_kept() {
        let url = "https://h/app.tar.gz";
        let bench = Bench::new(SimHost::new().with_url(url, 200, APP, 0));
        let sls = |hash: &str| format!("/opt:\n  archive.extracted:\n    - source: {url}\n{hash}");
        assert!(bench.run(&sls("")).comment.contains("add source_hash"));
        let wrong = sls(&format!("    - source_hash: sha256={}\n", "0".repeat(64)));
        assert!(bench.run(&wrong).comment.contains("has the sha256 sum"));
        assert_eq!(bench.host.text("/opt/app/run"), None);
        let right = sls("    - skip_verify: True\n");
        assert_eq!(bench.dry(&right).kind, VerdictKind::WouldChange);
        assert!(bench.run(&right).changed());
        assert!(!bench.run(&right).changed());
        assert!(!bench.dry(&right).changed());
    }
}
