//! Receipts as messages.

use phuxanh_proto::{
    catalogue::Catalogue,
    convert::{query::to_basis, wire_time},
    gazetteer::Locality,
    model::{LocalityCode, Period},
    v1::{self, list_receipts_request as ask, list_receipts_response::Number},
};

use super::super::{
    Error,
    answer::{Reader, count},
    page::{self, Binding},
    request,
};
use crate::{
    insight::receipt::{Counted, Receipt, Subject, counted},
    view::NationRollup,
};

/// Where a page goes on: behind a cell of a locality.
struct After {
    /// Of the first page, so that a default does not change on the way.
    period: Period,
    locality: LocalityCode,
    /// Cells of that locality that were listed.
    listed_count: usize,
}

pub(super) fn list(
    reader: &Reader,
    request: &v1::ListReceiptsRequest,
) -> Result<v1::ListReceiptsResponse, Error> {
    let locality = request::locality("code", &request.code, reader.view.gazetteer())?;
    let subject = subject(request.subject.as_ref(), reader.view.catalogue())?;
    let size = page::size(request.page_size)?;
    let asked_period = request::period("period", &request.period)?;
    let (kind, at) = match subject {
        Subject::Indicator(at) => (0, at),
        Subject::Criterion(at) => (1, at),
        Subject::Measure(at) => (2, at),
    };
    let binding = Binding::new("ListReceipts")
        .number(locality.code.number().into())
        .number(kind)
        .number(i64::try_from(at).expect("a place in the catalogue"))
        .number(asked_period.map_or(0, |period| period.number().into()));
    let after = match binding.open(&request.page_token)? {
        None => None,
        Some(numbers) => Some(After::of_numbers(numbers).ok_or(Error::ForeignPageToken)?),
    };
    let period = after
        .as_ref()
        .map(|after| after.period)
        .or(asked_period)
        .unwrap_or_else(|| reader.default_period());
    let nation = reader.view.nation(period);
    let all = counted(&reader.view, &nation, locality, subject);
    let number = number(reader, &nation, locality, subject, &all);
    let begin = after.map_or(0, |after| after.place(&all));
    let end = all.len().min(begin + size);
    let next = (end < all.len()).then(|| After::new(period, &all[..end]).numbers());
    Ok(v1::ListReceiptsResponse {
        receipts: all[begin..end].iter().filter_map(|one| write_counted(reader, one)).collect(),
        next_page_token: next.map(|numbers| binding.seal(numbers)).unwrap_or_default(),
        locality: Some(reader.named(locality.code)),
        period: period.to_string(),
        view_version: reader.view.version().to_owned(),
        number: Some(number),
        receipt_count: count(all.len()),
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
            criterion.or_else(measure).ok_or_else(|| Error::UnknownMetric(id.clone()))
        }
    }
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
            let localities = all.chunk_by(|one, next| one.place.locality == next.place.locality);
            Number::Measure(v1::MeasureSum {
                measure: reader.view.catalogue().measures[at].definition.id.clone(),
                sum: values.sum(),
                reported_count: count(localities.count()),
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

impl After {
    /// Behind the last of these, of which there is at least one.
    fn new(period: Period, listed: &[Counted]) -> Self {
        let locality = listed.last().map_or(LocalityCode::NATION, |last| last.place.locality);
        let same = listed.iter().rev().take_while(|one| one.place.locality == locality);
        Self { period, locality, listed_count: same.count() }
    }

    /// Where the page begins in the whole list.
    fn place(&self, all: &[Counted]) -> usize {
        let begin = all.partition_point(|one| one.place.locality < self.locality);
        let behind = all.partition_point(|one| one.place.locality <= self.locality);
        behind.min(begin.saturating_add(self.listed_count))
    }

    fn numbers(&self) -> [i64; 3] {
        let listed_count = i64::try_from(self.listed_count).expect("fewer than there are metrics");
        [self.period.number().into(), self.locality.number().into(), listed_count]
    }

    /// The place of [`Self::numbers`].
    fn of_numbers([period, locality, listed_count]: [i64; 3]) -> Option<Self> {
        Some(Self {
            period: Period::from_number(period).ok()?,
            locality: LocalityCode::from_number(locality).ok()?,
            listed_count: usize::try_from(listed_count).ok()?,
        })
    }
}

/// Writes a receipt; `None` for a value that was withdrawn.
pub(super) fn write(reader: &Reader, receipt: &Receipt) -> Option<v1::Receipt> {
    let (place, cell) = (&receipt.place, &receipt.cell);
    let catalogue = reader.view.catalogue();
    let origin = receipt.origin.as_ref();
    let digest = origin.map(|origin| origin.catalogue_digest);
    let in_force = digest == Some(catalogue.digest());
    Some(v1::Receipt {
        locality: Some(reader.named(place.locality)),
        metric: place.metric.to_string(),
        period: place.period.to_string(),
        value: cell.value?,
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
    })
}
