//! When a trailing sync may be called durable.
//!
//! A server that syncs once a second does not say when it last did. What was written before a look
//! is called durable after three more in a row, at least a second apart, none of which found the
//! server ailing and the last of which found no sync pending: in between at least one sync began
//! after the write and ended. One look is not enough. A server that was stopped for a while answers
//! before it gets to its sync.

use std::collections::VecDeque;

use phuxanh_core::delivery::admission::Ticket;

/// Sound looks after which the tickets of the one before them are durable.
const LOOK_COUNT: usize = 3;

/// The looks at a server so far.
#[derive(Debug, Default)]
pub struct Evidence {
    run_ids: Vec<String>,
    /// The last ticket given before each look since the last bad one, the oldest first.
    looks: VecDeque<Ticket>,
}

impl Evidence {
    /// Takes a look at all masters; says through which ticket writes are durable by now.
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
        // A sync is pending: what was seen before it counts anew.
        assert_eq!([look("a", false, 9), look("a", true, 9), look("a", true, 9)], [None; 3]);
        assert_eq!(look("a", true, 9), Some(9));
        // Another run may have lost everything that was not synced.
        assert_eq!([look("b", true, 9), look("b", true, 9), look("b", true, 9)], [None; 3]);
    }
}
