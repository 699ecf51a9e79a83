//! Rankings by more than a value: of a kind, with a least denominator, by changes, by confidence,
//! of stale localities, and in one version throughout.

use super::*;

type Asks = v1::RankLocalitiesRequest;

/// June's rates beside July's: 00001 rises from 1/6 to 1/3, 00002 falls from 1/2 to 1/3, 00004 was
/// known in June only and 00007 in July only, 00009 was untested in both.
fn two_months() -> Vec<Observation> {
    let june = [("00001", 1, 6), ("00002", 3, 6), ("00004", 1, 2), ("00009", 0, 0)];
    let july = [("00007", 1, 5), ("00009", 0, 0)];
    let months = [("2025-06", &june[..]), ("2025-07", &july[..])];
    let rates = months.into_iter().flat_map(|(month, rates)| {
        rates.iter().flat_map(move |&(code, m, n)| {
            [("m", m), ("n", n)]
                .map(|(id, value)| observation(code, id, month, Some(value), july_of(month)))
        })
    });
    reported().into_iter().chain(rates).collect()
}

fn july_of(month: &str) -> Timestamp {
    july(if month == "2025-06" { 1 } else { 8 })
}

fn rates(by: v1::RankBy) -> Asks {
    Asks { indicator: "rate".into(), by: by.into(), ..communes() }
}

#[tokio::test]
async fn a_kind_and_a_least_denominator_are_ranked_among_themselves() {
    let served = serve(&reported());
    let wards = Asks { kind: v1::LocalityKind::Ward.into(), ..communes() };
    let answer = served.rank(wards).await.expect("a ranking");
    assert_eq!(ranks(&answer.rows), [(1, "00004"), (1, "00007"), (3, "00001")]);
    assert_eq!((answer.kind(), answer.unknown_count), (v1::LocalityKind::Ward, 0));
    let cities = Asks { kind: v1::LocalityKind::City.into(), ..Asks::default() };
    assert_eq!(ranks(&served.rank(cities).await.expect("a ranking").rows), [(1, "01")]);

    let large = Asks { denominator_min: 4, ..rates(v1::RankBy::Value) };
    let answer = served.rank(large.clone()).await.expect("a ranking");
    assert_eq!(ranks(&answer.rows), [(1, "00002")]);
    let counts = (answer.small_count, answer.unknown_count, answer.untested_count);
    assert_eq!((counts, answer.denominator_min), ((1, 4, 1), 4));
    let small = Asks { section: v1::Section::Small.into(), ..large };
    assert_eq!(ranks(&served.rank(small).await.expect("a list").rows), [(0, "00001")]);
}

#[tokio::test]
async fn changes_are_ranked_and_what_cannot_be_compared_is_listed() {
    let served = serve(&two_months());
    let declined = served.rank(rates(v1::RankBy::Change)).await.expect("a ranking");
    assert_eq!(ranks(&declined.rows), [(1, "00002"), (2, "00001")]);
    assert_eq!((declined.by(), declined.baseline_period.as_str()), (v1::RankBy::Change, "2025-06"));
    let change = declined.rows[0].change.clone().expect("a change");
    assert_eq!(change.difference, Some(-1.0 / 6.0));
    let baseline = change.baseline.expect("a rollup");
    assert_eq!((baseline.numerator, baseline.denominator), (3, 6));
    let counts = (declined.one_sided_count, declined.unknown_count, declined.untested_count);
    assert_eq!(counts, (2, 1, 2));

    let section = v1::Section::OneSided.into();
    let list = Asks { section, page_size: 1, ..rates(v1::RankBy::Change) };
    let first = served.rank(list.clone()).await.expect("a list");
    assert_eq!(ranks(&first.rows), [(0, "00004")]);
    let next = Asks { page_token: first.next_page_token, ..list };
    let second = served.rank(next).await.expect("a list");
    assert_eq!((ranks(&second.rows), second.next_page_token.as_str()), (vec![(0, "00007")], ""));
    assert_eq!(second.rows[0].change.clone().expect("a change").difference, None);

    let highest = Asks {
        order: v1::Order::Highest.into(),
        page_size: 1,
        baseline_period: "2025-06".into(),
        ..rates(v1::RankBy::Change)
    };
    let first = served.rank(highest.clone()).await.expect("a page");
    assert_eq!(ranks(&first.rows), [(1, "00001")]);
    let next = Asks { page_token: first.next_page_token, ..highest };
    assert_eq!(ranks(&served.rank(next).await.expect("a page").rows), [(2, "00002")]);
}

