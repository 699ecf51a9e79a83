//! Reads a gazetteer file and says everything that is wrong with it.

use std::{collections::BTreeMap, fmt};

use jiff::civil::Date;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use super::{Kind, Locality};
use crate::{Level, LocalityCode};

/// One thing wrong with a gazetteer file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line of the file, from 1; 0 where the whole file is meant.
    pub line: u64,
    /// Column, or empty where the whole line is meant.
    pub column: &'static str,
    /// Expectation that the field does not meet.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => write!(f, "{}", self.message),
            (line, "") => write!(f, "line {line}: {}", self.message),
            (line, column) => write!(f, "line {line}, {column}: {}", self.message),
        }
    }
}

/// Everything wrong with a gazetteer file; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the gazetteer is faulty: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Error(pub Vec<Fault>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: String,
    kind: String,
    name: String,
    name_en: String,
    province: String,
    valid_from: String,
    valid_until: String,
    served_by: String,
    aliases: String,
}

pub(super) fn parse(bytes: &[u8]) -> Result<BTreeMap<LocalityCode, Locality>, Error> {
    let mut localities = BTreeMap::new();
    let mut lines = BTreeMap::new();
    let mut faults = Vec::new();
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().cloned().unwrap_or_default();
    for record in reader.records() {
        let row = record.and_then(|record| {
            let line = record.position().map_or(0, csv::Position::line);
            record.deserialize::<Row>(Some(&header)).map(|row| (line, row))
        });
        let (line, row) = match row {
            Ok(row) => row,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                faults.push(Fault { line, column: "", message: error.to_string() });
                continue;
            }
        };
        match locality(&row) {
            Ok(locality) => {
                lines.insert(locality.code, line);
                if let Some(twice) = localities.insert(locality.code, locality) {
                    let message = format!("{} stands twice", twice.code);
                    faults.push(Fault { line, column: "code", message });
                }
            }
            Err((column, message)) => faults.push(Fault { line, column, message }),
        }
    }
    for locality in localities.values() {
        let line = lines.get(&locality.code).copied().unwrap_or(0);
        if let Err((column, message)) = check_references(locality, &localities) {
            faults.push(Fault { line, column, message });
        }
    }
    if !localities.contains_key(&LocalityCode::NATION) {
        let message = "there is no row for the nation, code 00".to_owned();
        faults.push(Fault { line: 0, column: "", message });
    }
    if faults.is_empty() { Ok(localities) } else { Err(Error(faults)) }
}

