//! Distributions as messages.

use phuxanh_core::{
    Level, LocalityCode,
    catalogue::{Catalogue, Indicator},
    figures::{
        insight::distribution::{Band, Distribution},
        ranking::Scope,
        rollup::PeriodRollup,
    },
};
use phuxanh_proto::{
    convert::query::{to_direction, to_level},
    v1,
};

use super::super::{
    Error,
    answer::{Reader, count},
    request,
};

pub(super) fn answer(
    reader: &Reader,
    request: &v1::GetDistributionRequest,
) -> Result<v1::GetDistributionResponse, Error> {
    let (catalogue, gazetteer) = (reader.view.catalogue(), reader.view.gazetteer());
    let at = request::indicator(&request.indicator, catalogue)?;
    let indicator = &catalogue.indicators[at];
    let legend = indicator.legend.ok_or_else(|| no_legend(indicator, catalogue))?;
    let within = request::within(&request.within, gazetteer)?;
    let scope = request::scope("level", request::level(request.level)?, within)?;
    let period = reader.period(&request.period)?;
    let nation = reader.view.nation(period);

    let no_legend = || no_legend(indicator, catalogue);
    let of_communes = |rollup: &PeriodRollup| {
        let communes = rollup.communes().iter();
        let rollups = communes.filter_map(|one| Some((one.code, *one.rollups.get(at)?)));
        Distribution::new(indicator, rollups).ok_or_else(no_legend)
    };
    let (total, provinces) = match scope {
        Scope::Provinces => {
            let rollups = nation
                .provinces()
                .filter_map(|(one, rollup)| Some((one.code, *rollup.rollups().get(at)?)));
            (Distribution::new(indicator, rollups).ok_or_else(no_legend)?, Vec::new())
        }
        Scope::Communes { within: Some(code) } => {
            let rollup = nation.province(code).ok_or(Error::UnknownLocality(code))?;
            (of_communes(rollup)?, Vec::new())
        }
        Scope::Communes { within: None } => {
            let provinces = nation
                .provinces()
                .map(|(one, rollup)| Ok((one.code, of_communes(rollup)?)))
                .collect::<Result<Vec<_>, Error>>()?;
            (Distribution::total(provinces.iter().map(|(_, one)| one)), provinces)
        }
    };
    let level = scope.level();
    let written = |(code, found): &(_, _)| write(reader, *code, level, found);
    Ok(v1::GetDistributionResponse {
        indicator: indicator.definition.id.clone(),
        level: to_level(level).into(),
        period: period.to_string(),
        view_version: reader.view.version().to_owned(),
        green_from: legend.green_from.to_f64(),
        yellow_from: legend.yellow_from.to_f64(),
        direction: to_direction(indicator.direction).into(),
        total: Some(write(reader, scope.within(), level, &total)),
        provinces: provinces.iter().map(written).collect(),
        reports: reader.reports(&nation, scope.within()),
    })
}

fn no_legend(indicator: &Indicator, catalogue: &Catalogue) -> Error {
    let with_legend = catalogue.indicators.iter().filter(|found| found.legend.is_some());
    let ids: Vec<_> = with_legend.map(|found| found.definition.id.as_str()).collect();
    Error::NoLegend { id: indicator.definition.id.clone(), known: ids.join(", ") }
}

fn write(
    reader: &Reader,
    scope: LocalityCode,
    level: Level,
    distribution: &Distribution,
) -> v1::Distribution {
    let bands = distribution.counted().map(|(band, codes, at_least_count)| {
        let named = if level == Level::Province { codes } else { &[] };
        v1::BandCount {
            band: to_band(band).into(),
            locality_count: count(codes.len()),
            at_least_count: count(at_least_count),
            provinces: named.iter().map(|code| reader.named(*code)).collect(),
        }
    });
    v1::Distribution {
        scope: Some(reader.named(scope)),
        locality_count: count(distribution.locality_count()),
        bands: bands.collect(),
        provenance: Some(reader.provenance(distribution.provenance)),
    }
}

const fn to_band(band: Band) -> v1::Band {
    match band {
        Band::Full => v1::Band::Full,
        Band::Green => v1::Band::Green,
        Band::Yellow => v1::Band::Yellow,
        Band::Below => v1::Band::Below,
        Band::Unknown => v1::Band::Unknown,
        Band::Untested => v1::Band::Untested,
    }
}
