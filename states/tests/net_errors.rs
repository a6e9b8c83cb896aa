//! Wrong network definitions: each is refused with the place and the way out, and nothing is changed.
//!
//! A file of `net-errors/` is one case: the SLS, a line `----`, and what the failed states say. `LAB_BLESS=1` writes the
//! second half anew; read the difference before you commit it.

use std::path::Path;
use std::sync::Arc;

use lab_proto::{StateOutcome, Timestamp, Value};
use lab_states::compile::{RenderedTree, Request, compile};
use lab_states::function::{
    ApplyOutcome, ApplyRequest, Control, FileEntry, JobCtx, Progress, ServiceError, Services, Template,
};
use lab_states::functions::builtin;
use lab_states::host::sim::SimHost;
use lab_states::redact::Secrets;
use lab_states::render::{MemorySources, NoFunctions, RenderContext, RenderEnv};
use lab_states::run::{RunOptions, StateRun, Traits, drive};

/// Services of no agent: these states ask for nothing but the machine.
struct Nobody;

impl Services for Nobody {
    fn id(&self) -> &str {
        "sim"
    }

    fn grains(&self) -> Arc<Value> {
        Arc::new(Value::Null)
    }

    fn pillar(&self) -> Arc<Value> {
        Arc::new(Value::Null)
    }

    fn opts(&self) -> Arc<Value> {
        Arc::new(Value::Null)
    }

    fn file(&self, path: &str, _: &str) -> Result<Vec<u8>, ServiceError> {
        Err(ServiceError::missing(path))
    }

    fn list(&self, _: &str, _: &str) -> Result<Vec<FileEntry>, ServiceError> {
        Ok(Vec::new())
    }

    fn render(&self, _: &Template<'_>) -> Result<String, ServiceError> {
        Err(ServiceError::new("simulation"))
    }

    fn apply(&self, _: &ApplyRequest, _: &JobCtx<'_>) -> Result<ApplyOutcome, ServiceError> {
        Err(ServiceError::new("simulation"))
    }

    fn mine(&self, _: &str, _: &str, _: &str) -> Result<Value, ServiceError> {
        Err(ServiceError::new("simulation"))
    }

    fn send_event(&self, _: &str, _: Value) -> Result<(), ServiceError> {
        Err(ServiceError::new("simulation"))
    }
}

impl Control for Nobody {
    fn cancelled(&self) -> bool {
        false
    }

    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn progress(&self, _: Progress) {}
}

/// A machine with an uplink, a card without address, a bridge that carries a VLAN, and libvirt's own bridge.
fn machine() -> SimHost {
    let xml = "<network><name>default</name><forward mode='nat'/><bridge name='privatebr0'/></network>";
    SimHost::new()
        .with_nic("eth0", "10.0.0.2/24", Some("10.0.0.1"))
        .with_nic("eth1", "", None)
        .with_nic("eth2", "10.2.0.2/24", None)
        .with_neighbour("10.0.0.77", "eth0")
        .with_file("/etc/libvirt/qemu/networks/default.xml", xml)
}

fn says(sls: &str, host: &SimHost) -> String {
    let (registry, secrets) = (builtin(), Secrets::new());
    let ctx = JobCtx { host, control: &Nobody, services: &Nobody, registry: &registry, secrets: &secrets };
    let sources = MemorySources::new([("net.sls", sls)]);
    let context = RenderContext::default();
    let env = RenderEnv::new(&sources, &NoFunctions, &context);
    let chunks = match compile(&RenderedTree::new(env), &Request::sls(["net"])) {
        Ok(chunks) => chunks,
        Err(e) => return format!("{e}\n"),
    };
    let run = StateRun::new(chunks, |chunk| Traits::of(chunk, &registry), RunOptions::default());
    let failed = drive(run, &ctx).into_iter().filter(|r| r.outcome == StateOutcome::Failed);
    failed.map(|r| format!("{} {}: {}\n", r.state, r.name, r.comment)).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the cases are files")]
fn wrong_definitions_are_refused_with_place_and_remedy_and_nothing_is_changed() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/net-errors");
    let mut names: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    assert!(names.len() >= 60, "{} cases", names.len());
    let mut differences = Vec::new();
    for path in names {
        let text = std::fs::read_to_string(&path).unwrap();
        let (sls, wanted) = text.split_once("----\n").unwrap_or((&text, ""));
        let host = machine();
        let before = (host.tree(), host.writes());
        let said = says(sls, &host);
        if (host.tree(), host.writes()) != before {
            differences.push(format!("{}: something was changed", path.display()));
        }
        if !said.contains("net.sls:") {
            differences.push(format!("{}: no place in {said:?}", path.display()));
        }
        if std::env::var_os("LAB_BLESS").is_some() {
            std::fs::write(&path, format!("{sls}----\n{said}")).unwrap();
        } else if said != wanted {
            differences.push(format!("{}:\n{said}", path.display()));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
