//! Insights: how localities are spread, what they lack, why they are low, what is measured of what
//! they declare, and how long they were green, each compared with a count over the sample's rows.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use phuxanh_core::{
    Level, LocalityCode, MetricId, Timestamp,
    catalogue::{Catalogue, Formula},
    gazetteer::Gazetteer,
};
use phuxanh_tests::{harness::Deployment, oracle::Report};
use serde_json::Value;

const MONTH: &str = "2025-07";
const DAYS: i64 = 31;

/// The rows of July.
pub(super) struct Facts {
    catalogue: Catalogue,
    communes: BTreeMap<LocalityCode, Commune>,
    sums: BTreeMap<(LocalityCode, String), i64>,
}

/// A commune's report of the criteria, all on one day.
struct Commune {
    province: LocalityCode,
    lacks: Vec<String>,
    day: i64,
}

/// The share of green communes of a province.
#[derive(Debug, Clone, Copy)]
struct Share {
    code: LocalityCode,
    green: usize,
    all: usize,
}

impl Facts {
    pub(super) fn new(reports: &[Report]) -> anyhow::Result<Self> {
        let (catalogue, gazetteer) = (Catalogue::builtin(), Gazetteer::builtin());
        let criteria: BTreeSet<_> =
            catalogue.criteria.iter().map(|one| one.definition.id.as_str()).collect();
        let begin = Timestamp::midnight("2025-07-01".parse()?);
        let (mut communes, mut sums) = (BTreeMap::new(), BTreeMap::new());
        let july = reports.iter().filter(|one| one.period.to_string() == MONTH);
        for one in july.filter(|one| one.locality.level() == Level::Commune) {
            let locality = gazetteer.locality(one.locality).context("a commune")?;
            let province = locality.province.context("a province")?;
            let value = one.value.context("a value")?;
            if criteria.contains(one.metric.as_str()) {
                let day = (one.observed.micros() - begin.micros()) / 86_400_000_000;
                let lacks = Vec::new();
                let told = communes.entry(one.locality).or_insert(Commune { province, lacks, day });
                ensure!(told.day == day, "{} reported on several days", one.locality);
                if value == 0 {
                    told.lacks.push(one.metric.clone());
                }
            } else {
                *sums.entry((province, one.metric.clone())).or_insert(0) += value;
            }
        }
        Ok(Self { catalogue, communes, sums })
    }

    fn inside(&self, scope: LocalityCode) -> Vec<&Commune> {
        let all = self.communes.values();
        all.filter(|one| scope == LocalityCode::NATION || one.province == scope).collect()
    }

    fn share(&self, code: LocalityCode) -> Share {
        let inside = self.inside(code);
        let green = inside.iter().filter(|one| one.lacks.is_empty()).count();
        Share { code, green, all: inside.len() }
    }

    /// The provinces, the lowest first.
    fn shares(&self) -> Vec<Share> {
        let codes: BTreeSet<_> = self.communes.values().map(|one| one.province).collect();
        let mut shares: Vec<_> = codes.into_iter().map(|code| self.share(code)).collect();
        shares.sort_by(|one, other| {
            (one.green * other.all, one.code).cmp(&(other.green * one.all, other.code))
        });
        shares
    }

    fn criteria(&self) -> impl Iterator<Item = &str> {
        self.catalogue.criteria.iter().map(|one| one.definition.id.as_str())
    }
}

pub(super) fn equal_a_count_over_the_sample(
    deployment: &Deployment,
    facts: &Facts,
) -> anyhow::Result<()> {
    bands_are_those_of_the_report(deployment, facts)?;
    a_standing_is_a_place_in_the_sorted_list(deployment, facts)?;
    for scope in ["00", "04", "12"] {
        shortfalls_and_flips_are_counted(deployment, facts, scope)?;
        the_lacking_are_those_of_the_files(deployment, facts, scope)?;
    }
    for (province, target) in [("04", 50), ("04", 70), ("12", 50), ("12", 100), ("86", 70)] {
        paths_are_the_cheapest(deployment, facts, province, target)?;
    }
    for province in facts.shares() {
        causes_sum_to_the_distance(deployment, facts, province)?;
        gaps_are_declared_less_measured(deployment, facts, province.code)?;
        days_run_from_the_day_of_the_report(deployment, facts, province.code)?;
    }
    the_widest_gap_is_that_of_hanoi(deployment)
}

