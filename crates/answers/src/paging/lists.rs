//! The lists of the contract that come page by page.

use phuxanh_proto::v1;

use crate::{client::Client, error::Error};

/// Question whose answer comes page by page.
pub trait Paged: Clone + Send + Sync {
    type Page: Send;
    type Row;

    /// The question for one page.
    #[must_use]
    fn of_page(&self, page_size: i32, page_token: String) -> Self;

    /// Asks for the page.
    fn ask(self, client: &Client) -> impl Future<Output = Result<Self::Page, Error>> + Send;

    fn rows(page: &mut Self::Page) -> &mut Vec<Self::Row>;

    /// Empty on the last page.
    fn next_page_token(page: &Self::Page) -> &str;

    /// Empty for a list that does not change while an aggregator runs, or that is of the moment.
    fn view_version(page: &Self::Page) -> &str;
}

macro_rules! paged {
    ($($request:ident: $service:ident.$method:ident => $page:ident.$rows:ident[$row:ident] $(of $version:ident)?;)*) => {
        $(impl Paged for v1::$request {
            type Page = v1::$page;
            type Row = v1::$row;

            fn of_page(&self, page_size: i32, page_token: String) -> Self {
                let mut of_page = self.clone();
                of_page.page_size = page_size;
                of_page.page_token = page_token;
                of_page
            }

            async fn ask(self, client: &Client) -> Result<Self::Page, Error> {
                client.ask(client.$service().$method(self)).await
            }

            fn rows(page: &mut Self::Page) -> &mut Vec<Self::Row> {
                &mut page.$rows
            }

            fn next_page_token(page: &Self::Page) -> &str {
                &page.next_page_token
            }

            fn view_version(_page: &Self::Page) -> &str {
                paged!(@version _page $($version)?)
            }
        })*
    };
    (@version $page:ident) => { "" };
    (@version $page:ident $version:ident) => { &$page.$version };
}

paged! {
    AuditCollectorsRequest: mesh.audit_collectors => AuditCollectorsResponse.audits[Audit];
    ListCollectorsRequest: mesh.list_collectors => ListCollectorsResponse.collectors[Collector];
    ListLocalitiesRequest: localities.list_localities => ListLocalitiesResponse.localities[Locality];
    SearchLocalitiesRequest: localities.search_localities => SearchLocalitiesResponse.matches[LocalityMatch];
    ListDaysRequest: trends.list_days => ListDaysResponse.rows[CommuneDays] of view_version;
    ListFlagsRequest: quality.list_flags => ListFlagsResponse.flags[Flag] of view_version;
    ListLackingRequest: insights.list_lacking => ListLackingResponse.rows[LackingCommune] of view_version;
    ListReceiptsRequest: quality.list_receipts => ListReceiptsResponse.receipts[CountedReceipt] of view_version;
    ListSilentRequest: quality.list_silent => ListSilentResponse.rows[SilentLocality] of view_version;
    RankGapsRequest: insights.rank_gaps => RankGapsResponse.rows[RankedGap] of view_version;
    RankLocalitiesRequest: rankings.rank_localities => RankLocalitiesResponse.rows[RankedLocality] of view_version;
}
