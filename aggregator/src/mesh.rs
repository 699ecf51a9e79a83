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
use phuxanh_daemon::audit_log::Entry;
use tokio::sync::{mpsc, watch};
use tracing::warn;

use crate::audit_log;

pub use announcement::run as announce;
pub use replica::{Own, Peers, Replica, Sighting, Sightings, merged, sightings};
pub use service::{Service, is_shown};

/// Least age at which an audit may count as outdated. An aggregator hears of a collector that
/// delivers to another aggregator with some delay.
pub const AGREEMENT_AGE_MIN: Duration = Duration::from_mins(1);

/// Updates the board until the last sender of events is gone, and tells the audit log of those that
/// belong there.
pub async fn keep_board(
    rules: Rules,
    mut events: mpsc::Receiver<Event>,
    board: watch::Sender<Board>,
    audit_log: mpsc::Sender<Entry>,
) {
    while let Some(event) = events.recv().await {
        // The board does not wait for a disk.
        if let Some(entry) = audit_log::entry(&event)
            && audit_log.try_send(entry).is_err()
        {
            warn!("the audit log is behind: an entry is dropped");
        }
        board.send_modify(|board| board::note(Arc::make_mut(board), &rules, event));
    }
}