/// Of one criterion, and of all that green asks for: that is of all of the sample.
fn the_lacking_are_those_of_the_files(
    deployment: &Deployment,
    facts: &Facts,
    scope: &str,
) -> anyhow::Result<()> {
    let within: LocalityCode = scope.parse()?;
    for criterion in [None, Some("support_staff")] {
        let lacks = |one: &Commune| match criterion {
            Some(id) => one.lacks.iter().any(|lacked| lacked == id),
            None => !one.lacks.is_empty(),
        };
        let inside = facts.communes.iter().filter(|(_, one)| {
            lacks(one) && (within == LocalityCode::NATION || one.province == within)
        });
        let mut expected: Vec<_> =
            inside.map(|(code, one)| (code.to_string(), one.lacks.len())).collect();
        expected.sort_by(|(code, count), (other, lesser)| lesser.cmp(count).then(code.cmp(other)));
        let options = ["--within", scope, "--period", MONTH, "--limit", "0"];
        let arguments: Vec<_> = ["lacking"].into_iter().chain(criterion).chain(options).collect();
        let answer = deployment.ask(&arguments)?;
        let row = |row: &Value| {
            let lacks = usize::try_from(row["lacks"].as_u64().context("a count")?)?;
            Ok((row["code"].as_str().context("a code")?.to_owned(), lacks))
        };
        let found: Vec<_> = list(&answer["rows"]).iter().map(row).collect::<anyhow::Result<_>>()?;
        ensure!(found == expected, "{scope} {criterion:?}: {found:?}");
        assert_eq!(answer["lacking_count"].as_u64(), Some(expected.len() as u64));
        ensure!(scope != "04" || !expected.is_empty(), "nobody lacks {criterion:?}");
    }
    Ok(())
}

fn bands_are_those_of_the_report(deployment: &Deployment, facts: &Facts) -> anyhow::Result<()> {
    let answer = deployment.ask(&["distribution"])?;
    let bands = list(&answer["total"]["bands"]);
    let at_least: Vec<_> = bands.iter().map(|band| band["at_least"].as_i64()).collect();
    assert_eq!(at_least[..3], [Some(8), Some(13), Some(19)], "{answer}");
    let shares = facts.shares();
    let bounds: [fn(&Share) -> bool; 3] = [
        |one| one.green == one.all,
        |one| one.green * 10 >= one.all * 7,
        |one| one.green * 2 >= one.all,
    ];
    let mut above = BTreeSet::new();
    for (band, bound) in bands.iter().zip(bounds) {
        above.extend(codes(&band["provinces"])?);
        let expected: BTreeSet<_> =
            shares.iter().filter(|one| bound(one)).map(|one| one.code).collect();
        assert_eq!(above, expected, "{}", band["band"]);
    }
    Ok(())
}

fn a_standing_is_a_place_in_the_sorted_list(
    deployment: &Deployment,
    facts: &Facts,
) -> anyhow::Result<()> {
    let shares = facts.shares();
    for (at, own) in shares.iter().enumerate() {
        let code = own.code.to_string();
        let answer = deployment.ask(&["standing", &code, "--neighbours", "3"])?;
        let lower = shares.iter().filter(|one| one.green * own.all < own.green * one.all);
        assert_eq!(answer["locality"]["rank"], lower.count() + 1, "{answer}");
        let neighbours = |part: &[Share]| part.iter().map(|one| one.code).collect::<Vec<_>>();
        assert_eq!(codes(&answer["before"])?, neighbours(&shares[at.saturating_sub(3)..at]));
        let end = shares.len().min(at + 4);
        assert_eq!(codes(&answer["behind"])?, neighbours(&shares[at + 1..end]));
    }
    Ok(())
}

