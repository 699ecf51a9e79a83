//! Which localities are lowest, or changed most, and of which nothing is known.

use phuxanh_proto::v1::{
    Level, LocalityKind, Order, RankBy, RankLocalitiesRequest, RankLocalitiesResponse,
    RankedLocality, Section,
};

use crate::{
    cell::{Cell, Value},
    client::Client,
    columns::{self, Look, Provinces},
    document::{
        Document,
        Importance::{Data, Key, Main, Useful},
        Table,
    },
    error::Error,
    language::{Words, words},
    paging::{self, Version},
    reply::{self, Row, known},
    resolve,
    sentence::Sentence,
    terms::Terms,
    unresolved::Among,
    vocabulary,
};

/// Localities without a rank that a terminal names.
const NAMED_MAX: usize = 10;

pub async fn answer(
    client: &Client,
    mut request: RankLocalitiesRequest,
    stale: bool,
    limit: Option<u32>,
) -> Result<Document, Error> {
    resolve::name(client, &mut request.within, Among::Scopes).await?;
    let mut version = Version::default();
    let part = if stale { Section::Stale } else { Section::Ranked };
    let (head, rows) = section(client, &request, part, limit, &mut version).await?;
    // What was left to the server is now fixed, so that all sections answer one question.
    request.period.clone_from(&head.period);
    let terms = Terms::fetch(client).await?;
    let level = known("level", head.level)?;
    let provinces = columns::province_names(client, level, &head.within).await?;
    let scope = columns::scope(client, &head.within).await?;

    let mut document = Document { head: vec![title(&head, &terms, scope)?], ..Document::default() };
    facts(&mut document, &head, stale)?;
    let rows = reply::rows(rows)?;
    let mut table = Table::new("rows", rows.len());
    let rows: Vec<_> = rows.iter().collect();
    ranked(&mut table, &rows, &terms, provinces.as_ref());
    table.note(shown(rows.len(), &head, level, stale));
    document.tables.push(table);
    for (part, key, count) in [
        (Section::Unknown, "unknown", head.unknown_count),
        (Section::Untested, "untested", head.untested_count),
        (Section::Small, "small", head.small_count),
        (Section::OneSided, "one_sided", head.one_sided_count),
    ] {
        let named = match count {
            ..=0 => Vec::new(),
            1.. => section(client, &request, part, None, &mut version).await?.1,
        };
        // Sections that were not asked for have no key.
        if !named.is_empty() || matches!(part, Section::Unknown | Section::Untested) {
            let reason = why(part, &head);
            document.tables.push(left_out(key, &named, reason, provinces.as_ref()));
        }
    }
    document.warnings.extend(version.warning());
    Ok(document)
}

/// The first page without its rows, and the rows of all pages.
async fn section(
    client: &Client,
    request: &RankLocalitiesRequest,
    section: Section,
    limit: Option<u32>,
    version: &mut Version,
) -> Result<(RankLocalitiesResponse, Vec<RankedLocality>), Error> {
    let request = RankLocalitiesRequest { section: section.into(), ..request.clone() };
    paging::walk(client, &request, limit, version).await
}

