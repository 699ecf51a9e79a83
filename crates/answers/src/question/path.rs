//! The fewest fixes that lift a province to a target.

use phuxanh_proto::v1::{CriterionSet, GetPathRequest, GetPathResponse};

use crate::{
    cell::Cell,
    client::Client,
    columns::{self, Look},
    document::{Document, Importance::Main, Table},
    error::Error,
    language::words,
    reply::{self, Named, Reading},
    resolve,
    sentence::Sentence,
    terms::Terms,
    unresolved::Among,
};

pub async fn answer(client: &Client, mut request: GetPathRequest) -> Result<Document, Error> {
    resolve::name(client, &mut request.code, Among::Scopes).await?;
    let mut reply = client.ask(client.insights().get_path(request)).await?;
    let terms = Terms::fetch(client).await?;
    let province = Named::new(reply.province.take())?;
    let coverage = reply::reading(reply.coverage.take())?;
    let set = reply::part("the set of criteria", reply.criterion_set.take())?;

    let mut document = Document::default();
    document.head.push(title(&province, &coverage, &reply, &terms));
    facts(&mut document, &province, &reply, &set);
    document.tables.push(communes(&mut reply)?);
    if document.tables[0].row_count() == 0 {
        document.head.push(Sentence::new("Đã đạt mục tiêu.", "The target is reached.", []));
    } else {
        document.tables[0].footer.extend(everywhere(&set));
        let all = set.criteria.iter().map(|id| {
            let named = [terms.criterion(id), Cell::code(id)];
            Sentence::new("  {0} ({1})", "  {0} ({1})", named)
        });
        document.tables[0].footer.extend(all);
    }
    let mut table = columns::single("coverage");
    let look = Look { terms: &terms, of_commune: false };
    columns::readings(&mut table, look, [&coverage].into_iter());
    document.tables.push(table);
    Ok(document)
}

fn title(province: &Named, coverage: &Reading, reply: &GetPathResponse, terms: &Terms) -> Sentence {
    Sentence::new(
        "{0} ({1}), {2}: {3} xã xanh ({4}); {5} % cần {6} xã",
        "{0} ({1}), {2}: {3} green ({4}); {5} % asks for {6}",
        [
            province.cell(),
            Cell::code(&province.code),
            Cell::month(&reply.period),
            terms.ratio(coverage),
            terms.value(coverage),
            Cell::count(reply.target_percent),
            Cell::count(reply.target_count),
        ],
    )
}

fn facts(document: &mut Document, province: &Named, reply: &GetPathResponse, set: &CriterionSet) {
    document.fact("code", Cell::code(&province.code));
    document.fact(columns::NAMES, province.cell());
    document.view(&reply.period, &reply.view_version);
    document.reports(&reply.period, reply.reports.as_ref());
    document.fact("target_percent", Cell::count(reply.target_percent));
    document.fact("target_count", Cell::count(reply.target_count));
    document.fact("needed_count", Cell::count(reply.needed_count));
    document.fact("unmet_fixes", Cell::count(reply.unmet_fix_count));
    document.fact("unknown_fixes", Cell::count(reply.unknown_fix_count));
    document.fact("criterion_set.criteria", Cell::codes(set.criteria.iter().cloned()));
    document.fact("criterion_set.exact", Cell::flag(set.exact));
    document.fact("criterion_set.lower_bound", Cell::count(set.lower_bound));
    document.fact("criterion_set.turned_count", Cell::count(set.turned_count));
    document.fact("criterion_set.unmet_fixes", Cell::count(set.unmet_fix_count));
    document.fact("criterion_set.unknown_fixes", Cell::count(set.unknown_fix_count));
}

fn communes(reply: &mut GetPathResponse) -> Result<Table, Error> {
    let rows = reply::all(std::mem::take(&mut reply.communes), |step| {
        Ok((Named::new(step.commune)?, step.unmet, step.unknown))
    })?;
    let title = Sentence::new(
        "Cách ít việc nhất: {0} xã, khắc phục {1} tiêu chí chưa đạt, đạt và báo cáo {2} tiêu chí \
         chưa báo cáo",
        "The cheapest way: {0:commune:communes}, {1:unmet criterion:unmet criteria} to fix, \
         {2:unreported one:unreported ones} to meet and report",
        [reply.needed_count, reply.unmet_fix_count, reply.unknown_fix_count].map(Cell::count),
    );
    let mut table = Table::new("communes", rows.len());
    if !rows.is_empty() {
        table = table.titled(title);
    }
    columns::localities(&mut table, rows.iter().map(|(named, _, _)| named));
    let codes = |codes: &Vec<String>| Cell::codes(codes.iter().cloned());
    let unmet = rows.iter().map(|(_, unmet, _)| codes(unmet));
    table.add(Main, "unmet", words("Cần khắc phục", "To fix"), unmet);
    let unknown = rows.iter().map(|(_, _, unknown)| codes(unknown));
    table.add(Main, "unknown", words("Chưa báo cáo", "Not reported"), unknown);
    Ok(table)
}

fn everywhere(set: &CriterionSet) -> [Sentence; 2] {
    let certainty = if set.exact {
        Sentence::new(
            "Hoặc theo từng tiêu chí, trên toàn tỉnh (không có tập nào nhỏ hơn đạt mục tiêu):",
            "Or criterion by criterion, in the whole province (no smaller set reaches the target):",
            [],
        )
    } else {
        Sentence::new(
            "Hoặc theo từng tiêu chí, trên toàn tỉnh (tìm gần đúng; không tập nào dưới {0} tiêu chí \
             đạt):",
            "Or criterion by criterion, in the whole province (found greedily; no set of fewer than \
             {0} reaches it):",
            [Cell::count(set.lower_bound)],
        )
    };
    let fixes = Sentence::new(
        "khắc phục {0} tiêu chí chưa đạt, đạt và báo cáo {1} tiêu chí chưa báo cáo; {2} xã chuyển \
         xanh",
        "{0:unmet criterion:unmet criteria} to fix, {1:unreported one:unreported ones} to meet and \
         report; {2:commune:communes} turn green",
        [set.unmet_fix_count, set.unknown_fix_count, set.turned_count].map(Cell::count),
    );
    [certainty, fixes]
}
