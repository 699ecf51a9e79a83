//! A locality's rank with its neighbours, and its rank a month before.

use phuxanh_proto::v1::{GetStandingRequest, Level, Order, PreviousStanding, RollupState};

use super::ranking;
use crate::{
    cell::Cell,
    client::Client,
    columns::{self, Look},
    document::{Document, Part, Table},
    error::Error,
    reply::{self, Row, known},
    resolve,
    sentence::Sentence,
    term::Paint,
    terms::Terms,
    unresolved::Among,
    vocabulary,
};

pub async fn answer(client: &Client, mut request: GetStandingRequest) -> Result<Document, Error> {
    resolve::name(client, &mut request.code, Among::All).await?;
    resolve::name(client, &mut request.within, Among::Scopes).await?;
    let reply = client.ask(client.rankings().get_standing(request)).await?;
    let level = known("level", reply.level)?;
    let order = known("order", reply.order)?;
    let terms = Terms::fetch(client).await?;
    let [scope, scope_code] = columns::scope(client, &reply.within).await?;
    let provinces = columns::province_names(client, level, &reply.within).await?;
    let locality = Row::try_from(reply::part("the locality", reply.locality)?)?;
    let (before, behind) = (reply::rows(reply.before)?, reply::rows(reply.behind)?);

    let indicator = &locality.reading.indicator;
    let (words, levels) = (vocabulary::order(order).words, vocabulary::levels(level));
    let title = Sentence::new(
        format!("{{0}} ({{1}}), xếp từ {}: các {} của {{2}} ({{3}}), {{4}}", words.vi, levels.vi),
        format!("{{0}} ({{1}}), {} first: {} of {{2}} ({{3}}), {{4}}", words.en, levels.en),
        [
            terms.indicator(indicator),
            Cell::code(indicator),
            scope,
            scope_code,
            Cell::month(&reply.period),
        ],
    );
    let mut document =
        Document { head: vec![title, place(&locality, reply.ranked_count)], ..Document::default() };
    document.fact("indicator", Cell::code(indicator));
    document.fact("level", vocabulary::level(level));
    document.fact("within", Cell::code(&reply.within));
    document.view(&reply.period, &reply.view_version);
    document.reports(&reply.period, reply.reports.as_ref());
    document.fact("order", vocabulary::order(order));
    document.fact("ranked_count", Cell::count(reply.ranked_count));

    let rows: Vec<_> = before.iter().chain([&locality]).chain(&behind).collect();
    let mut table = Table::of_parts(vec![
        Part::list("before", before.len()),
        Part::single("locality"),
        Part::list("behind", behind.len()),
    ]);
    let pointer = |row: &&Row| {
        let here = row.code == locality.code;
        Cell::text(if here { "→" } else { "" }).painted(Paint::Strong)
    };
    columns::sign(&mut table, rows.iter().map(pointer));
    ranking::ranked(&mut table, &rows, &terms, provinces.as_ref());
    document.tables.push(table);
    if let Some(found) = reply.previous {
        previous(&mut document, found, &terms, (level, order))?;
    }
    Ok(document)
}

fn previous(
    document: &mut Document,
    found: PreviousStanding,
    terms: &Terms,
    (level, order): (Level, Order),
) -> Result<(), Error> {
    let reading = reply::reading(found.rollup)?;
    document.head.push(past(
        &found.period,
        (found.rank, found.ranked_count),
        terms.value(&reading),
    ));
    if let Some(moved) = found.rank_change.filter(|_| found.rank > 0) {
        document.head.push(moved_to(moved, order));
    }
    document.fact("previous.period", Cell::month(&found.period));
    document.fact("previous.rank", (found.rank > 0).then(|| Cell::count(found.rank)));
    document.fact("previous.ranked_count", Cell::count(found.ranked_count));
    document.fact("previous.rank_change", found.rank_change.map(Cell::count));
    let mut table = columns::single("previous");
    let look = Look { terms, of_commune: level == Level::Commune };
    columns::readings(&mut table, look, [&reading].into_iter());
    document.tables.push(table);
    Ok(())
}

fn place(locality: &Row, ranked_count: i32) -> Sentence {
    let named = [locality.cell(), Cell::code(&locality.code)];
    if locality.rank > 0 {
        let rank = [Cell::count(locality.rank), Cell::count(ranked_count)];
        return Sentence::new(
            "{0} ({1}) đứng hạng {2} trong {3}",
            "{0} ({1}) has rank {2} of {3}",
            named.into_iter().chain(rank),
        );
    }
    let (vi, en) = match locality.reading.state {
        RollupState::Untested => (
            "{0} ({1}) không có thứ hạng: chưa phát sinh, mẫu số bằng 0",
            "{0} ({1}) has no rank: untested, the denominator is 0",
        ),
        RollupState::Unspecified | RollupState::Known | RollupState::Unknown => (
            "{0} ({1}) không có thứ hạng: chưa rõ, chưa báo cáo đủ số liệu cần có",
            "{0} ({1}) has no rank: unknown, not all that it takes was reported",
        ),
    };
    Sentence::new(vi, en, named)
}

fn past(period: &str, (rank, of): (i32, i32), value: Cell) -> Sentence {
    let cells = [Cell::month(period), Cell::count(rank), Cell::count(of), value];
    if rank == 0 {
        return Sentence::new(
            "Tháng {0} không có thứ hạng: {3}",
            "In {0} it had no rank: {3}",
            cells,
        );
    }
    Sentence::new(
        "Tháng {0} đứng hạng {1} trong {2}, với {3}",
        "In {0} it had rank {1} of {2} with {3}",
        cells,
    )
}

/// Rank 1 is at the end that comes first, whichever end is the better one.
fn moved_to(moved: i32, order: Order) -> Sentence {
    let first = vocabulary::order(order).words;
    let (vi, en) = match moved {
        0 => ("Nay thứ hạng không đổi".to_owned(), "Now it has the same rank".to_owned()),
        ..0 => (
            format!("Nay gần mức {} thêm {{0}} bậc", first.vi),
            format!("Now it is {{0:rank:ranks}} nearer to the {}", first.en),
        ),
        1.. => (
            format!("Nay cách mức {} xa thêm {{0}} bậc", first.vi),
            format!("Now it is {{0:rank:ranks}} further from the {}", first.en),
        ),
    };
    Sentence::new(vi, en, [Cell::count(moved.abs())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    #[test]
    fn a_move_is_told_by_the_end_that_comes_first() {
        let told = |moved, order| moved_to(moved, order).text(Language::English);
        assert_eq!(told(-61, Order::Lowest), "Now it is 61 ranks nearer to the lowest");
        assert_eq!(told(1, Order::Lowest), "Now it is 1 rank further from the lowest");
        assert_eq!(told(-2, Order::Highest), "Now it is 2 ranks nearer to the highest");
        assert_eq!(told(0, Order::Lowest), "Now it has the same rank");
    }
}
