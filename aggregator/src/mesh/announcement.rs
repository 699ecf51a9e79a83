//! Task that exchanges announcements with the other aggregators of the store.

use std::sync::Arc;

use phuxanh_core::{delivery::board::Board, figures::view::View};
use phuxanh_daemon::clock::Clock;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tracing::debug;

use super::{
    at_rest,
    replica::{Own, Peers},
};
use crate::store::Announcements;

/// Most aggregators that are listed.
const REPLICAS_MAX: usize = 256;

/// Announces this aggregator as long as somebody receives `peers`.
pub async fn run(
    own: Own,
    store: Arc<dyn Announcements>,
    board: watch::Receiver<Board>,
    view: watch::Receiver<Arc<View>>,
    clock: Clock,
    peers: watch::Sender<Peers>,
) {
    let mut announcing = interval(own.interval);
    announcing.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !peers.is_closed() {
        announcing.tick().await;
        let replica = {
            let (board, view) = (Arc::clone(&board.borrow()), Arc::clone(&view.borrow()));
            own.replica(&board, &view, clock())
        };
        match store.announce(own.id, at_rest::encode(&replica)).await {
            Ok(all) => {
                let said = all.iter().filter_map(|bytes| at_rest::decode(bytes).ok());
                let mut others: Vec<_> =
                    said.filter(|other| other.id != own.id).take(REPLICAS_MAX).collect();
                others.sort_by(|one, other| {
                    (&one.host, &one.address, one.id).cmp(&(&other.host, &other.address, other.id))
                });
                peers.send_replace(Arc::new(others));
            }
            Err(error) => debug!(%error, "cannot exchange announcements"),
        }
    }
}
