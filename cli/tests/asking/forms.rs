//! Every question in every form and both languages; each form is read back.

use std::{collections::BTreeMap, io::Cursor, process::Output};

use calamine::{Data, Reader, Xlsx};
use serde_json::Value;

use crate::{ask, ask_json, command, fake::Fake};

/// Questions, each with the keys of the rows in its main table, or in the one that it names.
pub const QUESTIONS: [(&[&str], &[&str]); 35] = [
    (&["lowest"], &["rows"]),
    (&["lowest", "--indicator", "online_submission_rate"], &["rows"]),
    (&["lowest", "--confident", "--indicator", "online_submission_rate"], &["rows"]),
    (&["changes", "--indicator", "online_submission_rate"], &["rows"]),
    (&["standing", "12"], &["before", "locality", "behind"]),
    (&["scorecard", "04"], &["criteria"]),
    (&["scorecard", "01273"], &["criteria"]),
    (&["distribution"], &["total.bands"]),
    (&["distribution", "--level", "commune"], &["total.bands"]),
    (&["shortfalls"], &["total.shortfalls"]),
    (&["shortfalls", "--criterion", "digital_signatures"], &["provinces", "total"]),
    (&["lacking"], &["rows"]),
    (&["lacking", "digital_signatures", "--within", "04"], &["rows"]),
    (&["path", "04"], &["communes"]),
    (&["why", "04"], &["criteria", "sum"]),
    (&["why", "04", "--indicator", "online_submission_rate"], &["communes"]),
    (&["gap"], &["rows"]),
    (&["gap", "01"], &["criteria"]),
    (&["completeness"], &["provinces", "total"]),
    (&["silent"], &["rows"]),
    (&["flags"], &["flags"]),
    (&["receipts", "04", "--indicator", "online_submission_rate"], &["receipts"]),
    (&["history", "01273", "applications_online"], &["observations"]),
    (&["trend", "04"], &["points"]),
    (&["days", "00"], &["rows"]),
    (&["compare", "00", "--measure", "applications_online"], &["parts", "total"]),
    (&["search", "da nang"], &["matches"]),
    (&["localities"], &["rows"]),
    (&["localities", "--within", "cao bang"], &["rows"]),
    (&["collectors"], &["collectors"]),
    (&["mesh"], &["replicas"]),
    (&AUDIT, &["audits"]),
    (&["catalogue"], &["criteria"]),
    (&["catalogue", "--table", "measures"], &["measures"]),
    (&["catalogue", "--table", "indicators"], &["indicators"]),
];

/// Question whose answer is bad news in the fixed replies.
const AUDIT: [&str; 1] = ["audit"];

/// Values by dotted key, as CSV writes them.
fn flat(value: &Value, prefix: &str, found: &mut BTreeMap<String, String>) {
    let join = |key: &str| match prefix {
        "" => key.to_owned(),
        prefix => format!("{prefix}.{key}"),
    };
    match value {
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| flat(value, &join(key), found));
        }
        // A table within the object of a total is no value of its row.
        Value::Array(list) if list.iter().any(|it| it.is_object() && it.get("code").is_none()) => {}
        Value::Array(list) => {
            let text = |one: &Value| match one {
                Value::String(text) => text.clone(),
                other => other["code"].as_str().expect("a locality").to_owned(),
            };
            let joined = list.iter().map(text).collect::<Vec<_>>().join(";");
            found.insert(prefix.to_owned(), joined);
        }
        Value::String(text) => {
            found.insert(prefix.to_owned(), text.clone());
        }
        other => {
            found.insert(prefix.to_owned(), other.to_string());
        }
    }
}

/// Rows of JSON under the keys of one table.
fn rows<'a>(answer: &'a Value, keys: &[&str]) -> Vec<&'a Value> {
    let under = |key: &&str| {
        let part = key.split('.').fold(answer, |value, key| &value[key]);
        match part {
            Value::Array(list) => list.iter().collect::<Vec<_>>(),
            Value::Object(_) => vec![part],
            other => panic!("{key}: {other}"),
        }
    };
    keys.iter().flat_map(under).collect()
}

fn bytes(fake: &Fake, args: &[&str]) -> Output {
    command(&fake.server(), args).output().expect("phuxanh runs")
}

/// Answer in a form. It is whole also where it is bad news.
fn answered(fake: &Fake, args: &[&str], form: &str) -> Vec<u8> {
    let output = bytes(fake, &[args, &["-o", form, "--lang", "vi"]].concat());
    let expected = i32::from(args == AUDIT);
    assert_eq!(output.status.code(), Some(expected), "{args:?}");
    output.stdout
}