#[tokio::test]
async fn confidence_ranks_by_the_interval_and_shows_it() {
    let served = serve(&reported());
    let answer = served.rank(rates(v1::RankBy::Confidence)).await.expect("a ranking");
    // Both rates are one third; the one of six cases is the more surely low.
    assert_eq!(ranks(&answer.rows), [(1, "00002"), (2, "00001")]);
    let interval = answer.rows[0].confidence.expect("an interval");
    assert_eq!((interval.rank_from, interval.rank_to), (1, 2));
    assert!((interval.lower - 0.0968).abs() < 1e-4, "{interval:?}");
    assert!((interval.upper - 0.7000).abs() < 1e-4, "{interval:?}");
    let highest = Asks { order: v1::Order::Highest.into(), ..rates(v1::RankBy::Confidence) };
    let answer = served.rank(highest).await.expect("a ranking");
    assert_eq!(ranks(&answer.rows), [(1, "00002"), (2, "00001")]);
    let unknown = Asks { section: v1::Section::Unknown.into(), ..rates(v1::RankBy::Confidence) };
    let answer = served.rank(unknown).await.expect("a list");
    assert_eq!((answer.unknown_count, answer.rows[0].confidence), (4, None));

    let why =
        async |request| served.rank(request).await.expect_err("a refusal").message().to_owned();
    let by = v1::RankBy::Confidence.into();
    assert_eq!(
        why(Asks { by, ..communes() }).await,
        "green_coverage cannot be ranked by confidence: green coverage is a full count, which has \
         ties and no interval"
    );
    let provinces = Asks { level: 0, ..rates(v1::RankBy::Confidence) };
    assert!(why(provinces).await.contains("ask for level COMMUNE"));
}

#[tokio::test]
async fn stale_localities_are_listed_alone_with_their_rank() {
    let served = serve(&reported());
    let stale = Asks { section: v1::Section::Stale.into(), page_size: 1, ..communes() };
    let first = served.rank(stale.clone()).await.expect("a list");
    // The newest observation of 00002 is eight days old, that of 00001 seven.
    assert_eq!((ranks(&first.rows), first.stale_count), (vec![(3, "00002")], 1));
    assert!(first.next_page_token.is_empty());
    let ranked = served.rank(communes()).await.expect("a ranking");
    assert_eq!((ranked.stale_count, ranked.ranked_count, first.ranked_count), (0, 4, 4));

    let old = Asks { period: "2025-06".into(), by: 0, ..rates(v1::RankBy::Value) };
    let all = serve(&two_months());
    let list = Asks { section: v1::Section::Stale.into(), page_size: 2, ..old };
    let first = all.rank(list.clone()).await.expect("a list");
    let next = Asks { page_token: first.next_page_token, ..list };
    let second = all.rank(next).await.expect("a list");
    assert_eq!(ranks(&first.rows), [(1, "00001"), (2, "00002")]);
    assert_eq!((ranks(&second.rows), second.stale_count), (vec![(2, "00004")], 3));
}