type ColumnFault = (&'static str, String);

fn locality(row: &Row) -> Result<Locality, ColumnFault> {
    let code: LocalityCode = row.code.parse().map_err(named("code"))?;
    let kind = kind(&row.kind, code.level())?;
    let name: String = row.name.trim().nfc().collect();
    if name.is_empty() {
        return Err(("name", "expected a name".to_owned()));
    }
    let province =
        optional(&row.province).map(str::parse).transpose().map_err(named("province"))?;
    match (code.level(), province.map(LocalityCode::level)) {
        (Level::Commune, Some(Level::Province)) | (Level::Nation | Level::Province, None) => {}
        (Level::Commune, _) => {
            return Err(("province", "expected the 2-digit code of the commune's province".into()));
        }
        (Level::Nation | Level::Province, Some(_)) => {
            return Err(("province", "only a commune has one".into()));
        }
    }
    let valid_from: Date = row.valid_from.parse().map_err(|_| no_date("valid_from"))?;
    let valid_until = optional(&row.valid_until)
        .map(str::parse::<Date>)
        .transpose()
        .map_err(|_| no_date("valid_until"))?;
    if valid_until.is_some_and(|until| until <= valid_from) {
        return Err(("valid_until", "expected a day after valid_from".to_owned()));
    }
    let served_by =
        optional(&row.served_by).map(str::parse).transpose().map_err(named("served_by"))?;
    Ok(Locality {
        code,
        kind,
        name,
        name_en: row.name_en.trim().nfc().collect(),
        province,
        valid_from,
        valid_until,
        served_by,
        aliases: row
            .aliases
            .split('|')
            .filter_map(optional)
            .map(|name| name.nfc().collect())
            .collect(),
    })
}

fn kind(text: &str, level: Level) -> Result<Kind, ColumnFault> {
    match (text, level) {
        ("nation", Level::Nation) => Ok(Kind::Nation),
        ("tinh", Level::Province) => Ok(Kind::Province),
        ("thanh_pho", Level::Province) => Ok(Kind::City),
        ("xa", Level::Commune) => Ok(Kind::Commune),
        ("phuong", Level::Commune) => Ok(Kind::Ward),
        ("dac_khu", Level::Commune) => Ok(Kind::SpecialZone),
        _ => Err((
            "kind",
            format!(
                "\"{text}\" is no kind of a {level}: expected nation; tinh or thanh_pho for a \
                 province; xa, phuong or dac_khu for a commune"
            ),
        )),
    }
}

fn check_references(
    locality: &Locality,
    all: &BTreeMap<LocalityCode, Locality>,
) -> Result<(), ColumnFault> {
    if let Some(province) = locality.province
        && !all.contains_key(&province)
    {
        return Err(("province", format!("there is no row for the province {province}")));
    }
    let Some(server) = locality.served_by else { return Ok(()) };
    match all.get(&server) {
        Some(found) if found.province != locality.province || found.province.is_none() => {
            Err(("served_by", format!("{server} is not a commune of the same province")))
        }
        Some(found) if found.served_by.is_some() => {
            Err(("served_by", format!("{server} is itself served by another commune")))
        }
        Some(_) => Ok(()),
        None => Err(("served_by", format!("there is no row for the commune {server}"))),
    }
}

fn optional(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn named<E: fmt::Display>(column: &'static str) -> impl Fn(E) -> ColumnFault {
    move |error| (column, error.to_string())
}

fn no_date(column: &'static str) -> ColumnFault {
    (column, "expected a day as YYYY-MM-DD".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "code,kind,name,name_en,province,valid_from,valid_until,served_by,aliases\n\
                        00,nation,Việt Nam,,,2025-07-01,,,\n\
                        01,thanh_pho,Hà Nội,,,2025-07-01,,,\n\
                        02,tinh,Khác,,,2025-07-01,,,\n\
                        00004,phuong,Ba Đình,,01,2025-07-01,,,\n";

    fn faults(row: &str) -> Vec<(u64, &'static str)> {
        match parse(format!("{HEAD}{row}\n").as_bytes()) {
            Ok(_) => Vec::new(),
            Err(Error(faults)) => faults.iter().map(|fault| (fault.line, fault.column)).collect(),
        }
    }

    #[test]
    fn each_fault_names_its_line_and_column() {
        let cases = [
            ("00008,phuong,Ngọc Hà,,01,2025-07-01,,00004,", vec![]),
            ("0008,phuong,Ngọc Hà,,01,2025-07-01,,,", vec![(6, "code")]),
            ("00004,phuong,Ba Đình,,01,2025-07-01,,,", vec![(6, "code")]),
            ("00008,tinh,Ngọc Hà,,01,2025-07-01,,,", vec![(6, "kind")]),
            ("00008,phuong, ,,01,2025-07-01,,,", vec![(6, "name")]),
            ("00008,phuong,Ngọc Hà,,,2025-07-01,,,", vec![(6, "province")]),
            ("00008,phuong,Ngọc Hà,,03,2025-07-01,,,", vec![(6, "province")]),
            ("03,tinh,Nữa,,01,2025-07-01,,,", vec![(6, "province")]),
            ("00008,phuong,Ngọc Hà,,01,1/7/2025,,,", vec![(6, "valid_from")]),
            ("00008,phuong,Ngọc Hà,,01,2025-07-01,2025-07-01,,", vec![(6, "valid_until")]),
            ("00008,phuong,Ngọc Hà,,02,2025-07-01,,00004,", vec![(6, "served_by")]),
            ("00008,phuong,Ngọc Hà,,01,2025-07-01,,00009,", vec![(6, "served_by")]),
            ("00008,phuong", vec![(6, "")]),
        ];
        for (row, expected) in cases {
            assert_eq!(faults(row), expected, "{row}");
        }
    }

    #[test]
    fn a_list_without_the_nation_is_refused() {
        let error =
            parse(b"code,kind,name,name_en,province,valid_from,valid_until,served_by,aliases\n");
        let message = "there is no row for the nation, code 00".to_owned();
        assert_eq!(error, Err(Error(vec![Fault { line: 0, column: "", message }])));
    }
}