fn csv_of(fake: &Fake, args: &[&str]) -> Vec<Vec<String>> {
    let text = String::from_utf8(answered(fake, args, "csv")).expect("UTF-8");
    let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let record = |record: Result<csv::StringRecord, _>| {
        record.expect("a record").iter().map(str::to_owned).collect()
    };
    reader.records().map(record).collect()
}

#[test]
fn csv_has_the_keys_and_values_of_json() {
    let fake = Fake::start();
    for (args, keys) in QUESTIONS {
        let answer = serde_json::from_slice(&answered(&fake, args, "json")).expect("an object");
        let rows = rows(&answer, keys);
        let csv = csv_of(&fake, args);
        let (header, records) = csv.split_first().expect("a header");
        assert_eq!(records.len(), rows.len(), "{args:?}");
        assert!(!rows.is_empty(), "{args:?} shows nothing");
        for (row, record) in rows.iter().zip(records) {
            let mut expected = BTreeMap::new();
            flat(row, "", &mut expected);
            let found = header.iter().zip(record).filter(|(_, field)| !field.is_empty());
            let mut found: BTreeMap<_, _> =
                found.map(|(key, field)| (key.clone(), field.clone())).collect();
            // A total stands in an object that holds facts and other tables too.
            let nested = keys.contains(&"total") || keys.contains(&"sum");
            expected.retain(|key, value| !(value.is_empty() || nested && !header.contains(key)));
            let number = |text: &mut String| {
                if let Ok(number) = text.parse::<f64>() {
                    *text = number.to_string();
                }
            };
            expected
                .iter_mut()
                .filter(|(key, _)| !key.contains("code"))
                .for_each(|(_, it)| number(it));
            found
                .iter_mut()
                .filter(|(key, _)| !key.contains("code"))
                .for_each(|(_, it)| number(it));
            assert_eq!(found, expected, "{args:?}");
        }
    }
}

#[test]
fn a_workbook_has_real_numbers_and_dates_and_codes_as_text() {
    let fake = Fake::start();
    let (mut number_count, mut time_count) = (0, 0);
    for (args, keys) in QUESTIONS {
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(answered(&fake, args, "xlsx")))
            .unwrap_or_else(|error| panic!("{args:?}: {error}"));
        assert_eq!(book.sheet_names().first().map(String::as_str), Some("Câu hỏi"), "{args:?}");
        let sheet = book.worksheet_range(&keys[0].replace('.', "_")).expect("the main table");
        let csv = csv_of(&fake, args);
        assert_eq!(sheet.height(), csv.len(), "{args:?}");
        for (cells, record) in sheet.rows().zip(&csv).skip(1) {
            for ((cell, field), key) in cells.iter().zip(record).zip(&csv[0]) {
                match cell {
                    Data::Empty => assert_eq!(field, "", "{args:?} {key}"),
                    Data::Float(number) => {
                        number_count += 1;
                        let expected: f64 = field.parse().expect("a number");
                        assert!((number - expected).abs() < 1e-9, "{args:?} {key}");
                        assert!(!key.ends_with("code"), "{args:?} {key} loses its zeros");
                    }
                    Data::DateTime(time) => {
                        time_count += 1;
                        let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
                        let time =
                            format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
                        assert!(field.replace('T', " ").starts_with(&time), "{field} {time}");
                    }
                    Data::Bool(flag) => assert_eq!(&flag.to_string(), field, "{args:?} {key}"),
                    Data::String(text) if key.ends_with("code") => assert_eq!(text, field),
                    Data::String(_) => assert!(!field.ends_with("+07:00"), "{args:?} {key}"),
                    other => panic!("{args:?} {key}: {other:?}"),
                }
            }
        }
    }
    assert!(number_count > 400 && time_count > 50, "{number_count} numbers, {time_count} times");
}

#[test]
fn text_is_never_wider_than_asked_for_and_complete_where_it_is_wide() {
    let fake = Fake::start();
    for (args, _) in QUESTIONS {
        for lang in ["vi", "en"] {
            let args = [args, &["--lang", lang]].concat();
            for width in [80, 100] {
                let mut command = command(&fake.server(), &args);
                let output = command.env("COLUMNS", width.to_string()).output().expect("it runs");
                let text = String::from_utf8(output.stdout).expect("UTF-8");
                for line in text.lines().filter(|line| line.contains(' ')) {
                    assert!(line.chars().count() <= width, "{args:?} at {width}: {line}\n{text}");
                }
            }
            let wide = bytes(&fake, &[&args[..], &["-o", "wide"]].concat());
            let wide = String::from_utf8(wide.stdout).expect("UTF-8");
            assert!(!wide.contains("-o wide"), "{args:?} leaves out\n{wide}");
            let markdown = bytes(&fake, &[&args[..], &["-o", "md"]].concat());
            let markdown = String::from_utf8(markdown.stdout).expect("UTF-8");
            let rules = wide.lines().filter(|line| line.starts_with('─')).count();
            let tables = markdown.lines().filter(|line| line.starts_with("| ---")).count();
            assert_eq!(tables, rules, "{args:?}\n{markdown}\n{wide}");
        }
    }
}

