use phuxanh_core::{
    Basis, Observation, Timestamp,
    figures::{
        fold::Changes,
        rollup::{
            ProvinceRollup,
            fixture::{Log, catalogue, code, gazetteer, july, observation, of_province, period},
        },
    },
};
use phuxanh_proto::v1::{
    self, catalogue_service_server::CatalogueService, locality_service_server::LocalityService,
    ranking_service_server::RankingService,
};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::*;

const DAY: Duration = Duration::from_hours(24);
const HEAVY: heavy::Rules = heavy::Rules { running_max: 1, waiting_max: 1 };

fn noon_on_the_ninth() -> Timestamp {
    july(9)
}

fn august() -> Timestamp {
    "2025-08-01".parse().expect("a time")
}

/// Hà Nội: one green and two not green; Cao Bằng: one green and two unknown; Tuyên Quang: nothing
/// but a rate without a denominator; Lai Châu has no communes.
fn reported() -> Vec<Observation> {
    let declared = [
        ("00001", "a", 1, 1),
        ("00001", "b", 1, 2),
        ("00004", "a", 0, 3),
        ("00007", "b", 0, 4),
        ("00002", "a", 1, 1),
        ("00002", "b", 1, 1),
        ("00005", "a", 1, 1),
        ("00003", "m", 0, 8),
        ("00003", "n", 0, 8),
        ("00001", "m", 1, 8),
        ("00001", "n", 3, 8),
        ("00002", "m", 2, 8),
        ("00002", "n", 6, 8),
    ];
    declared
        .map(|(locality, metric, value, day)| {
            observation(locality, metric, "2025-07", Some(value), july(day))
        })
        .to_vec()
}

fn view_of(all: &[Observation]) -> Arc<View> {
    let empty = View::empty(catalogue(), gazetteer());
    let changed = ["01", "04", "08"].map(|province| {
        let mut log = Log::new();
        // A record each, so that every further observation makes a further version.
        for one in of_province(all, province) {
            log.write(vec![one]);
        }
        let (province, changes) = (code(province), Changes::new());
        Arc::new(ProvinceRollup::build(
            province,
            log.fold(),
            empty.catalogue(),
            empty.gazetteer(),
            None,
            &changes,
        ))
    });
    Arc::new(empty.with(changed.to_vec()))
}

/// Services over a view that a test may swap.
struct Served {
    view: watch::Sender<Arc<View>>,
    rankings: Rankings,
    localities: Localities,
    catalogue: Catalogue,
}

fn serve(all: &[Observation]) -> Served {
    served_in(all, noon_on_the_ninth)
}

fn served_in(all: &[Observation], clock: Clock) -> Served {
    let (view, receiver) = watch::channel(view_of(all));
    let recent_views = recent_views::Rules { count_max: 2, span: DAY };
    let context = Context::new(receiver, clock, 7 * DAY, recent_views, HEAVY);
    Served {
        view,
        rankings: Rankings::new(context.clone()),
        localities: Localities::new(context.clone()),
        catalogue: Catalogue::new(context),
    }
}

impl Served {
    async fn rank(
        &self,
        request: v1::RankLocalitiesRequest,
    ) -> Result<v1::RankLocalitiesResponse, Status> {
        let response = self.rankings.rank_localities(Request::new(request)).await?;
        Ok(response.into_inner())
    }

    async fn standing(
        &self,
        request: v1::GetStandingRequest,
    ) -> Result<v1::GetStandingResponse, Status> {
        Ok(self.rankings.get_standing(Request::new(request)).await?.into_inner())
    }

    async fn scorecard(&self, code: &str, period: &str) -> v1::GetScorecardResponse {
        let request = v1::GetScorecardRequest { code: code.into(), period: period.into() };
        let response = self.localities.get_scorecard(Request::new(request)).await;
        response.expect("a scorecard").into_inner()
    }

    async fn list(
        &self,
        request: v1::ListLocalitiesRequest,
    ) -> Result<v1::ListLocalitiesResponse, Status> {
        Ok(self.localities.list_localities(Request::new(request)).await?.into_inner())
    }

    async fn search(
        &self,
        request: v1::SearchLocalitiesRequest,
    ) -> Result<v1::SearchLocalitiesResponse, Status> {
        Ok(self.localities.search_localities(Request::new(request)).await?.into_inner())
    }
}

