//! The officer's guide `docs/huong-dan-nhap-lieu.md` says what the product does.
//!
//! A comment before each fence and table of the guide says what stands there:
//!
//! | comment | what follows |
//! |---|---|
//! | `tệp: nhận N, từ chối M` | file, with its values that are taken and its entries that are refused |
//! | `báo cáo ghi` | lines of the report on the file above |
//! | `báo cáo: NAME` | whole report on the file above under that name |
//! | `lỗi dưới tiêu đề: HEADER` | table of refusals with rows below that header |
//! | `lỗi của cả tệp` | table of refusals with whole files |
//! | `lỗi không ghi thành chữ được` | table of refusals of files that no text shows |
//! | `kết quả` | table of what a file comes to |

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use phuxanh_collector::{
    source::{
        Facts, Limits,
        contents::{self, Contents},
        refusal::FileFault,
        report::{self, Again, Counts, Entries, Notes, Report, Summary},
    },
    spool::AcceptedFile,
};
use phuxanh_core::{Timestamp, catalogue::Catalogue, gazetteer::Gazetteer};

const REPORTER: &str = "04";
/// Time at which the examples are read, as the guide says.
const NOW: &str = "2025-08-01 09:00";
/// Files that name every kind of refusal and finding.
const KINDS: [&str; 2] =
    ["collector/src/source/refusal/kind.rs", "collector/src/source/report/text.rs"];

fn tree(path: &str) -> anyhow::Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("a crate has a root")?;
    fs::read_to_string(root.join(path)).with_context(|| path.to_owned())
}

fn guide() -> anyhow::Result<String> {
    tree("docs/huong-dan-nhap-lieu.md")
}

/// A fence or a table, with the comment before it.
struct Block<'a> {
    marker: &'a str,
    body: &'a str,
}

fn blocks(guide: &str) -> anyhow::Result<Vec<Block<'_>>> {
    let marked = guide.split("<!-- ").skip(1).map(|piece| {
        let (marker, behind) = piece.split_once(" -->\n").context("a comment ends its line")?;
        let body = match behind.strip_prefix("```") {
            Some(fence) => {
                let (body, _) = fence.split_once("\n```").context("a fence ends")?;
                body.split_once('\n').context("a fence holds a line")?.1
            }
            None => behind.split_once("\n\n").map_or(behind, |(table, _)| table),
        };
        Ok(Block { marker, body })
    });
    marked.collect()
}

/// The cells of a table's rows, below its head.
fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().skip(2).map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

fn read(bytes: &[u8]) -> anyhow::Result<Contents> {
    let facts = Facts {
        reporter: REPORTER.parse()?,
        catalogue: Arc::new(Catalogue::builtin()),
        gazetteer: Arc::new(Gazetteer::builtin()),
        ahead_max: Duration::from_mins(5),
        restated_months_max: 1,
    };
    Ok(contents::read(bytes, &facts, &Limits::default(), now(), &AtomicBool::new(false))?)
}

/// The report on a file that a collector reads for the first time.
fn report(contents: Contents, name: &str) -> Report {
    let counts = Counts {
        row_count: contents.row_count,
        taken_count: u64::try_from(contents.lines.len()).expect("64 bits fit"),
        refused_count: contents.entries.refused_count(),
        ..Counts::default()
    };
    let summary = Summary { notes: contents.notes, ..summary(name, counts) };
    Report::new(&summary, contents.entries)
}

fn summary(name: &str, counts: Counts) -> Summary {
    Summary {
        file: name.to_owned(),
        read: now(),
        counts,
        again: Vec::new(),
        notes: Notes::default(),
        is_unterminated: false,
        silent: None,
    }
}

