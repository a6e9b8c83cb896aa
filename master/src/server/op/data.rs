//! `pillar`, `grains` and `mine`: what the master knows of minions.

use lab_proto::v1::op::RefusalKind;
use lab_proto::{Map, MinionId, Target, Value};

use super::{Answer, Request, Stop, refuse};
use crate::core::records;
use crate::server::{pillar, targets};

impl Request {
    pub(super) async fn pillar(&mut self, target: Target, key: Option<String>) -> Answer {
        for id in self.meant(&target).await? {
            let rendered = pillar::fresh(&self.shared.clone(), &id, Map::new()).await;
            let value = rendered
                .map_err(|why| refuse(RefusalKind::DoesNotCompile, format!("pillar of {id}: {why}")))?;
            self.keyed(&id, &Value::Map(value), key.as_deref()).await?;
        }
        Ok(())
    }

    pub(super) async fn grains(&mut self, target: Target, key: Option<String>) -> Answer {
        for id in self.meant(&target).await? {
            let asked = id.clone();
            let grains = self.shared.hub.ask(move |core| core.grains(&asked)).await?;
            let grains = grains.map_or_else(Value::map, |g| (*g).clone());
            self.keyed(&id, &grains, key.as_deref()).await?;
        }
        Ok(())
    }

    pub(super) async fn mine(&mut self, target: Target, function: Option<String>) -> Answer {
        let meant = self.meant(&target).await?;
        let shared = self.shared.clone();
        let all = tokio::task::spawn_blocking(move || records::mine(&*shared.store)).await;
        let all = all.map_err(|e| refuse(RefusalKind::Internal, e.to_string()))??;
        let now = self.shared.clock.now();
        for id in meant {
            let mut values = Map::new();
            for (_, name, record) in
                all.iter().filter(|(m, _, r)| *m == id && r.expires.is_none_or(|t| t > now))
            {
                let shown = match &function {
                    Some(wanted) if wanted == name => record.value.clone(),
                    Some(_) => continue,
                    None => Value::from([
                        ("at", Value::from(record.at.to_string())),
                        ("expires", record.expires.map(|t| t.to_string()).into()),
                        ("allow", record.allow.as_ref().map(|t| format!("{}:{}", t.kind, t.expr)).into()),
                    ]),
                };
                values.insert(Value::from(name.as_str()), shown);
            }
            self.data(Value::from([(id.as_str(), Value::Map(values))])).await?;
        }
        Ok(())
    }

    async fn meant(&self, target: &Target) -> Result<Vec<MinionId>, Stop> {
        let meant = targets::resolve(&self.shared, target).await?;
        if meant.is_empty() {
            let text =
                format!("no minion matches {} {:?}; see `lab-master minion list`", target.kind, target.expr);
            return Err(refuse(RefusalKind::NoTarget, text));
        }
        Ok(meant)
    }

    /// Sends what a minion has under a key path.
    async fn keyed(&mut self, id: &MinionId, value: &Value, key: Option<&str>) -> Answer {
        let found = match key {
            Some(path) => path.split(':').try_fold(value, |v, k| v.get(k)).cloned().unwrap_or_default(),
            None => value.clone(),
        };
        Ok(self.data(Value::from([(id.as_str(), found)])).await?)
    }
}
