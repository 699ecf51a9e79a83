//! Points that histories reach: every kind of fault, and every decision of the rules.

use std::fmt;

macro_rules! reached {
    ($($variant:ident => $name:literal,)*) => {
        /// Something that a history can come to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Reached {
            $(#[doc = $name] $variant,)*
        }

        impl Reached {
            /// Everything that there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// In words.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

reached! {
    // Faults.
    FrameLost => "fault: a frame was lost",
    FrameDuplicated => "fault: a frame was duplicated",
    LinkStalled => "fault: a direction was stalled",
    LinkReset => "fault: a link was reset",
    HalfOpenUp => "fault: the aggregator hears nothing any more",
    HalfOpenDown => "fault: the collector hears nothing any more",
    ConnectionRefused => "fault: a connection was refused",
    ConnectionHung => "fault: a connection was never answered",
    CollectorCrashed => "fault: a collector crashed",
    CollectorStopped => "fault: a collector was stopped",
    AggregatorCrashed => "fault: the aggregator crashed",
    PowerLost => "fault: the store lost power",
    AggregatorDrained => "fault: the aggregator was drained",
    StoreWiped => "fault: the store was wiped",
    StoreRegressed => "fault: the store went back",
    SpoolRestored => "fault: a spool was restored from an older image",
    SpoolCloned => "fault: a spool was cloned",
    SecondHost => "fault: a second host for the reporter",
    CollectorClockJumped => "fault: a collector's clock jumped",
    AggregatorClockJumped => "fault: the aggregator's clock jumped",
    CursorLost => "fault: the store lost its cursor",
    SpoolSlow => "fault: a spool's disk was slow",
    StoreSlow => "fault: the store's disk was slow",
    Throttled => "fault: a throttle",
    UnknownFrame => "fault: a frame of an unknown kind",
    PoisonAppended => "fault: a batch that cannot be read",
    CatalogueBehind => "fault: an aggregator with an older catalogue",
    CatalogueUpgraded => "fault: the aggregator's catalogue was upgraded",
    // Sources.
    Taken => "source: taken",
    Unchanged => "source: unchanged",
    SupersededAtSource => "source: superseded",
    SpoolFull => "source: held back at the quota",
    AppendedAgain => "source: appended again after a crash",
    // Sessions.
    Welcomed => "session: welcomed",
    ResultResent => "session: a stored result was sent again",
    ClockDistrusted => "session: held, since the clock is not trusted",
    Owned => "session: another host has the lease",
    NoHello => "session: no Hello in time",
    Silent => "session: silent",
    OutOfOrder => "session: out of order",
    HalfClosed => "session: half-closed by the collector",
    GivenUp => "session: given up by the collector",
    CatalogueTooOld => "session: held for a newer catalogue",
    LeaseTaken => "session: another host took over",
    AskedStoreLost => "resync asked for: store lost",
    AskedLogRegressed => "resync asked for: log regressed",
    AskedChainBroken => "resync asked for: chain broken",
    AskedLogReplaced => "resync asked for: log replaced",
    AskedHostChanged => "resync asked for: host changed",
    BeganStoreLost => "new log: store lost",
    BeganLogRegressed => "new log: log regressed",
    BeganChainBroken => "new log: chain broken",
    BeganLogReplaced => "new log: log replaced",
    Restated => "new log: cells restated",
    // Admission.
    Appended => "admission: append",
    Duplicate => "admission: duplicate",
    Fenced => "admission: fenced",
    Gap => "admission: gap",
    NotOwned => "admission: a heartbeat of a former session",
    // Fold and dead letters.
    Applied => "fold: applied",
    Repeated => "fold: repeated",
    Superseded => "fold: superseded",
    Rejected => "fold: rejected",
    DeadLettered => "spool: a dead letter",
    GaveWay => "spool: a refused value gave way to an earlier one",
}

/// Number of times that each was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts(Vec<u64>);

impl Default for Counts {
    fn default() -> Self {
        Self(vec![0; Reached::ALL.len()])
    }
}

impl Counts {
    pub fn note(&mut self, reached: Reached) {
        self.0[reached as usize] += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(&other.0) {
            *count += more;
        }
    }

    #[must_use]
    pub fn of(&self, reached: Reached) -> u64 {
        self.0[reached as usize]
    }

    /// Returns what was never reached.
    #[must_use]
    pub fn missing(&self) -> Vec<Reached> {
        Reached::ALL.iter().copied().filter(|reached| self.of(*reached) == 0).collect()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Reached::ALL
            .iter()
            .try_for_each(|reached| writeln!(f, "{:>12}  {}", self.of(*reached), reached.name()))
    }
}
