//! Parts of wholes, in whole numbers.

use crate::facts::Decimal;

/// A share, in a thousand, of a whole: rounded half upwards, at most the whole.
#[must_use]
pub const fn part(whole: u64, permille: u64) -> u64 {
    let permille = if permille < 1_000 { permille } else { 1_000 };
    (whole * permille + 500) / 1_000
}

/// The parts of wholes by their shares in a thousand; if the sum is to be a share of the sum of
/// the wholes, brought in proportion to exactly that.
#[must_use]
pub fn settle(wholes: &[u64], permilles: &[u64], share: Option<Decimal>) -> Vec<u64> {
    let free = wholes.iter().zip(permilles).map(|(whole, permille)| part(*whole, *permille));
    let mut parts: Vec<u64> = free.collect();
    let Some(share) = share else { return parts };
    let (sum, target) = (parts.iter().sum::<u64>().max(1), share.of(wholes.iter().sum()));
    for (part, whole) in parts.iter_mut().zip(wholes) {
        *part = (*part * target / sum).min(*whole);
    }
    let mut left = target - parts.iter().sum::<u64>();
    while left > 0 {
        for (part, whole) in parts.iter_mut().zip(wholes) {
            let step = left.min(*whole - *part).min(1);
            *part += step;
            left -= step;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settled_sum_has_its_share_and_no_part_exceeds_its_whole() {
        let (wholes, share) = ([10, 0, 2_000, 7_993], "0.3273".parse().expect("a share"));
        for permilles in [[327; 4], [1_000, 1_000, 1_000, 10], [0; 4]] {
            let parts = settle(&wholes, &permilles, Some(share));
            assert_eq!(parts.iter().sum::<u64>(), share.of(10_003));
            assert!(parts.iter().zip(&wholes).all(|(part, whole)| part <= whole), "{parts:?}");
        }
    }

    #[test]
    fn without_a_target_every_part_follows_its_share() {
        assert_eq!(settle(&[10, 1_000], &[500, 1_500], None), [5, 1_000]);
    }
}
