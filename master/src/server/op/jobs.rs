//! `job list`, `job show` and `job kill`.

use lab_proto::facts::Fact;
use lab_proto::v1::op::{JobRequest, RefusalKind};
use lab_proto::{Event, JobId, Map, MinionId, Position, Value};

use super::{Answer, Request, Stop, refuse};
use crate::core::records::{self, JobRecord, RowRecord};
use crate::core::{JobView, Row};
use crate::server::Shared;

impl Request {
    pub(super) async fn job(&mut self, request: JobRequest) -> Answer {
        match request {
            JobRequest::List { limit } => self.job_list(limit).await,
            JobRequest::Show { jid } => self.job_show(&jid).await,
            JobRequest::Kill { jid } => self.job_kill(jid).await,
            JobRequest::Return { jid, id } => self.job_return(&jid, id).await,
        }
    }

    async fn job_list(&mut self, limit: u32) -> Answer {
        let jobs = self.all_jobs().await?;
        for job in jobs.iter().rev().take(limit as usize) {
            self.data(describe(job)).await?;
        }
        Ok(())
    }

    /// Finds the one job whose id begins so.
    pub(super) async fn meant_job(&self, beginning: &str) -> Result<JobRecord, Stop> {
        let jobs = self.all_jobs().await?;
        let mut meant = jobs.into_iter().filter(|j| j.spec.jid.to_string().starts_with(beginning));
        let (job, another) = (meant.next(), meant.next().is_some());
        job.filter(|_| !another).ok_or_else(|| {
            let what = if another { "several jobs begin" } else { "no job begins" };
            let text = format!("{what} with {beginning:?}; see `lab-master job list`");
            refuse(RefusalKind::Refused, text)
        })
    }

    async fn job_show(&mut self, beginning: &str) -> Answer {
        let job = self.meant_job(beginning).await?;
        let jid = job.spec.jid;
        let live = self.shared.hub.ask(move |core| core.open_job(jid)).await?;
        let shared = self.shared.clone();
        let value = tokio::task::spawn_blocking(move || show(&shared, &job, live)).await;
        let value = value.map_err(|e| refuse(RefusalKind::Internal, e.to_string()))??;
        Ok(self.data(value).await?)
    }

    async fn job_kill(&mut self, jid: JobId) -> Answer {
        let shared = self.shared.clone();
        let open = shared.hub.ask(move |core| core.open_job(jid)).await?;
        let by = format!("operator {}", self.operator);
        shared.hub.kill(jid, by).await?.map_err(|e| refuse(RefusalKind::Refused, e.to_string()))?;
        for (id, row) in open.map(|j| j.rows).unwrap_or_default() {
            if !matches!(row, Row::Ended(_)) {
                self.data(Value::from([("id", id.as_str()), ("state", "killing")])).await?;
            }
        }
        Ok(())
    }

    async fn all_jobs(&self) -> Result<Vec<JobRecord>, Stop> {
        let shared = self.shared.clone();
        let jobs = tokio::task::spawn_blocking(move || records::jobs(&*shared.store)).await;
        Ok(jobs.map_err(|e| refuse(RefusalKind::Internal, e.to_string()))??)
    }
}

fn describe(job: &JobRecord) -> Value {
    let state = match job.done {
        None => "running",
        Some(true) => "succeeded",
        Some(false) => "failed",
    };
    let spec = &job.spec;
    Value::from([
        ("jid", Value::from(spec.jid.to_string())),
        ("fun", spec.fun.as_str().into()),
        ("arg", Value::List(spec.args.clone())),
        ("kwarg", Value::Map(spec.kwargs.clone())),
        ("target", format!("{}:{}", spec.target.kind, spec.target.expr).into()),
        ("user", spec.user.as_str().into()),
        ("at", spec.at.to_string().into()),
        ("count", job.count.into()),
        ("state", state.into()),
    ])
}

/// Describes a job with all its rows. Blocking: returns are read from the log.
fn show(shared: &Shared, job: &JobRecord, live: Option<JobView>) -> Result<Value, Stop> {
    let mut rows = Map::new();
    match live {
        Some(live) => {
            for (id, row) in live.rows {
                rows.insert(Value::from(id.as_str()), live_row(shared, job.spec.jid, &id, &row));
            }
        }
        None => {
            for (id, row) in records::job_rows(&*shared.store, job)? {
                rows.insert(Value::from(id.as_str()), ended_row(shared, job.spec.jid, &id, &row));
            }
        }
    }
    let mut value = describe(job);
    if let Value::Map(map) = &mut value {
        map.insert("minions".into(), Value::Map(rows));
    }
    Ok(value)
}

fn live_row(shared: &Shared, jid: JobId, id: &MinionId, row: &Row) -> Value {
    let state = match row {
        Row::Waiting => "waiting",
        Row::Absent { .. } => "reconnecting",
        Row::Published { queued: Some(0), .. } => "running",
        Row::Published { queued: Some(n), .. } => {
            return Value::from([("state", Value::from("queued")), ("before", (*n).into())]);
        }
        Row::Published { queued: None, .. } => "published",
        Row::Ending => "ending",
        Row::Ended(record) => return ended_row(shared, jid, id, record),
    };
    Value::from([("state", state)])
}

fn ended_row(shared: &Shared, jid: JobId, id: &MinionId, row: &RowRecord) -> Value {
    let state = row.end.map_or("lost", |e| e.as_str());
    let mut map: Map = [
        (Value::from("state"), Value::from(state)),
        (Value::from("success"), row.success.into()),
        (Value::from("retcode"), row.retcode.into()),
    ]
    .into_iter()
    .collect();
    match event_of(shared, jid, id, row) {
        Some(event) => {
            for key in ["return", "duration_micros", "reason"] {
                if let Some(value) = event.data.get(key) {
                    map.insert(Value::from(key), value.clone());
                }
            }
        }
        None => {
            map.insert("trimmed".into(), true.into());
        }
    }
    Value::Map(map)
}

/// Reads the event that ended a row; `None` when it is no longer kept. Blocking.
///
/// A log that was begun anew after a loss counts from the start, so another event may have the number of an old row's.
pub(super) fn event_of(shared: &Shared, jid: JobId, id: &MinionId, row: &RowRecord) -> Option<Event> {
    let before = Position { log_id: shared.store.log_id(), seq: row.seq.saturating_sub(1) };
    let event = shared.store.read(before, 1).ok().and_then(|events| events.into_iter().next());
    event.filter(|e| e.position.seq == row.seq).filter(|e| match Fact::of(e) {
        Ok(Some(Fact::JobReturn(r))) => (r.jid, &r.id) == (jid, id),
        Ok(Some(Fact::JobEnd(end))) => (end.jid, &end.id) == (jid, id),
        _ => false,
    })
}