#[test]
fn another_table_is_named_by_its_key() {
    let fake = Fake::start();
    let args = ["lowest", "-o", "csv", "--table", "unknown"];
    let text = ask(&fake, &args).output();
    assert!(text.starts_with("\u{feff}code,name,name_en\n00004,Ba Đình,\n"), "{text}");
    let complaint = ask(&fake, &["lowest", "-o", "csv", "--table", "x"]).failure(2);
    assert!(complaint.contains("Its tables: rows, unknown, untested"), "{complaint}");
}

#[test]
fn an_answer_goes_into_a_file() {
    let fake = Fake::start();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lowest.json");
    let file = path.to_str().expect("UTF-8");
    assert_eq!(ask(&fake, &["lowest", "-o", "json", "--output-file", file]).output(), "");
    let written: Value = serde_json::from_slice(&std::fs::read(&path).expect("it is there"))
        .expect("one JSON object");
    assert_eq!(written, ask_json(&fake, &["lowest"]));
    let nowhere = folder.path().join("no/such.json");
    let file = nowhere.to_str().expect("UTF-8");
    let complaint = ask(&fake, &["lowest", "--output-file", file]).failure(1);
    assert!(complaint.contains("no/such.json"), "{complaint}");
}

#[test]
fn errors_are_json_where_the_answer_would_be() {
    let fake = Fake::start();
    let complaint = ask(&fake, &["lowest", "--period", "2025-7", "-o", "json"]).failure(2);
    let complaint: Value = serde_json::from_str(&complaint).expect("one JSON object");
    assert_eq!(complaint["error"]["exit_code"], 2);
    let message = complaint["error"]["message"].as_str().expect("a message");
    assert!(message.contains("\"2025-7\" is not a period"), "{message}");
    ask(&fake, &["lowest", "--json", "-o", "csv"]).failure(2);
}

#[test]
fn the_locale_decides_where_no_language_is_asked_for() {
    let fake = Fake::start();
    for (locale, word) in [("vi_VN.UTF-8", "Hạng"), ("en_US.UTF-8", "Rank"), ("C", "Rank")] {
        let mut command = command(&fake.server(), &["lowest"]);
        let output = command.env("LC_ALL", locale).output().expect("phuxanh runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(text.contains(word), "{locale}\n{text}");
        assert_eq!(text.starts_with("Tỷ lệ"), locale != "en_US.UTF-8", "{locale}");
    }
}

/// Communes have no English name in the built-in gazetteer.
#[test]
fn names_are_english_where_english_is_asked_for_and_there_is_one() {
    let fake = Fake::start();
    let asked = [
        (&["lowest", "--limit", "1"][..], "Cao Bằng", "Cao Bang"),
        (&["standing", "12"], "Lai Châu (12) đứng", "Lai Chau (12) has"),
        (
            &["scorecard", "01273"],
            "Thục Phán (01273), phường thuộc Cao Bằng (04)",
            "Thục Phán (01273), ward of Cao Bang (04)",
        ),
        (&["lacking"], "Cao Bằng (04)", "Cao Bang (04)"),
        (&["localities"], "Hồ Chí Minh", "Ho Chi Minh City"),
        (&["distribution", "-o", "wide"], "Việt Nam (00)", "Viet Nam (00)"),
        (&["collectors"], "Cao Bằng", "Cao Bang"),
    ];
    for (args, vi, en) in asked {
        for (lang, there, absent) in [("vi", vi, en), ("en", en, vi)] {
            let text = ask(&fake, &[args, &["--lang", lang]].concat()).output();
            assert!(text.contains(there), "{args:?} {lang}: no {there} in\n{text}");
            assert!(!text.contains(absent), "{args:?} {lang}: {absent} in\n{text}");
        }
    }
    let answer = ask_json(&fake, &["localities"]);
    let names = |row: &Value| ["name", "name_en"].map(|key| row[key].clone());
    let city = rows(&answer, &["rows"]).into_iter().find(|row| row["code"] == "79");
    assert_eq!(names(city.expect("79")), ["Hồ Chí Minh", "Ho Chi Minh City"].map(Value::from));
    let answer = ask_json(&fake, &["scorecard", "01273"]);
    assert_eq!(names(&answer), ["Thục Phán".into(), Value::Null]);
    let total = &ask_json(&fake, &["distribution"])["total"];
    assert_eq!(names(total), ["Việt Nam", "Viet Nam"].map(Value::from));
}
