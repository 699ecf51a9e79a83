//! Shortfalls as messages.

use phuxanh_core::{
    LocalityCode,
    catalogue::Criterion,
    figures::insight::shortfall::{self, Shortfall},
    gazetteer::Locality,
};
use phuxanh_proto::v1;

use super::{
    super::{
        Error,
        answer::{Reader, count},
        request,
    },
    COVERAGE,
};

pub(super) fn answer(
    reader: &Reader,
    request: &v1::GetShortfallsRequest,
) -> Result<v1::GetShortfallsResponse, Error> {
    let (catalogue, gazetteer) = (reader.view.catalogue(), reader.view.gazetteer());
    let within = request::within(&request.within, gazetteer)?;
    let period = reader.period(&request.period)?;
    let nation = reader.view.nation(period);
    let write = |locality: &Locality, shortfalls: &[Shortfall]| {
        let criteria = catalogue.criteria.iter().zip(shortfalls);
        v1::ScopeShortfalls {
            scope: Some(reader.named(locality.code)),
            coverage: Some(reader.figure(&nation, locality, COVERAGE)),
            shortfalls: criteria.map(|(criterion, one)| to_wire(reader, criterion, one)).collect(),
            flip_count: count(shortfalls.iter().map(|one| one.flip_count).sum::<u32>()),
        }
    };
    let (total, provinces) = if let Some(code) = within {
        let locality = gazetteer.locality(code).ok_or(Error::UnknownLocality(code))?;
        let rollup = nation.province(code).ok_or(Error::UnknownLocality(code))?;
        (write(locality, &shortfall::of_province(rollup, catalogue)), Vec::new())
    } else {
        let provinces: Vec<_> = nation
            .provinces()
            .map(|(province, rollup)| (province, shortfall::of_province(rollup, catalogue)))
            .collect();
        let total =
            shortfall::total(provinces.iter().map(|(_, found)| found.as_slice()), catalogue);
        let written = provinces.iter().map(|(province, found)| write(province, found));
        (write(reader.country()?, &total), written.collect())
    };
    Ok(v1::GetShortfallsResponse {
        period: period.to_string(),
        view_version: reader.view.version().to_owned(),
        total: Some(total),
        provinces,
        reports: reader.reports(&nation, within.unwrap_or(LocalityCode::NATION)),
    })
}

fn to_wire(reader: &Reader, criterion: &Criterion, shortfall: &Shortfall) -> v1::Shortfall {
    v1::Shortfall {
        criterion: criterion.definition.id.clone(),
        required: criterion.required,
        unmet_count: count(shortfall.rollup.unmet_count),
        unknown_count: count(shortfall.rollup.unknown_count),
        flip_count: count(shortfall.flip_count),
        flip_unknown_count: count(shortfall.flip_unknown_count),
        provenance: Some(reader.provenance(shortfall.rollup.provenance)),
    }
}
