//! Execution functions: one file per module. They are short and many, so each is an entry in its module's table: name,
//! documentation, body.

pub(super) mod agent;
mod banner;
mod cmd;
mod config;
mod cp;
mod data;
mod event;
mod file;
mod file_acts;
mod file_facts;
mod grains;
mod kernel;
mod log;
mod matching;
mod merging;
mod mine;
mod mount;
mod net;
mod network;
mod pillar;
mod render;
mod service;
mod settings;
mod state;
mod status;
mod subnets;
mod sys;
mod system;
mod test;
mod tools;
mod user;

use std::sync::Arc;

use lab_proto::{Map, Value};
use serde::de::DeserializeOwned;

use crate::function::{CallError, ExecFunction, FunctionDoc, JobCtx, Registry, bind, takes};

pub(super) fn register(registry: &mut Registry) {
    let tables: &[&'static [Exec]] = &[
        agent::ALL,
        banner::ALL,
        cmd::ALL,
        config::ALL,
        cp::ALL,
        data::ALL,
        event::ALL,
        file::ALL,
        file_acts::ALL,
        file_facts::ALL,
        grains::ALL,
        kernel::ALL,
        log::ALL,
        matching::ALL,
        merging::ALL,
        mine::ALL,
        mount::ALL,
        net::ALL,
        network::ALL,
        pillar::ALL,
        render::ALL,
        super::pkg::EXECS,
        super::ssh::EXECS,
        service::ALL,
        settings::ALL,
        state::ALL,
        status::ALL,
        subnets::ALL,
        sys::ALL,
        system::ALL,
        test::ALL,
        tools::ALL,
        user::ALL,
        super::ini::EXECS,
    ];
    for exec in tables.iter().copied().flatten() {
        registry.add_exec(Arc::new(exec));
    }
}

pub(super) use file_facts::sum;

/// One execution function.
pub(super) struct Exec {
    pub(super) name: &'static str,
    pub(super) doc: FunctionDoc,
    pub(super) body: fn(&Call<'_>) -> Result<Value, CallError>,
}

/// One call of it.
pub(super) struct Call<'a> {
    pub(super) name: &'static str,
    pub(super) args: &'a [Value],
    pub(super) kwargs: &'a Map,
    pub(super) doc: &'a FunctionDoc,
    pub(super) ctx: &'a JobCtx<'a>,
}

impl Call<'_> {
    /// Reads the arguments into a type.
    pub(super) fn typed<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        bind(self.doc, self.args, self.kwargs)
    }
}

impl ExecFunction for &'static Exec {
    fn name(&self) -> &str {
        self.name
    }

    fn doc(&self) -> &FunctionDoc {
        &self.doc
    }

    fn call(&self, args: &[Value], kwargs: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError> {
        takes(&self.doc, args, kwargs)?;
        (self.body)(&Call { name: self.name, args, kwargs, doc: &self.doc, ctx })
    }
}

/// Turns what a state error says into what an execution function says.
pub(super) fn failed(e: crate::function::StateError) -> CallError {
    use crate::function::StateError;
    match e {
        StateError::Args(e) => e.into(),
        StateError::Host(e) => e.into(),
        StateError::Service(e) => e.into(),
        StateError::Call(e) => e,
        StateError::About { text, .. } | StateError::Failed(text) => CallError::Failed(text),
    }
}