#[tokio::test]
async fn a_walk_sees_one_version_as_long_as_its_view_is_kept() {
    let mut all = reported();
    let served = serve(&all);
    let page = Asks { page_size: 1, ..communes() };
    let first = served.rank(page.clone()).await.expect("a page");
    let follow = |token: &str| Asks { page_token: token.into(), ..page.clone() };
    // Each change swaps the view; two are kept, and first pages alone do not push a walk out.
    for day in 5..8 {
        all.push(observation("00002", "b", "2025-07", Some(0), july(day)));
        served.view.send_replace(view_of(&all));
        let second = served.rank(follow(&first.next_page_token)).await.expect("a page");
        served.rank(page.clone()).await.expect("a page");
        assert_eq!(second.view_version, first.view_version);
        assert_eq!((ranks(&second.rows), second.view_changed), (vec![(1, "00007")], false));
    }
    for day in 5..8 {
        all.push(observation("00004", "b", "2025-07", Some(0), july(day)));
        served.view.send_replace(view_of(&all));
        let other = served.rank(page.clone()).await.expect("a page");
        assert_ne!(other.view_version, first.view_version);
        assert!(!other.view_changed);
        let walk = served.rank(follow(&other.next_page_token)).await.expect("a page");
        assert_eq!((walk.view_version, walk.view_changed), (other.view_version, false));
    }
    let late = served.rank(follow(&first.next_page_token)).await.expect("a page");
    assert!(late.view_changed);
    assert_eq!(late.view_version, served.view.borrow().version());
    // 00002 is no longer green, and goes on behind the first page's place.
    assert_eq!(ranks(&late.rows), [(1, "00007")]);
    assert_eq!(served.rank(page.clone()).await.expect("a page").rows[0].code, "00002");
}

#[tokio::test]
async fn what_cannot_be_ranked_is_refused_by_name() {
    let served = serve(&two_months());
    let change = v1::RankBy::Change.into();
    let june = "2025-06".to_owned();
    let token = served
        .rank(Asks { page_size: 1, ..rates(v1::RankBy::Change) })
        .await
        .expect("a page")
        .next_page_token;
    let cases = [
        (Asks { kind: v1::LocalityKind::Ward.into(), ..Asks::default() }, "kind"),
        (Asks { kind: v1::LocalityKind::Province.into(), ..communes() }, "kind"),
        (Asks { kind: 99, ..communes() }, "kind"),
        (Asks { denominator_min: -1, ..communes() }, "denominator_min"),
        (Asks { by: 9, ..communes() }, "by"),
        (Asks { by: v1::RankBy::Confidence.into(), ..Asks::default() }, "by"),
        (Asks { baseline_period: june.clone(), ..communes() }, "baseline_period"),
        (Asks { by: change, baseline_period: "2025".into(), ..communes() }, "baseline_period"),
        (
            Asks { by: change, baseline_period: june.clone(), period: june, ..communes() },
            "baseline_period",
        ),
        (Asks { section: 7, ..communes() }, "section"),
        (Asks { page_token: token.clone(), ..rates(v1::RankBy::Value) }, "page_token"),
        (
            Asks { page_token: token.clone(), denominator_min: 1, ..rates(v1::RankBy::Change) },
            "page_token",
        ),
        (
            Asks {
                page_token: token,
                kind: v1::LocalityKind::Ward.into(),
                ..rates(v1::RankBy::Change)
            },
            "page_token",
        ),
    ];
    for (request, field) in cases {
        let found = refusal(served.rank(request.clone()).await);
        assert_eq!(found, (Code::InvalidArgument, field.to_owned()), "{request:?}");
    }
}

#[tokio::test]
async fn a_standing_tells_how_it_was_a_month_before() {
    let served = serve(&two_months());
    let of = |code: &str| v1::GetStandingRequest {
        code: code.into(),
        indicator: "rate".into(),
        period: "2025-07".into(),
        ..Default::default()
    };
    let risen = served.standing(of("00001")).await.expect("a standing");
    let before = risen.previous.expect("June is known");
    assert_eq!((before.period.as_str(), before.rank, before.ranked_count), ("2025-06", 1, 3));
    assert_eq!(before.rank_change, Some(1));
    let rollup = before.rollup.expect("a rollup");
    assert_eq!((rollup.numerator, rollup.denominator), (1, 6));
    let fallen = served.standing(of("00002")).await.expect("a standing");
    assert_eq!(fallen.previous.expect("June is known").rank_change, Some(0));
    let gone = served.standing(of("00004")).await.expect("a standing");
    assert_eq!(gone.previous.map(|before| (before.rank, before.rank_change)), Some((2, None)));
    for (code, state) in [("00003", v1::RollupState::Unknown), ("00009", v1::RollupState::Untested)]
    {
        let standing = served.standing(of(code)).await.expect("a standing");
        let before = standing.previous.expect("June has a ranking");
        assert_eq!((before.rank, before.ranked_count, before.rank_change), (0, 3, None));
        assert_eq!(before.rollup.expect("a rollup").state(), state, "{code}");
    }
}
