//! `pillar`, `grains` and `mine`: what the master knows of minions.

use lab_proto::v1::op::RefusalKind;
use lab_proto::{Map, MinionId, Target, Value};
use lab_states::pillar::secret;

use super::{Answer, Request, Stop, nobody, refuse};
use crate::core::records;
use crate::server::{pillar, targets};

impl Request {
    pub(super) async fn pillar(&mut self, target: Target, key: Option<String>, reveal: bool) -> Answer {
        for id in self.meant(&target).await? {
            let rendered = self.rendered(&id).await?;
            let secrets = rendered.secrets();
            let value = Value::Map(rendered.data);
            let shown = if reveal { value } else { secrets.value(&value) };
            self.keyed(&id, &shown, key.as_deref()).await?;
        }
        Ok(())
    }

    /// Tells for each minion which files have a key, in the order of merging, and which of them counts.
    pub(super) async fn pillar_layers(&mut self, target: Target, key: String, reveal: bool) -> Answer {
        for id in self.meant(&target).await? {
            let rendered = self.rendered(&id).await?;
            let at = |value: &Value| key.split(':').try_fold(value, |v, k| v.get(k)).cloned();
            let having: Vec<_> =
                rendered.layers.iter().filter_map(|l| at(&l.data).map(|value| (l, value))).collect();
            let last = having.len().saturating_sub(1);
            let merged =
                having.len() > 1 && having.iter().all(|(_, v)| matches!(v, Value::Map(m) if !m.is_empty()));
            let whole = Value::Map(rendered.data.clone());
            for (i, (layer, mut value)) in having.into_iter().enumerate() {
                // The winner's own mark is what the whole has in that place.
                match at(&whole).filter(|_| reveal && i == last && !merged) {
                    Some(plain) => value = plain,
                    None => secret::mask(&mut value),
                }
                let verdict = match (merged, i == last) {
                    (true, _) => "merged",
                    (false, true) => "wins",
                    (false, false) => "overridden",
                };
                self.data(Value::from([
                    ("minion", Value::from(id.as_str())),
                    ("sls", Value::from(layer.sls.as_str())),
                    ("file", Value::from(layer.path.as_str())),
                    ("verdict", Value::from(verdict)),
                    ("value", value),
                ]))
                .await?;
            }
        }
        Ok(())
    }

    async fn rendered(&self, id: &MinionId) -> Result<pillar::Rendered, Stop> {
        let rendered = pillar::fresh(&self.shared, id, Map::new()).await;
        rendered.map_err(|why| refuse(RefusalKind::DoesNotCompile, format!("pillar of {id}: {why}")))
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
        let now = crate::server::wall_time();
        for id in meant {
            let (shared, of) = (shared.clone(), id.clone());
            let all = tokio::task::spawn_blocking(move || records::mine(&*shared.store, &of)).await;
            let all = all.map_err(|e| refuse(RefusalKind::Internal, e.to_string()))??;
            let mut values = Map::new();
            for (name, record) in all.iter().filter(|(_, r)| r.expires.is_none_or(|t| t > now)) {
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
            return Err(nobody(target));
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
