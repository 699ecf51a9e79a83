//! From a command to the question that it asks.

use phuxanh_answers::{FailOn, Question, v1};

use crate::args::{self, Kind, Level, Selection};

impl From<args::Question> for Question {
    fn from(command: args::Question) -> Self {
        use args::Question as Ask;
        match command {
            Ask::Lowest(ask) => lowest(ask),
            Ask::Changes(ask) => changes(ask),
            Ask::Standing(ask) => Self::Standing(v1::GetStandingRequest {
                code: ask.locality,
                indicator: ask.indicator,
                within: ask.within.unwrap_or_default(),
                period: ask.period.unwrap_or_default(),
                order: order(ask.highest).into(),
                neighbour_max: ask.neighbours.into(),
            }),
            Ask::Scorecard(ask) => Self::Scorecard(v1::GetScorecardRequest {
                code: ask.locality,
                period: ask.period.unwrap_or_default(),
            }),
            Ask::Distribution(ask) => Self::Distribution(v1::GetDistributionRequest {
                indicator: ask.indicator,
                level: level(ask.level, ask.within.is_some()).into(),
                within: ask.within.unwrap_or_default(),
                period: ask.period.unwrap_or_default(),
            }),
            Ask::Shortfalls(ask) => Self::Shortfalls {
                request: v1::GetShortfallsRequest {
                    within: ask.within.unwrap_or_default(),
                    period: ask.period.unwrap_or_default(),
                },
                criterion: ask.criterion,
            },
            Ask::Path(ask) => Self::Path(v1::GetPathRequest {
                code: ask.province,
                target_percent: ask.target.into(),
                period: ask.period.unwrap_or_default(),
            }),
            Ask::Why(ask) => Self::Cause(v1::GetCauseRequest {
                code: ask.locality,
                indicator: ask.indicator,
                period: ask.period.unwrap_or_default(),
                part_max: ask.parts.into(),
            }),
            Ask::Gap(ask) => gap(ask),
            Ask::Completeness(ask) => Self::Completeness(v1::GetCompletenessRequest {
                within: ask.within.unwrap_or_default(),
                period: ask.period.unwrap_or_default(),
            }),
            Ask::Silent(ask) => silent(ask),
            Ask::Flags(ask) => flags(ask),
            Ask::Receipts(ask) => receipts(ask),
            Ask::History(ask) => Self::History(history(ask)),
            Ask::Trend(ask) => Self::Trend(v1::GetTrendRequest {
                code: ask.locality,
                indicator: ask.indicator,
                from_period: ask.from.unwrap_or_default(),
                to_period: ask.to.unwrap_or_default(),
            }),
            Ask::Days(ask) => days(ask),
            Ask::Compare(ask) => compare(ask),
            Ask::Search(ask) => Self::Search { text: ask.text },
            Ask::Lacking(ask) => lacking(ask),
            Ask::Localities(ask) => localities(ask),
            Ask::Audit(ask) => Self::Audit {
                reporter: ask.province.unwrap_or_default(),
                fail_on: fail_on(&ask.fail_on),
            },
            Ask::Collectors(ask) => Self::Collectors { fail_on: fail_on(&ask.fail_on) },
            Ask::Mesh => Self::Mesh,
            Ask::Catalogue => Self::Catalogue,
        }
    }
}

fn lowest(ask: args::Lowest) -> Question {
    let selected = ask.selection.level.is_some() || ask.selection.kind.is_some();
    let (mut request, stale, limit) = selection(ask.selection);
    request.order = order(ask.highest).into();
    request.by = v1::RankBy::Value.into();
    if ask.confident {
        request.by = v1::RankBy::Confidence.into();
        // Only communes have an interval; another level that was asked for is refused.
        if !selected {
            request.level = v1::Level::Commune.into();
        }
    }
    Question::Ranking { request, stale, limit }
}

fn changes(ask: args::Changes) -> Question {
    let (request, stale, limit) = selection(ask.selection);
    let request = v1::RankLocalitiesRequest {
        by: v1::RankBy::Change.into(),
        baseline_period: ask.since.unwrap_or_default(),
        order: order(ask.improved).into(),
        ..request
    };
    Question::Ranking { request, stale, limit }
}

/// A kind has a level.
fn selection(ask: Selection) -> (v1::RankLocalitiesRequest, bool, Option<u32>) {
    let of_kind = ask.kind.map(Kind::level);
    let request = v1::RankLocalitiesRequest {
        indicator: ask.indicator,
        level: level(ask.level.or(of_kind), ask.within.is_some()).into(),
        within: ask.within.unwrap_or_default(),
        period: ask.period.unwrap_or_default(),
        kind: ask.kind.map_or(v1::LocalityKind::Unspecified, kind).into(),
        denominator_min: ask.min_denominator,
        ..Default::default()
    };
    (request, ask.stale, limit(ask.limit))
}

