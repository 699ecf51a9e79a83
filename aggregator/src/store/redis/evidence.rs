//! Decides when writes of a server that syncs once a second (`everysec`) are durable.
//!
//! Such a server does not report when it last synced. Writes before a check count as durable after
//! three more good checks in a row, at least a second apart: by then, at least one sync has begun
//! after the write and has ended. One check is not enough, because a server that was stopped for a
//! while answers before it syncs.

use std::collections::VecDeque;

use phuxanh_core::delivery::admission::Ticket;

/// Good checks after which the tickets of the one before them are durable.
const LOOK_COUNT: usize = 3;

/// Checks of the servers so far.
#[derive(Debug, Default)]
pub struct Evidence {
    run_ids: Vec<String>,
    /// Last ticket before each check since the last bad one, oldest first.
    looks: VecDeque<Ticket>,
}

impl Evidence {
    /// Adds a check of all masters; returns the ticket through which writes are now durable.
    pub fn look(
        &mut self,
        run_ids: Vec<String>,
        is_syncing: bool,
        given: Ticket,
    ) -> Option<Ticket> {
        if run_ids != self.run_ids {
            self.run_ids = run_ids;
            self.looks.clear();
        }
        if !is_syncing {
            self.looks.clear();
        }
        self.looks.push_back(given);
        if self.looks.len() > LOOK_COUNT { self.looks.pop_front() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_durable_after_three_sound_looks_of_the_same_run() {
        let mut evidence = Evidence::default();
        let mut look = |run: &str, sound, given| {
            evidence.look(vec![run.to_owned()], sound, Ticket(given)).map(|Ticket(number)| number)
        };
        assert_eq!([look("a", true, 5), look("a", true, 6), look("a", true, 6)], [None; 3]);
        assert_eq!(look("a", true, 9), Some(5));
        assert_eq!(look("a", true, 9), Some(6));
        // A sync is pending: the count begins again.
        assert_eq!([look("a", false, 9), look("a", true, 9), look("a", true, 9)], [None; 3]);
        assert_eq!(look("a", true, 9), Some(9));
        // A new run may have lost everything that was not synced.
        assert_eq!([look("b", true, 9), look("b", true, 9), look("b", true, 9)], [None; 3]);
    }
}
