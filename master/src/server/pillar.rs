//! Pillar: rendered here for each minion, with its cached grains, and sent to that minion only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use lab_proto::value::MAX_DEPTH;
use lab_proto::{JobSpec, Map, MinionId, Value};
use lab_states::pillar::{self, secret};
use lab_states::redact::Secrets;
use lab_states::render::{NoFunctions, RenderContext, RenderEnv, SourceError, Sources};
use lab_states::target::Minion;
use tracing::warn;

use super::secrets::Keys;
use super::{Shared, chain, wall_time};
use crate::config::{self, Config};
use crate::content::{Scan, Scanner};
use crate::core::SharedGrains;

/// The id that an orchestration's own pillar is rendered for.
pub(crate) const MASTER_ID: &str = "master";

/// Functions that never look at pillar: a ping of thousands of minions shall not render it for each.
const WITHOUT_PILLAR: [&str; 4] = ["test.ping", "test.echo", "test.sleep", "test.version"];

/// Renders pillar from its roots. Everything here blocks.
pub(crate) struct Renderer {
    roots: Vec<PathBuf>,
    node_groups: BTreeMap<String, String>,
    scanner: Mutex<Scanner>,
    keys: Keys,
    /// The secrets of each minion's last pillar that rendered with nothing laid over it.
    last: Mutex<BTreeMap<String, Vec<Value>>>,
}

/// What pillar came to.
pub(crate) struct Rendered {
    pub(crate) data: Map,
    /// Where the data is secret.
    pub(crate) secrets: Vec<secret::Path>,
    /// Secrets that are to be masked and need not be in the data: what is laid over a secret does not make it public.
    known: Vec<Value>,
    /// What each file gave, with marks in the places of secrets.
    pub(crate) layers: Vec<pillar::Layer>,
}

impl Rendered {
    /// Returns the data as its minion gets it: with the places of the secrets.
    fn delivered(mut self) -> Map {
        secret::attach(&mut self.data, &self.secrets);
        secret::attach_known(&mut self.data, self.known);
        self.data
    }

    /// Returns all secret values.
    pub(crate) fn secrets(&self) -> Secrets {
        let (secrets, whole) = (Secrets::new(), Value::Map(self.data.clone()));
        let values = self.secrets.iter().filter_map(|path| secret::at(&whole, path));
        values.chain(&self.known).for_each(|value| secrets.register_value(value));
        secrets
    }
}

/// Tells whether a job is the same for all of its minions: its function never looks at what only one of them may see.
pub(crate) fn same_for_all(job: &JobSpec) -> bool {
    WITHOUT_PILLAR.contains(&job.fun.as_str())
}

/// Renders a minion's pillar for a job; what it gives as `pillar=` goes over it.
pub(crate) async fn for_job(shared: &Arc<Shared>, minion: &MinionId, job: &JobSpec) -> Map {
    let overrides = job.kwargs.get("pillar").and_then(Value::as_map).cloned().unwrap_or_default();
    if same_for_all(job) {
        return overrides;
    }
    match fresh(shared, minion, overrides).await {
        Ok(pillar) => pillar.delivered(),
        Err(why) => {
            warn!(%minion, jid = %job.jid, "pillar does not render");
            // As Salt has it: whoever uses the pillar sees this and refuses. The machine holds the secrets still.
            let mut pillar = Map::from_iter([(Value::from("_errors"), Value::from(vec![why]))]);
            secret::attach_known(&mut pillar, shared.pillar.last_secrets(minion.as_str()));
            pillar
        }
    }
}

/// Renders a minion's pillar as the minion gets it.
pub(crate) async fn for_minion(
    shared: &Arc<Shared>,
    minion: &MinionId,
    overrides: Map,
) -> Result<Map, String> {
    fresh(shared, minion, overrides).await.map(Rendered::delivered)
}

/// Renders a minion's pillar now.
pub(crate) async fn fresh(
    shared: &Arc<Shared>,
    minion: &MinionId,
    overrides: Map,
) -> Result<Rendered, String> {
    let asked = minion.clone();
    let grains = shared.hub.ask(move |core| core.grains(&asked)).await.map_err(|e| e.to_string())?;
    let (shared, minion) = (shared.clone(), minion.clone());
    tokio::task::spawn_blocking(move || render(&shared, &minion, grains, &overrides))
        .await
        .map_err(|e| e.to_string())?
}

/// Renders a minion's pillar. Blocking.
pub(crate) fn render(
    shared: &Shared,
    minion: &MinionId,
    grains: Option<SharedGrains>,
    overrides: &Map,
) -> Result<Rendered, String> {
    let grains = grains.unwrap_or_else(|| Arc::new(Value::map()));
    let rendered = shared.pillar.render(minion.as_str(), &grains, overrides)?;
    check_depth(&rendered.data)?;
    Ok(rendered)
}

