//! The observations under a number, and where each came from.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{
    self, CountedReceipt, ListReceiptsRequest, ListReceiptsResponse,
    list_receipts_response::Number as Wire,
};

use crate::{
    cell::{Cell, Value},
    client::Client,
    columns::{self, Look},
    document::{
        Document,
        Importance::{Data, Detail, Key, Main, Useful},
        Table,
    },
    error::Error,
    language::{Words, words},
    marks::Marks,
    paging::{self, Version},
    reply::{self, Named, known},
    resolve,
    sentence::Sentence,
    terms::Terms,
    unresolved::Among,
};

/// One observation with where it came from.
#[derive(Debug)]
pub struct Receipt {
    locality: Named,
    observed: Timestamp,
    received: Timestamp,
    unchanged_since: Timestamp,
    marks: Marks,
    /// The rest, as it came.
    told: v1::Receipt,
}

impl TryFrom<v1::Receipt> for Receipt {
    type Error = Error;

    fn try_from(mut told: v1::Receipt) -> Result<Self, Error> {
        let time = |time| reply::part("a time of an observation", reply::time(time)?);
        Ok(Self {
            locality: Named::new(told.locality.take())?,
            observed: time(told.observed_time)?,
            received: time(told.receipt_time)?,
            unchanged_since: time(told.unchanged_since_time)?,
            marks: Marks::new(false, known("basis", told.basis)?),
            told,
        })
    }
}

impl Receipt {
    pub fn marks(&self) -> Cell {
        Value::Marks(self.marks).into()
    }
}

pub async fn answer(
    client: &Client,
    mut request: ListReceiptsRequest,
    limit: Option<u32>,
) -> Result<Document, Error> {
    resolve::name(client, &mut request.code, Among::All).await?;
    let mut version = Version::default();
    let (mut head, rows) = paging::walk(client, &request, limit, &mut version).await?;
    let factors: Vec<_> =
        rows.iter().map(|row| (row.numerator_factor, row.denominator_factor)).collect();
    let receipts = reply::all(rows, |row: CountedReceipt| {
        Receipt::try_from(reply::part("a receipt", row.receipt)?)
    })?;
    let locality = Named::new(head.locality.take())?;
    let mut document = Document::default();
    document.fact("code", Cell::code(&locality.code));
    document.fact(columns::NAMES, locality.cell());
    document.view(&head.period, &head.view_version);
    document.fact("receipt_count", Cell::count(head.receipt_count));
    number(&mut document, &mut head, locality, &Terms::fetch(client).await?)?;
    document.reports(&head.period, head.reports.as_ref());
    let mut table = Table::new("receipts", receipts.len());
    columns(&mut table, &receipts);
    let numerators = factors.iter().map(|(numerator, _)| Cell::count(*numerator));
    table.add(Data, "numerator_factor", words("Lần trong tử số", "Times above"), numerators);
    let denominators = factors.iter().map(|(_, denominator)| Cell::count(*denominator));
    table.add(Data, "denominator_factor", words("Lần trong mẫu số", "Times below"), denominators);
    if usize::try_from(head.receipt_count).is_ok_and(|count| receipts.len() < count) {
        let vi = "số liệu quan sát";
        let en = ["observation", "observations"];
        table.note(columns::listed(receipts.len(), head.receipt_count, vi, en));
    }
    document.tables.insert(0, table);
    document.warnings.extend(version.warning());
    Ok(document)
}

/// Says the number that they stand under, to people and programs.
fn number(
    document: &mut Document,
    head: &mut ListReceiptsResponse,
    locality: Named,
    terms: &Terms,
) -> Result<(), Error> {
    let (words, name, id, cells) = match reply::part("a number", head.number.take())? {
        Wire::Rollup(rollup) => {
            let reading = reply::reading(Some(rollup))?;
            document.fact("indicator", Cell::code(&reading.indicator));
            let mut table = columns::single("number");
            let look = Look { terms, of_commune: false };
            columns::readings(&mut table, look, [&reading].into_iter());
            // The number's own marks are not those of its observations.
            table.columns.retain(|column| column.keys != ["stale", "basis"]);
            document.tables.push(table);
            let cells = vec![terms.value(&reading), terms.ratio(&reading)];
            let name = terms.indicator(&reading.indicator);
            (words("{5}, {6}", "{5}, {6}"), name, reading.indicator, cells)
        }
        Wire::Criterion(rollup) => {
            document.fact("criterion", Cell::code(&rollup.criterion));
            let counts = [rollup.met_count, rollup.unmet_count, rollup.unknown_count];
            for (key, count) in ["met", "unmet", "unknown"].into_iter().zip(counts) {
                document.fact(key, Cell::count(count));
            }
            let words =
                words("đạt {5}, chưa đạt {6}, chưa rõ {7}", "met {5}, unmet {6}, unknown {7}");
            let name = terms.criterion(&rollup.criterion);
            (words, name, rollup.criterion, counts.map(Cell::count).to_vec())
        }
        Wire::Measure(sum) => {
            // Only of those that reported it, so that there is none where nobody did.
            let known = (sum.reported_count > 0).then(|| Cell::count(sum.sum));
            document.fact("measure", Cell::code(&sum.measure));
            document.fact("sum", known.clone());
            document.fact("reported", Cell::count(sum.reported_count));
            document.fact("localities", Cell::count(sum.locality_count));
            let unknown = crate::vocabulary::UNKNOWN.into();
            let cells =
                vec![known.unwrap_or(unknown), Cell::part(sum.reported_count, sum.locality_count)];
            let words = words("{5}, {6} đã báo cáo", "{5}, reported by {6}");
            (words, terms.measure(&sum.measure), sum.measure, cells)
        }
    };
    document.head.push(title(&words, head, locality, [name, Cell::code(id)], cells));
    Ok(())
}