fn shortfalls_and_flips_are_counted(
    deployment: &Deployment,
    facts: &Facts,
    scope: &str,
) -> anyhow::Result<()> {
    let answer = deployment.ask(&["shortfalls", "--within", scope])?;
    let inside = facts.inside(scope.parse()?);
    let found: Vec<_> = list(&answer["total"]["shortfalls"])
        .iter()
        .map(|row| (row["criterion"].as_str(), row["unmet"].as_u64(), row["flip"].as_u64()))
        .collect();
    let expected: Vec<_> = facts
        .criteria()
        .map(|id| {
            let lacking = || inside.iter().filter(|one| one.lacks.iter().any(|lack| lack == id));
            let alone = lacking().filter(|one| one.lacks.len() == 1).count();
            (Some(id), u64::try_from(lacking().count()).ok(), u64::try_from(alone).ok())
        })
        .collect();
    assert_eq!(found, expected, "{scope}");
    let alone = inside.iter().filter(|one| one.lacks.len() == 1).count();
    assert_eq!(answer["total"]["flip"], alone, "{scope}");
    if scope == "00" {
        assert_eq!(answer["total"]["coverage"]["numerator"], 1_981);
    }
    Ok(())
}

fn paths_are_the_cheapest(
    deployment: &Deployment,
    facts: &Facts,
    province: &str,
    percent: usize,
) -> anyhow::Result<()> {
    let answer = deployment.ask(&["path", province, "--target", &percent.to_string()])?;
    let share = facts.share(province.parse()?);
    let target = (share.all * percent).div_ceil(100);
    let needed = target - share.green;
    assert_eq!(
        (&answer["target_count"], &answer["needed_count"]),
        (&target.into(), &needed.into())
    );
    let inside = facts.inside(province.parse()?);
    let mut costs: Vec<_> = inside.iter().map(|one| one.lacks.len()).collect();
    costs.sort_unstable();
    let cheapest: usize = costs[share.green..target].iter().sum();
    assert_eq!(answer["unmet_fixes"], cheapest, "{province} to {percent} %");
    assert_eq!(list(&answer["communes"]).len(), needed);

    // Every set of criteria is tried.
    let ids: Vec<_> = facts.criteria().collect();
    let lacks: Vec<u32> = inside
        .iter()
        .map(|one| {
            let bits =
                ids.iter().enumerate().filter(|(_, id)| one.lacks.iter().any(|it| it == *id));
            bits.map(|(at, _)| 1 << at).sum()
        })
        .collect();
    let green = |set: u32| lacks.iter().filter(|lacks| *lacks & !set == 0).count();
    let reaching = (0..1_u32 << ids.len()).filter(|set| green(*set) >= target);
    let smallest = reaching.map(u32::count_ones).min().context("all criteria reach it")?;
    let set = &answer["criterion_set"];
    assert_eq!((list(&set["criteria"]).len(), &set["exact"]), (smallest as usize, &true.into()));
    Ok(())
}

