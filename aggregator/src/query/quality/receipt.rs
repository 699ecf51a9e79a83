//! Receipts as messages.

use phuxanh_core::{
    LocalityCode,
    catalogue::Catalogue,
    figures::{
        insight::receipt::{Counted, Receipt, Subject, counted, localities},
        view::NationRollup,
    },
    gazetteer::Locality,
};
use phuxanh_proto::{
    convert::{query::to_basis, wire_time},
    refusal::Expected,
    v1::{self, list_receipts_request as ask, list_receipts_response::Number},
};

use super::super::{
    Context, Error,
    answer::{Reader, count},
    hint::{self, Kind},
    page::{Binding, Place},
    request, walk,
};

pub(super) fn list(
    context: &Context,
    request: &v1::ListReceiptsRequest,
) -> Result<v1::ListReceiptsResponse, Error> {
    let present = context.reader();
    let locality = request::locality("code", &request.code, present.view.gazetteer())?;
    let subject = subject(request.subject.as_ref(), present.view.catalogue())?;
    check_level(subject, locality, present.view.catalogue())?;
    let (kind, at) = match subject {
        Subject::Indicator(at) => (0, at),
        Subject::Criterion(at) => (1, at),
        Subject::Measure(at) => (2, at),
    };
    let binding = Binding::new("ListReceipts")
        .number(locality.code.number().into())
        .number(kind)
        .number(i64::try_from(at).expect("a place in the catalogue"));
    let asked = walk::Asked {
        binding,
        period: &request.period,
        page_size: request.page_size,
        page_token: &request.page_token,
    };
    let walk = context.walk(&present, asked)?;
    let reader = &walk.reader;
    let nation = reader.view.nation(walk.period);
    let all = counted(&reader.view, &nation, locality, subject);
    let number = number(reader, &nation, locality, subject, &all);
    let cells = all.chunk_by(|one, next| one.place.locality == next.place.locality);
    let cells = cells.flat_map(|cells| cells.iter().enumerate());
    let (page, next_page_token) = walk.select(cells, |(at, one)| (one.place.locality, *at));
    Ok(v1::ListReceiptsResponse {
        receipts: page.into_iter().filter_map(|(_, one)| write_counted(reader, one)).collect(),
        next_page_token,
        locality: Some(reader.named(locality.code)),
        period: walk.period.to_string(),
        view_version: reader.view.version().to_owned(),
        number: Some(number),
        receipt_count: count(all.len()),
        view_changed: walk.view_changed,
        reports: reader.reports(&nation, locality.code),
    })
}

fn subject(asked: Option<&ask::Subject>, catalogue: &Catalogue) -> Result<Subject, Error> {
    match asked {
        None => request::indicator("", catalogue).map(Subject::Indicator),
        Some(ask::Subject::Indicator(id)) => {
            request::indicator(id, catalogue).map(Subject::Indicator)
        }
        Some(ask::Subject::Metric(id)) => {
            let criteria = catalogue.criteria.iter().map(|one| &one.definition.id);
            let measures = catalogue.measures.iter().map(|one| &one.definition.id);
            let (mut criteria, mut measures) = (criteria, measures);
            let criterion = criteria.position(|found| found == id).map(Subject::Criterion);
            let measure = || measures.position(|found| found == id).map(Subject::Measure);
            criterion.or_else(measure).ok_or_else(|| {
                let refused = Error::UnknownMetric(id.clone());
                refused.hinted(hint::of_name(
                    id,
                    &[Kind::Criterion, Kind::Measure, Kind::MeasureAbove],
                    catalogue,
                ))
            })
        }
    }
}

/// A locality has no number of what is reported above it.
fn check_level(subject: Subject, locality: &Locality, catalogue: &Catalogue) -> Result<(), Error> {
    let Subject::Measure(at) = subject else { return Ok(()) };
    let measure = &catalogue.measures[at];
    if locality.code.level() <= measure.level {
        return Ok(());
    }
    let (level, id) = (measure.level, &measure.definition.id);
    let expected =
        format!("the code of a {level}, or of what it lies in: {id} is reported by each {level}");
    let at = if level == phuxanh_core::Level::Nation { "nation" } else { "province" };
    let refused = Error::malformed("code", Expected::LevelOfMeasure, expected);
    Err(refused.with("id", &id).with("level", &at))
}

