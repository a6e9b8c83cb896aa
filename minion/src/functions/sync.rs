//! `saltutil.sync_*` and `saltutil.refresh_*`: brings extensions from the state tree to this machine, reads grains and
//! pillar again.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use lab_proto::{Map, Value};
use lab_states::function::{CallError, ExecFunction, FunctionDoc, JobCtx, Registry, takes};
use lab_states::run::Refresh;

use super::documented;
use super::extensions::{KINDS, installed, module_of};
use crate::files;
use crate::workers::Env;

/// Adds the functions.
pub(super) fn register(registry: &mut Registry, env: &Arc<Env>) {
    for function in ALL {
        registry.add_exec(Arc::new(Sync { env: env.clone(), function }));
    }
}

/// One of the family.
struct Function {
    name: &'static str,
    /// Which kinds it brings here, by their names in its return.
    kinds: &'static [&'static str],
    /// What it reads again.
    refresh: Refresh,
}

const NOTHING: Refresh = Refresh { grains: false, pillar: false, modules: false };

static ALL: &[Function] = &[
    Function {
        name: "saltutil.sync_all",
        kinds: &["modules", "states"],
        refresh: Refresh { grains: true, pillar: true, modules: false },
    },
    Function { name: "saltutil.sync_modules", kinds: &["modules"], refresh: NOTHING },
    Function { name: "saltutil.sync_states", kinds: &["states"], refresh: NOTHING },
    Function {
        name: "saltutil.refresh_modules",
        kinds: &[],
        refresh: Refresh { grains: false, pillar: false, modules: true },
    },
    Function {
        name: "saltutil.refresh_grains",
        kinds: &[],
        refresh: Refresh { grains: true, pillar: false, modules: false },
    },
    Function {
        name: "saltutil.refresh_pillar",
        kinds: &[],
        refresh: Refresh { grains: false, pillar: true, modules: false },
    },
];

struct Sync {
    env: Arc<Env>,
    function: &'static Function,
}

impl ExecFunction for Sync {
    fn name(&self) -> &str {
        self.function.name
    }

    fn doc(&self) -> &FunctionDoc {
        documented(self.name())
    }

    fn call(&self, args: &[Value], kwargs: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError> {
        takes(self.doc(), args, kwargs)?;
        let Function { kinds, refresh, .. } = self.function;
        let mut names = Map::new();
        for (_, folder, kind) in KINDS.iter().filter(|(_, _, kind)| kinds.contains(kind)) {
            let new = bring(&self.env.extensions, folder, ctx)?;
            let new = new.into_iter().map(|module| Value::from(format!("{kind}.{module}"))).collect();
            names.insert(Value::from(*kind), Value::List(new));
        }
        let refresh = Refresh { modules: refresh.modules || !kinds.is_empty(), ..*refresh };
        ctx.services.refresh(refresh)?;
        match kinds {
            [] => Ok(Value::Bool(true)),
            [_] => Ok(names.into_values().next().unwrap_or_default()),
            _ => Ok(Value::Map(names)),
        }
    }
}

/// Makes a folder of extensions what the state tree has; returns the modules that are new or changed.
fn bring(extensions: &Path, folder: &str, ctx: &JobCtx<'_>) -> Result<Vec<String>, CallError> {
    let dir = extensions.join(folder);
    let failed = |e: files::FileError| CallError::failed(crate::chain(&e));
    files::make_dir(&dir, 0o755).map_err(failed)?;
    let mut wanted = Vec::new();
    let mut new = Vec::new();
    for entry in ctx.services.list(folder, "base")? {
        let path = Path::new(&entry.path);
        let (Some(name), Some(module)) = (path.file_name(), module_of(path)) else { continue };
        // Only what lies directly in the folder is a module; what is below it is the modules' own.
        if path.parent() != Some(Path::new(folder)) {
            continue;
        }
        let content = ctx.services.file(&entry.path, "base")?;
        if entry.mode & 0o111 == 0 && !content.starts_with(b"#!") && !content.starts_with(b"\x7fELF") {
            ctx.say(format!(
                "{} is left out: it is no executable (chmod +x, or begin it with #!)",
                entry.path
            ));
            continue;
        }
        let place = dir.join(name);
        wanted.push(place.clone());
        if files::read_if_any(&place).map_err(failed)?.as_deref() != Some(&content) {
            files::write_atomically(&place, &content, 0o755).map_err(failed)?;
            new.push(module.to_owned());
        }
    }
    for path in installed(&dir) {
        if !wanted.contains(&path) {
            fs::remove_file(&path).map_err(files::FileError::at("remove", &path)).map_err(failed)?;
        }
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_family_is_documented() {
        assert!(ALL.iter().all(|f| !documented(f.name).summary.is_empty()));
    }
}
