//! The figures of the report beside those that the running product answers.
//!
//! Owns the comparison and knows nothing of how the answers were got. Everything is compared as
//! whole numbers; a rate is rounded to the digits that were published.

use std::collections::BTreeSet;

use phuxanh_core::{Basis, LocalityCode, Period};

use crate::facts::{Breakdown, Coverage, Decimal, Provinces, Published, Rate};

/// Answers of the product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The month of the report, and the one before.
    pub period: Period,
    pub previous: Period,
    pub provinces_total: u64,
    pub communes_total: u64,
    /// Green communes of the nation, over all.
    pub nation: Ratio,
    /// Rankings of the provinces in the month of the report, the lowest first.
    pub green_coverage: Vec<Ranked>,
    pub online_submission: Vec<Ranked>,
    pub electronic_result: Vec<Ranked>,
    pub applications_per_day: Vec<Ranked>,
    /// The same ranking for the month before.
    pub applications_per_day_before: Vec<Ranked>,
    /// Communes of the nation by how they stand on each criterion.
    pub criteria: Vec<Tally>,
    /// The same for each province.
    pub province_criteria: Vec<ProvinceCriteria>,
}

/// An exact ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    pub numerator: u64,
    pub denominator: u64,
}

/// A row of a ranking of provinces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    pub rank: u32,
    pub code: LocalityCode,
    pub name: String,
    pub ratio: Ratio,
    /// The least certain origin among the observations under the value.
    pub basis: Basis,
}

/// Communes by how they stand on a criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    pub criterion: String,
    pub met: u64,
    pub unmet: u64,
    pub unknown: u64,
}

/// The criteria of one province.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvinceCriteria {
    pub name: String,
    pub criteria: Vec<Tally>,
}

/// One figure, published and here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    pub name: String,
    pub published: String,
    pub here: String,
    pub agrees: bool,
}

/// The criteria whose lack the report calls being short of digital signatures.
const SIGNATURES: [&str; 2] = ["digital_signatures", "digital_certificates"];

/// Every figure of the report that the product can answer.
#[must_use]
pub fn compare(published: &Published, breakdown: &Breakdown, answers: &Answers) -> Vec<Figure> {
    let mut figures = vec![
        count("communes in total", published.communes_total, answers.communes_total),
        count("provinces in total", published.provinces_total, answers.provinces_total),
        green(published, answers),
        complete(&published.complete, answers),
        over("provinces over 70 %", published.over_70_count, answers, 70),
        over("provinces over 50 %", published.over_50_count, answers, 50),
    ];
    let lowest = published.lowest.iter().enumerate();
    figures.extend(lowest.map(|(at, rate)| low(at, rate, breakdown, answers)));
    figures.push(lowest_online(&published.online_submission, answers));
    figures.push(electronic(&published.electronic_result, answers));
    figures.push(fell(&published.fell, answers));
    figures.extend(published.criteria_over_90.iter().map(|id| over_90(id, answers)));
    figures.push(short_of_signatures(&published.short_of_signatures, answers));
    figures
}

/// A whole number with its thousands set apart.
#[must_use]
pub fn grouped(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1_000), number % 1_000),
    }
}

impl Ratio {
    /// True if it is more than so many percent.
    const fn is_over(self, percent: u64) -> bool {
        self.numerator * 100 > self.denominator * percent
    }

    const fn is_less_than(self, other: Self) -> bool {
        self.numerator * other.denominator < other.numerator * self.denominator
    }

    /// Rounded to the digits of a published share.
    fn alike(self, share: Decimal) -> Option<Decimal> {
        share.round_alike(self.numerator, self.denominator)
    }

    /// For example `3 of 56`.
    #[must_use]
    pub fn counts(self) -> String {
        format!("{} of {}", grouped(self.numerator), grouped(self.denominator))
    }

    /// For example `5.36 %`, rounded to two digits.
    #[must_use]
    pub fn percent(self) -> String {
        match (20_000 * self.numerator + self.denominator).checked_div(2 * self.denominator) {
            Some(units) => format!("{}.{:02} %", units / 100, units % 100),
            None => "untested".to_owned(),
        }
    }

    /// For example `44.9`, rounded to one digit.
    fn one_digit(self) -> String {
        match (20 * self.numerator + self.denominator).checked_div(2 * self.denominator) {
            Some(units) => format!("{}.{}", grouped(units / 10), units % 10),
            None => "untested".to_owned(),
        }
    }
}

fn count(name: &str, published: u64, here: u64) -> Figure {
    Figure {
        name: name.to_owned(),
        published: grouped(published),
        here: grouped(here),
        agrees: published == here,
    }
}

fn green(published: &Published, answers: &Answers) -> Figure {
    let said = Ratio { numerator: published.communes_green, denominator: published.communes_total };
    Figure {
        name: "communes green".to_owned(),
        published: with_percent(said),
        here: with_percent(answers.nation),
        agrees: said == answers.nation,
    }
}

fn with_percent(ratio: Ratio) -> String {
    format!("{} ({})", ratio.counts(), ratio.percent())
}

fn complete(published: &Provinces, answers: &Answers) -> Figure {
    let whole = |row: &&Ranked| row.ratio.numerator == row.ratio.denominator;
    let names = answers.green_coverage.iter().filter(whole).map(|row| row.name.clone());
    provinces("provinces at 100 %", published, &names.collect())
}

