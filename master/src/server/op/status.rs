//! `status`: how the master is.

use std::sync::atomic::Ordering;

use lab_proto::Value;

use super::{Answer, Request};
use crate::core::{KeyState, Presence};

impl Request {
    pub(super) async fn status(&mut self) -> Answer {
        let shared = self.shared.clone();
        let keys = shared.keys.matching("*").await;
        let count = |state| keys.iter().filter(|k| k.state == state).count() as u64;
        let (present, jobs) = shared
            .hub
            .ask(|core| {
                let all: Vec<Presence> = core.minions().map(|(_, m)| m.presence).collect();
                let of = |p| all.iter().filter(|x| **x == p).count() as u64;
                let present = [of(Presence::Connected), of(Presence::Away), of(Presence::Lost)];
                (present, core.open_jobs().count() as u64)
            })
            .await?;
        let status = Value::from([
            ("version", Value::from(env!("CARGO_PKG_VERSION"))),
            ("log", shared.store.log_id().to_string().into()),
            ("head", shared.store.head().seq.into()),
            ("floor", shared.store.floor().seq.into()),
            ("ca", shared.authority.fingerprint().to_string().into()),
            ("started", shared.started.to_string().into()),
            ("up_seconds", shared.clock.up().as_secs().into()),
            ("connected", present[0].into()),
            ("away", present[1].into()),
            ("lost", present[2].into()),
            ("keys_accepted", count(KeyState::Accepted).into()),
            ("keys_pending", count(KeyState::Pending).into()),
            ("jobs_running", jobs.into()),
            ("strangers", (shared.strangers.count() as u64).into()),
            ("noise_datagrams", shared.noise.count().into()),
            ("flushes", shared.hub.counters().flushes.load(Ordering::Relaxed).into()),
            ("events_flushed", shared.hub.counters().events.load(Ordering::Relaxed).into()),
        ]);
        Ok(self.data(status).await?)
    }
}
