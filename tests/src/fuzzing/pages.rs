//! Tokens of pages.

use phuxanh_aggregator::query::page::{Binding, Page};

/// Reads the bytes as a token, and as numbers of a place. A token is good for one query alone, and only
/// whole. The seal is no secret, so a fuzzer can find one.
pub(super) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if !text.is_empty() && read(&text, 0).is_some() {
        assert_eq!(read(&text, 1), None, "a token is taken by two queries");
    }
    let Some((place, rest)) = place(bytes) else { return };
    let page = Page::<[i64; 3]>::read(binding(0), 1, "").expect("a first page");
    let (_, token) = page.cut([place, place], |place| *place);
    assert_eq!(read(&token, 0), Some(place));
    assert_eq!(read(&token, 1), None, "a token is taken by another query");
    if let [at, byte, ..] = rest {
        let mut broken = token.clone().into_bytes();
        let at = usize::from(*at) % broken.len();
        broken[at] = *byte;
        let broken = String::from_utf8_lossy(&broken).into_owned();
        assert!(broken == token || read(&broken, 0).is_none(), "{broken} is taken");
    }
}

fn binding(query: i64) -> Binding {
    Binding::new("fuzz").number(query)
}

fn read(token: &str, query: i64) -> Option<[i64; 3]> {
    Page::read(binding(query), 0, token).ok()?.after().copied()
}

/// Three numbers, and the bytes behind them.
fn place(bytes: &[u8]) -> Option<([i64; 3], &[u8])> {
    let (numbers, rest) = bytes.split_at_checked(24)?;
    let mut place = [0; 3];
    for (number, bytes) in place.iter_mut().zip(numbers.chunks(8)) {
        *number = i64::from_be_bytes(bytes.try_into().ok()?);
    }
    Some((place, rest))
}
