//! A measure of a month against that of an earlier one, per working day.

use phuxanh_proto::v1::{self, ComparePeriodsRequest, Movement};

use crate::{
    cell::{Cell, Unit, Value},
    client::Client,
    columns,
    document::{
        Document,
        Importance::{Data, Detail, Key, Main, Useful},
        Part, Table,
    },
    error::Error,
    language::words,
    reply::{self, Behind, Named, known, part},
    resolve,
    sentence::Sentence,
    terms::Terms,
    unresolved::Among,
    vocabulary,
};

#[derive(Debug)]
struct Comparison {
    locality: Named,
    movement: Movement,
    now: Sum,
    before: Sum,
    /// The rest, as it came.
    told: v1::Comparison,
}

#[derive(Debug)]
struct Sum {
    told: v1::ComparedSum,
    behind: Behind,
}

impl TryFrom<v1::Comparison> for Comparison {
    type Error = Error;

    fn try_from(mut told: v1::Comparison) -> Result<Self, Error> {
        Ok(Self {
            locality: Named::new(told.locality.take())?,
            movement: known("movement", told.movement)?,
            now: Sum::new(told.now.take())?,
            before: Sum::new(told.before.take())?,
            told,
        })
    }
}

impl Sum {
    fn new(sum: Option<v1::ComparedSum>) -> Result<Self, Error> {
        let mut told = part("a sum", sum)?;
        Ok(Self { behind: Behind::new(told.provenance.take())?, told })
    }
}

impl Comparison {
    const fn now(&self) -> &Sum {
        &self.now
    }

    const fn before(&self) -> &Sum {
        &self.before
    }

    /// A cell that needs communes which reported both months.
    fn told(&self, cell: Cell) -> Cell {
        if self.movement == Movement::Unspecified { Cell::UNKNOWN } else { cell }
    }
}

pub async fn answer(
    client: &Client,
    mut request: ComparePeriodsRequest,
    limit: Option<usize>,
) -> Result<Document, Error> {
    resolve::name(client, &mut request.code, Among::All).await?;
    let reply = client.ask(client.trends().compare_periods(request)).await?;
    let terms = Terms::fetch(client).await?;
    let months = [part("the period", reply.period)?, part("the baseline", reply.baseline)?];
    let total = Comparison::try_from(part("the total", reply.total)?)?;
    let mut rows = reply::all(reply.parts, Comparison::try_from)?;
    let count = rows.len();
    rows.truncate(limit.unwrap_or(usize::MAX));
    let part_count = rows.len();

    let mut document = Document::default();
    document.head.push(Sentence::new(
        "{0} ({1}): {2} ({3}) mỗi ngày làm việc, {4} so với {5}: {6}",
        "{0} ({1}): {2} ({3}) per working day, {4} against {5}: {6}",
        [
            total.locality.cell(),
            Cell::code(&total.locality.code),
            terms.measure(&reply.measure),
            Cell::code(&reply.measure),
            Cell::month(&months[0].period),
            Cell::month(&months[1].period),
            vocabulary::movement(total.movement).into(),
        ],
    ));
    document.head.extend(months.iter().map(days));
    document.fact("measure", Cell::code(&reply.measure));
    document.fact("view_version", Cell::code(&reply.view_version));
    document.fact("locality_count", Cell::count(count as i128));
    for (key, month) in ["period", "baseline"].into_iter().zip(&months) {
        document.fact(format!("{key}.period"), Cell::month(&month.period));
        document.fact(format!("{key}.working_days"), Cell::count(month.day_count));
        document.fact(format!("{key}.weekdays"), Cell::count(month.weekday_count));
        let holidays = month.holidays.iter().map(Cell::text).collect();
        document.fact(format!("{key}.holidays"), Cell::from(Value::List(holidays)));
        document.fact(format!("{key}.holidays_listed"), Cell::flag(month.holidays_listed));
    }
    document.reports(&months[0].period, reply.reports.as_ref());
    rows.push(total);
    let mut table = table(&rows, part_count, &months);
    if part_count < count {
        let localities = ["locality", "localities"];
        table.note(columns::listed(part_count, count as i128, "đơn vị", localities));
    }
    document.tables.push(table);
    Ok(document)
}

