//! How the minion's outbox crosses the link: a window of unacknowledged bytes over a dense sequence.

use std::collections::VecDeque;

use super::Violation;
use crate::ids::Position;
use crate::v1::link::{EventAck, MAX_UNACKED_BYTES};

/// The window over one connection. Made anew for each, from the mark that the welcome names.
#[derive(Clone, Debug)]
pub struct Upload {
    acked: u64,
    next: u64,
    in_flight: VecDeque<(u64, usize)>,
    in_flight_bytes: usize,
}

/// What an acknowledgement tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acked {
    /// Everything up to this number may be forgotten by the outbox.
    pub counter: u64,
    /// The log's newest position, if it was told.
    pub head: Option<Position>,
    /// An event that the master refuses for ever, and why.
    pub refused: Option<(u64, String)>,
}

impl Upload {
    /// Starts after the events that the master already has.
    pub fn new(mark: u64) -> Self {
        Self { acked: mark, next: mark + 1, in_flight: VecDeque::new(), in_flight_bytes: 0 }
    }

    /// Returns the number of the next event to send and how many bytes may still be sent now; `None` while the
    /// window is full.
    pub fn next_to_send(&self) -> Option<(u64, usize)> {
        let room = MAX_UNACKED_BYTES.saturating_sub(self.in_flight_bytes);
        (room > 0).then_some((self.next, room))
    }

    /// Notes that the next event was sent.
    pub fn sent(&mut self, bytes: usize) {
        self.in_flight.push_back((self.next, bytes));
        self.in_flight_bytes += bytes;
        self.next += 1;
    }

    /// Takes an answer.
    ///
    /// # Errors
    /// When it acknowledges or asks for events that were never sent.
    pub fn handle_ack(&mut self, ack: EventAck) -> Result<Acked, Violation> {
        match ack {
            EventAck::Durable { counter, head } => {
                self.settle(counter)?;
                Ok(Acked { counter: self.acked, head: Some(head), refused: None })
            }
            EventAck::Refused { counter, reason } => {
                // Not settled here: the mark that covers it comes as `Durable` with its neighbours.
                Ok(Acked { counter: self.acked, head: None, refused: Some((counter, reason)) })
            }
            EventAck::Gap { expected } => {
                if expected <= self.acked || expected > self.next {
                    return Err(Violation(format!(
                        "asked to resend from {expected}, outside of {}..={}",
                        self.acked + 1,
                        self.next
                    )));
                }
                self.next = expected;
                self.in_flight.retain(|(c, _)| *c < expected);
                self.in_flight_bytes = self.in_flight.iter().map(|(_, b)| b).sum();
                Ok(Acked { counter: self.acked, head: None, refused: None })
            }
        }
    }

    /// Returns the highest acknowledged number.
    pub fn acked(&self) -> u64 {
        self.acked
    }

    fn settle(&mut self, counter: u64) -> Result<(), Violation> {
        if counter >= self.next {
            return Err(Violation(format!("acknowledged {counter}, but only {} were sent", self.next - 1)));
        }
        self.acked = self.acked.max(counter);
        while let Some((c, bytes)) = self.in_flight.front().copied() {
            if c > self.acked {
                break;
            }
            self.in_flight.pop_front();
            self.in_flight_bytes -= bytes;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::LogId;

    fn durable(counter: u64) -> EventAck {
        EventAck::Durable { counter, head: Position { log_id: LogId::from_u128(1), seq: counter } }
    }

    #[test]
    fn the_window_closes_when_full_and_opens_as_events_are_acknowledged() {
        let mut up = Upload::new(10);
        assert_eq!(up.next_to_send(), Some((11, MAX_UNACKED_BYTES)));
        up.sent(MAX_UNACKED_BYTES - 1);
        up.sent(100);
        assert_eq!(up.next_to_send(), None);
        assert_eq!(up.handle_ack(durable(11)).map(|a| a.counter), Ok(11));
        assert_eq!(up.next_to_send(), Some((13, MAX_UNACKED_BYTES - 100)));
    }

    #[test]
    fn a_gap_rewinds_to_what_the_master_expects() {
        let mut up = Upload::new(0);
        for _ in 0..5 {
            up.sent(10);
        }
        up.handle_ack(EventAck::Gap { expected: 3 }).expect("allowed");
        assert_eq!(up.next_to_send(), Some((3, MAX_UNACKED_BYTES - 20)));
    }

    #[test]
    fn what_was_never_sent_cannot_be_acknowledged() {
        let mut up = Upload::new(0);
        up.sent(10);
        assert!(up.handle_ack(durable(2)).is_err());
        assert!(up.handle_ack(EventAck::Gap { expected: 9 }).is_err());
        assert!(up.handle_ack(EventAck::Gap { expected: 0 }).is_err());
    }

    #[test]
    fn late_acknowledgements_change_nothing() {
        let mut up = Upload::new(0);
        up.sent(1);
        up.sent(1);
        up.handle_ack(durable(2)).expect("allowed");
        assert_eq!(up.handle_ack(durable(1)).map(|a| a.counter), Ok(2));
    }
}
