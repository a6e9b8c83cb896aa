//! Watches the network: tells links that come, go and move, and whether what was committed still holds.
//!
//! Woken by the kernel, waits until it is quiet, then reads everything anew; so nothing is told twice and nothing depends on
//! every message being seen. While the guard makes a change of its own, it waits.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lab_proto::facts::{DriftAction, LinkChange, NetDrift, NetLink, lines};
use lab_proto::{EventTag, JobId, JobSpec, Map, MinionId, Target, TargetKind, Value};
use lab_states::host::{Link, LinkKind, NetSnapshot, NetStep, Network};
use tokio::sync::mpsc;

use crate::clock;
use crate::config::{Heal, NetSettings};
use crate::host::LinuxHost;
use crate::host::netwatch::Changes;
use crate::netguard::{Guard, persist};
use crate::workers::{Assignment, Cancel, Env, Job};

/// How often everything is compared although the kernel said nothing: after a suspend it says nothing.
const ANYWAY: Duration = Duration::from_secs(60);
/// The longest wait for quiet.
const NOISE: Duration = Duration::from_secs(5);
/// How long between two attempts to heal: whoever changes it back will do so again.
const BETWEEN_HEALS: Duration = Duration::from_secs(60);

/// Starts the watch in a thread of its own; it ends with the agent. `settled` wakes it after a change of our own.
///
/// # Errors
/// When there is no thread.
pub fn start(
    env: Arc<Env>,
    guard: Arc<Guard>,
    settings: NetSettings,
    settled: mpsc::Receiver<()>,
) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("netwatch".to_owned());
    thread.spawn(move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return tracing::error!(%error, "the network is not watched"),
        };
        let watch = Watch { env, guard, settings, links: None, drift: Vec::new(), healed: None };
        if let Err(error) = runtime.block_on(watch.run(settled)) {
            tracing::error!(%error, "the network is not watched any more");
        }
    })?;
    Ok(())
}

struct Watch {
    env: Arc<Env>,
    guard: Arc<Guard>,
    settings: NetSettings,
    /// The links as they were told last.
    links: Option<Vec<Link>>,
    /// The drift as it was told last.
    drift: Vec<String>,
    healed: Option<std::time::Instant>,
}

impl Watch {
    async fn run(mut self, mut settled: mpsc::Receiver<()>) -> std::io::Result<()> {
        let mut changes = Changes::listen()?;
        loop {
            self.look().await;
            tokio::select! {
                more = changes.next() => if !more { return Ok(()) },
                woken = settled.recv() => if woken.is_none() { return Ok(()) },
                () = tokio::time::sleep(ANYWAY) => {}
            }
            let quiet = async {
                while tokio::time::timeout(self.settings.settle, changes.next()).await == Ok(true) {}
            };
            // A host that is never quiet is looked at all the same.
            let _ = tokio::time::timeout(NOISE, quiet).await;
        }
    }

    async fn look(&mut self) {
        // Another change of ours is told by its own events; it wakes us when it is over.
        if self.guard.is_busy() {
            return;
        }
        let guard = self.guard.clone();
        let read = tokio::task::spawn_blocking(move || read(&guard)).await;
        let (now, ours, healing) = match read {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return tracing::warn!(error, "the network cannot be compared"),
            Err(_) => return,
        };
        if self.guard.is_busy() {
            return;
        }
        self.tell_links(&now, &ours).await;
        self.tell_drift(&healing).await;
    }

    async fn tell_links(&mut self, now: &NetSnapshot, ours: &BTreeSet<String>) {
        let Some(then) = self.links.replace(now.links.clone()) else { return };
        for fact in compare(&self.env.id, &then, &now.links, ours) {
            self.say(fact.tag(), fact.data()).await;
        }
    }

    async fn tell_drift(&mut self, healing: &[NetStep]) {
        let now: Vec<String> = lines(healing.iter().map(ToString::to_string));
        let again = now == self.drift;
        if now.is_empty() && again {
            return;
        }
        self.drift.clone_from(&now);
        if now.is_empty() {
            return self.say_drift(now, DriftAction::Gone, None).await;
        }
        if self.settings.heal == Heal::Never {
            if !again {
                self.say_drift(now, DriftAction::Reported, None).await;
            }
            return;
        }
        if self.healed.is_some_and(|at| at.elapsed() < BETWEEN_HEALS) {
            if !again {
                let why = "it was healed a moment ago, and something changed it again".to_owned();
                self.say_drift(now, DriftAction::Reported, Some(why)).await;
            }
            return;
        }
        self.healed = Some(std::time::Instant::now());
        let (env, guard) = (self.env.clone(), self.guard.clone());
        let healed = tokio::task::spawn_blocking(move || heal(&env, &guard)).await;
        match healed {
            Ok(Ok(())) => {
                self.drift.clear();
                self.say_drift(now, DriftAction::Healed, None).await;
            }
            Ok(Err(why)) => self.say_drift(now, DriftAction::Reported, Some(why)).await,
            Err(_) => {}
        }
    }

