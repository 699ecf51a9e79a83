//! Progress of a session's log: applied at once, durable at once or later.

use std::collections::VecDeque;

use crate::delivery::admission::Ticket;

/// Batches that may wait one by one to become durable; more of them share the last ticket.
const TRAILING_MAX: usize = 1_024;

/// Positions in a log, and the tickets that the store gave for what is not durable yet.
#[derive(Debug)]
pub(super) struct Progress {
    applied: u64,
    durable: u64,
    /// Last ticket that the store has called durable.
    ticket: Ticket,
    /// Sequences by the ticket with which they become durable, both rising.
    trailing: VecDeque<(Ticket, u64)>,
}

impl Progress {
    /// Progress at the start of a session: what the collector has released was durable.
    pub(super) const fn new(released: u64, ticket: Ticket) -> Self {
        Self { applied: released, durable: released, ticket, trailing: VecDeque::new() }
    }

    pub(super) const fn applied(&self) -> u64 {
        self.applied
    }

    pub(super) const fn durable(&self) -> u64 {
        self.durable
    }

    /// The log was continued through a sequence, which is durable with this ticket.
    pub(super) fn apply(&mut self, sequence: u64, ticket: Ticket) {
        self.applied = sequence;
        if ticket <= self.ticket {
            self.trailing.clear();
            self.durable = sequence;
        } else if self.trailing.len() < TRAILING_MAX {
            self.trailing.push_back((ticket, sequence));
        } else if let Some(last) = self.trailing.back_mut() {
            *last = (ticket, sequence);
        }
    }

    /// The store calls everything through a ticket durable; says whether that moved anything.
    pub(super) fn settle(&mut self, ticket: Ticket) -> bool {
        self.ticket = self.ticket.max(ticket);
        let before = self.durable;
        while let Some((_, sequence)) = self.trailing.pop_front_if(|(due, _)| *due <= self.ticket) {
            self.durable = sequence;
        }
        self.durable > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durable_follows_applied_ticket_by_ticket() {
        let mut progress = Progress::new(3, Ticket(10));
        assert_eq!((progress.applied(), progress.durable()), (3, 3));
        progress.apply(4, Ticket(11));
        progress.apply(5, Ticket(14));
        assert!(!progress.settle(Ticket(10)));
        assert!(progress.settle(Ticket(13)));
        assert_eq!((progress.applied(), progress.durable()), (5, 4));
        progress.apply(6, Ticket(13));
        assert_eq!((progress.applied(), progress.durable()), (6, 6));
        assert!(!progress.settle(Ticket(99)));
    }

    #[test]
    fn what_trails_is_bounded_and_never_early() {
        let mut progress = Progress::new(0, Ticket(0));
        let count = 2 * u64::try_from(TRAILING_MAX).expect("a small number");
        (1..=count).for_each(|sequence| progress.apply(sequence, Ticket(sequence)));
        assert_eq!(progress.trailing.len(), TRAILING_MAX);
        for ticket in 1..=count {
            progress.settle(Ticket(ticket));
            assert!(progress.durable() <= ticket, "{ticket}");
        }
        assert_eq!(progress.durable(), count);
    }
}
