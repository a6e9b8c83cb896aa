//! What the agent offers to functions besides the machine: grains, pillar, files, templates, runs, mine, events.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs, UdpSocket};
use std::sync::Arc;

use lab_proto::v1::link::{Query, QueryReply};
use lab_proto::{EventTag, Map, StateReturn, Target, Value};
use lab_states::function::{
    ApplyOutcome, ApplyRequest, Cached, FileEntry, JobCtx, ServiceError, Services, Template,
};
use lab_states::net::NetGuard;
use lab_states::run::Refresh;

use super::job::laid_over;
use super::{Job, Request};
use crate::apply;
use crate::link::known;

/// Any port does where only the way to a machine is asked for.
const DISCARD: u16 = 9;

/// The status of a state run that does not compile: the exit code of the command that asked for it.
const DOES_NOT_COMPILE: i64 = 13;

impl Job {
    fn ask(&self, query: Query) -> Result<QueryReply, ServiceError> {
        let reply = self.env.queries.ask(query).and_then(known);
        reply.map_err(|e| ServiceError::new(crate::chain(&e)))
    }

    /// Returns the state tree with its SLS files at hand, once the pillar is known to be whole.
    fn tree_for_states(&self, ctx: &JobCtx<'_>) -> Result<Arc<crate::content::Tree>, ServiceError> {
        if let Some(errors) = ctx.services.pillar().get("_errors") {
            self.note_retcode(DOES_NOT_COMPILE);
            return Err(ServiceError::new(unrendered(errors)));
        }
        let tree = self.tree()?;
        // Many small files one by one would cost a round trip each.
        tree.prefetch_sls().map_err(|e| ServiceError::new(crate::chain(&e)))?;
        Ok(tree)
    }

    fn uncompiled(&self, errors: &dyn std::fmt::Display) -> ServiceError {
        self.note_retcode(DOES_NOT_COMPILE);
        ServiceError::new(format!("the states do not compile:\n{errors}"))
    }

    fn run_states(&self, request: &ApplyRequest, ctx: &JobCtx<'_>) -> Result<ApplyOutcome, ServiceError> {
        let tree = self.tree_for_states(ctx)?;
        let results = apply::apply(&*tree, request, false, ctx).map_err(|e| self.uncompiled(&e))?;
        if let Err(e) = self.env.content.shrink() {
            tracing::warn!(error = %crate::chain(&e), "the cache of files is over its limit");
        }
        Ok(ApplyOutcome { results })
    }
}

/// Says why a pillar does not render: each error as its own text, which may have lines of its own.
fn unrendered(errors: &Value) -> String {
    let all = errors.as_list().unwrap_or(std::slice::from_ref(errors));
    std::iter::once("the pillar does not render:".to_owned())
        .chain(all.iter().map(|error| error.as_str().map_or_else(|| error.to_string(), str::to_owned)))
        .collect::<Vec<_>>()
        .join("\n")
}

impl Services for Job {
    fn id(&self) -> &str {
        self.env.id.as_str()
    }

    fn grains(&self) -> Arc<Value> {
        self.env.grains()
    }

    fn pillar(&self) -> Arc<Value> {
        self.current_pillar()
    }

    fn opts(&self) -> Arc<Value> {
        self.env.opts()
    }

    fn file(&self, path: &str, _saltenv: &str) -> Result<Vec<u8>, ServiceError> {
        self.tree()?.file(path)
    }

    fn cache_file(&self, path: &str, _saltenv: &str) -> Result<String, ServiceError> {
        Ok(self.tree()?.place(path)?.display().to_string())
    }

    fn size(&self, path: &str, _saltenv: &str) -> Result<Option<u64>, ServiceError> {
        self.tree()?.size(path).map(Some)
    }

    fn cached(&self, path: &str, _saltenv: &str) -> Result<Cached, ServiceError> {
        self.tree()?.cached(path)
    }

    fn uncache(&self, path: &str, _saltenv: &str) -> Result<bool, ServiceError> {
        self.tree()?.uncache(path)
    }

    fn list(&self, folder: &str, _saltenv: &str) -> Result<Vec<FileEntry>, ServiceError> {
        Ok(self.tree()?.below(folder))
    }

