//! Table of rules: what the simulation finds once each is left out.
//!
//! Where a rule is shadowed, nothing is found until the one behind it is left out as well, which
//! is a row of its own. Such a rule is kept for what it tells sooner or more plainly: `Contiguity`
//! names a gap, where the chain would only be found broken; `Chain` and `ResyncAsked` are the
//! aggregator's own word, where the other end might be another version; `LogInForce` costs nothing;
//! `LogReplaced` keeps the cursor of a replaced log from beginning anew.
//!
//! Three rules of the collector are shown by its own tests instead, since no wrapper takes them out:
//! acks release nothing before the log is known to be the same, an older word of the spool does not
//! replace a newer one, and a heartbeat must be answered. That no frame is taken while answers wait
//! takes a peer that keeps to no credit, which `faults::peers` is; how long a slow link is waited for
//! takes bytes, which links have in `faults::links`.

use super::{Invariant, Rule};

/// Finding of a rule that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// These promises are broken.
    Breaks(&'static [Invariant]),
    /// Nothing, since another rule stands behind it.
    Shadowed(Rule),
}

/// A row: rules that are left out together, and what is found then.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub rules: &'static [Rule],
    /// First history that is lived.
    pub seed: u64,
    pub finding: Finding,
}

const fn breaks(rules: &'static [Rule], invariants: &'static [Invariant]) -> Row {
    Row { rules, seed: 0, finding: Finding::Breaks(invariants) }
}

/// Finding of a long run in which every rule but these was kept.
const fn breaks_at(seed: u64, rules: &'static [Rule], invariants: &'static [Invariant]) -> Row {
    Row { rules, seed, finding: Finding::Breaks(invariants) }
}

const fn shadowed(rules: &'static [Rule], by: Rule) -> Row {
    Row { rules, seed: 0, finding: Finding::Shadowed(by) }
}

/// The rules, and those that shadow one another together.
pub const TABLE: &[Row] = &[
    breaks(&[Rule::Session], &[Invariant::Fencing]),
    breaks(&[Rule::Session, Rule::LogInForce], &[Invariant::Fencing]),
    shadowed(&[Rule::LogInForce], Rule::Session),
    shadowed(&[Rule::Contiguity], Rule::Chain),
    shadowed(&[Rule::Chain], Rule::ChainAtSender),
    breaks(&[Rule::ChainAtSender], &[Invariant::AckSoundness]),
    breaks(&[Rule::Contiguity, Rule::Chain], &[Invariant::NoLoss]),
    breaks(&[Rule::Chain, Rule::ChainAtSender], &[Invariant::Clones]),
    breaks(&[Rule::Deduplication], &[Invariant::ExactlyOnce]),
    breaks(&[Rule::AtomicCursor], &[Invariant::OneRead]),
    breaks(&[Rule::AnswerAfterSync], &[Invariant::AckSoundness]),
    shadowed(&[Rule::ResyncAsked], Rule::ResyncAtSender),
    shadowed(&[Rule::ResyncAtSender], Rule::ResyncAsked),
    breaks(&[Rule::ResyncAsked, Rule::ResyncAtSender], &[Invariant::Liveness]),
    shadowed(&[Rule::RegressedAsked], Rule::RegressedAtSender),
    shadowed(&[Rule::RegressedAtSender], Rule::RegressedAsked),
    breaks(&[Rule::RegressedAsked, Rule::RegressedAtSender], &[Invariant::Liveness]),
    shadowed(&[Rule::LogReplaced], Rule::ResyncAsked),
    breaks(&[Rule::LogReplaced, Rule::ResyncAsked, Rule::ResyncAtSender], &[Invariant::Liveness]),
    breaks(&[Rule::EpochRises], &[Invariant::ExactlyOnce, Invariant::Order]),
    breaks(&[Rule::ResultsResent], &[Invariant::Poison, Invariant::Books]),
    breaks(&[Rule::ResultsOfThisLog], &[Invariant::Books]),
    breaks(&[Rule::ResultBeforeAck], &[Invariant::Poison, Invariant::Books]),
    breaks(&[Rule::Lease], &[Invariant::Clones]),
    breaks(&[Rule::HeartbeatRenews], &[Invariant::Clones]),
    breaks(&[Rule::LeasesAnew], &[Invariant::Clones]),
    breaks(&[Rule::NewerCatalogueAwaited], &[Invariant::Poison]),
    breaks(&[Rule::AppendAfterSync], &[Invariant::NoLoss]),
    shadowed(&[Rule::SettleOnce], Rule::HelloAfterChanges),
    breaks(&[Rule::SettleOnce, Rule::HelloAfterChanges], &[Invariant::Poison]),
    breaks(&[Rule::UnreleasedTakenOver], &[Invariant::NoLoss]),
    breaks(&[Rule::CellsRestated], &[Invariant::NoLoss]),
    breaks(&[Rule::RefusedGivesWay], &[Invariant::Books]),
    breaks(&[Rule::UnreleasedNotRestated], &[Invariant::Poison]),
    breaks_at(1_107_289, &[Rule::RestatedOnce], &[Invariant::Poison]),
    breaks_at(1_378_652, &[Rule::HelloAfterChanges], &[Invariant::Books]),
    breaks_at(64_634, &[Rule::OneHost], &[Invariant::NoLoss]),
    breaks(&[Rule::Revision], &[Invariant::ExactlyOnce]),
    breaks(&[Rule::ReceiptRises], &[Invariant::ExactlyOnce]),
    breaks(&[Rule::Credit], &[Invariant::Bounds]),
    breaks(&[Rule::HoldWhileDistrusted], &[Invariant::Clocks]),
    breaks(&[Rule::StepSeenAtOnce], &[Invariant::Clocks]),
    breaks(&[Rule::FreshBeats], &[Invariant::Clocks]),
    breaks(&[Rule::CursorRebuilt], &[Invariant::OneRead]),
    breaks(&[Rule::RebuiltBehindRecords], &[Invariant::OneRead]),
    breaks(&[Rule::RebuiltEpoch], &[Invariant::OneRead]),
    breaks(&[Rule::RebuiltReceipt], &[Invariant::ExactlyOnce]),
];
