//! What minions are told of time when the master's real clock is far from its steady one.

use super::*;

/// How far the real clock is from the steady one: the machine slept, or its clock was set back.
const AHEADS: [i64; 2] = [8 * 86_400_000_000, -8 * 86_400_000_000];

/// What went to a link: the time in its welcome, and jobs.
#[derive(Default)]
struct Heard {
    welcomed: Option<Timestamp>,
    jobs: Vec<(MinionId, Arc<JobSpec>)>,
}

impl Connected {
    /// As [`Self::settle`], and returns what the minions heard.
    fn listen(&mut self, now: Timestamp) -> Heard {
        use lab_proto::v1::link::ToMinion;
        let mut heard = Heard::default();
        while let Some(effect) = self.core.poll_effect() {
            match effect {
                Effect::Control { frame: ToMinion::Welcome(welcome), .. } => {
                    heard.welcomed = Some(welcome.now)
                }
                Effect::Publish { minion, job, .. } => heard.jobs.push((minion, job)),
                Effect::Write(write) => {
                    let events: Vec<Event> = write.events.into_iter().map(|new| self.event(new)).collect();
                    self.core.appended(&events, now);
                }
                _ => {}
            }
        }
        heard
    }

    /// Lets the minion's agent end and come back as another process.
    fn come_back(&mut self, process: u128, now: Timestamp) -> Heard {
        self.core.disconnected(self.conn, "killed", now);
        self.conn = ConnId(self.conn.0 + 1);
        self.core.connect(self.conn, arrival(&self.id, process), now);
        self.core.jobs_registered(self.conn, now);
        self.listen(now)
    }
}

#[test]
fn a_minion_without_its_journal_can_tell_what_it_may_have_run_wherever_the_real_clock_is() {
    for ahead in AHEADS {
        let mut c = Connected::new();
        c.core.set_ahead(ahead, NOW);
        let then = NOW + Duration::from_secs(1);
        let old = c.core.submit(submission("a"), then).expect("small");
        assert_eq!(c.listen(then).jobs.len(), 1);
        let heard = c.come_back(9, NOW + Duration::from_secs(2));
        // As a minion does that has lost its journal: what is not younger than the welcome may have run there.
        let floor = heard.welcomed.expect("let in");
        let [(_, again)] = &heard.jobs[..] else { panic!("published again: {:?}", heard.jobs) };
        assert_eq!(again.jid, old);
        assert!(again.jid.time().max(again.at) <= floor, "it would run twice: {} > {floor}", again.at);
        let new = c.core.submit(submission("a"), NOW + Duration::from_secs(3)).expect("small");
        assert!(new.time() > floor, "a new job would be refused: {} <= {floor}", new.time());
    }
}

#[test]
fn a_late_turn_of_a_batch_is_told_by_the_real_clock_and_stays_the_same() {
    for ahead in AHEADS {
        let mut c = Connected::new();
        c.core.set_ahead(ahead, NOW);
        let other = MinionId::new("b").expect("valid");
        let mut hello = arrival(&other, 4);
        hello.hello.outbox_id = OutboxId::from_u128(5);
        c.core.connect(ConnId(7), hello, NOW);
        c.core.jobs_registered(ConnId(7), NOW);
        c.listen(NOW);
        let minions = vec![other.clone(), c.id.clone()];
        let jid =
            c.core.submit(Submission { batch: Some(1), minions, ..submission("a") }, NOW).expect("small");
        let first = c.listen(NOW).jobs;
        let [(to, job)] = &first[..] else { panic!("one at a time: {first:?}") };
        assert_eq!((to, job.at), (&other, jid.time()));

        let turn = NOW + Duration::from_secs(30);
        let end = c.event(facts::job_end(jid, &other, EndState::Failed, "as told"));
        c.core.appended(&[end], turn);
        let second = c.listen(turn).jobs;
        let [(to, job)] = &second[..] else { panic!("the other's turn: {second:?}") };
        assert_eq!((to, job.jid), (&c.id, jid));
        assert_eq!(job.at, jid.time() + Duration::from_secs(30), "its turn came only now");

        // The machine sleeps, and then the minion's agent comes back.
        c.core.set_ahead(ahead + 3_600_000_000, NOW);
        let heard = c.come_back(9, NOW + Duration::from_secs(40));
        let again = heard.jobs.first().map(|(_, again)| again.at);
        assert_eq!(again, Some(job.at), "when it went out first does not change");
    }
}

#[test]
fn a_pending_change_excuses_silence_for_as_long_as_it_says_wherever_the_real_clock_is() {
    for ahead in AHEADS {
        let mut c = Connected::new();
        c.core.set_ahead(ahead, NOW);
        let beat = lab_proto::v1::link::ToMaster::Heartbeat {
            number: 1,
            jobs: 0,
            change_pending_micros: Some(120_000_000),
        };
        c.core.control(c.conn, beat, NOW);
        let presence = |c: &mut Connected, seconds| {
            c.core.handle_timeout(NOW + Duration::from_secs(seconds));
            c.core.minion(&c.id).expect("known").presence
        };
        assert_eq!(presence(&mut c, 119), crate::core::Presence::Connected);
        assert_eq!(presence(&mut c, 120), crate::core::Presence::Lost);
    }
}
