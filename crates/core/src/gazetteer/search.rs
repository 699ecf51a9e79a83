//! Finds localities by what people type: without accents, in any case, in part.

use std::collections::BTreeMap;

use super::{Kind, Locality};
use crate::{
    LocalityCode,
    spelling::{fold, mistakes},
};

/// A locality that bears the name looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match<'a> {
    pub locality: &'a Locality,
    /// True if the text is the code or a whole name, and not part of one.
    pub exact: bool,
}

/// Quality of a match, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Whole,
    Beginning,
    Word,
    /// So many letters are missing, too many, other ones or exchanged. Only where nothing fits better.
    Mistyped(usize),
}

/// The folded names of every locality.
#[derive(Debug, Clone)]
pub(super) struct Index {
    names: Vec<(LocalityCode, Vec<String>)>,
}

impl Index {
    pub(super) fn new(localities: &BTreeMap<LocalityCode, Locality>) -> Self {
        Self { names: localities.values().map(|found| (found.code, names(found))).collect() }
    }

    pub(super) fn search<'a>(
        &self,
        text: &str,
        localities: &'a BTreeMap<LocalityCode, Locality>,
    ) -> Vec<Match<'a>> {
        let wanted = fold(text);
        if wanted.is_empty() {
            return Vec::new();
        }
        let mut found = self.fitting(|name| fit(name, &wanted));
        if found.is_empty() {
            found = self.fitting(|name| mistakes(name, &wanted).map(Fit::Mistyped));
        }
        found.sort_unstable();
        found
            .into_iter()
            .filter_map(|(fit, code)| {
                let locality = localities.get(&code)?;
                Some(Match { locality, exact: fit == Fit::Whole })
            })
            .collect()
    }

    fn fitting(&self, fit: impl Fn(&str) -> Option<Fit>) -> Vec<(Fit, LocalityCode)> {
        let best = |(code, names): &(LocalityCode, Vec<String>)| {
            Some((names.iter().filter_map(|name| fit(name)).min()?, *code))
        };
        self.names.iter().filter_map(best).collect()
    }
}

fn names(locality: &Locality) -> Vec<String> {
    let prefixes: &[&str] = match locality.kind {
        Kind::Nation => &[],
        Kind::Province => &["tinh"],
        Kind::City => &["thanh pho", "tp"],
        Kind::Commune => &["xa"],
        Kind::Ward => &["phuong"],
        Kind::SpecialZone => &["dac khu"],
    };
    let name = fold(&locality.name);
    let mut names = vec![locality.code.to_string()];
    names.extend(prefixes.iter().map(|prefix| format!("{prefix} {name}")));
    names.push(name);
    names.extend(locality.aliases.iter().map(|alias| fold(alias)));
    if !locality.name_en.is_empty() {
        names.push(fold(&locality.name_en));
    }
    names
}

fn fit(name: &str, wanted: &str) -> Option<Fit> {
    let rest = name.strip_prefix(wanted);
    match rest {
        Some("") => Some(Fit::Whole),
        Some(_) => Some(Fit::Beginning),
        None => name
            .match_indices(' ')
            .any(|(at, _)| name.get(at + 1..).is_some_and(|tail| tail.starts_with(wanted)))
            .then_some(Fit::Word),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Gazetteer;

    fn exact(text: &str) -> Vec<String> {
        let gazetteer = Gazetteer::builtin();
        let found = gazetteer.search(text);
        found.iter().filter(|hit| hit.exact).map(|hit| hit.locality.code.to_string()).collect()
    }

    #[test]
    fn provinces_are_found_however_they_are_typed() {
        let cases = [
            ("lai chau", "12"),
            ("LAI CHÂU", "12"),
            ("da nang", "48"),
            ("Đà Nẵng", "48"),
            ("thành phố đà nẵng", "48"),
            ("TP.HCM", "79"),
            ("tphcm", "79"),
            ("TP. Hồ Chí Minh", "79"),
            ("Ho Chi Minh City", "79"),
            ("Thua Thien Hue", "46"),
            ("Hanoi", "01"),
            ("04", "04"),
            ("bà rịa vũng tàu", "79"),
        ];
        for (text, code) in cases {
            assert_eq!(exact(text).first().map(String::as_str), Some(code), "{text}");
        }
    }

    #[test]
    fn every_bearer_of_a_name_is_found() {
        let gazetteer = Gazetteer::builtin();
        let bearers = gazetteer.localities().filter(|found| found.name == "Tân Thành").count();
        let found = gazetteer.search("tan thanh");
        assert!(bearers > 1);
        assert_eq!(found.iter().filter(|hit| hit.locality.name == "Tân Thành").count(), bearers);
    }

    #[test]
    fn a_mistyped_name_is_found_where_nothing_fits_better_and_is_never_exact() {
        let gazetteer = Gazetteer::builtin();
        let first = |text| {
            let found = gazetteer.search(text);
            assert!(found.iter().all(|hit| !hit.exact), "{text}: {found:?}");
            found.first().map(|hit| hit.locality.name.clone())
        };
        for (text, name) in [
            ("lai chu", "Lai Châu"),
            ("dien bein", "Điện Biên"),
            ("Quảng Nghĩa", "Quảng Ngãi"),
            ("tỉnh cao bănng", "Cao Bằng"),
        ] {
            assert_eq!(first(text).as_deref(), Some(name), "{text}");
        }
        for text in ["zzzz", "99", "99999", &"lai chau ".repeat(100)] {
            assert_eq!(first(text), None, "{text}");
        }
    }

    #[test]
    fn a_part_of_a_name_is_no_exact_match() {
        let gazetteer = Gazetteer::builtin();
        let found = gazetteer.search("quoc tu giam");
        let names: Vec<_> =
            found.iter().map(|hit| (hit.locality.name.as_str(), hit.exact)).collect();
        assert_eq!(names, [("Văn Miếu - Quốc Tử Giám", false)]);
        assert!(gazetteer.search("  ").is_empty());
    }
}
