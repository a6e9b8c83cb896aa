//! What the master does with a batch of a minion's events: each event enters the log once, in order.

use crate::v1::link::{EventBatch, Hello, LinkRefusal, MAX_BATCH};

/// The verdict on a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intake {
    /// Append the batch's events from index `skip` on, and raise the outbox's mark to `mark` in the same atomic write.
    Append {
        /// How many of the first events are already in the log.
        skip: usize,
        /// The outbox's mark once they are durable.
        mark: u64,
    },
    /// Everything is already in the log: acknowledge the mark again.
    Duplicate {
        /// The outbox's mark.
        mark: u64,
    },
    /// Events before this batch are missing: ask for them.
    Gap {
        /// The next expected number.
        expected: u64,
    },
}

/// A batch that no correct minion sends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// There is nothing in it.
    #[error("empty event batch")]
    Empty,
    /// There is too much in it.
    #[error("event batch of {0} events; at most {MAX_BATCH} are allowed")]
    TooMany(usize),
    /// Its numbers are not consecutive, or begin at 0.
    #[error("event numbers are not consecutive: {after} follows {before}")]
    NotConsecutive {
        /// A number.
        before: u64,
        /// The one after it.
        after: u64,
    },
}

/// Judges a batch against the highest number of that outbox that is in the log or on its way there.
///
/// # Errors
/// When no correct minion would send the batch.
pub fn judge(mark: u64, batch: &EventBatch) -> Result<Intake, IntakeError> {
    let events = &batch.events;
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Err(IntakeError::Empty) };
    if events.len() > MAX_BATCH {
        return Err(IntakeError::TooMany(events.len()));
    }
    if first.counter == 0 {
        return Err(IntakeError::NotConsecutive { before: 0, after: 0 });
    }
    for pair in events.windows(2) {
        if pair[0].counter.checked_add(1) != Some(pair[1].counter) {
            return Err(IntakeError::NotConsecutive { before: pair[0].counter, after: pair[1].counter });
        }
    }
    if first.counter > mark.saturating_add(1) {
        return Ok(Intake::Gap { expected: mark + 1 });
    }
    if last.counter <= mark {
        return Ok(Intake::Duplicate { mark });
    }
    let skip = usize::try_from(mark + 1 - first.counter).unwrap_or(usize::MAX);
    Ok(Intake::Append { skip, mark: last.counter })
}

/// Checks a hello against the highest number of its outbox that is in the log.
///
/// # Errors
/// When the outbox ends before what the log already has of it.
pub fn check_hello(mark: u64, hello: &Hello) -> Result<(), LinkRefusal> {
    if hello.outbox_head < mark {
        return Err(LinkRefusal::OutboxRewound { head: hello.outbox_head, mark });
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::{Boot, OutboxEvent};
    use crate::{BootId, EventTag, Timestamp, Value};

    pub(crate) fn batch(counters: impl IntoIterator<Item = u64>) -> EventBatch {
        let event = |counter| OutboxEvent {
            counter,
            boot: Boot { id: BootId::from_u128(1), number: 1 },
            seen: None,
            at: Timestamp::from_micros(0),
            tag: EventTag::new("a/b").expect("valid"),
            data: Value::Null,
        };
        EventBatch { events: counters.into_iter().map(event).collect() }
    }

    #[test]
    fn new_events_are_appended_known_ones_dropped_and_gaps_asked_for() {
        assert_eq!(judge(0, &batch(1..=3)), Ok(Intake::Append { skip: 0, mark: 3 }));
        assert_eq!(judge(2, &batch(1..=3)), Ok(Intake::Append { skip: 2, mark: 3 }));
        assert_eq!(judge(3, &batch(1..=3)), Ok(Intake::Duplicate { mark: 3 }));
        assert_eq!(judge(1, &batch(3..=4)), Ok(Intake::Gap { expected: 2 }));
        assert_eq!(judge(0, &batch([])), Err(IntakeError::Empty));
        assert!(judge(0, &batch([0, 1])).is_err());
        assert!(judge(0, &batch([1, 3])).is_err());
        assert!(judge(0, &batch([1, 1])).is_err());
        assert!(judge(u64::MAX, &batch([u64::MAX])).is_ok());
    }

    proptest! {
        /// Whatever is sent again in whatever cuts, the log gets 1, 2, 3, … once each.
        #[test]
        fn resent_batches_never_repeat_or_skip(cuts in proptest::collection::vec((1u64..40, 1u64..20), 1..60)) {
            let (mut mark, mut log) = (0u64, Vec::new());
            for (first, len) in cuts {
                let b = batch(first..first + len);
                match judge(mark, &b).expect("consecutive") {
                    Intake::Append { skip, mark: new } => {
                        log.extend(b.events[skip..].iter().map(|e| e.counter));
                        mark = new;
                    }
                    Intake::Duplicate { mark: m } => prop_assert_eq!(m, mark),
                    Intake::Gap { expected } => prop_assert_eq!(expected, mark + 1),
                }
            }
            prop_assert_eq!(log, (1..=mark).collect::<Vec<_>>());
        }
    }
}