fn ranks(rows: &[v1::RankedLocality]) -> Vec<(i32, &str)> {
    rows.iter().map(|row| (row.rank, row.code.as_str())).collect()
}

fn communes() -> v1::RankLocalitiesRequest {
    v1::RankLocalitiesRequest { level: v1::Level::Commune.into(), ..Default::default() }
}

/// Returns what a caller learns: the code, and the field or the resource that is meant.
fn refusal<T: std::fmt::Debug>(result: Result<T, Status>) -> (Code, String) {
    let status = result.expect_err("a refusal");
    let details = status.get_error_details();
    let field = details.bad_request().map(|found| found.field_violations[0].field.clone());
    let resource = details.resource_info().map(|found| found.resource_name.clone());
    assert!(details.error_info().is_some());
    (status.code(), field.or(resource).expect("a detail"))
}

mod rankings;
mod walks;

#[tokio::test]
async fn the_default_is_the_lowest_province_by_green_coverage() {
    let served = serve(&reported());
    let answer = served.rank(v1::RankLocalitiesRequest::default()).await.expect("a ranking");
    assert_eq!(ranks(&answer.rows), [(1, "01"), (1, "04")]);
    assert_eq!((answer.indicator.as_str(), answer.within.as_str()), ("green_coverage", "00"));
    assert_eq!(answer.level(), v1::Level::Province);
    assert_eq!(answer.order(), v1::Order::Lowest);
    assert_eq!(answer.period, "2025-07");
    assert_eq!(answer.view_version, served.view.borrow().version());
    assert_eq!((answer.ranked_count, answer.unknown_count, answer.untested_count), (2, 2, 0));
    assert_eq!(answer.next_page_token, "");

    let rollup = answer.rows[0].rollup.clone().expect("a rollup");
    let counts = v1::CoverageCounts { green: 1, not_green: 2, unknown: 0, green_max: 1 };
    assert_eq!(rollup.counts, Some(v1::rollup::Counts::Coverage(counts)));
    assert_eq!((rollup.numerator, rollup.denominator), (1, 3));
    assert_eq!((rollup.state(), rollup.status()), (v1::RollupState::Known, v1::Status::Red));
    assert_eq!(rollup.data_time, Some(phuxanh_proto::convert::wire_time(july(4))));
    assert!(!rollup.stale);
    // The newest observation of Cao Bằng is eight days old.
    assert!(answer.rows[1].rollup.as_ref().is_some_and(|rollup| rollup.stale));
}

#[tokio::test]
async fn what_has_no_value_is_listed_apart() {
    let served = serve(&reported());
    let section = |indicator: &str, section: v1::Section| v1::RankLocalitiesRequest {
        indicator: indicator.into(),
        section: section.into(),
        ..Default::default()
    };
    let unknown = served.rank(section("", v1::Section::Unknown)).await.expect("a list");
    assert_eq!(ranks(&unknown.rows), [(0, "08"), (0, "12")]);
    let untested = served.rank(section("rate", v1::Section::Untested)).await.expect("a list");
    assert_eq!(ranks(&untested.rows), [(0, "08")]);
    let rollup = untested.rows[0].rollup.clone().expect("a rollup");
    assert_eq!((rollup.state(), rollup.status()), (v1::RollupState::Untested, v1::Status::Grey));
    let counts = v1::ReportCounts { reported: 1, communes: 1 };
    assert_eq!(rollup.counts, Some(v1::rollup::Counts::Reporting(counts)));
    // A value without a legend has no colour.
    let rate = v1::RankLocalitiesRequest { indicator: "rate".into(), ..Default::default() };
    let known = served.rank(rate).await.expect("a ranking");
    assert_eq!(ranks(&known.rows), [(1, "01"), (1, "04")]);
    assert_eq!(known.rows[0].rollup.clone().expect("a rollup").status(), v1::Status::Unspecified);
}

