//! The mesh: the board of this aggregator, and the announcements of all aggregators of a store.
//!
//! One task owns the board. Sessions send it events, and readers hold a snapshot.

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

/// Least age at which an audit may count as outdated. An aggregator hears of a collector that
/// delivers to another aggregator with some delay.
pub const AGREEMENT_AGE_MIN: Duration = Duration::from_mins(1);

/// Updates the board until the last sender of events is gone.
pub async fn keep_board(
    rules: Rules,
    mut events: mpsc::Receiver<Event>,
    board: watch::Sender<Board>,
) {
    while let Some(event) = events.recv().await {
        board.send_modify(|board| board::note(Arc::make_mut(board), &rules, event));
    }
}