/// A commune's part in its criteria is split evenly over those that it lacks.
#[expect(clippy::cast_precision_loss, reason = "compared to a billionth")]
fn causes_sum_to_the_distance(
    deployment: &Deployment,
    facts: &Facts,
    own: Share,
) -> anyhow::Result<()> {
    let answer = deployment.ask(&["why", &own.code.to_string()])?;
    let number = |value: &Value| value.as_i64().map(i128::from).context("a number");
    let (below, distance) =
        (number(&answer["part_denominator"])?, number(&answer["distance_numerator"])?);
    let nation = facts.share(LocalityCode::NATION);
    let [a, b, c, d] = [nation.green, nation.all, own.green, own.all].map(|count| count as i128);
    assert_eq!(distance * b * d, (a * d - c * b) * below, "{answer}");
    let parts = list(&answer["criteria"]);
    let sum: i128 =
        parts.iter().map(|part| number(&part["part_numerator"])).sum::<Result<_, _>>()?;
    assert_eq!(sum, distance, "{answer}");
    let mean = |code, id: &str| {
        let inside = facts.inside(code);
        let lacking = inside.iter().filter(|one| one.lacks.iter().any(|lack| lack == id));
        let shares = lacking.map(|one| 1.0 / one.lacks.len() as f64);
        shares.sum::<f64>() / inside.len() as f64
    };
    for part in parts {
        let id = part["criterion"].as_str().context("a criterion")?;
        let expected = mean(own.code, id) - mean(LocalityCode::NATION, id);
        let found = part["part"].as_f64().context("a part")?;
        assert!((found - expected).abs() < 1e-9, "{id}: {found} instead of {expected}");
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "compared to two billionths")]
fn gaps_are_declared_less_measured(
    deployment: &Deployment,
    facts: &Facts,
    province: LocalityCode,
) -> anyhow::Result<()> {
    let answer = deployment.ask(&["gap", &province.to_string()])?;
    let rows = list(&answer["criteria"]);
    let with_evidence =
        facts.catalogue.criteria.iter().filter_map(|one| Some((one, one.evidence?)));
    let mut count = 0;
    for ((criterion, evidence), row) in with_evidence.zip(rows) {
        let id = criterion.definition.id.as_str();
        assert_eq!(row["criterion"], id);
        let indicator = &facts.catalogue.indicators[evidence];
        let Formula::Ratio { numerator, denominator } = &indicator.formula else { continue };
        let sum = |metrics: &[MetricId]| -> i64 {
            let of = |id: &MetricId| {
                facts.sums.get(&(province, id.to_string())).copied().unwrap_or_default()
            };
            metrics.iter().map(of).sum()
        };
        let measured = sum(numerator) as f64 / sum(denominator) as f64;
        let full_at = row["full_at"].as_f64().context("a bound")?;
        let inside = facts.inside(province);
        let met = inside.iter().filter(|one| one.lacks.iter().all(|lack| lack != id)).count();
        let declared = met as f64 / inside.len() as f64;
        let expected = (declared - (measured / full_at).min(1.0)).max(0.0);
        let found = row["gap_billionths"].as_f64().context("a gap")? / 1e9;
        assert!((found - expected).abs() < 2e-9, "{province} {id}: {found}, not {expected}");
        count += 1;
    }
    assert_eq!((count, rows.len()), (5, 5), "{answer}");
    Ok(())
}

/// Every criterion was declared met by each of its communes, and little of it is measured.
fn the_widest_gap_is_that_of_hanoi(deployment: &Deployment) -> anyhow::Result<()> {
    let answer = deployment.ask(&["gap", "--limit", "0"])?;
    let rows = list(&answer["rows"]);
    assert_eq!((rows.len(), &rows[0]["code"]), (34, &"01".into()));
    let gaps: Vec<_> = rows.iter().map(|row| row["gap"].as_f64().map(f64::to_bits)).collect();
    assert!(gaps.is_sorted_by(|one, next| one >= next), "{answer}");
    Ok(())
}

fn days_run_from_the_day_of_the_report(
    deployment: &Deployment,
    facts: &Facts,
    province: LocalityCode,
) -> anyhow::Result<()> {
    let answer = deployment.ask(&["days", &province.to_string(), "--limit", "0"])?;
    let heads = ["day_count", "commune_count", "flapping_count"].map(|key| answer[key].as_u64());
    let inside = facts.communes.iter().filter(|(_, one)| one.province == province);
    let mut expected: Vec<_> = inside
        .map(|(code, one)| {
            let known = DAYS - one.day;
            let green = if one.lacks.is_empty() { known } else { 0 };
            (green, code.to_string(), known - green, one.day)
        })
        .collect();
    expected.sort();
    let found: Vec<_> = list(&answer["rows"])
        .iter()
        .map(|row| {
            let [met, unmet, unknown, turns] =
                ["met", "unmet", "unknown", "turns"].map(|key| row[key].as_i64().unwrap_or(-1));
            assert_eq!((turns, &row["cut"]), (0, &false.into()), "{row}");
            (met, row["code"].as_str().unwrap_or_default().to_owned(), unmet, unknown)
        })
        .collect();
    assert_eq!(heads, [Some(31), u64::try_from(expected.len()).ok(), Some(0)]);
    assert_eq!(found, expected, "{province}");
    Ok(())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn codes(rows: &Value) -> anyhow::Result<Vec<LocalityCode>> {
    let codes = list(rows).iter().map(|row| row["code"].as_str().context("a code"));
    codes.map(|code| Ok(code?.parse()?)).collect()
}
