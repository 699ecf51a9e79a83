//! A hold of a session: no batch is admitted, and the collector is told why with `Throttle`.

use std::time::Duration;

use super::{Receiver, State};
use crate::{Now, frame::FromAggregator};

/// Time that one `Throttle` of a hold lasts, unless the next one comes before.
const HOLD_SPAN: Duration = Duration::from_secs(30);

/// Reason why no batch is admitted, as `Throttle` tells the collector.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) reason: String,
    /// Time at which the collector is told again.
    pub(super) renew_at: Duration,
}

impl Receiver {
    pub(super) fn hold(&mut self, now: Now, reason: Option<String>) {
        match (&mut self.hold, reason) {
            (None, None) => {}
            // Told when the hold is renewed.
            (Some(hold), Some(reason)) => hold.reason = reason,
            (None, Some(reason)) => {
                self.hold = Some(Hold { reason, renew_at: now.monotonic });
                self.throttle(now);
            }
            (Some(_), None) => {
                self.hold = None;
                if matches!(self.state, State::Open(_)) {
                    let (retry_delay, reason) = (Duration::ZERO, String::new());
                    self.send(FromAggregator::Throttle { retry_delay, reason });
                }
            }
        }
    }

    /// Tells the collector of a hold, if one stands.
    pub(super) fn throttle(&mut self, now: Now) {
        if let (Some(hold), State::Open(_)) = (&mut self.hold, &self.state) {
            hold.renew_at = now.monotonic + HOLD_SPAN / 2;
            let reason = hold.reason.clone();
            self.send(FromAggregator::Throttle { retry_delay: HOLD_SPAN, reason });
        }
    }
}
