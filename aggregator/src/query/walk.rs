//! Walks over the pages of a list that the view decides.
//!
//! The first page is answered from the present view, which is kept for the pages that follow. A walk
//! whose view is no longer kept goes on in the present one, and says so.

use std::sync::Arc;

use phuxanh_core::Period;
use phuxanh_proto::paging::v1::Origin;

use super::{
    Context, Error, RecentViews,
    answer::Reader,
    page::{Binding, Page, Place},
    request,
};

/// Fields of a request that concern its page.
pub(super) struct Asked<'a> {
    /// The query, without its period.
    pub(super) binding: Binding,
    pub(super) period: &'a str,
    pub(super) page_size: i32,
    pub(super) page_token: &'a str,
}

/// One page of a walk.
pub(super) struct Walk<'a, P> {
    pub(super) reader: Reader,
    pub(super) period: Period,
    /// The page before was answered from another version.
    pub(super) view_changed: bool,
    pub(super) page: Page<P>,
    recent_views: &'a RecentViews,
}

impl Context {
    /// Begins or resumes a walk.
    pub(super) fn walk<P: Place>(
        &self,
        present: &Reader,
        asked: Asked<'_>,
    ) -> Result<Walk<'_, P>, Error> {
        let period = request::period("period", asked.period, present.now)?;
        let binding = asked.binding.number(period.map_or(0, |period| period.number().into()));
        let page = Page::read(binding, asked.page_size, asked.page_token)?;
        let before = page.origin();
        let view = before.and_then(|before| self.recent_views.resume(before.view_version));
        let view = view.unwrap_or_else(|| Arc::clone(&present.view));
        let reader = Reader { view, ..*present };
        let period = match before {
            Some(before) => {
                Period::from_number(before.period_number).map_err(|_| Error::ForeignPageToken)?
            }
            None => period.unwrap_or_else(|| reader.default_period()),
        };
        let view_version = reader.view.version_number();
        Ok(Walk {
            period,
            view_changed: before.is_some_and(|before| before.view_version != view_version),
            page: page.with_origin(Origin { view_version, period_number: period.number().into() }),
            reader,
            recent_views: &self.recent_views,
        })
    }
}

impl<P: Place> Walk<'_, P> {
    /// Cuts the whole list to this page, like [`Page::select`].
    pub(super) fn select<T>(
        &self,
        rows: impl IntoIterator<Item = T>,
        place: impl Fn(&T) -> P,
    ) -> (Vec<T>, String)
    where
        P: Ord,
    {
        self.kept(self.page.select(rows, place))
    }

    /// Cuts rows that begin behind the page before, like [`Page::cut`].
    pub(super) fn cut<T>(
        &self,
        rows: impl IntoIterator<Item = T>,
        place: impl Fn(&T) -> P,
    ) -> (Vec<T>, String) {
        self.kept(self.page.cut(rows, place))
    }

    /// Keeps the view where another page follows.
    fn kept<T>(&self, (rows, next_page_token): (Vec<T>, String)) -> (Vec<T>, String) {
        if !next_page_token.is_empty() {
            self.recent_views.keep(&self.reader.view, self.reader.now);
        }
        (rows, next_page_token)
    }
}
