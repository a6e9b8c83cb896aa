//! `file.cached` and `file.not_cached`: a file of the state tree in the agent's cache, ahead of its use, or out of it.

use lab_proto::Map;
use serde::Deserialize;

use super::super::support::{SourceSum, SumNames, absolute, in_tree, map};
use crate::function::{
    Applied, ArgDoc, Cached as WhereIs, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError,
    StateFunction,
};

/// Fetches.
pub(in crate::functions) struct Cached;

/// Removes.
pub(in crate::functions) struct NotCached;

const CACHED: &[ArgDoc] = &[
    ArgDoc::optional(
        "source_hash",
        Kind::Text,
        "The sum that the file must have, alone or as sha256=…, or a file of sums.",
    ),
    ArgDoc::optional("source_hash_name", Kind::Text, "The name that the sum has in a file of sums."),
    ArgDoc::with_default("skip_verify", Kind::Bool, "false", "Whether source_hash is not looked at."),
    ArgDoc::with_default("saltenv", Kind::Text, "base", "The environment."),
];
const NOT_CACHED: &[ArgDoc] = &[ArgDoc::with_default("saltenv", Kind::Text, "base", "The environment.")];

static CACHED_DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a file of the state tree (salt://…) in the minion's cache, so that a later state or `cp.cache_file` need not \
     fetch it. Of a path on the machine it only tells whether it is there. In a local run the tree itself is the cache.",
    CACHED,
    "salt://app.tar.gz:\n  file.cached: []\n",
);

static NOT_CACHED_DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a file of the state tree (salt://…) out of the minion's cache, so that its next use fetches it. A path on the \
     machine is left alone.",
    NOT_CACHED,
    "salt://app.tar.gz:\n  file.not_cached: []\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    source_hash: Option<String>,
    source_hash_name: Option<String>,
    #[serde(default)]
    skip_verify: bool,
    saltenv: Option<String>,
}

/// Where a name leads: into the state tree, or to a path of the machine.
enum Place {
    Tree { path: String, saltenv: String },
    Here(std::path::PathBuf),
}

fn place(call: &StateCall, saltenv: Option<&str>, ctx: &JobCtx<'_>) -> Result<Place, StateError> {
    let name = &call.name;
    if let Some((path, saltenv)) = in_tree(name, saltenv.unwrap_or(&call.saltenv)) {
        return Ok(Place::Tree { path, saltenv });
    }
    match name.split_once("://") {
        Some((scheme, _)) if scheme != "file" => Err(StateError::failed(format!(
            "{name}: the scheme {scheme} is not supported (put the file into the state tree and use salt://)"
        ))),
        _ => Ok(Place::Here(absolute(name.strip_prefix("file://").unwrap_or(name), ctx.host)?)),
    }
}

impl StateFunction for Cached {
    fn name(&self) -> &'static str {
        "file.cached"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &CACHED_DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        match place(call, args.saltenv.as_deref(), ctx)? {
            Place::Here(path) => {
                let named = path.display();
                if ctx.host.stat(&path)?.is_none() {
                    return Err(StateError::failed(format!("file {named} is not present on the minion")));
                }
                verify(&args, call, &path, ctx)?;
                Ok(Check::holds(format!("file {named} is present on the minion")))
            }
            Place::Tree { path, saltenv } if ctx.services.cached(&path, &saltenv)? != WhereIs::No => {
                verify(&args, call, ctx.services.cache_file(&path, &saltenv)?.as_ref(), ctx)?;
                Ok(Check::holds(format!("{} is cached already", call.name)))
            }
            Place::Tree { .. } => {
                let name = call.name.as_str();
                Ok(Check::differs(map([("cached", name.into())]), format!("{name} is set to be cached")))
            }
        }
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let Place::Tree { path, saltenv } = place(call, args.saltenv.as_deref(), ctx)? else {
            return Ok(Applied::default());
        };
        let place = ctx.services.cache_file(&path, &saltenv)?;
        verify(&args, call, place.as_ref(), ctx)?;
        Ok(Applied::new(check.changes.clone(), format!("file is cached to {place}")))
    }
}