    fn render(&self, template: &Template<'_>) -> Result<String, ServiceError> {
        apply::template(&*self.tree()?, template, &self.ctx())
    }

    fn apply(&self, request: &ApplyRequest, ctx: &JobCtx<'_>) -> Result<ApplyOutcome, ServiceError> {
        match &request.pillar {
            None => self.run_states(request, ctx),
            Some(above) => {
                let over =
                    WithPillar { job: self, pillar: Arc::new(laid_over(&ctx.services.pillar(), above)) };
                self.run_states(request, &self.ctx_with(&over))
            }
        }
    }

    fn low_chunks(&self, request: &ApplyRequest, ctx: &JobCtx<'_>) -> Result<Vec<Value>, ServiceError> {
        let tree = self.tree_for_states(ctx)?;
        let show = |ctx: &JobCtx<'_>| {
            let chunks = apply::low_chunks(&*tree, request, ctx).map_err(|e| self.uncompiled(&e))?;
            Ok(chunks.iter().map(lab_states::low::LowChunk::to_value).collect())
        };
        match &request.pillar {
            None => show(ctx),
            Some(above) => {
                let over =
                    WithPillar { job: self, pillar: Arc::new(laid_over(&ctx.services.pillar(), above)) };
                show(&self.ctx_with(&over))
            }
        }
    }

    fn top(&self, request: &ApplyRequest, ctx: &JobCtx<'_>) -> Result<Vec<String>, ServiceError> {
        let tree = self.tree_for_states(ctx)?;
        let named = |ctx: &JobCtx<'_>| apply::top_names(&*tree, ctx).map_err(|e| self.uncompiled(&e));
        match &request.pillar {
            None => named(ctx),
            Some(above) => {
                let over =
                    WithPillar { job: self, pillar: Arc::new(laid_over(&ctx.services.pillar(), above)) };
                named(&self.ctx_with(&over))
            }
        }
    }

    fn mine(&self, target: &str, function: &str, target_kind: &str) -> Result<Value, ServiceError> {
        let bad = |e: lab_proto::job::UnknownTargetKind| ServiceError::new(e.to_string());
        let target = Target::new(target_kind.parse().map_err(bad)?, target);
        match self.ask(Query::MineGet { target, function: function.to_owned() })? {
            QueryReply::Value(value) => Ok(value),
            other => Err(ServiceError::new(format!("the master answered a mine question with {other:?}"))),
        }
    }

    fn send_event(&self, tag: &str, data: Value) -> Result<(), ServiceError> {
        let tag = EventTag::new(tag).map_err(|e| ServiceError::new(e.to_string()))?;
        let sent = self.env.emitter.emit_blocking(tag, self.secrets.value(&data));
        sent.map(drop).map_err(|e| ServiceError::new(crate::chain(&e)))
    }

    fn emit_result(&self, tag: &Value, result: &StateReturn) -> Result<(), ServiceError> {
        let about = tag.as_str().unwrap_or(&result.name);
        // The name of a state may be anything, a tag may not.
        let about = about.replace(|c: char| c.is_whitespace() || c.is_control(), "_");
        let data = Value::from_serialize(result).map_err(|e| ServiceError::new(e.to_string()))?;
        self.send_event(&format!("salt/state_result/{}/{}/{about}", self.jid, self.env.id), data)
    }

    fn set_retcode(&self, retcode: i64) {
        self.note_retcode(retcode);
    }

    /// Asks the kernel by which address it would reach the master; nothing is sent.
    fn session_address(&self) -> Option<IpAddr> {
        let opts = self.env.opts();
        let masters = opts.get("master")?;
        let first = masters.as_list().and_then(<[Value]>::first).unwrap_or(masters).as_str()?;
        let with_port = if first.contains(':') { first.to_owned() } else { format!("{first}:{DISCARD}") };
        let address = with_port.to_socket_addrs().ok()?.next()?;
        let any: IpAddr =
            if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect(address).ok()?;
        Some(socket.local_addr().ok()?.ip())
    }

    fn net_guard(&self) -> Option<&dyn NetGuard> {
        self.env.guard().map(|g| g.as_ref() as &dyn NetGuard)
    }

    fn refresh(&self, what: Refresh) -> Result<(), ServiceError> {
        let Refresh { grains, pillar, modules } = what;
        if grains && self.env.read_grains() {
            self.env.request(Request::GrainsChanged);
        }
        if modules {
            self.env.set_registry(crate::functions::registry(&self.env));
        }
        if pillar {
            match self.ask(Query::Pillar { overrides: Map::new() })? {
                QueryReply::Value(value) => self.replace_pillar(value),
                other => {
                    return Err(ServiceError::new(format!(
                        "the master answered a pillar question with {other:?}"
                    )));
                }
            }
        }
        Ok(())
    }
}

