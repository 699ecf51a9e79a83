//! Criteria that each commune of the sample meets.
//!
//! As many communes of a province are green as the breakdown says; each of the others lacks at
//! least one criterion. Only the provinces that the report names lack digital signatures or
//! certificates.

use std::collections::{BTreeMap, BTreeSet};

use phuxanh_core::{
    LocalityCode,
    gazetteer::{Gazetteer, Kind, Locality},
};

use super::random::{Purpose, Random};
use crate::facts::{Breakdown, Published};

/// Communes that lack a criterion, in a thousand of those that are not green. By the report over
/// 90 % of the communes meet some criteria: their lack is rare.
const LACKING_PERMILLE: [(&str, u64); 11] = [
    ("centre_operating", 15),
    ("staff_assigned", 220),
    ("premises_equipped", 300),
    ("officials_equipped", 110),
    ("online_meetings", 70),
    ("one_stop_software", 190),
    ("civil_status_connected", 240),
    ("network_secure", 120),
    ("regulation_issued", 150),
    ("support_staff", 280),
    ("procedures_standardised", 260),
];

const SIGNATURES: &str = "digital_signatures";
const CERTIFICATES: &str = "digital_certificates";

/// The same for signatures, and for certificates with and without signatures, in the provinces
/// that are short of them.
const SIGNATURES_PERMILLE: u64 = 380;
const CERTIFICATES_PERMILLE: [u64; 2] = [150, 700];

/// Wards get ready more easily: this much in a thousand.
const WARD_LEAD: u64 = 150;

/// The criteria that each commune lacks; none for a green one.
pub type Shortfalls = BTreeMap<LocalityCode, BTreeSet<&'static str>>;

/// The shortfalls of a province's communes.
#[must_use]
pub fn shortfalls(
    gazetteer: &Gazetteer,
    province: &Locality,
    breakdown: &Breakdown,
    published: &Published,
) -> Shortfalls {
    let coverage = breakdown.coverage(province.code).expect("a breakdown of every province");
    let short = published.short_of_signatures.names.contains(&province.name);
    let mut communes: Vec<&Locality> = gazetteer.communes(province.code).collect();
    communes.sort_by_key(|commune| (std::cmp::Reverse(readiness(commune)), commune.code));
    let green = usize::try_from(coverage.green).expect("thousands at most");
    let lacking = |(at, commune): (usize, &&Locality)| {
        let missing = if at < green { BTreeSet::new() } else { lacking(commune.code, short) };
        (commune.code, missing)
    };
    communes.iter().enumerate().map(lacking).collect()
}

/// Value that a commune with these shortfalls declares: 1 for a criterion that it meets, 0 for one
/// that it lacks, nothing for a metric that is no criterion.
#[must_use]
pub fn declared(missing: &BTreeSet<&str>, metric: &str) -> Option<u64> {
    let known = LACKING_PERMILLE.iter().map(|(criterion, _)| *criterion);
    let is_criterion = known.chain([SIGNATURES, CERTIFICATES]).any(|criterion| criterion == metric);
    is_criterion.then(|| u64::from(!missing.contains(metric)))
}

fn readiness(commune: &Locality) -> u64 {
    let lead = if commune.kind == Kind::Ward { WARD_LEAD } else { 0 };
    lead + Random::new(Purpose::Readiness, commune.code, 0).between(0, 999)
}

/// Shortfalls of a commune that is not green: at least one.
fn lacking(commune: LocalityCode, short_of_signatures: bool) -> BTreeSet<&'static str> {
    let mut random = Random::new(Purpose::Criteria, commune, 0);
    let mut found: BTreeSet<&'static str> = LACKING_PERMILLE
        .into_iter()
        .filter_map(|(criterion, permille)| random.chance(permille).then_some(criterion))
        .collect();
    if short_of_signatures {
        let unsigned = random.chance(SIGNATURES_PERMILLE);
        let uncertified = random.chance(CERTIFICATES_PERMILLE[usize::from(unsigned)]);
        found.extend(unsigned.then_some(SIGNATURES));
        found.extend(uncertified.then_some(CERTIFICATES));
    }
    if found.is_empty() {
        found.insert(pick(&mut random));
    }
    found
}

/// One criterion, the frequent ones more often.
fn pick(random: &mut Random) -> &'static str {
    let sum = LACKING_PERMILLE.iter().map(|(_, permille)| permille).sum::<u64>();
    let mut left = random.between(0, sum - 1);
    for (criterion, permille) in LACKING_PERMILLE {
        if left < permille {
            return criterion;
        }
        left -= permille;
    }
    unreachable!("the number is below the sum of all")
}
