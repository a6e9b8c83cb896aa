//! `run` and `apply`: a job from its target to its last return.

use std::sync::Arc;

use lab_proto::v1::op::{Batch, EventQuery, OpReply, RefusalKind, RunRequest, Since};
use lab_proto::{JobId, MinionId, Position, TagPattern};
use tokio::sync::broadcast;

use super::{Answer, Request, Stop, nobody, refuse};
use crate::core::{Submission, uses_tree};
use crate::server::Shared;
use crate::server::hub::Shown;
use crate::server::tail::{Found, Tail};
use crate::server::targets;

impl Request {
    pub(super) async fn run(&mut self, request: RunRequest) -> Answer {
        let shared = self.shared.clone();
        let RunRequest { target, fun, args, kwargs, timeout, subset, batch, detach } = request;
        if !is_function(&fun) {
            return Err(refuse(RefusalKind::Usage, format!("{fun:?} is not a function like test.ping")));
        }
        if subset == Some(0) || timeout.is_some_and(|t| t.is_zero()) {
            let text =
                "a job needs at least one minion and some time: give neither a subset nor a timeout of 0";
            return Err(refuse(RefusalKind::Usage, text));
        }
        let mut minions = match subset {
            None => targets::owed(&shared, &target).await?,
            // An id that nobody has would take the place of one that somebody has.
            Some(_) => targets::resolve(&shared, &target).await?,
        };
        if minions.is_empty() {
            return Err(nobody(&target));
        }
        if let Some(n) = subset {
            pick(&shared, &mut minions, n as usize).await?;
        }
        let batch = batch.map(|b| batch_size(b, minions.len()));
        let tree = if uses_tree(&fun) { Some(self.saying(pin(&shared)).await??) } else { None };
        let user = format!("operator {}", self.operator);
        let submission = Submission {
            jid: None,
            fun,
            args,
            kwargs,
            target,
            minions: minions.clone(),
            timeout,
            tree,
            user,
            step: None,
            batch,
        };
        let shown = shared.hub.shown();
        let since = *shared.hub.head().borrow();
        let submitted = shared.hub.submit(submission).await?;
        let jid = submitted.map_err(|e| refuse(RefusalKind::Usage, e.to_string()))?;
        self.send(&OpReply::Job { jid, minions }).await?;
        if detach { Ok(()) } else { self.follow_job(jid, since, shown).await }
    }

    /// Sends what happens to a job until everyone is accounted for.
    async fn follow_job(
        &mut self,
        jid: JobId,
        since: Position,
        mut shown: broadcast::Receiver<Shown>,
    ) -> Answer {
        let shared = self.shared.clone();
        let tags = ["salt", "lab"].map(|s| TagPattern::new(format!("{s}/job/{jid}/*"))).to_vec();
        let query = EventQuery {
            since: Since::After(since),
            until: None,
            tags,
            minion: None,
            limit: None,
            follow: true,
        };
        let mut tail = Tail::start(shared.store.clone(), shared.hub.head(), query).await?;
        let done = format!("lab/job/{jid}/done");
        loop {
            tokio::select! {
                found = tail.next() => match found? {
                    Found::Events(events) => {
                        let last = events.iter().any(|e| e.tag() == done);
                        self.send_events(&events).await?;
                        if last {
                            return Ok(());
                        }
                    }
                    Found::Trimmed(floor) => self.send(&OpReply::Trimmed { floor }).await?,
                    Found::End => return Ok(()),
                },
                Some(Shown { jid: of, minion, progress }) = next_shown(&mut shown) => {
                    if of == jid {
                        self.send(&OpReply::Progress { jid, minion, progress }).await?;
                    }
                }
            }
        }
    }
}

/// Returns what is shown next. A watcher that is too slow misses some: the return is what counts.
pub(super) async fn next_shown(shown: &mut broadcast::Receiver<Shown>) -> Option<Shown> {
    loop {
        match shown.recv().await {
            Ok(shown) => return Some(shown),
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return None,
        }
    }
}

/// Pins the state tree as it is now.
pub(crate) async fn pin(shared: &Arc<Shared>) -> Result<lab_proto::Digest, Stop> {
    let shared = shared.clone();
    let pinned = tokio::task::spawn_blocking(move || shared.content.pin().map(|(digest, _)| digest)).await;
    match pinned {
        Ok(Ok(digest)) => Ok(digest),
        Ok(Err(e)) => Err(refuse(
            RefusalKind::DoesNotCompile,
            format!("the state tree cannot be read: {}", crate::server::chain(&e)),
        )),
        Err(e) => Err(refuse(RefusalKind::Internal, e.to_string())),
    }
}

fn is_function(fun: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fun.len() <= 128 && fun.split_once('.').is_some_and(|(m, f)| plain(m) && f.split('.').all(plain))
}

fn batch_size(batch: Batch, of: usize) -> u32 {
    match batch {
        Batch::Count(n) => n.max(1),
        Batch::Percent(p) => u32::try_from(of * usize::from(p.min(100)) / 100).unwrap_or(u32::MAX).max(1),
    }
}

/// Leaves `n` of the minions, any of them as likely as another.
async fn pick(shared: &Shared, minions: &mut Vec<MinionId>, n: usize) -> Result<(), Stop> {
    if n >= minions.len() {
        return Ok(());
    }
    let all = minions.len();
    let numbers = shared.hub.ask(move |core| (0..n).map(|_| core.random()).collect::<Vec<u64>>()).await?;
    for (i, random) in numbers.into_iter().enumerate() {
        let left = (all - i) as u64;
        let j = i + usize::try_from(random % left).unwrap_or(0);
        minions.swap(i, j);
    }
    minions.truncate(n);
    minions.sort();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_named_by_module_and_name() {
        assert!(is_function("test.ping") && is_function("kubeadm.init"));
        for bad in ["ping", "", ".", "a.", "a b.c", "a/b.c", "state.apply;rm"] {
            assert!(!is_function(bad), "{bad}");
        }
        assert!(uses_tree("state.apply") && !uses_tree("test.ping"));
        assert_eq!((batch_size(Batch::Percent(10), 5), batch_size(Batch::Percent(50), 5)), (1, 2));
    }
}