    async fn say_drift(&self, healing: Vec<String>, action: DriftAction, reason: Option<String>) {
        let fact = NetDrift { id: self.env.id.clone(), healing, action, reason };
        self.say(fact.tag(), fact.data()).await;
    }

    async fn say(&self, tag: EventTag, data: Value) {
        if let Err(e) = self.env.emitter.emit(tag, data, None).await {
            tracing::error!(error = %crate::chain(&e), "an event about the network is lost");
        }
    }
}

type Read = (NetSnapshot, BTreeSet<String>, Vec<NetStep>);

fn read(guard: &Guard) -> Result<Read, String> {
    let host = LinuxHost::new();
    let now = host.net_snapshot().map_err(|e| e.to_string())?;
    let made = persist::owned(guard.places())?.links.into_iter().filter(|(_, l)| l.made);
    let committed = persist::committed(guard.places())?;
    let healing = lab_states::net::healing(&committed, &host)?;
    Ok((now, made.map(|(name, _)| name).collect(), healing))
}

/// Brings back what was committed, guarded as any other change.
fn heal(env: &Arc<Env>, guard: &Guard) -> Result<(), String> {
    let committed = persist::committed(guard.places())?;
    let now = clock::wall_clock();
    let job = JobSpec {
        jid: JobId::new(now, clock::random_u64()),
        fun: "net.heal".to_owned(),
        args: Vec::new(),
        kwargs: Map::new(),
        target: Target::new(TargetKind::List, env.id.as_str()),
        timeout_micros: None,
        tree: None,
        user: env.id.to_string(),
        step: None,
        at: now,
    };
    let assignment = Assignment { job, pillar: Map::new(), deadline: None, cancel: Cancel::default() };
    let job = Job::new(env.clone(), assignment);
    lab_states::net::heal(&committed, &job.ctx())
}

fn compare(id: &MinionId, then: &[Link], now: &[Link], ours: &BTreeSet<String>) -> Vec<NetLink> {
    let mut found = Vec::new();
    let mut say = |link: &Link, what| {
        if !ours.contains(&link.name) && link.kind != LinkKind::Loopback {
            found.push(NetLink {
                id: id.clone(),
                name: link.name.clone(),
                what,
                kind: link.kind.as_str().to_owned(),
                master: link.master.clone(),
                up: link.up,
            });
        }
    };
    for link in now {
        match then.iter().find(|l| l.name == link.name && l.index == link.index) {
            None => say(link, LinkChange::Appeared),
            Some(was) if was.master != link.master => say(link, LinkChange::Moved),
            Some(was) if was.up != link.up => say(link, LinkChange::Switched),
            Some(_) => {}
        }
    }
    for link in then.iter().filter(|t| !now.iter().any(|l| l.name == t.name)) {
        say(link, LinkChange::Gone);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_states::host::sim::SimHost;

    fn links(host: &SimHost) -> Vec<Link> {
        host.net_snapshot().expect("simulated").links
    }

    #[test]
    fn links_that_come_move_and_go_are_told_and_ours_are_not() {
        let id = MinionId::new("web1").expect("valid");
        let host = SimHost::new().with_nic("eth0", "10.0.0.1/24", None);
        let empty = links(&host);
        let host = host.with_nic("brq0", "10.9.0.1/24", None).with_nic("ours", "10.8.0.1/24", None);
        let ours = BTreeSet::from(["ours".to_owned()]);
        let mut there = links(&host);
        let told = |then: &[Link], now: &[Link]| -> Vec<(String, LinkChange)> {
            compare(&id, then, now, &ours).into_iter().map(|f| (f.name, f.what)).collect()
        };
        assert_eq!(told(&empty, &there), [("brq0".to_owned(), LinkChange::Appeared)]);
        let then = there.clone();
        for link in &mut there {
            link.master = (link.name == "eth0").then(|| "brq0".to_owned());
        }
        assert_eq!(told(&then, &there), [("eth0".to_owned(), LinkChange::Moved)]);
        assert_eq!(told(&there, &there), []);
        assert_eq!(told(&then, &empty), [("brq0".to_owned(), LinkChange::Gone)]);
    }
}