/// Adds the columns of ranked localities.
pub fn ranked(table: &mut Table, rows: &[&Row], terms: &Terms, provinces: Option<&Provinces>) {
    let rows = || rows.iter().copied();
    let of_commune = rows().any(|row| !row.province_code.is_empty());
    let look = Look { terms, of_commune };
    let rank = |row: &Row| if row.rank > 0 { Cell::count(row.rank) } else { Cell::UNKNOWN };
    table.add(Key, "rank", words("Hạng", "Rank"), rows().map(rank));
    table.add(Key, "code", columns::CODE, rows().map(|row| Cell::code(&row.code)));
    table.add(Key, columns::NAMES, columns::NAME, rows().map(Row::cell));
    columns::provinces(table, provinces, rows().map(|row| &row.province_code));
    columns::value(table, look, "", columns::VALUE, rows().map(|row| Some(&row.reading)));
    if rows().any(|row| row.change.is_some()) {
        let before = rows().map(|row| row.change.as_ref().map(|change| &change.baseline));
        columns::value(table, look, "change.baseline.", words("Trước đó", "Before"), before);
        let change = |row: &Row| {
            let value = row.change.as_ref().and_then(|change| change.difference);
            let unit = terms.unit(&row.reading.indicator);
            value.map_or(Cell::UNKNOWN, |value| Value::Difference { value, unit }.into())
        };
        let label = words("Biến động", "Change");
        table.add(Key, "change.difference", label, rows().map(change));
    }
    if rows().any(|row| row.confidence.is_some()) {
        let interval = |row: &Row| {
            let found = row.confidence.as_ref();
            found.map(|it| Cell::from(Value::Interval { lower: it.lower, upper: it.upper }))
        };
        let label = words("Khoảng 95 %", "95 % interval");
        table.add(Main, "confidence.lower confidence.upper", label, rows().map(interval));
        let ranks = |row: &Row| {
            let range = row.confidence.as_ref().map(|it| (it.rank_from.into(), it.rank_to.into()));
            range.map(|(from, to)| Cell::from(Value::Range { from, to }))
        };
        let label = words("Khoảng thứ hạng", "Rank interval");
        table.add(Useful, "confidence.rank_from confidence.rank_to", label, rows().map(ranks));
    }
    columns::counts(table, look, rows().map(|row| &row.reading));
    columns::ends(table, rows().map(|row| &row.reading));
}

fn facts(document: &mut Document, head: &RankLocalitiesResponse, stale: bool) -> Result<(), Error> {
    document.fact("indicator", Cell::code(&head.indicator));
    document.fact("level", vocabulary::level(known("level", head.level)?));
    let kind = known("kind", head.kind)?;
    document.fact("kind", (kind != LocalityKind::Unspecified).then(|| vocabulary::kind(kind)));
    document.fact("within", Cell::code(&head.within));
    document.view(&head.period, &head.view_version);
    document.reports(&head.period, head.reports.as_ref());
    document.fact("by", vocabulary::rank_by(known("by", head.by)?));
    document.fact("order", vocabulary::order(known("order", head.order)?));
    document.fact("baseline_period", Cell::month(&head.baseline_period));
    let least = (head.denominator_min > 0).then(|| Cell::count(head.denominator_min));
    document.fact("denominator_min", least);
    document.fact("ranked_count", Cell::count(head.ranked_count));
    document.fact("stale_count", stale.then(|| Cell::count(head.stale_count)));
    Ok(())
}

/// Names the indicator, the end that comes first, and the scope.
fn title(
    head: &RankLocalitiesResponse,
    terms: &Terms,
    [name, code]: [Cell; 2],
) -> Result<Sentence, Error> {
    let order = known("order", head.order)?;
    let Words { vi: order_vi, en: order_en } = vocabulary::order(order).words;
    let (vi, en) = match known("by", head.by)? {
        RankBy::Unspecified | RankBy::Value => {
            (format!("xếp từ {order_vi}"), format!("{order_en} first"))
        }
        RankBy::Confidence => (
            format!("xếp từ {order_vi} một cách chắc chắn"),
            format!("confidently {order_en} first"),
        ),
        RankBy::Change => {
            let (vi, en) = match order {
                Order::Unspecified | Order::Lowest => ("giảm", "declined"),
                Order::Highest => ("tăng", "improved"),
            };
            let vi = format!("biến động so với {{5}}, xếp từ {vi} nhiều nhất");
            (vi, format!("change since {{5}}, most {en} first"))
        }
    };
    let levels = vocabulary::levels(known("level", head.level)?);
    let (kind_vi, kind_en) = match known("kind", head.kind)? {
        LocalityKind::Unspecified => Default::default(),
        kind => {
            let kind = vocabulary::kind(kind).words;
            (format!(" loại {}", kind.vi), format!(" of kind {}", kind.en))
        }
    };
    let (least_vi, least_en) = match head.denominator_min {
        ..=0 => ("", ""),
        _ => (" có mẫu số từ {6} trở lên", " with a denominator of {6} or more"),
    };
    Ok(Sentence::new(
        format!(
            "{{0}} ({{1}}), {vi}: các {}{kind_vi}{least_vi} của {{2}} ({{3}}), {{4}}",
            levels.vi
        ),
        format!("{{0}} ({{1}}), {en}: {}{kind_en}{least_en} of {{2}} ({{3}}), {{4}}", levels.en),
        [
            terms.indicator(&head.indicator),
            Cell::code(&head.indicator),
            name,
            code,
            Cell::month(&head.period),
            Cell::month(&head.baseline_period),
            Cell::count(head.denominator_min),
        ],
    ))
}

