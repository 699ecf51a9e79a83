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

/// Keeps the board until the last session's handle is gone.
pub async fn keep_board(
    rules: Rules,
    mut events: mpsc::Receiver<Event>,
    board: watch::Sender<Board>,
) {
    while let Some(event) = events.recv().await {
        board.send_modify(|board| board::note(Arc::make_mut(board), &rules, event));
    }
}