fn number(
    reader: &Reader,
    nation: &NationRollup<'_>,
    locality: &Locality,
    subject: Subject,
    all: &[Counted],
) -> Number {
    match subject {
        Subject::Indicator(at) => Number::Rollup(reader.figure(nation, locality, at)),
        Subject::Criterion(at) => {
            let definition = &reader.view.catalogue().criteria[at];
            let rollup = nation.figures(locality).criteria[at];
            Number::Criterion(reader.criterion(definition, &rollup))
        }
        Subject::Measure(at) => {
            let values = all.iter().filter_map(|one| {
                let value = receipt(reader, one)?.cell.value?;
                Some(value * i64::from(one.numerator_factor))
            });
            let of = localities(&reader.view, nation, locality, subject);
            let reported = all.chunk_by(|one, next| one.place.locality == next.place.locality);
            Number::Measure(v1::MeasureSum {
                measure: reader.view.catalogue().measures[at].definition.id.clone(),
                sum: values.sum(),
                reported_count: count(reported.count()),
                locality_count: count(of.len()),
            })
        }
    }
}

fn receipt(reader: &Reader, one: &Counted) -> Option<Receipt> {
    Receipt::of(reader.view.reporter(one.reporter)?, one.place.clone())
}

fn write_counted(reader: &Reader, one: &Counted) -> Option<v1::CountedReceipt> {
    Some(v1::CountedReceipt {
        receipt: Some(write(reader, &receipt(reader, one)?)?),
        numerator_factor: one.numerator_factor,
        denominator_factor: one.denominator_factor,
    })
}

/// A cell of a locality, counted among the cells of that locality.
impl Place for (LocalityCode, usize) {
    fn to_numbers(&self) -> Vec<i64> {
        let (locality, at) = *self;
        let at = i64::try_from(at).expect("fewer cells than there are metrics");
        vec![locality.number().into(), at]
    }

    fn from_numbers(numbers: &[i64]) -> Option<Self> {
        let &[locality, at] = numbers else { return None };
        Some((LocalityCode::from_number(locality).ok()?, usize::try_from(at).ok()?))
    }
}

/// Writes a receipt; `None` for a value that was withdrawn.
pub(super) fn write(reader: &Reader, receipt: &Receipt) -> Option<v1::Receipt> {
    receipt.cell.value.map(|value| write_value(reader, receipt, value))
}

/// Writes a receipt of a value.
pub(super) fn write_value(reader: &Reader, receipt: &Receipt, value: i64) -> v1::Receipt {
    let (place, cell) = (&receipt.place, &receipt.cell);
    let catalogue = reader.view.catalogue();
    let origin = receipt.origin.as_ref();
    let digest = origin.map(|origin| origin.catalogue_digest);
    let in_force = digest == Some(catalogue.digest());
    v1::Receipt {
        locality: Some(reader.named(place.locality)),
        metric: place.metric.to_string(),
        period: place.period.to_string(),
        value,
        observed_time: Some(wire_time(cell.observed)),
        unchanged_since_time: Some(wire_time(cell.unchanged_since)),
        receipt_time: Some(wire_time(cell.receipt)),
        basis: to_basis(cell.basis).into(),
        reporter_code: receipt.reporter.to_string(),
        log_id: origin.map(|origin| origin.log.0.to_vec()).unwrap_or_default(),
        log_epoch: cell.log_epoch,
        sequence: cell.sequence,
        index: cell.index,
        catalogue_digest: digest.map(|digest| digest.to_vec()).unwrap_or_default(),
        catalogue_version: if in_force { catalogue.version } else { 0 },
        host: origin.map(|origin| origin.host.clone()).unwrap_or_default(),
    }
}
