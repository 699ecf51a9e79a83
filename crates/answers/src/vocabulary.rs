//! The words of the vocabulary for the values of the contract: a key, and both languages.

use phuxanh_proto::v1::{
    AlarmKind, AuditVerdict, Band, Direction, Durability, Fate, FlagRule, GapState, Level,
    LocalityKind, Movement, Order, RankBy, RejectionReason, RollupState, Status,
};

use crate::{
    language::{Words, words},
    term::{Paint, Term},
};

pub const STALE: Term = painted("stale", "cũ", "stale", Paint::Middling);
pub const CUT: Term = painted("cut", "thiếu ngày cũ", "cut", Paint::Middling);

pub const PUBLISHED: Term = painted("published", "đã công bố", "published", Paint::Middling);
pub const SYNTHETIC: Term = painted("synthetic", "số liệu mẫu", "synthetic", Paint::Middling);

pub const STALE_MEANS: Words = words(
    "cũ: số liệu mới nhất đã quá thời hạn đặt ở bộ tổng hợp",
    "stale: its newest observation is older than the aggregator's limit",
);
pub const CUT_MEANS: Words = words(
    "thiếu ngày cũ: chỉ giữ những ngày cuối có quan sát tiêu chí, các ngày trước đó là chưa rõ",
    "cut: older days are unknown, since only the last days are kept on which a criterion was observed",
);

pub const PUBLISHED_MEANS: Words = words(
    "đã công bố: lấy từ số liệu đã công bố, không do bộ thu thập gửi",
    "published: taken from a published figure, not reported by a collector",
);
pub const SYNTHETIC_MEANS: Words = words(
    "số liệu mẫu: dựng ra cho khớp với các tổng đã công bố",
    "synthetic: made up to fit the published totals",
);

const fn term(key: &'static str, vi: &'static str, en: &'static str) -> Term {
    painted(key, vi, en, Paint::Plain)
}

const fn painted(key: &'static str, vi: &'static str, en: &'static str, paint: Paint) -> Term {
    Term { key, words: words(vi, en), paint }
}

pub const fn level(level: Level) -> Term {
    match level {
        Level::Unspecified => term("unspecified", "không nêu", "unspecified"),
        Level::Nation => term("nation", "trung ương", "nation"),
        Level::Province => term("province", "tỉnh", "province"),
        Level::Commune => term("commune", "xã", "commune"),
    }
}

/// Many localities of a level.
pub const fn levels(level: Level) -> Words {
    match level {
        Level::Unspecified => words("đơn vị", "localities"),
        Level::Nation => words("cả nước", "nations"),
        Level::Province => words("tỉnh", "provinces"),
        Level::Commune => words("xã", "communes"),
    }
}

/// Nothing for the value, the common case.
pub const fn rank_by(by: RankBy) -> Option<Term> {
    match by {
        RankBy::Unspecified | RankBy::Value => None,
        RankBy::Change => Some(term("change", "biến động", "change")),
        RankBy::Confidence => Some(term("confidence", "độ chắc chắn", "confidence")),
    }
}

pub const fn order(order: Order) -> Term {
    match order {
        Order::Unspecified | Order::Lowest => term("lowest", "thấp nhất", "lowest"),
        Order::Highest => term("highest", "cao nhất", "highest"),
    }
}

pub const fn kind(kind: LocalityKind) -> Term {
    match kind {
        LocalityKind::Unspecified => term("unspecified", "không nêu", "unspecified"),
        LocalityKind::Nation => term("nation", "cả nước", "nation"),
        LocalityKind::Province => term("province", "tỉnh", "province"),
        LocalityKind::City => term("city", "thành phố", "city"),
        LocalityKind::Commune => term("commune", "xã", "commune"),
        LocalityKind::Ward => term("ward", "phường", "ward"),
        LocalityKind::SpecialZone => term("special_zone", "đặc khu", "special zone"),
    }
}

pub const fn direction(direction: Direction) -> Term {
    match direction {
        Direction::Unspecified => term("unspecified", "không nêu", "unspecified"),
        Direction::Up => term("up", "cao hơn", "up"),
        Direction::Down => term("down", "thấp hơn", "down"),
    }
}