fn short_of_signatures(published: &Provinces, answers: &Answers) -> Figure {
    let lacks = |tally: &Tally| {
        SIGNATURES.contains(&tally.criterion.as_str()) && (tally.unmet > 0 || tally.unknown > 0)
    };
    let short = answers.province_criteria.iter().filter(|found| found.criteria.iter().any(lacks));
    let names = short.map(|province| province.name.clone()).collect();
    provinces(
        "provinces with communes short of digital signatures or certificates",
        published,
        &names,
    )
}

/// Counted and named provinces agree only name by name.
fn provinces(name: &str, published: &Provinces, here: &BTreeSet<String>) -> Figure {
    let said: BTreeSet<String> = published.names.iter().cloned().collect();
    let listed = |names: &BTreeSet<String>, count: u64| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("{count}: {}", names.join(", "))
    };
    let count = here.len() as u64;
    Figure {
        name: name.to_owned(),
        published: listed(&said, published.count),
        here: listed(here, count),
        agrees: said == *here && published.count == count,
    }
}

fn over(name: &str, published: u64, answers: &Answers, percent: u64) -> Figure {
    let rows = answers.green_coverage.iter().filter(|row| row.ratio.is_over(percent));
    count(name, published, rows.count() as u64)
}

/// The province at a place of the ranking of green coverage, counted from 0.
fn low(at: usize, published: &Rate, breakdown: &Breakdown, answers: &Answers) -> Figure {
    const PLACES: [&str; 3] = ["lowest", "second lowest", "third lowest"];
    let row = answers.green_coverage.get(at);
    let stated = row.and_then(|row| breakdown.coverage(row.code)).filter(|found| found.stated);
    let counts = |found: Coverage| Ratio { numerator: found.green, denominator: found.total };
    let stated = stated.map(counts);
    let place = PLACES.get(at).copied().unwrap_or("low");
    Figure {
        name: format!("{place} green coverage"),
        published: rate(published, Some(published.share), stated),
        here: row.map_or_else(no_answer, |row| {
            let here = Rate { province: row.name.clone(), share: published.share };
            rate(&here, row.ratio.alike(published.share), Some(row.ratio))
        }),
        agrees: row.is_some_and(|row| {
            row.name == published.province
                && row.ratio.alike(published.share) == Some(published.share)
                && stated == Some(row.ratio)
        }),
    }
}

fn rate(rate: &Rate, share: Option<Decimal>, counts: Option<Ratio>) -> String {
    let share = share.map_or_else(|| "untested".to_owned(), |share| share.to_string());
    let counts = counts.map_or_else(String::new, |counts| format!(" ({})", counts.counts()));
    format!("{} {share}{counts}", rate.province)
}

fn lowest_online(published: &Rate, answers: &Answers) -> Figure {
    let row = answers.online_submission.first();
    // Only the lowest when the next one is truly higher.
    let alone = answers.online_submission.get(1).is_some_and(|next| next.rank > 1);
    reported_rate("lowest online submission rate", published, row, answers.period, alone)
}

fn electronic(published: &Rate, answers: &Answers) -> Figure {
    let row = answers.electronic_result.iter().find(|row| row.name == published.province);
    reported_rate("electronic results issued", published, row, answers.period, true)
}

fn reported_rate(
    name: &str,
    published: &Rate,
    row: Option<&Ranked>,
    period: Period,
    holds: bool,
) -> Figure {
    let here = row.map(|row| (row, row.ratio.alike(published.share)));
    Figure {
        name: format!("{name}, {period}"),
        published: rate(published, Some(published.share), None),
        here: here.map_or_else(no_answer, |(row, share)| {
            rate(&Rate { province: row.name.clone(), share: published.share }, share, None)
        }),
        agrees: holds
            && here.is_some_and(|(row, share)| {
                row.name == published.province && share == Some(published.share)
            }),
    }
}

fn fell(province: &str, answers: &Answers) -> Figure {
    let of = |rows: &[Ranked]| rows.iter().find(|row| row.name == province).map(|row| row.ratio);
    let now = of(&answers.applications_per_day);
    let before = of(&answers.applications_per_day_before);
    let here = now.zip(before);
    let verb =
        |now: Ratio, before: Ratio| if now.is_less_than(before) { "lower" } else { "not lower" };
    Figure {
        name: format!("applications per commune and working day, {province}"),
        published: format!("lower in {} than in {}", answers.period, answers.previous),
        here: here.map_or_else(no_answer, |(now, before)| {
            format!("{}: {}, after {}", verb(now, before), now.one_digit(), before.one_digit())
        }),
        agrees: here.is_some_and(|(now, before)| now.is_less_than(before)),
    }
}

fn over_90(criterion: &str, answers: &Answers) -> Figure {
    let tally = answers.criteria.iter().find(|tally| tally.criterion == criterion);
    let met = tally.map(|tally| Ratio {
        numerator: tally.met,
        denominator: tally.met + tally.unmet + tally.unknown,
    });
    Figure {
        name: format!("communes that meet {criterion}"),
        published: "over 90 %".to_owned(),
        here: met.map_or_else(no_answer, |met| format!("{} ({})", met.percent(), met.counts())),
        agrees: met.is_some_and(|met| met.is_over(90)),
    }
}

fn no_answer() -> String {
    "no answer".to_owned()
}

#[cfg(test)]
mod tests;