/// Refuses a pillar that could not be sent: files are read up to that depth, and keys that it is included under add to it.
fn check_depth(pillar: &Map) -> Result<(), String> {
    // The mapping of all of it is a level, too, where a minion asks for it.
    const DEEPEST: u8 = MAX_DEPTH - 1;
    let mut deep = pillar.iter().filter(|(_, value)| value.is_deeper_than(DEEPEST));
    deep.next().map_or(Ok(()), |(key, _)| {
        Err(format!("the pillar's {key} is nested deeper than {DEEPEST} levels; flatten it"))
    })
}

impl Renderer {
    pub(crate) fn new(config: &Config) -> Self {
        let config::Secrets { age_identity, gpg_home } = config.secrets.clone();
        Self {
            roots: config.pillar_roots.clone(),
            node_groups: config.node_groups.clone(),
            scanner: Mutex::default(),
            keys: Keys::new(age_identity, gpg_home),
            last: Mutex::default(),
        }
    }

    /// Renders the pillar that orchestrations see.
    pub(crate) fn for_master(&self, overrides: &Map) -> Result<Rendered, String> {
        self.render(MASTER_ID, &Value::from([("id", MASTER_ID)]), overrides)
    }

    /// Returns the secrets of a minion's last pillar that rendered without anything laid over it. The minion remembers what it
    /// was sent as well, for when this master is new.
    fn last_secrets(&self, id: &str) -> Vec<Value> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned().unwrap_or_default()
    }

    /// Returns what is to be masked beside the secrets of a pillar: those that something is laid over, and, where that
    /// may have kept files from giving theirs, those of the last pillar.
    fn known(&self, id: &str, data: &Value, paths: &[secret::Path], overridden: bool) -> Vec<Value> {
        let mut values: Vec<Value> =
            paths.iter().filter_map(|path| secret::at(data, path).cloned()).collect();
        if overridden {
            values.extend(self.last_secrets(id));
            return values;
        }
        self.last.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), values);
        Vec::new()
    }

    fn render(&self, id: &str, grains: &Value, overrides: &Map) -> Result<Rendered, String> {
        let scan = {
            let mut scanner = self.scanner.lock().unwrap_or_else(PoisonError::into_inner);
            scanner
                .scan(&self.roots, wall_time())
                .map_err(|e| format!("pillar cannot be read: {}", chain(&e)))?
        };
        let mut out =
            Rendered { data: overrides.clone(), secrets: Vec::new(), known: Vec::new(), layers: Vec::new() };
        if !scan.manifest.entries().is_empty() {
            let sources = Roots { scan: &scan };
            let context = RenderContext {
                grains: grains.clone(),
                pillar: Value::Map(overrides.clone()),
                opts: Value::from([("id", id), ("saltenv", "base")]),
                now: wall_time(),
                ..RenderContext::default()
            };
            let env = RenderEnv::new(&sources, &NoFunctions, &context);
            let minion = Minion { id, grains, pillar: &Value::Null, nodegroups: &self.node_groups };
            let rendered = pillar::render_with(&env, &minion, &self.keys)
                .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
            let known = self.known(id, &rendered.data, &rendered.secrets, !overrides.is_empty());
            if let Value::Map(data) = rendered.data {
                out = Rendered { data, secrets: rendered.secrets, known, layers: rendered.layers };
                pillar::merge(&mut out.data, overrides.clone());
            }
        }
        Ok(out)
    }
}

/// The pillar roots as they are now.
struct Roots<'a> {
    scan: &'a Scan,
}

impl Roots<'_> {
    fn place(&self, path: &str) -> Option<&Path> {
        let entry = self.scan.manifest.get(path)?;
        self.scan.sources.get(&entry.digest).map(PathBuf::as_path)
    }
}

impl Sources for Roots<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(place) = self.place(path) else { return Ok(None) };
        let failed = |e: std::io::Error| SourceError { path: path.to_owned(), reason: e.to_string() };
        std::fs::read(place).map(Some).map_err(failed)
    }

    fn list(&self) -> Vec<String> {
        self.scan.manifest.entries().iter().map(|e| e.path.clone()).collect()
    }

    fn exists(&self, path: &str) -> bool {
        self.place(path).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pillar_that_could_not_be_sent_is_an_error_that_names_its_key() {
        let pillar = |levels: u8| {
            let value = (1..levels).fold(Value::Null, |v, _| Value::List(vec![v]));
            Map::from_iter([(Value::from("deep"), value)])
        };
        assert_eq!(check_depth(&pillar(MAX_DEPTH - 1)), Ok(()));
        assert!(lab_proto::codec::encode(&Value::Map(pillar(MAX_DEPTH - 1))).is_ok());
        let error = check_depth(&pillar(MAX_DEPTH)).expect_err("is refused");
        assert!(error.contains("pillar's deep"), "{error}");
        assert!(lab_proto::codec::encode(&Value::Map(pillar(MAX_DEPTH))).is_err());
    }
}