fn shown(row_count: usize, head: &RankLocalitiesResponse, level: Level, stale: bool) -> Sentence {
    let levels = vocabulary::levels(level);
    if !stale {
        return ranked_count(row_count, head.ranked_count, level);
    }
    let cut = usize::try_from(head.stale_count).is_ok_and(|count| row_count < count);
    let [hint_vi, hint_en] =
        if cut { ["; --limit 0 hiện tất cả", "; --limit 0 shows all"] } else { ["", ""] };
    Sentence::new(
        format!("{{0}} trong {{1}} số liệu cũ, giữa {{2}} {} có thứ hạng{hint_vi}", levels.vi),
        format!("{{0}} of {{1}} stale among {{2}} ranked {}{hint_en}", levels.en),
        [
            Cell::count(row_count as i128),
            Cell::count(head.stale_count),
            Cell::count(head.ranked_count),
        ],
    )
}

/// Says how many of those with a rank are listed.
pub fn ranked_count(row_count: usize, ranked: i32, level: Level) -> Sentence {
    let (one, many) = (vocabulary::level(level).words, vocabulary::levels(level));
    let vi = format!("{} có thứ hạng", many.vi);
    let en = [format!("ranked {}", one.en), format!("ranked {}", many.en)];
    columns::listed(row_count, ranked, &vi, [&en[0], &en[1]])
}

/// Reason why the localities of a section have no rank.
fn why(section: Section, head: &RankLocalitiesResponse) -> (&'static str, &'static str, Vec<Cell>) {
    match section {
        Section::Unknown => {
            let vi = "Chưa rõ, chưa báo cáo đủ số liệu cần có";
            (vi, "Unknown, not all that it takes was reported", Vec::new())
        }
        Section::Untested => {
            ("Chưa phát sinh, mẫu số bằng 0", "Untested, the denominator is 0", Vec::new())
        }
        Section::Small => (
            "Quá ít hồ sơ, mẫu số dưới {1}",
            "Small, the denominator is below {1}",
            vec![Cell::count(head.denominator_min)],
        ),
        Section::OneSided => (
            "Chỉ có số liệu của một trong hai tháng {1} và {2}",
            "Known in only one of {1} and {2}",
            vec![Cell::month(&head.baseline_period), Cell::month(&head.period)],
        ),
        Section::Unspecified | Section::Ranked | Section::Stale => ("", "", Vec::new()),
    }
}

fn left_out(
    key: &'static str,
    named: &[RankedLocality],
    (vi, en, cells): (&'static str, &'static str, Vec<Cell>),
    provinces: Option<&Provinces>,
) -> Table {
    let count = [Cell::count(named.len() as i128)];
    let title = (format!("{vi}: {{0}}"), format!("{en}: {{0}}"));
    let title = Sentence::new(title.0, title.1, count.into_iter().chain(cells));
    let mut table = Table::new(key, named.len()).titled(title).glanced(NAMED_MAX);
    table.shown = !named.is_empty();
    table.add(Key, "code", columns::CODE, named.iter().map(|row| Cell::code(&row.code)));
    let name = |row: &RankedLocality| Cell::name(&row.name, &row.name_en);
    table.add(Key, columns::NAMES, columns::NAME, named.iter().map(name));
    if provinces.is_some() {
        columns::provinces(&mut table, provinces, named.iter().map(|row| &row.province_code));
    }
    table.columns.retain(|column| column.importance != Data);
    table
}