fn title(
    number: &Words,
    head: &ListReceiptsResponse,
    locality: Named,
    subject: [Cell; 2],
    cells: Vec<Cell>,
) -> Sentence {
    let count = 5 + cells.len();
    let named = [locality.cell(), Cell::code(locality.code)];
    let cells = named.into_iter().chain(subject).chain([Cell::month(&head.period)]).chain(cells);
    Sentence::new(
        format!("{{0}} ({{1}}): {{2}} ({{3}}) {}, {{4}}: {{{count}}} số liệu quan sát", number.vi),
        format!("{{0}} ({{1}}): {{2}} ({{3}}) {}, {{4}}: {{{count}}} observations", number.en),
        cells.chain([Cell::count(head.receipt_count)]),
    )
}

/// Adds the columns of receipts.
pub fn columns(table: &mut Table, receipts: &[Receipt]) {
    let rows = || receipts.iter();
    columns::localities(table, rows().map(|one| &one.locality));
    let metric = rows().map(|one| Cell::code(&one.told.metric));
    table.add(Key, "metric", words("Chỉ tiêu", "Metric"), metric);
    let period = rows().map(|one| Cell::month(&one.told.period));
    table.add(Useful, "period", words("Tháng", "Month"), period);
    let value = rows().map(|one| Cell::count(one.told.value));
    table.add(Key, "value", columns::VALUE, value);
    let time = |time: Timestamp| Cell::time(Some(time));
    let observed = rows().map(|one| time(one.observed));
    table.add(Main, "observed_time", words("Quan sát lúc", "Observed"), observed);
    let since = rows().map(|one| time(one.unchanged_since));
    table.add(Data, "unchanged_since_time", words("Không đổi từ", "Unchanged since"), since);
    let received = rows().map(|one| time(one.received));
    table.add(Main, "receipt_time", words("Nhận lúc", "Received"), received);
    let reporter = rows().map(|one| Cell::code(&one.told.reporter_code));
    table.add(Useful, "reporter", words("Đơn vị gửi", "Collector"), reporter);
    let host = rows().map(|one| Cell::text(&one.told.host));
    table.add(Detail, "host", words("Máy", "Host"), host);
    let log = rows().map(|one| Cell::from(Value::Digest(one.told.log_id.clone())));
    table.add(Detail, "log_id", words("Nhật ký", "Log"), log);
    let epoch = rows().map(|one| Cell::count(one.told.log_epoch));
    table.add(Detail, "log_epoch", words("Đời", "Epoch"), epoch);
    let batch = rows().map(|one| Cell::count(one.told.sequence));
    table.add(Detail, "sequence", words("Gói", "Batch"), batch);
    let place = rows().map(|one| Cell::count(one.told.index));
    table.add(Detail, "index", words("Vị trí", "Place"), place);
    let version = |one: &Receipt| match one.told.catalogue_version {
        0 => Cell::NOTHING,
        version => Cell::count(version),
    };
    table.add(Detail, "catalogue_version", words("Danh mục", "Catalogue"), rows().map(version));
    let digest = rows().map(|one| Cell::from(Value::Digest(one.told.catalogue_digest.clone())));
    table.add(Data, "catalogue_digest", words("Mã băm danh mục", "Digest"), digest);
    let basis = rows().map(|one| one.marks.basis());
    table.add(Data, "basis", words("Nguồn gốc", "Basis"), basis);
    columns::merged(table, rows().map(|one| vec![one.marks()]));
}
