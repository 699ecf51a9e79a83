use proptest::{collection::vec, prelude::*};

use super::*;

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn binding(text: &str, number: i64) -> Binding {
    Binding::new("Method").text(text).number(number)
}

fn read<P: Place>(binding: Binding, page_token: &str) -> Result<Page<P>, Error> {
    Page::read(binding, 1, page_token)
}

/// The token behind a place.
fn token<P: Place>(binding: Binding, place: &P) -> String {
    read::<P>(binding, "").expect("a first page").token(place)
}

fn refused<P: Place>(binding: Binding, token: &str) -> bool {
    matches!(read::<P>(binding, token), Err(Error::ForeignPageToken))
}

#[test]
fn sizes_are_coerced() {
    let sizes = [0, 1, 1_000, 1_001, i32::MAX].map(|asked| size(asked).expect("a size"));
    assert_eq!(sizes, [100, 1, 1_000, 1_000, 1_000]);
    assert!(matches!(size(-1), Err(Error::Malformed { field: "page_size", .. })));
}

#[test]
fn a_token_with_more_in_it_than_this_version_knows_is_refused() {
    let mut bytes =
        URL_SAFE_NO_PAD.decode(token(binding("", 0), &[1_i64])).expect("a token is base64");
    bytes.extend([0x28, 0x01]);
    assert!(refused::<[i64; 1]>(binding("", 0), &URL_SAFE_NO_PAD.encode(bytes)));
}

proptest! {
    #[test]
    fn a_token_opens_for_its_own_query(place: [i64; 3], text: String, number: i64) {
        let binding = binding(&text, number);
        let token = token(binding.clone(), &place);
        let page = read::<[i64; 3]>(binding.clone(), &token).expect("its own token");
        prop_assert_eq!((page.after(), page.origin()), (Some(&place), None));
        prop_assert!(refused::<[i64; 2]>(binding, &token));
    }

    #[test]
    fn a_token_hands_on_the_origin(view_version: u64, period_number: i64, place: [i64; 2]) {
        let origin = Origin { view_version, period_number };
        let first = read::<[i64; 2]>(binding("", 0), "").expect("a first page");
        let token = first.with_origin(origin).token(&place);
        let page = read::<[i64; 2]>(binding("", 0), &token).expect("its own token");
        prop_assert_eq!((page.after(), page.origin()), (Some(&place), Some(origin)));
    }

    #[test]
    fn a_token_opens_for_no_other_query(
        place: [i64; 3],
        one in ("[ab]{0,2}", 0..2_i64),
        other in ("[ab]{0,2}", 0..2_i64),
    ) {
        prop_assume!(one != other);
        let token = token(binding(&one.0, one.1), &place);
        prop_assert!(refused::<[i64; 3]>(binding(&other.0, other.1), &token));
    }

    #[test]
    fn a_damaged_token_is_refused(place: [i64; 2], at: prop::sample::Index, to in 0..65_usize) {
        let token = token(binding("", 0), &place);
        let mut letters: Vec<_> = token.chars().collect();
        letters[at.index(token.len())] = LETTERS.chars().nth(to).unwrap_or('é');
        let damaged: String = letters.into_iter().collect();
        prop_assume!(damaged != token);
        prop_assert!(refused::<[i64; 2]>(binding("", 0), &damaged));
        let cut = at.index(token.len() - 1) + 1;
        prop_assert!(refused::<[i64; 2]>(binding("", 0), token.get(..cut).expect("ASCII")));
    }

    #[test]
    fn pages_add_up_to_the_whole_list(
        mut rows in vec(any::<[i64; 2]>(), 0..40),
        page_size in 1..12_i32,
    ) {
        rows.sort_unstable();
        rows.dedup();
        let (mut walked, mut page_token) = (Vec::new(), String::new());
        loop {
            let page = Page::read(binding("", 0), page_size, &page_token).expect("its own token");
            let (shown, next) = page.select(rows.clone(), |row| *row);
            let expected = usize::try_from(page_size).expect("positive").min(rows.len() - walked.len());
            prop_assert_eq!(shown.len(), expected);
            walked.extend(shown);
            if next.is_empty() {
                break;
            }
            page_token = next;
        }
        prop_assert_eq!(walked, rows);
    }
}