#[test]
fn every_file_of_the_guide_comes_to_what_it_says() -> anyhow::Result<()> {
    let guide = guide()?;
    let blocks = blocks(&guide)?;
    let (mut file, mut file_count, mut wrong) = ("", 0, Vec::new());
    for Block { marker, body } in blocks {
        let is_file = marker.starts_with("tệp: ");
        if is_file {
            file_count += 1;
            file = body;
        }
        let name = marker.strip_prefix("báo cáo: ").unwrap_or("x.csv");
        let contents = read(format!("{file}\n").as_bytes())?;
        let (taken, refused) = (contents.lines.len(), contents.entries.refused_count());
        let text = report(contents, name).text;
        let is_true = if is_file {
            marker == format!("tệp: nhận {taken}, từ chối {refused}")
        } else if marker == "báo cáo ghi" {
            let lines: BTreeSet<_> = text.lines().map(str::trim).collect();
            body.lines().all(|line| lines.contains(line.trim()))
        } else {
            !marker.starts_with("báo cáo: ") || text.trim_end() == body
        };
        if !is_true {
            wrong.push(format!("{marker}\n{file}\ncomes to\n{text}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n=====\n"));
    ensure!(file_count >= 10, "{file_count} files");
    let fence_count = guide.lines().filter(|line| line.starts_with("```")).count() / 2;
    let marked = guide.matches(" -->\n```").count();
    ensure!(fence_count == marked, "{fence_count} fences, {marked} with a comment");
    Ok(())
}

#[test]
fn every_refusal_of_the_guide_is_worded_and_corrected_as_in_a_report() -> anyhow::Result<()> {
    let guide = guide()?;
    let (mut kinds, mut wrong) = (BTreeSet::new(), Vec::new());
    for Block { marker, body } in blocks(&guide)? {
        let header = marker.strip_prefix("lỗi dưới tiêu đề: ");
        let is_text = header.is_some() || marker == "lỗi của cả tệp";
        if !is_text && marker != "lỗi không ghi thành chữ được" {
            continue;
        }
        for row in rows(body) {
            let [kind, example, reason, fix] = row[..] else { bail!("{row:?} has not 4 cells") };
            let contents = if is_text {
                let lines = example.split("<br>").map(|line| line.trim_matches('`'));
                let lines: Vec<_> = header.into_iter().chain(lines).collect();
                read((lines.join("\n") + "\n").as_bytes())?
            } else {
                unwritten(kind)?
            };
            let Report { text, table } = report(contents, "x.csv");
            let table = table.unwrap_or_default();
            let is_told = text.contains(&format!("\n    {reason} {fix}\n"))
                && text.contains(&format!(" × {kind} / "));
            if !is_told {
                wrong.push(format!("{kind}: {example} comes to\n{text}\n{table}"));
            }
            kinds.insert(kind.to_owned());
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n=====\n"));
    for path in KINDS {
        for kind in kinds_of(&tree(path)?) {
            let is_there =
                kinds.contains(&kind) || path.contains("report") && guide.contains(&kind);
            ensure!(is_there, "the guide does not explain \"{kind}\"");
        }
    }
    Ok(())
}

/// The Vietnamese names of kinds, as the source writes them: one that is added later is not missed.
fn kinds_of(source: &str) -> Vec<String> {
    let starts = ["kind(", "vietnamese: "].map(|start| source.split(start).skip(1));
    let quoted = starts.into_iter().flatten().filter_map(|behind| {
        let name = behind.trim_start().strip_prefix('"')?;
        Some(name.split_once('"')?.0.to_owned())
    });
    quoted.collect()
}

/// A file whose fault no row of a table shows.
fn unwritten(kind: &str) -> anyhow::Result<Contents> {
    let limits = Limits::default();
    let header = "locality,period,observed_time,digital_signatures\n";
    let below = |row: &[u8]| read(&[header.as_bytes(), row].concat());
    match kind {
        "tệp không phải CSV" => read(b"PK\x03\x04\x14\0"),
        "tệp trống" => read(b""),
        "không phải UTF-8" => below(b"01273,2025-07,2025-07-31 16:00,c\xf3\n"),
        "dòng quá dài" => below("1".repeat(limits.line_bytes_max + 1).as_bytes()),
        "tệp quá lớn" => {
            let fault = FileFault::TooLarge { bytes_max: limits.file_bytes_max };
            Ok(Contents::refused(fault, &limits))
        }
        "quá nhiều giá trị" => {
            let count_max = limits.file_observations_max;
            Ok(Contents::refused(FileFault::TooManyObservations { count_max }, &limits))
        }
        _ => bail!("{kind} can be shown by a row"),
    }
}

#[test]
fn every_result_of_a_file_is_explained() -> anyhow::Result<()> {
    let guide = guide()?;
    let blocks = blocks(&guide)?;
    let table = blocks.iter().find(|block| block.marker == "kết quả").context("the results")?;
    let explained: Vec<_> = rows(table.body).map(|row| row[0].trim_matches('`')).collect();
    let accepted = AcceptedFile { digest: [0; 32], name: "a.csv".to_owned(), accepted: now() };
    let result =
        |taken_count, unchanged_count, superseded_count, refused_count, again: &[Again]| {
            let row_count = 9;
            let counts =
                Counts { row_count, taken_count, unchanged_count, superseded_count, refused_count };
            let summary = Summary { again: again.to_vec(), ..summary("x.csv", counts) };
            let text = Report::new(&summary, Entries::new(0)).text;
            let line = text.lines().find_map(|line| line.strip_prefix("Kết quả / Result: "));
            line.expect("a result").to_owned()
        };
    let results = [
        result(9, 0, 0, 0, &[]),
        result(8, 0, 0, 1, &[]),
        result(0, 9, 0, 0, &[]),
        result(0, 9, 0, 0, &[Again::Repeated(accepted)]),
        result(0, 8, 1, 0, &[]),
        result(0, 0, 0, 9, &[]),
    ];
    assert_eq!(explained, results);
    Ok(())
}

#[test]
fn every_metric_that_is_reported_is_listed() -> anyhow::Result<()> {
    let guide = guide()?;
    let catalogue = Catalogue::builtin();
    let criteria = catalogue.criteria.iter().map(|criterion| &criterion.definition);
    let measures = catalogue.measures.iter().filter(|measure| measure.sum.is_empty());
    for metric in criteria.chain(measures.map(|measure| &measure.definition)) {
        let row = format!("| `{}` | {} |", metric.id, metric.name_vi);
        ensure!(guide.contains(&row), "the guide lacks {row}");
    }
    Ok(())
}

#[test]
fn the_centres_line_in_a_report_is_as_the_guide_shows_it() -> anyhow::Result<()> {
    let report = "Thời điểm đọc / Read at: 2025-08-01T09:00:00+07:00\nKết quả\n";
    let confirmed = report::confirmed(report, "2025-08-01 09:00:07".parse()?, 0);
    let confirmed = confirmed.context("a report on a file")?;
    let line = confirmed.lines().nth(1).context("a second line")?;
    ensure!(guide()?.contains(&format!("`{line}`")), "{line}");
    Ok(())
}
