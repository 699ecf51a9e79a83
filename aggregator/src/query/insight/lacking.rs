//! Communes that lack a criterion as messages.

use phuxanh_core::{
    LocalityCode,
    figures::insight::lacking::{Lacking, communes},
};
use phuxanh_proto::{refusal::Expected, v1};

use super::{
    super::{
        Context, Error,
        answer::{Reader, count},
        hint::{self, Kind},
        page::{Binding, Place},
        request, walk,
    },
    province_code,
};

/// Place of a row: criteria met of so many, unmet ones left, and the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct At([i64; 3]);

impl Place for At {
    fn to_numbers(&self) -> Vec<i64> {
        self.0.to_vec()
    }

    fn from_numbers(numbers: &[i64]) -> Option<Self> {
        numbers.try_into().ok().map(Self)
    }
}

impl At {
    fn of(row: &Lacking) -> Self {
        let negative = |number: usize| -i64::from(count(number));
        let code = i64::from(row.commune.number());
        Self([negative(row.lack.count()), negative(row.lack.unmet.len()), code])
    }
}

pub(super) fn list(
    context: &Context,
    request: &v1::ListLackingRequest,
) -> Result<v1::ListLackingResponse, Error> {
    let present = context.reader();
    let within = request::within(&request.within, present.view.gazetteer())?;
    let criterion = criterion(&present, &request.criterion)?;
    let binding = Binding::new("ListLacking")
        .number(within.map_or(0, |code| code.number().into()))
        .text(&request.criterion);
    let asked = walk::Asked {
        binding,
        period: &request.period,
        page_size: request.page_size,
        page_token: &request.page_token,
    };
    let walk = context.walk(&present, asked)?;
    let reader = &walk.reader;
    let nation = reader.view.nation(walk.period);
    let provinces =
        nation.provinces().filter(|(one, _)| within.is_none_or(|code| code == one.code));
    let all: Vec<_> = provinces.flat_map(|(_, rollup)| rollup.communes()).collect();
    let rows = communes(all.iter().copied(), criterion, reader.view.catalogue());
    let (lacking_count, unknown_count) =
        (rows.len(), rows.iter().filter(|row| row.is_unknown).count());
    let (page, next_page_token) = walk.select(rows, At::of);
    Ok(v1::ListLackingResponse {
        rows: page.iter().map(|row| write(reader, row)).collect(),
        next_page_token,
        within: within.unwrap_or(LocalityCode::NATION).to_string(),
        criterion: request.criterion.clone(),
        period: walk.period.to_string(),
        view_version: reader.view.version().to_owned(),
        lacking_count: count(lacking_count),
        unknown_count: count(unknown_count),
        commune_count: count(all.len()),
        view_changed: walk.view_changed,
        reports: reader.reports(&nation, within.unwrap_or(LocalityCode::NATION)),
    })
}

/// Place of the criterion asked for; none for all that green asks for.
fn criterion(reader: &Reader, id: &str) -> Result<Option<usize>, Error> {
    let catalogue = reader.view.catalogue();
    let criteria = &catalogue.criteria;
    let found = criteria.iter().position(|one| one.definition.id == id);
    if found.is_none() && !id.is_empty() {
        let known: Vec<_> = criteria.iter().map(|one| one.definition.id.as_str()).collect();
        let expected = format!("the id of a criterion, one of {}", known.join(", "));
        let refused = Error::malformed("criterion", Expected::Criterion, expected);
        return Err(refused.hinted(hint::of_name(id, &[Kind::Criterion], catalogue)));
    }
    Ok(found)
}

fn write(reader: &Reader, row: &Lacking) -> v1::LackingCommune {
    let locality = reader.view.gazetteer().locality(row.commune);
    v1::LackingCommune {
        commune: Some(reader.named(row.commune)),
        province_code: locality.map(province_code).unwrap_or_default(),
        is_unknown: row.is_unknown,
        unmet: reader.criterion_ids(&row.lack.unmet),
        unknown: reader.criterion_ids(&row.lack.unknown),
        provenance: Some(reader.provenance(row.provenance)),
    }
}