pub const fn band(band: Band) -> Term {
    match band {
        Band::Unspecified => term("unspecified", "không nêu", "unspecified"),
        Band::Full => term("full", "đủ 100 %", "full"),
        Band::Green => term("green", "xanh", "green"),
        Band::Yellow => term("yellow", "vàng", "yellow"),
        Band::Below => term("below", "dưới", "below"),
        Band::Unknown => term("unknown", "chưa rõ", "unknown"),
        Band::Untested => term("untested", "chưa phát sinh", "untested"),
    }
}

/// Nothing for a gap that is known: it speaks for itself.
pub const fn gap_state(state: GapState) -> Option<Term> {
    match state {
        GapState::Known => None,
        GapState::Undeclared => {
            Some(painted("undeclared", "chưa công bố", "undeclared", Paint::Faint))
        }
        GapState::Unspecified | GapState::Unknown => Some(UNKNOWN),
        GapState::Untested => Some(UNTESTED),
    }
}

pub const UNKNOWN: Term = painted("unknown", "chưa rõ", "unknown", Paint::Faint);
pub const UNTESTED: Term = painted("untested", "chưa phát sinh", "untested", Paint::Faint);

/// Nothing for a value that is known: it speaks for itself.
pub const fn state(state: RollupState) -> Option<Term> {
    match state {
        RollupState::Known => None,
        RollupState::Unspecified | RollupState::Unknown => Some(UNKNOWN),
        RollupState::Untested => Some(UNTESTED),
    }
}

pub const fn flag_rule(rule: FlagRule) -> Term {
    match rule {
        FlagRule::Unspecified => term("unspecified", "không nêu", "unspecified"),
        FlagRule::Part => term("part", "bộ phận lớn hơn tổng", "part"),
        FlagRule::Total => term("total", "tổng không khớp", "total"),
        FlagRule::Frozen => term("frozen", "số liệu đứng yên", "frozen"),
        FlagRule::Copied => term("copied", "số liệu trùng nhau", "copied"),
        FlagRule::Eve => term("eve", "xanh sát thời hạn", "eve"),
    }
}

/// "unknown" where no commune reported both months.
pub const fn movement(movement: Movement) -> Term {
    match movement {
        Movement::Unspecified => UNKNOWN,
        Movement::Fell => term("fell", "giảm", "fell"),
        Movement::Equal => term("equal", "không đổi", "equal"),
        Movement::Rose => term("rose", "tăng", "rose"),
    }
}

pub const fn alarm(kind: AlarmKind) -> Term {
    let (key, vi, en) = match kind {
        AlarmKind::Unspecified => ("unspecified", "không nêu", "unspecified"),
        AlarmKind::TwoCollectors => ("two_collectors", "hai bộ thu thập", "two collectors"),
        AlarmKind::ClonedSpool => ("cloned_spool", "hàng chờ bị sao chép", "cloned spool"),
        AlarmKind::RejectedData => ("rejected_data", "số liệu bị trả lại", "rejected data"),
        AlarmKind::ClockOffset => ("clock_offset", "lệch đồng hồ", "clock offset"),
        AlarmKind::Flapping => ("flapping", "kết nối chập chờn", "flapping"),
        AlarmKind::StoreRefusesWrites => {
            ("store_refuses_writes", "kho lưu từ chối ghi", "store refuses writes")
        }
        AlarmKind::AggregatorClock => {
            ("aggregator_clock", "đồng hồ bộ tổng hợp", "aggregator clock")
        }
        AlarmKind::StoreReplaced => ("store_replaced", "kho lưu bị thay", "store replaced"),
        AlarmKind::QuotaUsedUp => ("quota_used_up", "hết hạn mức", "quota used up"),
        AlarmKind::IdentityRefused => {
            ("identity_refused", "danh tính bị từ chối", "identity refused")
        }
        AlarmKind::CertificateExpires => {
            ("certificate_expires", "chứng thư sắp hết hạn", "certificate expires")
        }
        AlarmKind::Unheard => ("unheard", "không có tin", "not heard"),
        AlarmKind::FileStuck => ("file_stuck", "tệp bị kẹt", "file stuck"),
        AlarmKind::DamagedRecords => ("damaged_records", "bản ghi hỏng", "damaged records"),
    };
    painted(key, vi, en, Paint::Bad)
}

