//! A small generator of numbers that are the same everywhere.

use phuxanh_core::LocalityCode;

/// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#[derive(Debug, Clone)]
pub struct Random(u64);

/// Every sample is made from this seed.
const SEED: u64 = 2_025_073_116;

/// Step between two states: 2^64 ÷ the golden ratio, made odd.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Purpose of a sequence of numbers. Sequences of different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Readiness,
    Criteria,
    Observed,
    ProvinceRates,
    ProvinceVolume,
    Size,
    Volume,
    Online,
    Electronic,
    Quality,
    Obstacles,
}

impl Random {
    /// The numbers for one purpose, locality and variant of it (such as a month's number).
    #[must_use]
    pub fn new(purpose: Purpose, locality: LocalityCode, variant: u32) -> Self {
        let mut random = Self(SEED);
        for part in [purpose as u64, u64::from(locality.number()), u64::from(variant)] {
            random.0 = random.next() ^ part;
        }
        random
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        let span = u128::from(high - low) + 1;
        let scaled = (u128::from(self.next()) * span) >> 64;
        low + u64::try_from(scaled).expect("less than the span")
    }

    /// True so many times in a thousand.
    pub fn chance(&mut self, permille: u64) -> bool {
        self.between(0, 999) < permille
    }

    /// `middle` give or take `spread`, not below 0.
    pub fn around(&mut self, middle: u64, spread: u64) -> u64 {
        (middle + self.between(0, 2 * spread)).saturating_sub(spread)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let mut random = Random(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| random.next()).collect();
        let reference =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(numbers, reference);
    }

    #[test]
    fn a_number_stays_between_its_bounds_and_reaches_them() {
        let mut random = Random::new(Purpose::Volume, LocalityCode::NATION, 0);
        let numbers: Vec<u64> = (0..200).map(|_| random.between(3, 5)).collect();
        assert_eq!(numbers.iter().min(), Some(&3));
        assert_eq!(numbers.iter().max(), Some(&5));
    }
}
