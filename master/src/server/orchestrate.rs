//! From the name of an orchestration to a run that can begin: finds the file, renders and compiles it on the master,
//! pins the tree. Used by the operators' door, and by the hub for nested runs.

use std::sync::Arc;

use lab_proto::tree::Manifest;
use lab_proto::value::check_given_map;
use lab_proto::{Digest, Map, RunId, StepId, Value};
use lab_states::compile::{RenderedTree, Request as CompileRequest, compile};
use lab_states::orchestrate::{Plan, Start, StartNested};
use lab_states::render::{NoFunctions, RenderContext, RenderEnv, SourceError, Sources};
use lab_states::sls::SlsName;

use super::clock::wall_time;
use super::content::{Content, ContentError};
use super::{chain, pillar};

/// The largest file that a template may read.
const MAX_FILE: u64 = 16 << 20;

/// The largest pillar values given to a run, in bytes when encoded.
const MAX_PILLAR: usize = 16 * 1024;

/// Compiles orchestrations.
pub(crate) struct Runner {
    pub(crate) content: Arc<Content>,
    pub(crate) pillar: Arc<pillar::Renderer>,
}

/// An orchestration that was compiled.
pub(crate) struct Compiled {
    pub(crate) plan: Plan,
    pub(crate) tree: Digest,
}

impl Runner {
    /// Compiles a nested run.
    pub(crate) async fn nested(self: &Arc<Self>, nested: StartNested) -> Result<Start, String> {
        let StartNested { run, name, pillar, test, parent, tree, user } = nested;
        let compiled = self.compile(name.clone(), pillar.clone(), tree).await?;
        Ok(Start {
            run,
            name,
            plan: compiled.plan,
            pillar,
            tree,
            test,
            failhard: false,
            user,
            parent: Some(parent),
        })
    }

    /// Pins the tree as it is now.
    pub(crate) async fn pin(self: &Arc<Self>) -> Result<Digest, String> {
        let this = self.clone();
        let pinned =
            tokio::task::spawn_blocking(move || this.content.pin()).await.map_err(|e| e.to_string())?;
        pinned.map(|(digest, _)| digest).map_err(|e| chain(&e))
    }

    /// Compiles an orchestration of a pinned tree, or of the tree as it is now.
    pub(crate) async fn compile(
        self: &Arc<Self>,
        name: String,
        overrides: Map,
        tree: Option<Digest>,
    ) -> Result<Compiled, String> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.compile_now(&name, &overrides, tree))
            .await
            .map_err(|e| e.to_string())?
    }

    /// Reads what a run keeps as a blob.
    pub(crate) fn stored(&self, digest: &Digest) -> Result<Vec<u8>, String> {
        self.content.blobs().get(digest, u64::MAX).map_err(|e| chain(&e))
    }

    fn compile_now(&self, name: &str, overrides: &Map, tree: Option<Digest>) -> Result<Compiled, String> {
        let content = |e: ContentError| format!("the state tree cannot be read: {}", chain(&e));
        let (tree, manifest) = match tree {
            Some(digest) => (digest, self.content.manifest(&digest).map_err(content)?),
            None => self.content.pin().map_err(content)?,
        };
        let sources = PinnedTree { content: self.content.clone(), manifest };
        let wanted = find(&sources, name)?;
        let pillar = self.pillar.for_master(overrides)?;
        let secrets = pillar.secrets();
        let context = RenderContext {
            pillar: Value::Map(pillar.data),
            opts: Value::from([("id", pillar::MASTER_ID), ("saltenv", "base")]),
            now: wall_time(),
            ..RenderContext::default()
        };
        let tree_of = RenderedTree::new(RenderEnv::new(&sources, &NoFunctions, &context));
        let chunks =
            compile(&tree_of, &CompileRequest::sls([wanted])).map_err(|e| secrets.text(&e.to_string()))?;
        if let Some(chunk) = chunks.iter().find(|c| secrets.touches(&c.to_value())) {
            return Err(format!(
                "{}: step {} holds a secret of the pillar, and steps are kept in the event log; let the minions' own pillar bring it",
                chunk.at, chunk.id
            ));
        }
        let plan = Plan::placed(&chunks, &tree_of).map_err(|e| secrets.text(&lines(&e)))?;
        check_pillar(overrides)?;
        Ok(Compiled { plan, tree })
    }
}

/// Refuses pillar values that the first event of a run does not hold: it has room for them, for the steps and for where awaited
/// minions stood, and the latter two are blobs when they are large.
fn check_pillar(overrides: &Map) -> Result<(), String> {
    check_given_map(overrides).map_err(|why| format!("the pillar values given are {why}"))?;
    let given = Value::Map(overrides.clone());
    let size = lab_proto::codec::encode(&given).map_or(usize::MAX, |bytes| bytes.len());
    if size <= MAX_PILLAR {
        return Ok(());
    }
    Err(format!(
        "the pillar values given have {size} bytes when encoded; at most {MAX_PILLAR} fit, put large data into pillar files"
    ))
}

/// Finds the SLS that an orchestration's name means: below `orch/` first.
fn find(sources: &dyn Sources, name: &str) -> Result<String, String> {
    let mut tried = Vec::new();
    for candidate in [format!("orch.{name}"), name.to_owned()] {
        let sls = SlsName::parse(&candidate).map_err(|e| e.to_string())?;
        let paths = sls.candidates();
        if paths.iter().any(|path| sources.exists(path)) {
            return Ok(candidate);
        }
        tried.extend(paths);
    }
    let known: Vec<String> = sources
        .list()
        .into_iter()
        .filter_map(|p| {
            let sls = p.strip_prefix("orch/")?.strip_suffix(".sls")?;
            Some(sls.strip_suffix("/init").unwrap_or(sls).replace('/', "."))
        })
        .collect();
    let hint = lab_states::nearest::nearest(name, known.iter().map(String::as_str));
    let hint = hint.map(|h| format!("; did you mean {h}?")).unwrap_or_default();
    Err(format!("no orchestration {name}: none of {} is below the file roots{hint}", tried.join(", ")))
}

fn lines<E: ToString>(errors: &[E]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The files of a pinned tree.
pub(crate) struct PinnedTree {
    content: Arc<Content>,
    manifest: Arc<Manifest>,
}

impl Sources for PinnedTree {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(entry) = self.manifest.get(path) else { return Ok(None) };
        let failed = |e| SourceError { path: path.to_owned(), reason: chain(&e) };
        self.content.blobs().get(&entry.digest, MAX_FILE).map(Some).map_err(failed)
    }

    fn list(&self) -> Vec<String> {
        self.manifest.entries().iter().map(|e| e.path.clone()).collect()
    }

    fn exists(&self, path: &str) -> bool {
        self.manifest.get(path).is_some()
    }
}

/// Makes a run that can begin.
pub(crate) fn start(run: RunId, name: String, compiled: Compiled, asked: Asked) -> Start {
    let Asked { pillar, test, follow_tree, user } = asked;
    let tree = (!follow_tree).then_some(compiled.tree);
    Start { run, name, plan: compiled.plan, pillar, tree, test, failhard: false, user, parent: None }
}

/// What an operator asked of a run.
pub(crate) struct Asked {
    pub(crate) pillar: Map,
    pub(crate) test: bool,
    pub(crate) follow_tree: bool,
    pub(crate) user: String,
}

/// Reads a step's name as an operator writes it.
pub(crate) fn step_id(text: &str) -> StepId {
    StepId::from_state_id(text)
}
