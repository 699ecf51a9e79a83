//! The I/O side of timekeeping: checks the aggregator's clock every second, and tells sessions
//! whether it may stamp batches.

use std::{sync::Arc, time::Duration};

use phuxanh_core::{
    Now, Timestamp,
    delivery::{
        board::Board,
        timekeeping::{Distrust, Rules, Timekeeper, Told, Trust},
    },
    figures::view::View,
};
use phuxanh_daemon::clock::Clock;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};
use tracing::{error, info};

/// Time between two checks of the clock.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Tells whether the aggregator's clock is trusted.
#[derive(Debug, Clone)]
pub struct Timekeeping {
    /// Origin of the monotonic times in `trust`.
    origin: Instant,
    trust: watch::Receiver<Trust>,
}

/// Task that checks the clock.
pub struct Looking {
    keeper: Timekeeper,
    clock: Clock,
    origin: Instant,
    told: watch::Sender<Trust>,
}

/// Starts timekeeping; `newest` is the newest receipt in the store.
#[must_use]
pub fn start(rules: Rules, clock: Clock, newest: Option<Timestamp>) -> (Timekeeping, Looking) {
    let origin = Instant::now();
    let now = Now { monotonic: Duration::ZERO, wall: clock() };
    let keeper = Timekeeper::new(rules, now, newest);
    let (told, trust) = watch::channel(keeper.trust().clone());
    log(None, keeper.trust().distrust.as_ref());
    (Timekeeping { origin, trust }, Looking { keeper, clock, origin, told })
}

impl Timekeeping {
    /// Returns the reason why a time that was just read from the clock is not trusted, if any.
    #[must_use]
    pub fn distrust(&self, told: Timestamp) -> Option<Distrust> {
        self.trust.borrow().distrust_at(Now { monotonic: self.origin.elapsed(), wall: told })
    }

    /// Waits until the next check of the clock.
    pub async fn looked(&mut self) {
        if self.trust.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Looking {
    /// Checks the clock until the aggregator ends.
    pub async fn run(mut self, board: watch::Receiver<Board>, view: watch::Receiver<Arc<View>>) {
        let mut looking = interval(LOOK_INTERVAL);
        looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looking.tick().await;
            let now = Now { monotonic: self.origin.elapsed(), wall: (self.clock)() };
            let newest = newest_receipt(&view.borrow());
            let offsets = self.keeper.fresh(now, told(&board.borrow()));
            self.keeper.look(now, newest, &offsets);
            let trust = self.keeper.trust().clone();
            let before = self.told.send_replace(trust);
            log(before.distrust.as_ref(), self.keeper.trust().distrust.as_ref());
        }
    }
}

/// Clocks of the collectors, by the last heartbeat of each. One that has left counts as long as its
/// heartbeat is fresh: a hold ends a stream at its first batch, often before the next look.
fn told(board: &Board) -> Vec<Told> {
    let told = board.iter().filter_map(|(&reporter, entry)| {
        let heard = entry.presence()?.heard.as_ref()?;
        let offset_micros = heard.clock_offset_micros();
        Some(Told { reporter, at: heard.at, offset_micros })
    });
    told.collect()
}

fn newest_receipt(view: &View) -> Option<Timestamp> {
    let reporters = view.gazetteer().localities().filter_map(|one| view.reporter(one.code));
    reporters.filter_map(|reporter| reporter.position().receipt).max()
}

fn log(before: Option<&Distrust>, now: Option<&Distrust>) {
    match (before, now) {
        (None, Some(distrust)) => {
            error!(%distrust, "clock not trusted: no batches are taken until it is set right");
        }
        (Some(_), None) => info!("the aggregator's clock is trusted again"),
        (None, None) | (Some(_), Some(_)) => {}
    }
}
