//! What a ranking says beside values.

use phuxanh_proto::v1::{self, rollup::Counts};

use super::ratio;

/// Adds what the rows of a ranking hold by what it is by: a locality that fell, and the others
/// without a value then; an interval that allows three ranks. In April six communes were silent.
pub fn complete(ask: &v1::RankLocalitiesRequest, rows: &mut [v1::RankedLocality]) {
    for row in rows {
        if let (true, Some(rollup)) = (ask.period == "2025-04", &mut row.rollup) {
            let counts = v1::CoverageCounts { green: 3, not_green: 47, unknown: 6, green_max: 9 };
            rollup.counts = Some(Counts::Coverage(counts));
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

/// Only measures are known in June.
pub fn previous(indicator: &str) -> Option<v1::PreviousStanding> {
    (indicator == "online_submission_rate").then(|| v1::PreviousStanding {
        period: "2025-06".to_owned(),
        rank: 5,
        ranked_count: 33,
        rollup: Some(ratio(indicator, 4_023, 10_000)),
        rank_change: Some(-3),
    })
}