/// Says the working days of a month.
fn days(month: &v1::WorkingDays) -> Sentence {
    let (vi, en) = match (month.holidays_listed, month.holidays.as_slice()) {
        (false, _) => (
            "{0}: {1} ngày làm việc, danh mục không nêu ngày nghỉ của năm này",
            "{0}: {1} working days, holidays of this year are not listed",
        ),
        (true, []) => ("{0}: {1} ngày làm việc", "{0}: {1} working days"),
        (true, _) => ("{0}: {1} ngày làm việc, trừ {2}", "{0}: {1} working days, without {2}"),
    };
    let holidays = Cell::text(month.holidays.join(", "));
    Sentence::new(vi, en, [Cell::month(&month.period), Cell::count(month.day_count), holidays])
}

fn table(rows: &[Comparison], part_count: usize, months: &[v1::WorkingDays; 2]) -> Table {
    let rows = || rows.iter();
    let mut parts = vec![Part::single("total")];
    if part_count > 0 {
        parts.insert(0, Part::list("parts", part_count));
    }
    let mut table = Table::of_parts(parts);
    columns::localities(&mut table, rows().map(|row| &row.locality));
    let per_day = |row: &Comparison, sum: &Sum, month: &v1::WorkingDays| {
        let (numerator, denominator) = (sum.told.sum, month.day_count.into());
        let value = sum.told.per_working_day;
        row.told(Value::Quotient { numerator, denominator, value, unit: Unit::None }.into())
    };
    let now = rows().map(|row| per_day(row, &row.now, &months[0]));
    table.add(Key, "now.per_working_day", words("Mỗi ngày", "Per day"), now);
    let before = rows().map(|row| per_day(row, &row.before, &months[1]));
    table.add(Key, "before.per_working_day", words("Trước đó", "Before"), before);
    let change = rows().map(|row| {
        row.told(Value::Difference { value: row.told.difference, unit: Unit::None }.into())
    });
    table.add(Main, "difference", words("Biến động", "Change"), change);
    let relative =
        rows().map(|row| row.told.relative_difference.map(|it| Cell::from(Value::Relative(it))));
    table.add(Key, "relative_difference", words("Theo phần trăm", "In percent"), relative);
    let movement = rows().map(|row| vocabulary::movement(row.movement));
    table.add(Detail, "movement", words("Chiều", "Movement"), movement);
    let now = rows().map(|row| row.told(Cell::count(row.now.told.sum)));
    table.add(Useful, "now.sum", words("Tổng", "Sum"), now);
    let before = rows().map(|row| row.told(Cell::count(row.before.told.sum)));
    table.add(Useful, "before.sum", words("Tổng trước đó", "Sum before"), before);
    let compared =
        rows().map(|row| columns::of_all(row.told.compared_count, row.told.commune_count));
    table.add(Useful, "compared communes", words("Số xã so sánh", "Compared"), compared);
    for (key, of) in [("now", Comparison::now as fn(&_) -> &_), ("before", Comparison::before)] {
        let reported = rows().map(|row| Cell::count(of(row).told.reported_count));
        table.add(Data, &format!("{key}.reported"), columns::REPORTED, reported);
        let marks = rows().map(|row| of(row).behind.cell());
        table.add(Data, &format!("{key}.stale {key}.basis"), words("", ""), marks);
        let time = rows().map(|row| Cell::time(of(row).behind.data_time));
        let label = words("Thời điểm số liệu", "Data time");
        table.add(Data, &format!("{key}.data_time"), label, time);
    }
    columns::merged(
        &mut table,
        rows().map(|row| vec![row.now.behind.cell(), row.before.behind.cell()]),
    );
    table
}
