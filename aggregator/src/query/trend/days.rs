//! Days of a month and turns within it as messages.

use phuxanh_core::{
    LocalityCode,
    catalogue::{Catalogue, Criterion},
    figures::{
        insight::days::{Days, Month},
        rollup::{CommuneRollup, Provenance},
    },
};
use phuxanh_proto::{refusal::Expected, v1};

use super::super::{
    Context, Error,
    answer::{Reader, communes, count},
    hint::{self, Kind},
    insight::province_code,
    page::Binding,
    request, walk,
};

/// A commune with its days.
struct Row {
    commune: LocalityCode,
    days: Days,
    provenance: Option<Provenance>,
}

pub(super) fn list(
    context: &Context,
    request: &v1::ListDaysRequest,
) -> Result<v1::ListDaysResponse, Error> {
    let present = context.reader();
    let locality = request::locality("code", &request.code, present.view.gazetteer())?;
    let criteria = criteria(&request.criterion, present.view.catalogue())?;
    let binding =
        Binding::new("ListDays").number(locality.code.number().into()).text(&request.criterion);
    let asked = walk::Asked {
        binding,
        period: &request.period,
        page_size: request.page_size,
        page_token: &request.page_token,
    };
    let walk = context.walk(&present, asked)?;
    let reader = &walk.reader;
    let month = Month::new(walk.period, reader.now);
    let nation = reader.view.nation(walk.period);
    let communes = communes(&nation, locality).into_iter();
    let mut rows: Vec<_> =
        communes.map(|commune| Row::new(reader, commune, &criteria, &month)).collect();
    let commune_count = rows.len();
    let flapping_count = rows.iter().filter(|row| row.days.is_flapping()).count();
    rows.sort_unstable_by_key(Row::place);
    let (page, next_page_token) = walk.select(rows, Row::place);
    Ok(v1::ListDaysResponse {
        rows: page.iter().map(|row| row.write(reader)).collect(),
        next_page_token,
        locality: Some(reader.named(locality.code)),
        criterion: request.criterion.clone(),
        period: walk.period.to_string(),
        view_version: reader.view.version().to_owned(),
        day_count: count(month.day_count()),
        commune_count: count(commune_count),
        flapping_count: count(flapping_count),
        view_changed: walk.view_changed,
        reports: reader.reports(&nation, locality.code),
    })
}

/// Place of the criterion asked for; of all that are required where none is.
fn criteria(id: &str, catalogue: &Catalogue) -> Result<Vec<usize>, Error> {
    let is_asked = |one: &Criterion| match id {
        "" => one.required,
        id => one.definition.id == id,
    };
    let all = catalogue.criteria.iter().enumerate();
    let asked: Vec<_> = all.filter_map(|(at, one)| is_asked(one).then_some(at)).collect();
    if asked.is_empty() {
        let expected = "the id of a criterion, or nothing for green";
        let refused = Error::malformed("criterion", Expected::Criterion, expected);
        return Err(refused.hinted(hint::of_name(id, &[Kind::Criterion], catalogue)));
    }
    Ok(asked)
}

impl Row {
    fn new(reader: &Reader, rollup: &CommuneRollup, criteria: &[usize], month: &Month) -> Self {
        let commune = rollup.code;
        let province = reader.view.gazetteer().locality(commune).and_then(|found| found.province);
        let reporter = province.and_then(|province| reader.view.reporter(province));
        let days = reporter.map_or_else(Days::default, |reporter| {
            let fold = reporter.fold();
            let all = &reader.view.catalogue().criteria;
            let keys = criteria.iter().map(|at| fold.metric_key(&all[*at].metric));
            Days::new(fold, commune, &keys.collect::<Vec<_>>(), month)
        });
        let held = criteria.iter().map(|at| rollup.criteria[*at].map(|held| held.provenance));
        Self { commune, days, provenance: held.fold(None, Provenance::merge) }
    }

    /// Place in the order: the most turns first, then the fewest days met, then by code.
    fn place(&self) -> [i64; 3] {
        let Self { commune, days, .. } = self;
        [-i64::from(days.turn_count), days.met_count.into(), commune.number().into()]
    }

    fn write(&self, reader: &Reader) -> v1::CommuneDays {
        let Self { commune, days, provenance } = self;
        let locality = reader.view.gazetteer().locality(*commune);
        v1::CommuneDays {
            commune: Some(reader.named(*commune)),
            province_code: locality.map(province_code).unwrap_or_default(),
            met_day_count: count(days.met_count),
            unmet_day_count: count(days.unmet_count),
            unknown_day_count: count(days.unknown_count),
            turn_count: count(days.turn_count),
            cut: days.is_cut,
            provenance: Some(reader.provenance(*provenance)),
        }
    }
}
