//! Counts of a province's communes in a month.
//!
//! Parts are taken from their wholes (`results_signed` from `results_electronic` from
//! `results_due` from `applications_completed` from `applications_received`), so none is greater
//! than its whole. Shares follow the province's green coverage a little, and suffer where the
//! criterion that they are evidence for is lacking. Where a share was published, the counts are
//! settled so that their sum has exactly that share.

mod province;
mod share;

use std::collections::{BTreeMap, BTreeSet};

use phuxanh_core::{
    LocalityCode, Period,
    gazetteer::{Gazetteer, Kind, Locality},
};

use self::province::{Month, Rates};
use super::{
    criteria::Shortfalls,
    random::{Purpose, Random},
};
use crate::facts::{Breakdown, Decimal, Published};

/// Causes of obstacles, with the criteria that would remove them.
const CAUSES: [(&str, &[&str]); 5] = [
    ("obstacles_software", &["one_stop_software"]),
    ("obstacles_connection", &["civil_status_connected", "network_secure"]),
    ("obstacles_guidance", &["support_staff", "staff_assigned"]),
    ("obstacles_equipment", &["premises_equipped", "officials_equipped"]),
    ("obstacles_procedure", &["procedures_standardised"]),
];

/// The counts of one commune in one month, by measure.
pub type Counts = BTreeMap<&'static str, u64>;

/// Data from which a province's months are made.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub gazetteer: &'a Gazetteer,
    pub breakdown: &'a Breakdown,
    pub published: &'a Published,
}

/// The counts of a province's communes in the month of the report or the one before.
#[must_use]
pub fn counts(
    source: Source<'_>,
    province: &Locality,
    shortfalls: &Shortfalls,
    period: Period,
) -> BTreeMap<LocalityCode, Counts> {
    let coverage = source.breakdown.coverage(province.code).expect("a breakdown of every province");
    let month = Month::new(province, period, source.published);
    let rates = Rates::new(province, coverage, source.published);
    let is_report = period == Period::containing(source.published.known_at);
    let rates = if is_report { rates } else { rates.before() };
    let mut offices: Vec<Office<'_>> = source
        .gazetteer
        .communes(province.code)
        .map(|commune| Office::open(commune, &shortfalls[&commune.code], period, &month))
        .collect();
    let online =
        |office: &Office<'_>| rates.online(&mut office.random(Purpose::Online), office.missing);
    take(&mut offices, "applications_online", "applications_received", online, month.online_share);
    let electronic = |office: &Office<'_>| {
        rates.electronic(&mut office.random(Purpose::Electronic), office.missing)
    };
    take(&mut offices, "results_electronic", "results_due", electronic, month.electronic_share);
    for office in &mut offices {
        office.work(&rates);
        office.report_obstacles();
    }
    offices.into_iter().map(|office| (office.commune.code, office.counts)).collect()
}

/// A commune at work in a month.
struct Office<'a> {
    commune: &'a Locality,
    missing: &'a BTreeSet<&'static str>,
    period: Period,
    counts: Counts,
}

/// Takes a part from a whole in every commune, by its share in a thousand.
fn take(
    offices: &mut [Office<'_>],
    part: &'static str,
    whole: &str,
    permille: impl Fn(&Office<'_>) -> u64,
    share: Option<Decimal>,
) {
    let wholes: Vec<u64> = offices.iter().map(|office| office.counts[whole]).collect();
    let permilles: Vec<u64> = offices.iter().map(permille).collect();
    for (office, taken) in offices.iter_mut().zip(share::settle(&wholes, &permilles, share)) {
        office.counts.insert(part, taken);
    }
}

impl<'a> Office<'a> {
    /// A commune with the work of the month, none of it done yet.
    fn open(
        commune: &'a Locality,
        missing: &'a BTreeSet<&'static str>,
        period: Period,
        month: &Month,
    ) -> Self {
        let mut office = Self { commune, missing, period, counts: Counts::new() };
        // The size of a commune is the same in every month.
        let mut size = Random::new(Purpose::Size, commune.code, 0);
        let per_day = match commune.kind {
            Kind::Ward => size.between(30, 90),
            Kind::SpecialZone => size.between(4, 15),
            Kind::Nation | Kind::Province | Kind::City | Kind::Commune => size.between(8, 35),
        };
        let mut random = office.random(Purpose::Volume);
        let permille = random.around(month.volume_permille, 40);
        let received = per_day * month.working_days * permille / 1_000;
        let completed = share::part(received, random.around(925, 45));
        office.counts.extend([
            ("working_days", month.working_days),
            ("applications_received", received),
            ("applications_completed", completed),
            ("results_due", share::part(completed, random.around(800, 80))),
            ("fees_due", share::part(received, random.around(420, 90))),
            ("petitions_received", random.between(0, 3 + received / 120)),
        ]);
        office
    }

    fn random(&self, purpose: Purpose) -> Random {
        Random::new(purpose, self.commune.code, self.period.number())
    }

    fn lacks(&self, criterion: &str) -> bool {
        self.missing.contains(criterion)
    }

    /// Draws the work that was done, and how well.
    fn work(&mut self, rates: &Rates) {
        let mut random = self.random(Purpose::Quality);
        let received = self.counts["applications_received"];
        let completed = self.counts["applications_completed"];
        let late = if self.lacks("procedures_standardised") { 90 } else { 0 };
        let on_time = random.around(rates.on_time, 35).saturating_sub(late);
        let signed = random.around(rates.signed, 50);
        let signed = if self.lacks("digital_signatures") { signed / 12 } else { signed };
        let apart = if self.lacks("civil_status_connected") { 250 } else { 0 };
        let population = random.around(rates.population, 80).saturating_sub(apart);
        let digitised = share::part(received, random.around(rates.digitised, 100));
        let given = share::part(completed, random.around(240, 90));
        let positive = share::part(given, random.around(rates.satisfied, 40));
        let offline = received - self.counts["applications_online"];
        let mut part = |whole: u64, middle: u64, spread: u64| {
            share::part(whole, random.around(middle, spread))
        };
        let made = [
            ("applications_post", part(offline, 20, 15)),
            ("applications_on_time", share::part(completed, on_time)),
            ("applications_overdue_open", part(received - completed, 150, 120)),
            ("results_signed", share::part(self.counts["results_electronic"], signed)),
            ("records_digitised", digitised),
            ("records_reused", part(digitised, 450, 150)),
            ("records_synchronised", part(received, rates.synchronised, 40)),
            ("population_data_used", share::part(received, population)),
            ("fees_paid_online", part(self.counts["fees_due"], rates.paid, 100)),
            ("petitions_on_time", part(self.counts["petitions_received"], 860, 140)),
            ("ratings_positive", positive),
            ("ratings_negative", given - positive),
        ];
        self.counts.extend(made);
    }

    /// Draws the obstacles by cause: more where the criterion that would remove the cause is lacking.
    fn report_obstacles(&mut self) {
        let mut random = self.random(Purpose::Obstacles);
        let received = self.counts["applications_received"];
        for (cause, criteria) in CAUSES {
            let usual = random.between(0, 1 + received / 400);
            let lacking = criteria.iter().filter(|criterion| self.lacks(criterion));
            let more: u64 = lacking.map(|_| random.between(2, 6)).sum();
            self.counts.insert(cause, (usual + more).min(received));
        }
    }
}
