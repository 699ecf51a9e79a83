//! Observations of a province: new values, repeated ones, corrections, withdrawals, late arrivals,
//! and what the aggregator will refuse.

use fastrand::Rng;
use phuxanh_core::{Basis, CellKey, Observation, Timestamp};

const LOCALITIES: [&str; 3] = ["00004", "00008", "00025"];
const METRICS: [&str; 3] = ["digital_signatures", "applications_received", "applications_online"];
/// Only a newer catalogue knows it.
pub const NEWER_METRIC: &str = "trees_planted";
/// No catalogue knows it.
pub const UNKNOWN_METRIC: &str = "happiness";
const PERIODS: [&str; 2] = ["2025-06", "2025-07"];

/// The observations of one file.
pub fn file(random: &mut Rng, wall: Timestamp, known: &[Observation]) -> Vec<Observation> {
    let count = random.usize(1..=4);
    (0..count).map(|_| observation(random, wall, known)).collect()
}

fn observation(random: &mut Rng, wall: Timestamp, known: &[Observation]) -> Observation {
    let earlier = (!known.is_empty()).then(|| known[random.usize(0..known.len())].clone());
    match (random.u32(0..10), earlier) {
        // The same again.
        (0, Some(earlier)) => earlier,
        // A correction at the same observed time.
        (1 | 2, Some(earlier)) => Observation { value: value(random), ..earlier },
        // A later value of the same cell.
        (3, Some(earlier)) => Observation { value: value(random), observed: wall, ..earlier },
        _ => fresh(random, wall),
    }
}

fn fresh(random: &mut Rng, wall: Timestamp) -> Observation {
    let metric = match random.u32(0..12) {
        0 => UNKNOWN_METRIC,
        1 => NEWER_METRIC,
        _ => METRICS[random.usize(0..METRICS.len())],
    };
    // Some are read late, so that a newer one stands already.
    let age = if random.u32(0..4) == 0 { random.i64(0..120_000_000) } else { 0 };
    Observation {
        key: CellKey {
            locality: LOCALITIES[random.usize(0..LOCALITIES.len())].parse().expect("a code"),
            metric: metric.parse().expect("an id"),
            period: PERIODS[random.usize(0..PERIODS.len())].parse().expect("a period"),
        },
        value: value(random),
        observed: Timestamp::from_micros(wall.micros() - age).expect("a time"),
        revision: 0,
        basis: Basis::Reported,
    }
}

/// Small enough for a criterion; a withdrawal now and then.
fn value(random: &mut Rng) -> Option<i64> {
    (random.u32(0..8) > 0).then(|| random.i64(0..=1))
}
