//! Rankings beside those by value.

use phuxanh_proto::v1::{self, rollup::Counts};

use super::ratio;

/// Adds what the rows of a ranking hold by what it is by: a locality that fell, and the others
/// without a value then; an interval that allows three ranks. In April six communes were silent.
pub fn complete(ask: &v1::RankLocalitiesRequest, rows: &mut [v1::RankedLocality]) {
    for row in rows {
        if let (true, Some(rollup)) = (ask.period == "2025-04", &mut row.rollup) {
            rollup.counts = Some(open(3, 47, 6));
        }
        match ask.by() {
            v1::RankBy::Unspecified | v1::RankBy::Value => {}
            v1::RankBy::Change => {
                let fell = row.rank == 1;
                row.change = Some(v1::Change {
                    baseline: Some(ratio(&ask.indicator, 4_023, 10_000)),
                    difference: fell.then_some(-0.075),
                });
            }
            v1::RankBy::Confidence => {
                let (rank_from, rank_to) = (1, 3);
                row.confidence =
                    Some(v1::Confidence { lower: 0.0, upper: 0.161_13, rank_from, rank_to });
            }
        }
    }
}

/// The counts of a locality of which some communes are silent.
pub fn open(green: i32, not_green: i32, unknown: i32) -> Counts {
    Counts::Coverage(v1::CoverageCounts { green, not_green, unknown, green_max: green + unknown })
}

/// Only measures are known in June.
pub fn previous(indicator: &str) -> v1::PreviousStanding {
    let known = indicator == "online_submission_rate";
    let unknown = || v1::Rollup { state: v1::RollupState::Unknown.into(), ..v1::Rollup::default() };
    v1::PreviousStanding {
        period: "2025-06".to_owned(),
        rank: if known { 5 } else { 0 },
        ranked_count: 33,
        rollup: Some(if known { ratio(indicator, 4_023, 10_000) } else { unknown() }),
        rank_change: known.then_some(-3),
    }
}
