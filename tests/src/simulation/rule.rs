//! The rules of delivery that can be left out, one by one, to see what each is for.

macro_rules! rules {
    ($($(#[$doc:meta])+ $variant:ident,)*) => {
        /// A rule. The production code keeps them all; the simulation leaves one out by wrapping the
        /// function that keeps it, or in its own model of a store, a spool or a shell.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule {
            $($(#[$doc])+ $variant,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
        }
    };
}

rules! {
    /// Only the batch behind the cursor is appended.
    Contiguity,
    /// The batch names the chain that the cursor holds.
    Chain,
    /// The collector holds what it sends against the chain of Welcome.
    ChainAtSender,
    /// Only the session that owns the log writes.
    Session,
    /// Only the log in force is written.
    LogInForce,
    /// A batch behind the cursor is acknowledged and not appended.
    Deduplication,
    /// A batch and the cursor are one atomic write.
    AtomicCursor,
    /// Answers follow the sync.
    AnswerAfterSync,
    /// A Hello that names more than the store holds is answered with a resync.
    ResyncAsked,
    /// The collector begins a new log where Welcome names less than it released.
    ResyncAtSender,
    /// A Hello that names less than the store holds is answered with a resync.
    RegressedAsked,
    /// The collector begins a new log where Welcome names more than it produced.
    RegressedAtSender,
    /// A log that was replaced does not come back under its old epoch.
    LogReplaced,
    /// A new log has a higher epoch than the one it replaces.
    EpochRises,
    /// Stored results are sent again behind Welcome.
    ResultsResent,
    /// Refusals from before a log came back say nothing of its batches now.
    ResultsOfThisLog,
    /// No ack covers a batch before its result was sent.
    ResultBeforeAck,
    /// Another host waits until the lease has run out.
    Lease,
    /// A heartbeat renews the lease.
    HeartbeatRenews,
    /// Every lease starts anew with the aggregator.
    LeasesAnew,
    /// Observations that only a newer catalogue knows are not judged.
    NewerCatalogueAwaited,
    /// Appends are answered once they are durable.
    AppendAfterSync,
    /// Batches that are released already are not settled again.
    SettleOnce,
    /// A new log takes over what is unreleased.
    UnreleasedTakenOver,
    /// A new log restates the cells.
    CellsRestated,
    /// A refused value gives way to what stood before it.
    RefusedGivesWay,
    /// Batches that wait for a release are not restated as well.
    UnreleasedNotRestated,
    /// A cell whose restatement waits for its release is not restated again.
    RestatedOnce,
    /// A Hello waits for what an earlier stream has released.
    HelloAfterChanges,
    /// One host delivers a log; another one begins its own.
    OneHost,
    /// Cells are ordered by revision behind the observed time.
    Revision,
    /// Receipt times rise.
    ReceiptRises,
    /// At most the credit is on its way.
    Credit,
    /// Nothing is stamped while the aggregator's clock is not trusted.
    HoldWhileDistrusted,
    /// A step of the clock is seen before the next look at it.
    StepSeenAtOnce,
    /// Only heartbeats that came lately, and after the last step, confirm the clock.
    FreshBeats,
    /// A cursor that was lost is rebuilt.
    CursorRebuilt,
    /// A rebuilt cursor is behind all records.
    RebuiltBehindRecords,
    /// A rebuilt cursor has the highest epoch among the records.
    RebuiltEpoch,
    /// A rebuilt cursor has the newest receipt among the records.
    RebuiltReceipt,
}

/// The rules that are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Omitted(Vec<Rule>);

impl Omitted {
    #[must_use]
    pub fn new(rules: &[Rule]) -> Self {
        Self(rules.to_vec())
    }

    #[must_use]
    pub fn has(&self, rule: Rule) -> bool {
        self.0.contains(&rule)
    }
}