fn verify(args: &Args, call: &StateCall, path: &std::path::Path, ctx: &JobCtx<'_>) -> Result<(), StateError> {
    match args.source_hash.as_deref().filter(|hash| !hash.is_empty() && !args.skip_verify) {
        Some(hash) => {
            let names =
                SumNames { given: args.source_hash_name.as_deref(), file: &call.name, source: &call.name };
            // A file of sums without an environment of its own is looked for in that of the file.
            let saltenv = args.saltenv.as_deref().unwrap_or(&call.saltenv);
            SourceSum::find(hash, &names, saltenv, ctx)?.verify_file(path, ctx).map(drop)
        }
        None => Ok(()),
    }
}

impl StateFunction for NotCached {
    fn name(&self) -> &'static str {
        "file.not_cached"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &NOT_CACHED_DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        match place(call, args.saltenv.as_deref(), ctx)? {
            Place::Here(path) => {
                Ok(Check::holds(format!("{} is a local path, no action taken", path.display())))
            }
            Place::Tree { path, saltenv } => match ctx.services.cached(&path, &saltenv) {
                Ok(WhereIs::Yes) => Ok(Check::differs(
                    map([("deleted", true.into())]),
                    format!("{} is set to be removed from the cache", call.name),
                )),
                Err(e) if !e.missing => Err(e.into()),
                _ => Ok(Check::holds(format!("{} is not cached", call.name))),
            },
        }
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        let Place::Tree { path, saltenv } = place(call, args.saltenv.as_deref(), ctx)? else {
            return Ok(Applied::default());
        };
        let gone = ctx.services.uncache(&path, &saltenv)?;
        let changes = if gone { check.changes.clone() } else { Map::new() };
        Ok(Applied::new(changes, format!("{} was removed from the cache", call.name)))
    }
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_file_comes_into_the_cache_once_and_leaves_it_once() {
        let bench = Bench::new(SimHost::new()).with_state_file("app.bin", "x");
        let (cached, gone) =
            ("salt://app.bin:\n  file.cached: []\n", "salt://app.bin:\n  file.not_cached: []\n");
        assert!(!bench.run(gone).changed());
        assert_eq!(bench.dry(cached).kind, VerdictKind::WouldChange);
        assert!(bench.run(cached).changed() && !bench.run(cached).changed());
        assert!(bench.run(gone).changed() && !bench.run(gone).changed());
        assert_eq!(bench.run("salt://none:\n  file.cached: []\n").kind, VerdictKind::Failed);
        assert_eq!(bench.run("http://h/x:\n  file.cached: []\n").kind, VerdictKind::Failed);
    }

    #[test]
    fn a_file_of_sums_is_looked_for_in_the_environment_that_is_given() {
        let sum = lab_proto::Digest::of(b"x");
        let host = SimHost::new().with_file("/var/cache/simulated/app.bin", "x");
        let bench = Bench::new(host).with_state_file("app.bin", "x").with_state_file_in(
            "dev",
            "sums",
            &format!("{sum}  app.bin\n"),
        );
        let run = |more: &str| {
            bench
                .run(&format!("salt://app.bin:\n  file.cached:\n    - source_hash: salt://sums{more}\n"))
                .kind
        };
        assert_eq!(run(""), VerdictKind::Failed);
        assert_eq!(run("\n    - saltenv: dev"), VerdictKind::Ok);
        assert_eq!(run("?saltenv=dev"), VerdictKind::Ok);
    }

    #[test]
    fn a_path_of_the_machine_is_only_looked_at() {
        let bench = Bench::new(SimHost::new().with_file("/srv/f", "x"));
        let run =
            |more: &str| bench.run(&format!("/srv/f:\n  file.cached:\n    - skip_verify: False\n{more}"));
        assert_eq!(run("").kind, VerdictKind::Ok);
        let hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
        assert_eq!(run(&format!("    - source_hash: {hash}\n")).kind, VerdictKind::Ok);
        assert_eq!(run(&format!("    - source_hash: '{}'\n", "0".repeat(64))).kind, VerdictKind::Failed);
        assert_eq!(bench.run("/srv/none:\n  file.cached: []\n").kind, VerdictKind::Failed);
        assert!(!bench.run("/srv/f:\n  file.not_cached: []\n").changed());
        assert_eq!(bench.host.writes(), 0);
    }
}
