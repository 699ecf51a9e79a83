//! Paths as messages.

use phuxanh_core::figures::insight::path::{CriterionSet, Path, Target};
use phuxanh_proto::{refusal::Expected, v1};

use super::{
    super::{
        Error,
        answer::{Reader, count},
    },
    COVERAGE, province,
};

pub(super) fn answer(
    reader: &Reader,
    request: &v1::GetPathRequest,
) -> Result<v1::GetPathResponse, Error> {
    let locality = province(reader, &request.code)?;
    let target = Target::new(request.target_percent).ok_or_else(|| {
        Error::malformed("target_percent", Expected::Percentage, "a percentage from 1 to 100")
    })?;
    let period = reader.period(&request.period)?;
    let nation = reader.view.nation(period);
    let rollup = nation.province(locality.code).ok_or(Error::UnknownLocality(locality.code))?;
    let path = Path::new(rollup, reader.view.catalogue(), target);
    let (unmet_fix_count, unknown_fix_count) = path.fix_counts();
    let communes = path.communes.iter().map(|(code, lack)| v1::PathCommune {
        commune: Some(reader.named(*code)),
        unmet: reader.criterion_ids(&lack.unmet),
        unknown: reader.criterion_ids(&lack.unknown),
    });
    Ok(v1::GetPathResponse {
        province: Some(reader.named(locality.code)),
        period: period.to_string(),
        view_version: reader.view.version().to_owned(),
        target_percent: request.target_percent,
        coverage: Some(reader.figure(&nation, locality, COVERAGE)),
        target_count: count(path.target_count),
        needed_count: count(path.communes.len()),
        communes: communes.collect(),
        unmet_fix_count: count(unmet_fix_count),
        unknown_fix_count: count(unknown_fix_count),
        criterion_set: Some(to_wire(reader, &path.everywhere)),
        reports: reader.reports(&nation, locality.code),
    })
}

fn to_wire(reader: &Reader, set: &CriterionSet) -> v1::CriterionSet {
    v1::CriterionSet {
        criteria: reader.criterion_ids(&set.criteria),
        exact: set.is_exact(),
        lower_bound: count(set.lower_bound),
        turned_count: count(set.turned_count),
        unmet_fix_count: count(set.unmet_fix_count),
        unknown_fix_count: count(set.unknown_fix_count),
    }
}
