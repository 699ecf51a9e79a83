//! The words of the vocabulary for the values of the contract.

use phuxanh_proto::v1::{
    AlarmKind, AuditVerdict, Band, Basis, Direction, FlagRule, GapState, Level, LocalityKind,
    Movement, Order, RankBy, RollupState, Status,
};

pub const fn level(level: Level) -> &'static str {
    match level {
        Level::Unspecified => "unspecified",
        Level::Nation => "nation",
        Level::Province => "province",
        Level::Commune => "commune",
    }
}

/// Many localities of a level.
pub const fn levels(level: Level) -> &'static str {
    match level {
        Level::Unspecified => "localities",
        Level::Nation => "nations",
        Level::Province => "provinces",
        Level::Commune => "communes",
    }
}

/// Nothing for the value, the common case.
pub const fn rank_by(by: RankBy) -> Option<&'static str> {
    match by {
        RankBy::Unspecified | RankBy::Value => None,
        RankBy::Change => Some("change"),
        RankBy::Confidence => Some("confidence"),
    }
}

pub const fn order(order: Order) -> &'static str {
    match order {
        Order::Unspecified | Order::Lowest => "lowest",
        Order::Highest => "highest",
    }
}

pub const fn kind(kind: LocalityKind) -> &'static str {
    match kind {
        LocalityKind::Unspecified => "unspecified",
        LocalityKind::Nation => "nation",
        LocalityKind::Province => "province",
        LocalityKind::City => "city",
        LocalityKind::Commune => "commune",
        LocalityKind::Ward => "ward",
        LocalityKind::SpecialZone => "special_zone",
    }
}

pub const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Unspecified => "unspecified",
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

pub const fn band(band: Band) -> &'static str {
    match band {
        Band::Unspecified => "unspecified",
        Band::Full => "full",
        Band::Green => "green",
        Band::Yellow => "yellow",
        Band::Below => "below",
        Band::Unknown => "unknown",
        Band::Untested => "untested",
    }
}

/// Nothing for a gap that is known: it speaks for itself.
pub const fn gap_state(state: GapState) -> Option<&'static str> {
    match state {
        GapState::Known => None,
        GapState::Undeclared => Some("undeclared"),
        GapState::Unspecified | GapState::Unknown => Some("unknown"),
        GapState::Untested => Some("untested"),
    }
}

pub const fn flag_rule(rule: FlagRule) -> &'static str {
    match rule {
        FlagRule::Unspecified => "unspecified",
        FlagRule::Part => "part",
        FlagRule::Total => "total",
        FlagRule::Frozen => "frozen",
        FlagRule::Copied => "copied",
        FlagRule::Eve => "eve",
    }
}

/// "unknown" where no commune reported both months.
pub const fn movement(movement: Movement) -> &'static str {
    match movement {
        Movement::Unspecified => "unknown",
        Movement::Fell => "fell",
        Movement::Equal => "equal",
        Movement::Rose => "rose",
    }
}

pub const fn alarm(kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::Unspecified => "unspecified",
        AlarmKind::TwoCollectors => "two_collectors",
        AlarmKind::ClonedSpool => "cloned_spool",
        AlarmKind::RejectedData => "rejected_data",
        AlarmKind::ClockOffset => "clock_offset",
        AlarmKind::Flapping => "flapping",
        AlarmKind::StoreRefusesWrites => "store_refuses_writes",
        AlarmKind::AggregatorClock => "aggregator_clock",
        AlarmKind::StoreReplaced => "store_replaced",
        AlarmKind::QuotaUsedUp => "quota_used_up",
        AlarmKind::IdentityRefused => "identity_refused",
        AlarmKind::CertificateExpires => "certificate_expires",
        AlarmKind::FileStuck => "file_stuck",
        AlarmKind::DamagedRecords => "damaged_records",
    }
}

pub const fn verdict(verdict: AuditVerdict) -> &'static str {
    match verdict {
        AuditVerdict::Unspecified => "unspecified",
        AuditVerdict::Agrees => "agrees",
        AuditVerdict::Pending => "pending",
        AuditVerdict::Disagrees => "disagrees",
        AuditVerdict::Silent => "silent",
        AuditVerdict::Outdated => "outdated",
    }
}

/// Nothing where the indicator has no legend.
pub const fn status(status: Status) -> Option<&'static str> {
    match status {
        Status::Unspecified => None,
        Status::Green => Some("green"),
        Status::Yellow => Some("yellow"),
        Status::Red => Some("red"),
        Status::Grey => Some("grey"),
    }
}

/// Nothing for a value that is known: it speaks for itself.
pub const fn state(state: RollupState) -> Option<&'static str> {
    match state {
        RollupState::Known => None,
        RollupState::Unspecified | RollupState::Unknown => Some("unknown"),
        RollupState::Untested => Some("untested"),
    }
}

/// Nothing for what was reported, the common case.
pub const fn basis(basis: Basis) -> Option<&'static str> {
    match basis {
        Basis::Unspecified => None,
        Basis::Published => Some("published"),
        Basis::Synthetic => Some("synthetic"),
    }
}
