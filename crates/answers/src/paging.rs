//! Walks over pages; notices when the data changed on the way.

mod lists;

use std::pin::pin;

use futures_util::{Stream, TryStreamExt, stream};

pub use lists::Paged;

use crate::{cell::Cell, client::Client, error::Error, sentence::Sentence};

/// Rows on the largest page that the server gives.
pub const PAGE_MAX: u32 = 1_000;

/// Pages after which a server that never ends is given up: ten million rows.
const PAGES_MAX: u32 = 10_000;

/// Rest of a list that is still wanted, and the token at which it goes on.
#[derive(Debug)]
struct Walk {
    /// Nothing for all of it.
    left: Option<u32>,
    token: String,
    pages_left: u32,
}

impl Walk {
    /// Walks over the first `limit` rows; over all of them for none.
    const fn new(limit: Option<u32>) -> Self {
        Self { left: limit, token: String::new(), pages_left: PAGES_MAX }
    }

    /// Size and token of the page to ask for.
    fn page(&self) -> (i32, String) {
        let size = self.left.map_or(PAGE_MAX, |left| left.min(PAGE_MAX));
        (i32::try_from(size).expect("at most PAGE_MAX"), self.token.clone())
    }

    /// Takes in a page; says whether another one is wanted.
    fn goes_on(&mut self, row_count: usize, next_token: String) -> Result<bool, Error> {
        let taken = u32::try_from(row_count).unwrap_or(u32::MAX);
        self.left = self.left.map(|left| left.saturating_sub(taken));
        self.token = next_token;
        self.pages_left -= 1;
        let wanted = !self.token.is_empty() && self.left != Some(0);
        if wanted && self.pages_left == 0 {
            return Err(Error::Contract(format!("{PAGES_MAX} pages and no end")));
        }
        Ok(wanted)
    }
}

/// Pages of the first `limit` rows of a list, or of all of them, each asked for when it is wanted. A
/// page whose `view_version` differs from that of the page before is of other data: rows may be
/// missing or doubled.
pub fn pages<Q: Paged>(
    client: &Client,
    request: &Q,
    limit: Option<u32>,
) -> impl Stream<Item = Result<Q::Page, Error>> {
    stream::try_unfold(Some(Walk::new(limit)), move |walk| async move {
        let Some(mut walk) = walk else { return Ok(None) };
        let (page_size, page_token) = walk.page();
        let mut page = request.of_page(page_size, page_token).ask(client).await?;
        let row_count = Q::rows(&mut page).len();
        let goes_on = walk.goes_on(row_count, Q::next_page_token(&page).to_owned())?;
        Ok(Some((page, goes_on.then_some(walk))))
    })
}

/// Walks over the first `limit` rows of a list, or all of them; returns the first page without its
/// rows, and the rows.
pub async fn walk<Q: Paged>(
    client: &Client,
    request: &Q,
    limit: Option<u32>,
    version: &mut Version,
) -> Result<(Q::Page, Vec<Q::Row>), Error> {
    let mut pages = pin!(pages(client, request, limit));
    let (mut head, mut rows) = (None, Vec::new());
    while let Some(mut page) = pages.try_next().await? {
        version.see(Q::view_version(&page));
        rows.append(Q::rows(&mut page));
        head.get_or_insert(page);
    }
    let head = head.ok_or_else(|| Error::Contract("a list without a page".to_owned()))?;
    Ok((head, rows))
}

/// The version of the view that answers a question, which should stay the same throughout.
#[derive(Debug, Default)]
pub struct Version {
    first: Option<String>,
    later: Option<String>,
}

impl Version {
    pub fn see(&mut self, version: &str) {
        match &self.first {
            None => self.first = Some(version.to_owned()),
            Some(first) if first != version => self.later = Some(version.to_owned()),
            Some(_) => {}
        }
    }

    /// Warning to the reader of an answer that was put together from several views.
    pub fn warning(&self) -> Option<Sentence> {
        let (first, later) = (self.first.as_ref()?, self.later.as_ref()?);
        Some(Sentence::new(
            "số liệu đã thay đổi giữa các trang của câu trả lời này (view_version {0}, rồi {1}): có \
             thể thiếu hoặc lặp dòng; hãy hỏi lại để có một bản số liệu",
            "the data changed between the pages of this answer (view_version {0}, then {1}): rows \
             may be missing or doubled; ask again for one view",
            [Cell::text(first), Cell::text(later)],
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    fn sizes(limit: Option<u32>, mut row_count: u32) -> Vec<i32> {
        let mut walk = Walk::new(limit);
        let mut sizes = Vec::new();
        loop {
            let (size, _) = walk.page();
            sizes.push(size);
            let rows = row_count.min(u32::try_from(size).expect("positive"));
            row_count -= rows;
            let token = if row_count == 0 { String::new() } else { "next".to_owned() };
            if !walk.goes_on(rows as usize, token).expect("ends") {
                return sizes;
            }
        }
    }

    #[test]
    fn pages_cover_what_is_wanted_and_no_more() {
        assert_eq!(sizes(Some(10), 3_321), [10]);
        assert_eq!(sizes(Some(1_000), 3_321), [1_000]);
        assert_eq!(sizes(Some(2_500), 3_321), [1_000, 1_000, 500]);
        assert_eq!(sizes(Some(5_000), 1_200), [1_000, 1_000]);
        assert_eq!(sizes(None, 3_321), [1_000; 4]);
        assert_eq!(sizes(None, 0), [1_000]);
    }

    #[test]
    fn a_list_without_end_is_given_up() {
        let mut walk = Walk::new(None);
        let given_up = (0..=PAGES_MAX).find(|_| walk.goes_on(0, "next".to_owned()).is_err());
        assert_eq!(given_up, Some(PAGES_MAX - 1));
    }

    #[test]
    fn a_change_of_version_is_told() {
        let mut version = Version::default();
        version.see("7");
        version.see("7");
        assert_eq!(version.warning(), None);
        version.see("8");
        let warning = version.warning().expect("a warning").text(Language::English);
        assert!(warning.contains("view_version 7, then 8"), "{warning}");
    }
}
