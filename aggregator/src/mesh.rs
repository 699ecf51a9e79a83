//! The mesh: the board of this aggregator, and what the aggregators of a store tell each other.
//!
//! One task owns the board; sessions tell it what they see, and readers hold a snapshot.

mod announcement;
mod at_rest;
mod replica;
mod service;

use std::{sync::Arc, time::Duration};

use phuxanh_core::delivery::{
    alarm::Rules,
    board::{self, Board, Event},
};
use tokio::sync::{mpsc, watch};

pub use announcement::run as announce;
pub use replica::{Own, Peers, Replica, Sighting};
pub use service::Service;

/// Age up to which an agreement of both ends is no news: an aggregator hears of a collector that
/// delivers to another one with some delay.
pub const AGREEMENT_AGE_MIN: Duration = Duration::from_mins(1);

/// Keeps the board until the last session's handle is gone. At most `queue_max` events wait.
#[must_use]
pub fn spawn(queue_max: usize, rules: Rules) -> (mpsc::Sender<Event>, watch::Receiver<Board>) {
    let (events, mut queue) = mpsc::channel(queue_max);
    let (board, snapshot) = watch::channel(Board::default());
    tokio::spawn(async move {
        while let Some(event) = queue.recv().await {
            board.send_modify(|board| board::note(Arc::make_mut(board), &rules, event));
        }
    });
    (events, snapshot)
}
