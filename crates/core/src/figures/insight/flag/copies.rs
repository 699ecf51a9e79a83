//! Communes whose values are those of another one of their province.

use super::{Finding, Flag, Province};

/// Each commune that has the same values as another one with a lower code, in as many measures as
/// the catalogue asks for. The first such one is named, so that a commune is flagged once.
pub(super) fn copied(province: &Province<'_>, found: &mut Vec<Flag>) {
    let rules = &province.catalogue.plausibility;
    let keys: Vec<_> = rules
        .varying
        .iter()
        .filter_map(|measure| {
            let metric = &province.catalogue.measures[*measure].metric;
            Some((*measure, province.fold.metric_key(metric)?))
        })
        .collect();
    let rows: Vec<_> = province
        .communes()
        .map(|locality| {
            let values = keys.iter().map(|(_, key)| {
                let value = province.value(locality, *key, province.period);
                value.filter(|value| *value >= rules.value_min)
            });
            (locality, values.collect::<Vec<_>>())
        })
        .collect();
    for (at, (locality, values)) in rows.iter().enumerate() {
        let same = |other: &[Option<i64>]| {
            let pairs = keys.iter().zip(values.iter().zip(other));
            let same = pairs.filter(|(_, (one, other))| one.is_some() && one == other);
            same.map(|((measure, _), _)| *measure).collect::<Vec<_>>()
        };
        let originals = rows[..at].iter().map(|(code, other)| (*code, same(other)));
        let mut copies =
            originals.filter(|(_, measures)| measures.len() >= rules.copied_measure_count);
        if let Some((original, measures)) = copies.next() {
            let extent = i64::try_from(measures.len()).expect("few measures");
            let finding = Finding::Copied { original, measures };
            found.push(Flag { locality: *locality, extent, finding });
        }
    }
}