#[tokio::test]
async fn a_walk_over_pages_sees_every_row_once() {
    let served = serve(&reported());
    let whole = served.rank(communes()).await.expect("a ranking").rows;
    assert_eq!(ranks(&whole), [(1, "00004"), (1, "00007"), (3, "00001"), (3, "00002")]);
    for page_size in 1..5 {
        let (mut walked, mut page_token) = (Vec::new(), String::new());
        for _ in &whole {
            let request = v1::RankLocalitiesRequest { page_size, page_token, ..communes() };
            let page = served.rank(request).await.expect("a page");
            assert!(page.rows.len() <= usize::try_from(page_size).expect("positive"));
            walked.extend(page.rows);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(walked, whole);
    }
    let unknown = v1::RankLocalitiesRequest {
        section: v1::Section::Unknown.into(),
        page_size: 2,
        ..communes()
    };
    let first = served.rank(unknown.clone()).await.expect("a page");
    assert_eq!(ranks(&first.rows), [(0, "00003"), (0, "00005")]);
    let next = v1::RankLocalitiesRequest { page_token: first.next_page_token, ..unknown };
    let second = served.rank(next).await.expect("a page");
    assert_eq!((ranks(&second.rows), second.next_page_token), (vec![(0, "00009")], String::new()));
}

#[tokio::test]
async fn a_walk_stays_in_its_period_while_the_default_moves_on() {
    let mut all = reported();
    let served = serve(&all);
    let request = v1::RankLocalitiesRequest { page_size: 1, ..communes() };
    let first = served.rank(request.clone()).await.expect("a page");
    all.extend(
        ["00001", "00004", "00002", "00003"]
            .map(|locality| observation(locality, "a", "2025-08", Some(1), july(9))),
    );
    served.view.send_replace(view_of(&all));
    let fresh = served.rank(request.clone()).await.expect("a page");
    let token = first.next_page_token;
    let next = v1::RankLocalitiesRequest { page_token: token, ..request };
    let second = served.rank(next).await.expect("a page");
    assert_eq!([first.period, second.period, fresh.period], ["2025-07", "2025-07", "2025-08"]);
}

#[tokio::test]
async fn rankings_refuse_what_is_wrong_and_name_it() {
    type Asks = v1::RankLocalitiesRequest;
    let served = serve(&reported());
    let paged = served.rank(Asks { page_size: 1, ..communes() }).await.expect("a page");
    let page_token = paged.next_page_token;
    let province = v1::Level::Province.into();
    let nation = v1::Level::Nation.into();
    let token = || page_token.clone();
    let cases = [
        (Asks { indicator: "happiness".into(), ..Asks::default() }, "indicator"),
        (Asks { level: 9, ..Asks::default() }, "level"),
        (Asks { level: nation, ..Asks::default() }, "level"),
        (Asks { level: province, within: "04".into(), ..Asks::default() }, "within"),
        (Asks { within: "4".into(), ..communes() }, "within"),
        (Asks { within: "00002".into(), ..communes() }, "within"),
        (Asks { period: "2025-7".into(), ..Asks::default() }, "period"),
        (Asks { period: "2025-08".into(), ..Asks::default() }, "period"),
        (Asks { order: 3, ..Asks::default() }, "order"),
        (Asks { section: -1, ..Asks::default() }, "section"),
        (Asks { page_size: -1, ..Asks::default() }, "page_size"),
        (Asks { page_token: "xyz".into(), ..Asks::default() }, "page_token"),
        (Asks { page_token: token(), ..Asks::default() }, "page_token"),
        (Asks { page_token: token(), within: "04".into(), ..communes() }, "page_token"),
        (Asks { page_token: token(), period: "2025-07".into(), ..communes() }, "page_token"),
        (Asks { page_token: token(), order: 2, ..communes() }, "page_token"),
        (Asks { page_token: token(), section: 2, ..communes() }, "page_token"),
        (Asks { page_token: token(), indicator: "rate".into(), ..communes() }, "page_token"),
    ];
    for (request, field) in cases {
        let found = refusal(served.rank(request.clone()).await);
        assert_eq!(found, (Code::InvalidArgument, field.to_owned()), "{request:?}");
    }
    let foreign = Asks { within: "99".into(), ..communes() };
    assert_eq!(refusal(served.rank(foreign).await), (Code::NotFound, "99".to_owned()));
}

#[tokio::test]
async fn a_month_that_has_not_begun_is_refused() {
    let ask = v1::RankLocalitiesRequest { period: "2025-08".into(), ..communes() };
    let refused = serve(&reported()).rank(ask.clone()).await.expect_err("a refusal");
    assert_eq!(refused.message(), "period: expected a month that has begun, up to 2025-07");
    // From its first instant on it is answered: criteria hold on in it.
    let answer = served_in(&reported(), august).rank(ask).await.expect("a ranking");
    assert!(answer.ranked_count > 0, "{answer:?}");
}

#[tokio::test]
async fn a_standing_shows_the_neighbours() {
    let served = serve(&reported());
    let of = |code: &str| v1::GetStandingRequest {
        code: code.into(),
        neighbour_max: 1,
        ..Default::default()
    };
    let middle = served.standing(of("00007")).await.expect("a standing");
    assert_eq!(ranks(&middle.before), [(1, "00004")]);
    assert_eq!(ranks(middle.locality.as_slice()), [(1, "00007")]);
    assert_eq!(ranks(&middle.behind), [(3, "00001")]);
    assert_eq!((middle.level(), middle.ranked_count), (v1::Level::Commune, 4));

    let highest = v1::GetStandingRequest { order: v1::Order::Highest.into(), ..of("00007") };
    let highest = served.standing(highest).await.expect("a standing");
    assert_eq!(ranks(highest.locality.as_slice()), [(3, "00007")]);

    let within = v1::GetStandingRequest { within: "04".into(), ..of("00002") };
    let within = served.standing(within).await.expect("a standing");
    assert_eq!(ranks(within.locality.as_slice()), [(1, "00002")]);
    assert_eq!((within.within.as_str(), within.ranked_count), ("04", 1));

    let unknown = served.standing(of("08")).await.expect("a standing");
    assert_eq!(ranks(unknown.locality.as_slice()), [(0, "08")]);
    assert!(unknown.before.is_empty() && unknown.behind.is_empty());
}

#[tokio::test]
async fn standings_refuse_what_is_wrong_and_name_it() {
    type Asks = v1::GetStandingRequest;
    let served = serve(&reported());
    let of = |code: &str| Asks { code: code.into(), ..Asks::default() };
    let cases = [
        (of(""), Code::InvalidArgument, "code"),
        (of("00"), Code::InvalidArgument, "code"),
        (of("99999"), Code::NotFound, "99999"),
        (Asks { within: "01".into(), ..of("00002") }, Code::InvalidArgument, "within"),
        (Asks { within: "04".into(), ..of("04") }, Code::InvalidArgument, "within"),
        (Asks { neighbour_max: -1, ..of("04") }, Code::InvalidArgument, "neighbour_max"),
    ];
    for (request, code, name) in cases {
        let found = refusal(served.standing(request.clone()).await);
        assert_eq!(found, (code, name.to_owned()), "{request:?}");
    }
}

#[tokio::test]
async fn a_scorecard_tells_all_of_a_locality() {
    let mut all = reported();
    let made_up = observation("00009", "c", "2025-07", Some(1), july(6));
    all.push(Observation { basis: Basis::Synthetic, ..made_up });
    let served = serve(&all);

    let nation = served.scorecard("00", "").await;
    let coverage = nation.coverage.expect("coverage");
    let counts = v1::CoverageCounts { green: 2, not_green: 2, unknown: 3, green_max: 5 };
    assert_eq!(coverage.counts, Some(v1::rollup::Counts::Coverage(counts)));
    assert_eq!((coverage.numerator, coverage.denominator), (2, 7));
    let indicators: Vec<_> = nation.indicators.iter().map(|one| one.indicator.as_str()).collect();
    assert_eq!(indicators, ["rate", "burden"]);
    let rate = &nation.indicators[0];
    assert_eq!((rate.numerator, rate.denominator, rate.value), (3, 9, 3.0 / 9.0));
    let met: Vec<_> = nation
        .criteria
        .iter()
        .map(|one| (one.criterion.as_str(), one.required, one.met_count, one.unmet_count))
        .collect();
    assert_eq!(met, [("a", true, 3, 1), ("b", true, 2, 1), ("c", false, 1, 0)]);
    assert_eq!(nation.criteria[2].basis(), v1::Basis::Synthetic);
    assert_eq!(nation.criteria[0].basis(), v1::Basis::Unspecified);

    let commune = served.scorecard("00004", "2025-07").await;
    let coverage = commune.coverage.expect("coverage");
    assert_eq!((coverage.numerator, coverage.denominator), (0, 1));
    assert_eq!(commune.locality.expect("a locality").province_name, "Hà Nội");
    let a = &commune.criteria[0];
    assert_eq!((a.met_count, a.unmet_count, a.unknown_count), (0, 1, 0));

    // In August the commune is no longer in force, and counts as nothing.
    let gone = served_in(&all, august).scorecard("00007", "2025-08").await;
    let gone = gone.coverage.expect("coverage");
    assert_eq!((gone.state(), gone.denominator), (v1::RollupState::Unknown, 0));
}

#[tokio::test]
async fn without_reports_the_current_month_is_unknown() {
    let served = serve(&[]);
    let answer = served.rank(v1::RankLocalitiesRequest::default()).await.expect("a ranking");
    assert_eq!((answer.period.as_str(), answer.unknown_count), ("2025-07", 4));
    assert_eq!(period(&answer.period), phuxanh_core::Period::containing(july(9)));
}

#[tokio::test]
async fn localities_are_listed_and_found() {
    let served = serve(&[]);
    let codes =
        |list: &[v1::Locality]| list.iter().map(|found| found.code.clone()).collect::<Vec<_>>();
    let provinces = served.list(v1::ListLocalitiesRequest::default()).await.expect("a list");
    assert_eq!(codes(&provinces.localities), ["01", "04", "08", "12"]);
    let within = v1::ListLocalitiesRequest {
        level: v1::Level::Commune.into(),
        within: "04".into(),
        page_size: 2,
        ..Default::default()
    };
    let first = served.list(within.clone()).await.expect("a page");
    assert_eq!(
        (codes(&first.localities), first.total_size),
        (vec!["00002".into(), "00005".into()], 3)
    );
    let next = v1::ListLocalitiesRequest { page_token: first.next_page_token, ..within };
    let second = served.list(next.clone()).await.expect("a page");
    assert_eq!(
        (codes(&second.localities), second.next_page_token),
        (vec!["00009".into()], String::new())
    );
    let elsewhere = v1::ListLocalitiesRequest { within: "01".into(), ..next };
    let refused = refusal(served.list(elsewhere).await);
    assert_eq!(refused, (Code::InvalidArgument, "page_token".to_owned()));

    let text = |text: &str| v1::SearchLocalitiesRequest {
        text: text.into(),
        page_size: 2,
        ..Default::default()
    };
    let found = served.search(text("TAN THANH")).await.expect("matches");
    let next =
        v1::SearchLocalitiesRequest { page_token: found.next_page_token, ..text("TAN THANH") };
    let rest = served.search(next).await.expect("matches");
    let all: Vec<_> = found.matches.iter().chain(&rest.matches).collect();
    let provinces =
        all.iter().map(|hit| hit.locality.as_ref().expect("one").province_name.as_str());
    assert_eq!(provinces.collect::<Vec<_>>(), ["Hà Nội", "Cao Bằng", "Tuyên Quang"]);
    assert!(all.iter().all(|hit| hit.exact));
    assert_eq!((found.total_size, rest.next_page_token.as_str()), (3, ""));
    for wrong in ["", "  ", &"a".repeat(257)] {
        let refused = refusal(served.search(text(wrong)).await);
        assert_eq!(refused, (Code::InvalidArgument, "text".to_owned()));
    }
}

#[tokio::test]
async fn a_locality_is_found_by_its_code() {
    let served = serve(&[]);
    let found = async |code: &str| {
        let request = v1::GetLocalityRequest { code: code.into() };
        served.localities.get_locality(Request::new(request)).await
    };
    let locality = found("08").await.expect("a locality").into_inner().locality;
    assert_eq!(locality.expect("a locality").aliases, ["Hà Giang"]);
    assert_eq!(refusal(found("008").await), (Code::InvalidArgument, "code".to_owned()));
    assert_eq!(refusal(found("99").await), (Code::NotFound, "99".to_owned()));
}

#[tokio::test]
async fn the_catalogue_is_served() {
    let served = serve(&[]);
    let request = Request::new(v1::GetCatalogueRequest {});
    let found = served.catalogue.get_catalogue(request).await.expect("a catalogue").into_inner();
    assert_eq!(found.digest, catalogue().digest());
    assert_eq!(found.indicators.len(), 3);
}
