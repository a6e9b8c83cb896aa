//! `minion list` and `minion show`.

use lab_proto::v1::op::RefusalKind;
use lab_proto::{MinionId, Value};

use super::{Answer, Request, refuse};
use crate::core::{MinionView, Row};

impl Request {
    pub(super) async fn minion_list(&mut self) -> Answer {
        let accepted = self.shared.keys.accepted_ids().await;
        let known = self
            .shared
            .hub
            .ask(move |core| accepted.into_iter().map(|id| (core.minion(&id), id)).collect::<Vec<_>>())
            .await?;
        for (view, id) in known {
            self.data(describe(&id, view.as_ref())).await?;
        }
        Ok(())
    }

    pub(super) async fn minion_show(&mut self, id: MinionId) -> Answer {
        let asked = id.clone();
        let (view, jobs) = self
            .shared
            .hub
            .ask(move |core| {
                let on_it = |rows: &[(MinionId, Row)]| {
                    rows.iter().any(|(m, r)| *m == asked && !matches!(r, Row::Ended(_)))
                };
                let jobs: Vec<Value> = core
                    .open_jobs()
                    .filter(|j| on_it(&j.rows))
                    .map(|j| {
                        let (jid, fun) = (j.record.spec.jid.to_string(), j.record.spec.fun);
                        Value::from([("jid", Value::from(jid)), ("fun", fun.into())])
                    })
                    .collect();
                (core.minion(&asked), jobs)
            })
            .await?;
        let keys = self.shared.keys.matching(id.as_str()).await;
        if view.is_none() && keys.is_empty() {
            let text = format!("no minion {id}; see `lab-master minion list` and `lab-master key list`");
            return Err(refuse(RefusalKind::Refused, text));
        }
        let mut value = describe(&id, view.as_ref());
        if let Value::Map(map) = &mut value {
            let keys = keys.iter().map(crate::server::keys::key_value).collect();
            map.insert("running".into(), Value::List(jobs));
            map.insert("keys".into(), Value::List(keys));
        }
        Ok(self.data(value).await?)
    }
}

/// Describes a minion as `--json` prints it.
fn describe(id: &MinionId, view: Option<&MinionView>) -> Value {
    let Some(v) = view else {
        return Value::from([("id", Value::from(id.as_str())), ("state", "never connected".into())]);
    };
    Value::from([
        ("id", Value::from(id.as_str())),
        ("state", v.presence.as_str().into()),
        ("address", v.record.address.as_str().into()),
        ("boot_id", v.record.boot.id.to_string().into()),
        ("boot", v.record.boot.number.into()),
        ("version", v.record.version.as_str().into()),
        ("machine_id", v.record.machine_id.to_string().into()),
        ("last_seen", v.last_heard.to_string().into()),
        ("ready", v.record.ready.into()),
        ("change_pending_until", v.change_until.map_or(Value::Null, |t| t.to_string().into())),
        ("queue", v.jobs.into()),
        ("reboot_requested_by", v.record.reboot_by.map(|j| j.to_string()).into()),
    ])
}