pub const fn verdict(verdict: AuditVerdict) -> Term {
    match verdict {
        AuditVerdict::Unspecified => term("unspecified", "không nêu", "unspecified"),
        AuditVerdict::Agrees => painted("agrees", "khớp", "agrees", Paint::Good),
        AuditVerdict::Pending => painted("pending", "đang gửi", "pending", Paint::Middling),
        AuditVerdict::Disagrees => painted("disagrees", "không khớp", "disagrees", Paint::Bad),
        AuditVerdict::Silent => painted("silent", "chưa báo", "silent", Paint::Faint),
        AuditVerdict::Outdated => painted("outdated", "đã cũ", "outdated", Paint::Middling),
    }
}

/// Nothing where the indicator has no legend.
pub const fn status(status: Status) -> Option<Term> {
    match status {
        Status::Unspecified => None,
        Status::Green => Some(painted("green", "xanh", "green", Paint::Good)),
        Status::Yellow => Some(painted("yellow", "vàng", "yellow", Paint::Middling)),
        Status::Red => Some(painted("red", "đỏ", "red", Paint::Bad)),
        Status::Grey => Some(painted("grey", "xám", "grey", Paint::Faint)),
    }
}

pub const fn durability(durability: Durability) -> Term {
    match durability {
        Durability::Unspecified => term("unspecified", "không nêu", "unspecified"),
        Durability::None => term("none", "none", "none"),
        Durability::Everysec => term("everysec", "everysec", "everysec"),
        Durability::Always => term("always", "always", "always"),
        Durability::Replicated => term("replicated", "replicated", "replicated"),
    }
}

pub const WITHDRAWN: Term = term("withdrawn", "đã rút", "withdrawn");

/// What became of an observation.
pub const fn fate(fate: Fate) -> Term {
    match fate {
        Fate::Unspecified => term("unspecified", "không nêu", "unspecified"),
        Fate::InForce => painted("in_force", "đang dùng", "in force", Paint::Good),
        Fate::Replaced => term("replaced", "bị thay", "replaced"),
        Fate::Superseded => term("superseded", "cũ hơn số đang dùng", "superseded"),
        Fate::Repeated => term("repeated", "gửi lặp", "repeated"),
        Fate::Refused => painted("refused", "bị từ chối", "refused", Paint::Bad),
    }
}

/// Why an observation was refused.
pub const fn rejection(reason: RejectionReason) -> Term {
    use RejectionReason as Reason;
    match reason {
        Reason::Unspecified => term("unspecified", "không nêu", "unspecified"),
        Reason::UnknownLocality => {
            term("unknown_locality", "không có đơn vị này", "unknown locality")
        }
        Reason::ForeignLocality => {
            term("foreign_locality", "đơn vị của tỉnh khác", "locality of another reporter")
        }
        Reason::UnknownMetric => term("unknown_metric", "không có chỉ tiêu này", "unknown metric"),
        Reason::WrongLevel => term("wrong_level", "sai cấp báo cáo", "wrong level"),
        Reason::ImpossibleValue => {
            term("impossible_value", "giá trị không thể có", "impossible value")
        }
        Reason::ObservedAhead => {
            term("observed_ahead", "quan sát sau lúc nhận", "observed ahead of its receipt")
        }
        Reason::ImpossiblePeriod => {
            term("impossible_period", "tháng không thể có", "impossible period")
        }
        Reason::ObservedBeforeLocality => term(
            "observed_before_locality",
            "quan sát trước khi đơn vị thành lập",
            "observed before the locality was in force",
        ),
        Reason::PeriodOutsideLocality => term(
            "period_outside_locality",
            "tháng đơn vị không tồn tại",
            "period in which the locality is not in force",
        ),
    }
}