fn gap(ask: args::Gap) -> Question {
    let period = ask.period.unwrap_or_default();
    if let Some(code) = ask.locality {
        return Question::Gap(v1::GetGapRequest { code, period });
    }
    let request = v1::RankGapsRequest {
        level: level(ask.level, ask.within.is_some()).into(),
        within: ask.within.unwrap_or_default(),
        period,
        ..Default::default()
    };
    Question::Gaps { request, limit: limit(ask.limit) }
}

fn silent(ask: args::Silent) -> Question {
    let request = v1::ListSilentRequest {
        level: level(Some(ask.level), false).into(),
        within: ask.within.unwrap_or_default(),
        period: ask.period.unwrap_or_default(),
        by_deadline: ask.by_deadline,
        ..Default::default()
    };
    Question::Silent { request, limit: limit(ask.limit) }
}

fn flags(ask: args::Flags) -> Question {
    let rule = match ask.rule {
        None => v1::FlagRule::Unspecified,
        Some(args::FlagRule::Part) => v1::FlagRule::Part,
        Some(args::FlagRule::Total) => v1::FlagRule::Total,
        Some(args::FlagRule::Frozen) => v1::FlagRule::Frozen,
        Some(args::FlagRule::Copied) => v1::FlagRule::Copied,
        Some(args::FlagRule::Eve) => v1::FlagRule::Eve,
    };
    let request = v1::ListFlagsRequest {
        within: ask.listed.within.unwrap_or_default(),
        period: ask.listed.period.unwrap_or_default(),
        rule: rule.into(),
        ..Default::default()
    };
    Question::Flags { request, limit: limit(ask.listed.limit) }
}

fn receipts(ask: args::Receipts) -> Question {
    use v1::list_receipts_request::Subject::{Indicator, Metric};
    let request = v1::ListReceiptsRequest {
        code: ask.locality,
        subject: ask.metric.map(Metric).or(ask.indicator.map(Indicator)),
        period: ask.period.unwrap_or_default(),
        ..Default::default()
    };
    Question::Receipts { request, limit: limit(ask.limit) }
}

fn history(ask: args::History) -> v1::ListHistoryRequest {
    v1::ListHistoryRequest {
        code: ask.locality,
        metric: ask.metric,
        period: ask.period.unwrap_or_default(),
    }
}

fn lacking(ask: args::Lacking) -> Question {
    let request = v1::ListLackingRequest {
        within: ask.listed.within.unwrap_or_default(),
        criterion: ask.criterion.unwrap_or_default(),
        period: ask.listed.period.unwrap_or_default(),
        ..Default::default()
    };
    Question::Lacking { request, limit: limit(ask.listed.limit) }
}

fn localities(ask: args::Localities) -> Question {
    let request = v1::ListLocalitiesRequest {
        level: level(ask.level, ask.within.is_some()).into(),
        within: ask.within.unwrap_or_default(),
        ..Default::default()
    };
    Question::Localities { request, limit: limit(ask.limit) }
}

fn days(ask: args::Days) -> Question {
    let request = v1::ListDaysRequest {
        code: ask.locality,
        criterion: ask.criterion.unwrap_or_default(),
        period: ask.period.unwrap_or_default(),
        ..Default::default()
    };
    Question::Days { request, limit: limit(ask.limit) }
}

fn compare(ask: args::Compare) -> Question {
    let request = v1::ComparePeriodsRequest {
        code: ask.locality,
        measure: ask.measure,
        period: ask.period.unwrap_or_default(),
        baseline_period: ask.against.unwrap_or_default(),
    };
    Question::Compare { request, limit: (ask.limit > 0).then_some(ask.limit) }
}

/// An audit fails on a disagreement in any case.
fn fail_on(causes: &[args::FailOn]) -> FailOn {
    let asked = |cause| causes.contains(&cause);
    FailOn { alarm: asked(args::FailOn::Alarm), silent: asked(args::FailOn::Silent) }
}

/// A scope without a level asks for what lies in it.
fn level(level: Option<Level>, has_scope: bool) -> v1::Level {
    match level {
        Some(Level::Commune) => v1::Level::Commune,
        None if has_scope => v1::Level::Commune,
        Some(Level::Province) | None => v1::Level::Province,
    }
}

const fn kind(kind: Kind) -> v1::LocalityKind {
    match kind {
        Kind::Province => v1::LocalityKind::Province,
        Kind::City => v1::LocalityKind::City,
        Kind::Commune => v1::LocalityKind::Commune,
        Kind::Ward => v1::LocalityKind::Ward,
        Kind::SpecialZone => v1::LocalityKind::SpecialZone,
    }
}

const fn order(highest: bool) -> v1::Order {
    if highest { v1::Order::Highest } else { v1::Order::Lowest }
}

/// Zero lists all.
fn limit(limit: u32) -> Option<u32> {
    (limit > 0).then_some(limit)
}
