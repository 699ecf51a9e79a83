//! Every locality that bears a name.

use phuxanh_proto::v1::{Locality, SearchLocalitiesRequest};

use crate::{
    cell::Cell,
    client::Client,
    columns,
    document::{
        Document,
        Importance::{Data, Key, Main, Useful},
        Table,
    },
    error::Error,
    language::words,
    paging::{self, Version},
    reply::{self, part},
    sentence::Sentence,
    term::Paint,
    vocabulary,
};

pub async fn answer(client: &Client, text: String) -> Result<Document, Error> {
    let request = SearchLocalitiesRequest { text: text.clone(), ..Default::default() };
    let (_, matches) = paging::walk(client, &request, None, &mut Version::default()).await?;
    let found =
        reply::all(matches, |one| Ok((part("a locality of a match", one.locality)?, one.exact)))?;
    let mut document = Document::default();
    let none = ("Không có đơn vị nào khớp với \"{0}\".", "No locality matches \"{0}\".");
    if found.is_empty() {
        document.head.push(Sentence::new(none.0, none.1, [Cell::text(&text)]));
    }
    document.fact("text", Cell::text(text));
    document.tables.push(table(&found));
    Ok(document)
}

fn table(found: &[(Locality, bool)]) -> Table {
    let mut table = Table::new("matches", found.len());
    describe(&mut table, &found.iter().map(|(locality, exact)| (locality, *exact)));
    let exact = found.iter().map(|(_, exact)| Cell::flag(*exact));
    table.add(Data, "exact", words("Đúng tên", "Exact"), exact);
    table
}

/// Adds the columns of localities; those that are flagged stand out.
pub fn describe<'a>(
    table: &mut Table,
    found: &(impl Iterator<Item = (&'a Locality, bool)> + Clone),
) {
    let rows = || found.clone().map(|(locality, _)| locality);
    table.add(Key, "code", columns::CODE, rows().map(|row| Cell::code(&row.code)));
    let name = found.clone().map(|(locality, exact)| {
        let paint = if exact { Paint::Strong } else { Paint::Plain };
        Cell::name(&locality.name, &locality.name_en).painted(paint)
    });
    table.add(Key, columns::NAMES, columns::NAME, name);
    let kind = rows().map(|row| vocabulary::kind(row.kind()));
    table.add(Key, "kind", words("Loại", "Kind"), kind);
    let province = rows().map(columns::province_of);
    table.add(Main, "", words("Tỉnh", "Province"), province);
    let code = rows().map(|row| Cell::code(&row.province_code));
    table.add(Data, "province", words("Mã tỉnh", "Province"), code);
    let name = rows().map(|row| match row.province_name.as_str() {
        "" => Cell::NOTHING,
        name => Cell::name(name, &row.province_name_en),
    });
    let keys = "province_name province_name_en";
    table.add(Data, keys, words("Tên tỉnh", "Province name"), name);
    let aliases = rows().map(|row| {
        let aliases: Vec<_> = row.aliases.iter().map(Cell::text).collect();
        if aliases.is_empty() { Cell::NOTHING } else { crate::Value::List(aliases).into() }
    });
    table.add(Main, "aliases", words("Tên khác", "Also known as"), aliases);
    let from = rows().map(|row| Cell::day(&row.valid_from));
    table.add(Useful, "valid_from", words("Từ ngày", "From"), from);
    let until = rows().map(|row| Cell::day(&row.valid_until));
    table.add(Useful, "valid_until", words("Đến ngày", "Until"), until);
    let served = rows().map(|row| Cell::code(&row.served_by));
    table.add(Data, "served_by", words("Được phục vụ bởi", "Served by"), served);
}
