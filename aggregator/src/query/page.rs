//! Pages of a list: how many rows one shows, and where the next one begins.
//!
//! A token holds the sort key of the last row, sealed with the query that it belongs to. Lists that
//! the view decides are paged by `walk`, which also keeps the view of a walk.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use phuxanh_core::LocalityCode;
use phuxanh_proto::paging::v1::{Origin, PageToken};
use prost::Message;
use sha2::{Digest, Sha256};

use super::Error;

/// Rows on a page where the request does not say.
pub const SIZE_DEFAULT: usize = 100;
/// Most rows on a page.
pub const SIZE_MAX: usize = 1_000;
/// Bytes of the seal of a token.
const SEAL_BYTES: usize = 8;

/// Returns the rows on the page asked for: the default for 0, and never more than the maximum.
fn size(page_size: i32) -> Result<usize, Error> {
    match usize::try_from(page_size) {
        Ok(0) => Ok(SIZE_DEFAULT),
        Ok(size) => Ok(size.min(SIZE_MAX)),
        Err(_) => Err(Error::out_of_range("page_size", SIZE_MAX)),
    }
}

/// The query that tokens belong to: its method and every field except those of the page.
#[derive(Debug, Clone)]
pub struct Binding(Sha256);

impl Binding {
    /// Begins with a method. Its fields follow, always the same ones in the same order.
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

    fn seal(&self, token: PageToken) -> String {
        let seal = self.seal_of(&token);
        URL_SAFE_NO_PAD.encode(PageToken { seal, ..token }.encode_to_vec())
    }

    /// Returns what a token of this query holds; `None` for any other text.
    fn open(&self, text: &str) -> Option<PageToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let token = PageToken::decode(bytes.as_slice()).ok()?;
        let is_whole = token.encode_to_vec() == bytes && self.seal_of(&token) == token.seal;
        is_whole.then_some(token)
    }

    fn seal_of(&self, token: &PageToken) -> Vec<u8> {
        let unsealed = PageToken { seal: Vec::new(), ..token.clone() };
        let hash = self.0.clone().chain_update(unsealed.encode_to_vec()).finalize();
        hash.iter().copied().take(SEAL_BYTES).collect()
    }
}

/// Sort key of a row, which a token holds as numbers.
pub trait Place: Sized {
    fn to_numbers(&self) -> Vec<i64>;
    /// Inverse of [`Self::to_numbers`].
    fn from_numbers(numbers: &[i64]) -> Option<Self>;
}

impl<const N: usize> Place for [i64; N] {
    fn to_numbers(&self) -> Vec<i64> {
        self.to_vec()
    }

    fn from_numbers(numbers: &[i64]) -> Option<Self> {
        numbers.try_into().ok()
    }
}

impl Place for LocalityCode {
    fn to_numbers(&self) -> Vec<i64> {
        vec![self.number().into()]
    }

    fn from_numbers(numbers: &[i64]) -> Option<Self> {
        let &[number] = numbers else { return None };
        Self::from_number(number).ok()
    }
}

/// A page that was asked for.
#[derive(Debug)]
pub struct Page<P> {
    binding: Binding,
    size: usize,
    /// Place of the last row of the page before; `None` on the first page.
    after: Option<P>,
    origin: Option<Origin>,
}

impl<P: Place> Page<P> {
    /// Reads `page_size` and `page_token` of a query.
    pub fn read(binding: Binding, page_size: i32, page_token: &str) -> Result<Self, Error> {
        let size = size(page_size)?;
        if page_token.is_empty() {
            return Ok(Self { binding, size, after: None, origin: None });
        }
        let token = binding.open(page_token).ok_or(Error::ForeignPageToken)?;
        let after = P::from_numbers(&token.place).ok_or(Error::ForeignPageToken)?;
        Ok(Self { binding, size, after: Some(after), origin: token.origin })
    }

    /// Cuts the whole list, sorted by place, to this page. Returns the rows and the token of the
    /// next page, which is empty on the last one.
    pub fn select<T>(
        &self,
        rows: impl IntoIterator<Item = T>,
        place: impl Fn(&T) -> P,
    ) -> (Vec<T>, String)
    where
        P: Ord,
    {
        let is_behind = |row: &T| self.after.as_ref().is_none_or(|after| place(row) > *after);
        self.cut(rows.into_iter().filter(is_behind), &place)
    }

    /// Cuts rows that begin behind the page before. It needs one row more than the page shows, to
    /// know that another page follows.
    pub fn cut<T>(
        &self,
        rows: impl IntoIterator<Item = T>,
        place: impl Fn(&T) -> P,
    ) -> (Vec<T>, String) {
        let mut rows: Vec<_> = rows.into_iter().take(self.fetch_count()).collect();
        let is_last = rows.len() <= self.size;
        rows.truncate(self.size);
        let last = rows.last().filter(|_| !is_last).map(|last| self.token(&place(last)));
        (rows, last.unwrap_or_default())
    }

    /// Place of the last row of the page before; `None` on the first page.
    pub const fn after(&self) -> Option<&P> {
        self.after.as_ref()
    }

    /// Rows to fetch for [`Self::cut`].
    pub const fn fetch_count(&self) -> usize {
        self.size + 1
    }

    /// View and period of the first page of the walk; `None` on the first page.
    pub(super) const fn origin(&self) -> Option<Origin> {
        self.origin
    }

    /// Makes the tokens of this page hand on an origin.
    pub(super) fn with_origin(self, origin: Origin) -> Self {
        Self { origin: Some(origin), ..self }
    }

    fn token(&self, place: &P) -> String {
        let place = place.to_numbers();
        self.binding.seal(PageToken { seal: Vec::new(), origin: self.origin, place })
    }
}

#[cfg(test)]
mod tests;
