//! Pages: how many rows, and where the next one goes on.
//!
//! A token holds a place as numbers, sealed with the query that it belongs to. It is no secret:
//! the seal finds a token of another query and one that was damaged.

use std::fmt::Write;

use phuxanh_core::Period;
use sha2::{Digest, Sha256};

use super::Error;

/// Rows on a page where the request does not say.
pub const SIZE_DEFAULT: usize = 100;
/// Most rows on a page.
pub const SIZE_MAX: usize = 1_000;
/// Bytes of the seal in front of a token.
const SEAL_BYTES: usize = 8;

/// Rows on the page asked for: 0 means the default, too many the most there may be.
pub fn size(page_size: i32) -> Result<usize, Error> {
    match usize::try_from(page_size) {
        Ok(0) => Ok(SIZE_DEFAULT),
        Ok(size) => Ok(size.min(SIZE_MAX)),
        Err(_) => Err(Error::malformed("page_size", "0 for the default, or 1 to 1,000")),
    }
}

/// Cuts what was fetched, one more than `size`, to a page; says whether more follow.
pub fn cut<T>(rows: &mut Vec<T>, size: usize) -> bool {
    let more = rows.len() > size;
    rows.truncate(size);
    more
}

/// What a page of a walk hands on to the next one beside its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    /// Of the view that answered.
    pub version: u64,
    /// Of the first page, so that a default does not change on the way.
    pub period: Period,
}

/// The query that tokens belong to: every field of it except `page_size`.
#[derive(Debug, Clone)]
pub struct Binding(Sha256);

impl Binding {
    /// Of a method; its fields follow, always the same ones in the same order.
    #[must_use]
    pub fn new(method: &str) -> Self {
        Self(Sha256::new()).text(method)
    }

    #[must_use]
    pub fn text(self, text: &str) -> Self {
        let length = u64::try_from(text.len()).expect("lengths fit into 64 bits");
        Self(self.0.chain_update(length.to_be_bytes()).chain_update(text))
    }

    #[must_use]
    pub fn number(self, number: i64) -> Self {
        Self(self.0.chain_update(number.to_be_bytes()))
    }

    /// The token of a place.
    #[must_use]
    pub fn seal<const N: usize>(&self, place: [i64; N]) -> String {
        self.token(&place)
    }

    /// The place of a token; `None` for the first page.
    pub fn open<const N: usize>(&self, token: &str) -> Result<Option<[i64; N]>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        let place = self.numbers(token).and_then(|numbers| numbers.try_into().ok());
        place.map(Some).ok_or(Error::ForeignPageToken)
    }

    /// The token of a place on a walk.
    #[must_use]
    pub fn seal_walk<const N: usize>(&self, walk: Walk, place: [i64; N]) -> String {
        let Walk { version, period } = walk;
        self.token(&[&[version.cast_signed(), period.number().into()], &place[..]].concat())
    }

    /// The walk of a token and the place on it; `None` for the first page.
    pub fn open_walk<const N: usize>(
        &self,
        token: &str,
    ) -> Result<Option<(Walk, [i64; N])>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        self.walk(token).map(Some).ok_or(Error::ForeignPageToken)
    }

    fn walk<const N: usize>(&self, token: &str) -> Option<(Walk, [i64; N])> {
        let numbers = self.numbers(token)?;
        let (&[version, period], place) = numbers.split_first_chunk()?;
        let period = Period::from_number(period).ok()?;
        Some((Walk { version: version.cast_unsigned(), period }, place.try_into().ok()?))
    }

    fn token(&self, numbers: &[i64]) -> String {
        let place: Vec<_> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        self.seal_of(&place).iter().chain(&place).fold(String::new(), |mut token, byte| {
            write!(token, "{byte:02x}").expect("a String takes all that is written");
            token
        })
    }

    /// The numbers of a token of this query.
    fn numbers(&self, token: &str) -> Option<Vec<i64>> {
        let (pairs, rest) = token.as_bytes().as_chunks::<2>();
        let bytes = pairs
            .iter()
            .map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?))
            .collect::<Option<Vec<u8>>>()?;
        let (seal, place) = bytes.split_at_checked(SEAL_BYTES)?;
        if !rest.is_empty() || self.seal_of(place) != seal {
            return None;
        }
        let (numbers, _) = place.as_chunks();
        Some(numbers.iter().map(|bytes| i64::from_be_bytes(*bytes)).collect())
    }

    fn seal_of(&self, place: &[u8]) -> [u8; SEAL_BYTES] {
        let hash: [u8; 32] = self.0.clone().chain_update(place).finalize().into();
        *hash.first_chunk().expect("a digest is longer than a seal")
    }
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn binding(text: &str, number: i64) -> Binding {
        Binding::new("Method").text(text).number(number)
    }

    #[test]
    fn sizes_are_coerced() {
        let sizes = [0, 1, 1_000, 1_001, i32::MAX].map(|asked| size(asked).expect("a size"));
        assert_eq!(sizes, [100, 1, 1_000, 1_000, 1_000]);
        assert!(matches!(size(-1), Err(Error::Malformed { field: "page_size", .. })));
    }

    proptest! {
        #[test]
        fn a_token_opens_for_its_own_query(place: [i64; 3], text: String, number: i64) {
            let binding = binding(&text, number);
            prop_assert_eq!(binding.open(&binding.seal(place)), Ok(Some(place)));
            prop_assert_eq!(binding.open::<3>(""), Ok(None));
        }

        #[test]
        fn a_token_tells_the_walk(version: u64, month in 2000 * 12..2200_i64 * 12, place: [i64; 2]) {
            let walk = Walk { version, period: Period::from_number(month).expect("a month") };
            let token = binding("", 0).seal_walk(walk, place);
            prop_assert_eq!(binding("", 0).open_walk(&token), Ok(Some((walk, place))));
            prop_assert_eq!(binding("", 0).open_walk::<2>(""), Ok(None));
            prop_assert_eq!(binding("", 0).open_walk::<3>(&token), Err(Error::ForeignPageToken));
            prop_assert_eq!(binding("", 1).open_walk::<2>(&token), Err(Error::ForeignPageToken));
        }

        #[test]
        fn a_token_opens_for_no_other_query(
            place: [i64; 3],
            one in ("[ab]{0,2}", 0..2_i64),
            other in ("[ab]{0,2}", 0..2_i64),
        ) {
            prop_assume!(one != other);
            let token = binding(&one.0, one.1).seal(place);
            let opened = binding(&other.0, other.1).open::<3>(&token);
            prop_assert_eq!(opened, Err(Error::ForeignPageToken));
        }

        #[test]
        fn a_damaged_token_is_refused(place: [i64; 2], at in 0..48_usize, letter in "[0-9a-fxé]") {
            let binding = binding("", 0);
            let token = binding.seal(place);
            let mut letters: Vec<_> = token.chars().map(String::from).collect();
            letters[at] = letter;
            let damaged = letters.concat();
            prop_assume!(damaged != token);
            prop_assert_eq!(binding.open::<2>(&damaged), Err(Error::ForeignPageToken));
            prop_assert_eq!(binding.open::<3>(&token), Err(Error::ForeignPageToken));
        }
    }
}
