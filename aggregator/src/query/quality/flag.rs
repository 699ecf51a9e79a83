//! Flags as messages.

use std::cmp::Reverse;

use phuxanh_core::{
    LocalityCode, Period,
    figures::insight::{
        flag::{Deadline, Finding, Flag, Key, Rule, flags},
        receipt::Receipt,
    },
};
use phuxanh_proto::{
    convert::{query::whole_id, wire_time},
    refusal::Expected,
    v1::{self, flag::Finding as Wire},
};

use super::{
    super::{
        Context, Error,
        answer::{Reader, count},
        insight::province_code,
        page::{Binding, Place},
        request, walk,
    },
    receipt,
};

pub(super) fn list(
    context: &Context,
    request: &v1::ListFlagsRequest,
) -> Result<v1::ListFlagsResponse, Error> {
    let present = context.reader();
    let within = request::within(&request.within, present.view.gazetteer())?;
    let expected = "a rule of FlagRule, or FLAG_RULE_UNSPECIFIED for all";
    let rule = from_rule(request::word("rule", request.rule, Expected::FlagRule, expected)?);
    let asked = walk::Asked {
        binding: Binding::new("ListFlags")
            .number(within.unwrap_or(LocalityCode::NATION).number().into())
            .number(request.rule.into()),
        period: &request.period,
        page_size: request.page_size,
        page_token: &request.page_token,
    };
    let walk = context.walk(&present, asked)?;
    let (reader, period) = (&walk.reader, walk.period);
    let all = flags(&reader.view, period, within);
    let counts = Rule::ALL.map(|rule| v1::FlagCount {
        rule: to_rule(rule).into(),
        flag_count: count(all.iter().filter(|flag| flag.rule() == rule).count()),
    });
    let listed = all.into_iter().filter(|flag| rule.is_none_or(|rule| rule == flag.rule()));
    let (page, next_page_token) = walk.select(listed, Flag::key);
    Ok(v1::ListFlagsResponse {
        flags: page.iter().filter_map(|flag| write(reader, flag, period)).collect(),
        next_page_token,
        within: within.unwrap_or(LocalityCode::NATION).to_string(),
        period: period.to_string(),
        view_version: reader.view.version().to_owned(),
        counts: counts.to_vec(),
        view_changed: walk.view_changed,
        reports: reader
            .reports(&reader.view.nation(period), within.unwrap_or(LocalityCode::NATION)),
    })
}

impl Place for Key {
    fn to_numbers(&self) -> Vec<i64> {
        let rule = Rule::ALL.iter().position(|rule| *rule == self.rule);
        let place = |place: usize| i64::try_from(place).expect("a place in the catalogue");
        let Reverse(extent) = self.extent;
        let locality = self.locality.number().into();
        vec![place(rule.expect("one of all")), extent, locality, place(self.place)]
    }

    fn from_numbers(numbers: &[i64]) -> Option<Self> {
        let &[rule, extent, locality, place] = numbers else { return None };
        Some(Self {
            rule: *Rule::ALL.get(usize::try_from(rule).ok()?)?,
            extent: Reverse(extent),
            locality: LocalityCode::from_number(locality).ok()?,
            place: usize::try_from(place).ok()?,
        })
    }
}

/// `None` for all rules.
const fn from_rule(rule: v1::FlagRule) -> Option<Rule> {
    match rule {
        v1::FlagRule::Unspecified => None,
        v1::FlagRule::Part => Some(Rule::Part),
        v1::FlagRule::Total => Some(Rule::Total),
        v1::FlagRule::Frozen => Some(Rule::Frozen),
        v1::FlagRule::Copied => Some(Rule::Copied),
        v1::FlagRule::Eve => Some(Rule::Eve),
    }
}

const fn to_rule(rule: Rule) -> v1::FlagRule {
    match rule {
        Rule::Part => v1::FlagRule::Part,
        Rule::Total => v1::FlagRule::Total,
        Rule::Frozen => v1::FlagRule::Frozen,
        Rule::Copied => v1::FlagRule::Copied,
        Rule::Eve => v1::FlagRule::Eve,
    }
}

/// The flag; `None` if the gazetteer does not hold its locality.
fn write(reader: &Reader, flag: &Flag, period: Period) -> Option<v1::Flag> {
    let locality = reader.view.gazetteer().locality(flag.locality)?;
    let owner = locality.province.unwrap_or(locality.code);
    let evidence = match reader.view.reporter(owner) {
        None => Vec::new(),
        Some(reporter) => flag
            .evidence(reader.view.catalogue(), period)
            .into_iter()
            .filter_map(|place| Receipt::of(reporter, place))
            .filter_map(|found| receipt::write(reader, &found))
            .collect(),
    };
    Some(v1::Flag {
        rule: to_rule(flag.rule()).into(),
        locality: Some(reader.named(flag.locality)),
        province_code: province_code(locality),
        extent: flag.extent,
        finding: Some(finding(reader, &flag.finding, period)),
        evidence,
    })
}

fn finding(reader: &Reader, finding: &Finding, period: Period) -> Wire {
    let catalogue = reader.view.catalogue();
    let id = |measure: usize| catalogue.measures[measure].definition.id.clone();
    match finding {
        Finding::Part { part, whole, part_value, whole_value } => Wire::Part(v1::PartFinding {
            part: id(*part),
            whole: id(*whole),
            part_value: *part_value,
            whole_value: *whole_value,
        }),
        Finding::Total { declared, of, declared_value, sum } => Wire::Total(v1::TotalFinding {
            declared: id(*declared),
            of: whole_id(catalogue, *of),
            declared_value: *declared_value,
            sum_least: sum.least,
            sum_most: sum.most,
            reported_count: count(sum.reported_count),
            commune_count: count(sum.commune_count),
            provenance: Some(reader.provenance(sum.provenance)),
        }),
        Finding::Frozen { measure, value, period_count } => Wire::Frozen(v1::FrozenFinding {
            measure: id(*measure),
            value: *value,
            period_count: count(*period_count),
        }),
        Finding::Copied { original, measures } => Wire::Copied(v1::CopiedFinding {
            original: Some(reader.named(*original)),
            measures: measures.iter().map(|measure| id(*measure)).collect(),
        }),
        Finding::Eve { deadline, criteria } => {
            let (deadline, time) = match deadline {
                Deadline::Report => (String::new(), catalogue.deadline(period)),
                Deadline::Named(at) => {
                    let named = &catalogue.plausibility.deadlines[*at];
                    (named.definition.id.clone(), named.time)
                }
            };
            let places: Vec<_> = criteria.iter().map(|found| found.criterion).collect();
            Wire::Eve(v1::EveFinding {
                deadline,
                deadline_time: Some(wire_time(time)),
                criteria: reader.criterion_ids(&places),
            })
        }
    }
}
