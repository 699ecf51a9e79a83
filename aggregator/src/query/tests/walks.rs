//! Walks over the lists that are no rankings: each sees one version, or says that it does not.

use phuxanh_core::figures::insight::fixture::deliveries::{Delivery, view};
use phuxanh_proto::v1::{
    list_receipts_request::Subject, list_receipts_response::Number,
    quality_service_server::QualityService, trend_service_server::TrendService,
};

use super::{super::quality::Kept, *};

const MONTH: &str = "2025-07";

/// Parts of a page that a test reads.
struct Page<R> {
    rows: Vec<R>,
    next_page_token: String,
    view_version: String,
    view_changed: bool,
}

/// The services over two views: in the later one, 00004 has reported too, and 00002 again.
struct Walked {
    views: [Arc<View>; 2],
    view: watch::Sender<Arc<View>>,
    quality: Quality,
    trends: Trends,
}

/// Every commune that reports has synchronised more than it received.
fn told(locality: &str, received: i64) -> [Observation; 2] {
    [("records_synchronised", received + 2), ("applications_received", received)]
        .map(|(metric, value)| observation(locality, metric, MONTH, Some(value), july(8)))
}

fn walked() -> Walked {
    let deliveries =
        [[told("00001", 40), told("00007", 30)], [told("00004", 20), told("00002", 9)]]
            .map(|all| Delivery { receipt: july(9), all: all.concat() });
    let catalogue = Arc::new(phuxanh_core::catalogue::Catalogue::builtin());
    let views = [&deliveries[..1], &deliveries]
        .map(|delivered| Arc::new(view(Arc::clone(&catalogue), &gazetteer(), delivered)));
    let (view, receiver) = watch::channel(Arc::clone(&views[0]));
    let recent_views = recent_views::Rules { count_max: 1, span: DAY };
    let context = Context::new(receiver, noon_on_the_ninth, 7 * DAY, recent_views, HEAVY);
    let quality = Quality::new(context.clone(), Kept::default().log(0));
    Walked { views, view, quality, trends: Trends::new(context) }
}

impl Walked {
    /// Walks over all pages, with the view swapped behind the first one.
    async fn rows<R>(&self, ask: impl AsyncFn(String) -> Page<R>) -> Vec<R> {
        self.view.send_replace(Arc::clone(&self.views[0]));
        let (mut rows, mut token) = (Vec::new(), String::new());
        loop {
            let page = ask(token).await;
            assert_eq!(
                (page.view_version.as_str(), page.view_changed),
                (self.views[0].version(), false)
            );
            rows.extend(page.rows);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
            self.view.send_replace(Arc::clone(&self.views[1]));
        }
        self.is_told_of_a_change(ask).await;
        rows
    }

    /// Begins a walk whose view another walk then displaces.
    async fn is_told_of_a_change<R>(&self, ask: impl AsyncFn(String) -> Page<R>) {
        self.view.send_replace(Arc::clone(&self.views[0]));
        let first = ask(String::new()).await;
        self.view.send_replace(Arc::clone(&self.views[1]));
        assert!(!ask(String::new()).await.view_changed);
        let second = ask(first.next_page_token).await;
        assert_eq!(
            (second.view_version.as_str(), second.view_changed),
            (self.views[1].version(), true)
        );
    }
}

#[tokio::test]
async fn receipts_on_all_pages_add_up_to_the_number_on_each() {
    let walked = walked();
    let ask = async |page_token| {
        let subject = Some(Subject::Indicator("synchronisation_rate".to_owned()));
        let [code, period] = ["01", MONTH].map(str::to_owned);
        let request = v1::ListReceiptsRequest { code, subject, period, page_size: 1, page_token };
        let page = walked.quality.list_receipts(Request::new(request)).await.expect("a page");
        let page = page.into_inner();
        let Some(Number::Rollup(rollup)) = page.number else { panic!("{page:?}") };
        let added = |one: &v1::CountedReceipt| {
            let value = one.receipt.as_ref().expect("a receipt").value;
            [one.numerator_factor, one.denominator_factor].map(|factor| i64::from(factor) * value)
        };
        Page {
            rows: page
                .receipts
                .iter()
                .map(|one| (added(one), [rollup.numerator, rollup.denominator]))
                .collect(),
            next_page_token: page.next_page_token,
            view_version: page.view_version,
            view_changed: page.view_changed,
        }
    };
    let rows = walked.rows(ask).await;
    let sums = [0, 1].map(|at| rows.iter().map(|(added, _)| added[at]).sum::<i64>());
    assert_eq!((rows.len(), sums), (4, [74, 70]));
    assert!(rows.iter().all(|(_, number)| *number == sums), "{rows:?}");
}

#[tokio::test]
async fn flags_are_those_of_one_version() {
    let walked = walked();
    let ask = async |page_token| {
        let period = MONTH.to_owned();
        let request =
            v1::ListFlagsRequest { period, page_size: 1, page_token, ..Default::default() };
        let page = walked.quality.list_flags(Request::new(request)).await.expect("a page");
        let page = page.into_inner();
        Page {
            rows: page.flags.into_iter().filter_map(|flag| flag.locality).collect(),
            next_page_token: page.next_page_token,
            view_version: page.view_version,
            view_changed: page.view_changed,
        }
    };
    assert_eq!(codes(&walked.rows(ask).await), ["00001", "00007"]);
}

#[tokio::test]
async fn the_silent_are_those_of_one_version() {
    let walked = walked();
    let ask = async |page_token| {
        let (level, period) = (v1::Level::Commune.into(), MONTH.to_owned());
        let request =
            v1::ListSilentRequest { level, period, page_size: 1, page_token, ..Default::default() };
        let page = walked.quality.list_silent(Request::new(request)).await.expect("a page");
        let page = page.into_inner();
        Page {
            rows: page.rows.into_iter().filter_map(|row| row.locality).collect(),
            next_page_token: page.next_page_token,
            view_version: page.view_version,
            view_changed: page.view_changed,
        }
    };
    let silent = ["00002", "00003", "00004", "00005", "00009"];
    assert_eq!(codes(&walked.rows(ask).await), silent);
}

#[tokio::test]
async fn days_are_those_of_one_version() {
    let walked = walked();
    let ask = async |page_token| {
        let [code, period] = ["01", MONTH].map(str::to_owned);
        let request =
            v1::ListDaysRequest { code, period, page_size: 1, page_token, ..Default::default() };
        let page = walked.trends.list_days(Request::new(request)).await.expect("a page");
        let page = page.into_inner();
        Page {
            rows: page.rows.into_iter().filter_map(|row| row.commune).collect(),
            next_page_token: page.next_page_token,
            view_version: page.view_version,
            view_changed: page.view_changed,
        }
    };
    assert_eq!(codes(&walked.rows(ask).await), ["00001", "00004", "00007"]);
}

fn codes(named: &[v1::NamedLocality]) -> Vec<&str> {
    named.iter().map(|one| one.code.as_str()).collect()
}
