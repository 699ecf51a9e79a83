//! How localities are spread over the bands of a legend.

use phuxanh_proto::v1::{self, Band, Direction, GetDistributionRequest, GetDistributionResponse};

use crate::{
    cell::{Cell, Unit, Value},
    client::Client,
    columns,
    document::{
        Document,
        Importance::{Data, Key, Main, Useful},
        Table,
    },
    error::Error,
    language::words,
    reply::{self, Behind, Named, known},
    resolve,
    sentence::Sentence,
    terms::Terms,
    unresolved::Among,
    vocabulary,
};

/// Bands of a table by province, with their keys.
const BANDS: [(Band, &str); 6] = [
    (Band::Full, "full"),
    (Band::Green, "green"),
    (Band::Yellow, "yellow"),
    (Band::Below, "below"),
    (Band::Unknown, "unknown"),
    (Band::Untested, "untested"),
];

#[derive(Debug)]
struct Distribution {
    scope: Named,
    locality_count: i32,
    bands: Vec<BandCount>,
    behind: Behind,
}

#[derive(Debug)]
struct BandCount {
    band: Band,
    locality_count: i32,
    at_least_count: i32,
    provinces: Vec<Named>,
}

impl TryFrom<v1::Distribution> for Distribution {
    type Error = Error;

    fn try_from(distribution: v1::Distribution) -> Result<Self, Error> {
        let bands = reply::all(distribution.bands, |found| {
            Ok(BandCount {
                band: known("band", found.band)?,
                locality_count: found.locality_count,
                at_least_count: found.at_least_count,
                provinces: reply::all(found.provinces, |named| Named::new(Some(named)))?,
            })
        });
        Ok(Self {
            scope: Named::new(distribution.scope)?,
            locality_count: distribution.locality_count,
            bands: bands?,
            behind: Behind::new(distribution.provenance)?,
        })
    }
}

pub async fn answer(
    client: &Client,
    mut request: GetDistributionRequest,
) -> Result<Document, Error> {
    resolve::name(client, &mut request.within, Among::Scopes).await?;
    let mut reply = client.ask(client.insights().get_distribution(request)).await?;
    let terms = Terms::fetch(client).await?;
    let total = Distribution::try_from(reply::part("the total", reply.total.take())?)?;
    let provinces = reply::all(std::mem::take(&mut reply.provinces), Distribution::try_from)?;
    let level = known("level", reply.level)?;
    let levels = vocabulary::levels(level);
    let title = Sentence::new(
        format!("{{0}} ({{1}}): {{2}} {} của {{3}} ({{4}}) theo khoảng, {{5}}", levels.vi),
        format!("{{0}} ({{1}}): {{2}} {} of {{3}} ({{4}}) by band, {{5}}", levels.en),
        [
            terms.indicator(&reply.indicator),
            Cell::code(&reply.indicator),
            Cell::count(total.locality_count),
            total.scope.cell(),
            Cell::code(&total.scope.code),
            Cell::month(&reply.period),
        ],
    );
    let mut document = Document { head: vec![title], ..Document::default() };
    document.fact("indicator", Cell::code(&reply.indicator));
    document.fact("level", vocabulary::level(level));
    document.view(&reply.period, &reply.view_version);
    document.reports(&reply.period, reply.reports.as_ref());
    document.fact("green_from", Cell::from(Value::Number(reply.green_from)));
    document.fact("yellow_from", Cell::from(Value::Number(reply.yellow_from)));
    document.fact("direction", vocabulary::direction(known("direction", reply.direction)?));
    document.fact("total.code", Cell::code(&total.scope.code));
    document.fact("total.name total.name_en", total.scope.cell());
    document.fact("total.localities", Cell::count(total.locality_count));
    let unit = terms.unit(&reply.indicator);
    document.tables.push(bands(&total, &reply, &unit)?);
    if !provinces.is_empty() {
        document.tables.push(by_province(&provinces));
    }
    document.fact("total.stale total.basis", total.behind.cell());
    let time = total.behind.data_time.map(|time| Cell::time(Some(time)));
    document.fact("total.data_time", time);
    Ok(document)
}

fn bands(
    total: &Distribution,
    reply: &GetDistributionResponse,
    unit: &Unit,
) -> Result<Table, Error> {
    let direction = known("direction", reply.direction)?;
    let rows = || total.bands.iter();
    let mut table = Table::new("total.bands", total.bands.len());
    let band = rows().map(|row| vocabulary::band(row.band));
    table.add(Key, "band", words("Khoảng", "Band"), band);
    let bound = |row: &BandCount| {
        let value = match row.band {
            Band::Green => reply.green_from,
            Band::Yellow => reply.yellow_from,
            Band::Unspecified | Band::Full | Band::Below | Band::Unknown | Band::Untested => {
                return Cell::NOTHING;
            }
        };
        Cell::from(Value::Bound { value, unit: unit.clone() })
    };
    let label = match direction {
        Direction::Down => words("Đến", "Up to"),
        Direction::Unspecified | Direction::Up => words("Từ", "From"),
    };
    table.add(Main, "bound", label, rows().map(bound));
    let count = rows().map(|row| Cell::count(row.locality_count));
    table.add(Key, "localities", words("Số đơn vị", "Localities"), count);
    let at_least = |row: &BandCount| has_value(row.band).then(|| Cell::count(row.at_least_count));
    table.add(Main, "at_least", words("Trở lên", "Or better"), rows().map(at_least));
    let named = |row: &BandCount| {
        let named: Vec<_> = row.provinces.iter().cloned().map(Named::pair).collect();
        if named.is_empty() { Cell::NOTHING } else { Value::Localities(named).into() }
    };
    table.add(Main, "provinces", words("Gồm", "Which"), rows().map(named));
    Ok(table)
}

const fn has_value(band: Band) -> bool {
    match band {
        Band::Full | Band::Green | Band::Yellow | Band::Below => true,
        Band::Unspecified | Band::Unknown | Band::Untested => false,
    }
}

fn by_province(provinces: &[Distribution]) -> Table {
    let rows = || provinces.iter();
    let mut table = Table::new("provinces", provinces.len());
    columns::localities(&mut table, rows().map(|row| &row.scope));
    let count = rows().map(|row| Cell::count(row.locality_count));
    table.add(Useful, "localities", columns::COMMUNES, count);
    for (band, key) in BANDS {
        let count = |row: &Distribution| {
            let found = row.bands.iter().find(|found| found.band == band);
            found.map(|found| Cell::count(found.locality_count))
        };
        table.add(Main, key, vocabulary::band(band).words, rows().map(count));
    }
    columns::behind(&mut table, rows().map(|row| &row.behind));
    table.columns.iter_mut().filter(|it| it.keys == ["data_time"]).for_each(|column| {
        column.importance = Data;
    });
    table
}
