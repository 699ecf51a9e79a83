//! Levels that the communes of a province share in a month.

use std::collections::BTreeSet;

use phuxanh_core::{Period, gazetteer::Locality};

use crate::{
    facts::{Coverage, Decimal, Published, Rate},
    sample::random::{Purpose, Random},
};

/// Working days of June and July 2025, from Monday to Friday; neither has a public holiday.
const WORKING_DAYS_BEFORE: u64 = 21;
const WORKING_DAYS: u64 = 23;

/// Shares in the month before, in a thousand of those in the month of the report.
const BEFORE_PERMILLE: u64 = 940;

/// A month of a province.
#[derive(Debug, Clone, Copy)]
pub struct Month {
    pub working_days: u64,
    /// Applications per day, in a thousand of those in the month of the report.
    pub volume_permille: u64,
    /// Published share that the sum of the communes must have; `None` where none was published.
    pub online_share: Option<Decimal>,
    pub electronic_share: Option<Decimal>,
}

/// Shares of a province, in a thousand, around which those of its communes lie.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    online: u64,
    electronic: u64,
    pub signed: u64,
    pub on_time: u64,
    pub population: u64,
    pub digitised: u64,
    pub satisfied: u64,
    pub synchronised: u64,
    pub paid: u64,
}

impl Month {
    /// The month of the report, or the one before.
    #[must_use]
    pub fn new(province: &Locality, period: Period, published: &Published) -> Self {
        if period == Period::containing(published.known_at) {
            return Self {
                working_days: WORKING_DAYS,
                volume_permille: 1_000,
                online_share: share(province, &published.online_submission),
                electronic_share: share(province, &published.electronic_result),
            };
        }
        let mut random = Random::new(Purpose::ProvinceVolume, province.code, period.number());
        let (least, most) =
            if province.name == published.fell { (1_090, 1_140) } else { (820, 1_060) };
        Self {
            working_days: WORKING_DAYS_BEFORE,
            volume_permille: random.between(least, most),
            online_share: None,
            electronic_share: None,
        }
    }
}

impl Rates {
    #[must_use]
    pub fn new(province: &Locality, coverage: Coverage, published: &Published) -> Self {
        let mut random = Random::new(Purpose::ProvinceRates, province.code, 0);
        let mut rate = |low: u64, rise: u64, spread: u64| {
            random.around(low + rise * coverage.permille() / 1_000, spread)
        };
        let rates = Self {
            online: rate(470, 220, 40),
            electronic: rate(260, 380, 90),
            signed: rate(680, 220, 40),
            on_time: rate(890, 70, 15),
            population: rate(560, 300, 50),
            digitised: rate(420, 340, 50),
            satisfied: rate(880, 70, 20),
            synchronised: rate(850, 100, 20),
            paid: rate(300, 350, 60),
        };
        let or_published = |made: u64, published: &Rate| {
            share(province, published).map_or(made, |share| share.of(1_000))
        };
        Self {
            online: or_published(rates.online, &published.online_submission),
            electronic: or_published(rates.electronic, &published.electronic_result),
            ..rates
        }
    }

    /// The same province in the month before the report.
    #[must_use]
    pub const fn before(self) -> Self {
        const fn less(share: u64) -> u64 {
            share * BEFORE_PERMILLE / 1_000
        }
        Self {
            online: less(self.online),
            electronic: less(self.electronic),
            signed: less(self.signed),
            on_time: self.on_time,
            population: less(self.population),
            digitised: less(self.digitised),
            satisfied: self.satisfied,
            synchronised: less(self.synchronised),
            paid: less(self.paid),
        }
    }

    /// Share of applications that a commune receives online.
    pub fn online(&self, random: &mut Random, missing: &BTreeSet<&str>) -> u64 {
        let loss = if missing.contains("one_stop_software") { 110 } else { 0 };
        random.around(self.online, 90).saturating_sub(loss)
    }

    /// Share of results that a commune gives electronically.
    pub fn electronic(&self, random: &mut Random, missing: &BTreeSet<&str>) -> u64 {
        let share = random.around(self.electronic, self.electronic / 3);
        if missing.contains("digital_certificates") { share / 4 } else { share }
    }
}

fn share(province: &Locality, rate: &Rate) -> Option<Decimal> {
    (rate.province == province.name).then_some(rate.share)
}