/// The same services with another pillar, for a nested run.
struct WithPillar<'a> {
    job: &'a Job,
    pillar: Arc<Value>,
}

impl Services for WithPillar<'_> {
    fn id(&self) -> &str {
        self.job.id()
    }

    fn grains(&self) -> Arc<Value> {
        self.job.grains()
    }

    fn pillar(&self) -> Arc<Value> {
        self.pillar.clone()
    }

    fn opts(&self) -> Arc<Value> {
        self.job.opts()
    }

    fn file(&self, path: &str, saltenv: &str) -> Result<Vec<u8>, ServiceError> {
        self.job.file(path, saltenv)
    }

    fn size(&self, path: &str, saltenv: &str) -> Result<Option<u64>, ServiceError> {
        self.job.size(path, saltenv)
    }

    fn cached(&self, path: &str, saltenv: &str) -> Result<Cached, ServiceError> {
        self.job.cached(path, saltenv)
    }

    fn uncache(&self, path: &str, saltenv: &str) -> Result<bool, ServiceError> {
        self.job.uncache(path, saltenv)
    }

    fn cache_file(&self, path: &str, saltenv: &str) -> Result<String, ServiceError> {
        self.job.cache_file(path, saltenv)
    }

    fn list(&self, folder: &str, saltenv: &str) -> Result<Vec<FileEntry>, ServiceError> {
        self.job.list(folder, saltenv)
    }

    fn render(&self, template: &Template<'_>) -> Result<String, ServiceError> {
        apply::template(&*self.job.tree()?, template, &self.job.ctx_with(self))
    }

    fn apply(&self, request: &ApplyRequest, ctx: &JobCtx<'_>) -> Result<ApplyOutcome, ServiceError> {
        self.job.apply(request, ctx)
    }

    fn low_chunks(&self, request: &ApplyRequest, ctx: &JobCtx<'_>) -> Result<Vec<Value>, ServiceError> {
        self.job.low_chunks(request, ctx)
    }

    fn top(&self, request: &ApplyRequest, ctx: &JobCtx<'_>) -> Result<Vec<String>, ServiceError> {
        self.job.top(request, ctx)
    }

    fn mine(&self, target: &str, function: &str, target_kind: &str) -> Result<Value, ServiceError> {
        self.job.mine(target, function, target_kind)
    }

    fn send_event(&self, tag: &str, data: Value) -> Result<(), ServiceError> {
        self.job.send_event(tag, data)
    }

    fn emit_result(&self, tag: &Value, result: &StateReturn) -> Result<(), ServiceError> {
        self.job.emit_result(tag, result)
    }

    fn set_retcode(&self, retcode: i64) {
        self.job.set_retcode(retcode);
    }

    fn session_address(&self) -> Option<IpAddr> {
        self.job.session_address()
    }

    fn net_guard(&self) -> Option<&dyn NetGuard> {
        self.job.net_guard()
    }

    /// Pillar that was given for this run stays what it is.
    fn refresh(&self, what: Refresh) -> Result<(), ServiceError> {
        self.job.refresh(Refresh { pillar: false, ..what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_errors_of_a_pillar_are_told_as_text() {
        let errors = Value::from(vec!["p.sls:1:7: 'nope' is undefined\n  a: {{ nope }}", "q.sls: 'x'"]);
        assert_eq!(
            unrendered(&errors),
            "the pillar does not render:\np.sls:1:7: 'nope' is undefined\n  a: {{ nope }}\nq.sls: 'x'"
        );
        assert_eq!(unrendered(&Value::from("one")), "the pillar does not render:\none");
    }
}
