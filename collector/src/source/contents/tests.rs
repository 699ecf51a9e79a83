use std::{sync::Arc, time::Duration};

use phuxanh_core::{catalogue::Catalogue, gazetteer::Gazetteer};

use super::*;
use crate::source::report::Finding;

/// Values by line and metric, and refusals by line.
type Told = (Vec<(u64, String, Option<i64>)>, Vec<(u64, Reason)>);

fn read_text(text: impl AsRef<[u8]>) -> Told {
    let read = contents(text);
    let value = |line: Line| {
        let observation = line.good.observation;
        (line.number, observation.key.metric.to_string(), observation.value)
    };
    let refused = read.entries.listed().iter().filter_map(|entry| match &entry.finding {
        Finding::Refused(reason) => Some((entry.line, reason.clone())),
        Finding::Superseded { .. }
        | Finding::HeldByCentre { .. }
        | Finding::Withdrawn { .. }
        | Finding::RowsAsText { .. }
        | Finding::Warning(_) => None,
    });
    let refused = refused.collect();
    (read.lines.into_iter().map(value).collect(), refused)
}

fn contents(text: impl AsRef<[u8]>) -> Contents {
    let facts = Facts {
        reporter: "01".parse().expect("a code"),
        catalogue: Arc::new(Catalogue::builtin()),
        gazetteer: Arc::new(Gazetteer::builtin()),
        ahead_max: Duration::ZERO,
        restated_months_max: 1,
    };
    let now = "2025-08-01 09:00".parse().expect("a time");
    let stop = AtomicBool::new(false);
    read(text.as_ref(), &facts, &Limits::default(), now, &stop).expect("no error")
}

const HEADER: &str = "locality,period,observed_time,working_days,note\n";

/// The lines of which values were taken, and the faults of lines.
fn told(rows: &str) -> (Vec<u64>, Vec<(u64, LineFault)>) {
    let (values, refused) = read_text(HEADER.to_owned() + rows);
    let of_line = |(line, reason)| match reason {
        Reason::Line(fault) => Some((line, fault)),
        _ => None,
    };
    let lines = values.into_iter().map(|(line, ..)| line).collect();
    (lines, refused.into_iter().filter_map(of_line).collect())
}

#[test]
fn rows_between_two_stray_marks_are_named() {
    let row = "00004,2025-07,2025-07-31";
    let rows = format!("{row},1,\"a\n{row},2,\"b\n{row},4,\n");
    let spanning = LineFault::Spanning { last_line: 3 };
    assert_eq!(told(&rows), (vec![4], vec![(2, LineFault::BrokenQuotes), (2, spanning)]));
    // What stands behind the text may belong to the last of the lines.
    let header = "note,locality,period,observed_time,working_days\n";
    let row = "00004,2025-07,2025-07-31";
    let (values, refused) = read_text(format!("{header}\"a,{row},1\nb\",{row},2\n,{row},3\n"));
    assert_eq!(values, [(4, "working_days".to_owned(), Some(3))]);
    assert_eq!(refused[1], (2, Reason::Line(spanning)));
}

#[test]
fn rows_within_the_last_cell_are_text_and_named() {
    let row = "00004,2025-07,2025-07-31";
    let rows = format!("{HEADER}{row},1,\"a\n{row},2,\n{row},3,b\"\n{row},1,\"a\nb\"\n");
    let read = contents(rows);
    let lines: Vec<_> = read.lines.iter().map(|line| line.number).collect();
    assert_eq!(lines, [2, 5]);
    let named: Vec<_> =
        read.entries.listed().iter().map(|entry| (entry.line, &entry.finding)).collect();
    assert_eq!(named[1..2], [(2, &Finding::RowsAsText { last_line: 4 })]);
    assert_eq!(named.len(), 2, "{named:?}");
}

#[test]
fn nothing_below_a_mark_behind_a_space_is_taken_where_it_stays_open() {
    let row = "00004,2025-07,2025-07-31";
    let rows = format!("{row},1, \"a\n{row},2,b\"\n");
    assert_eq!(told(&rows), (vec![], vec![(2, LineFault::Unclosed)]));
}

#[test]
fn a_number_that_is_broken_in_two_is_not_taken_as_its_half() {
    let (values, refused) = read_text(
        "locality,period,observed_time,working_days\n\
         00004,2025-07,2025-07-31,2\n1\n00070,2025-07,2025-07-31,21\n",
    );
    assert_eq!(values, [(4, "working_days".to_owned(), Some(21))]);
    assert_eq!(refused[0], (2, Reason::Line(LineFault::Broken)));
    assert_eq!(refused[1].0, 3);
    let (values, refused) =
        read_text("working_days,locality,period,observed_time\n2\n1,00004,2025-07,2025-07-31\n");
    assert_eq!(values, []);
    assert_eq!(refused[1], (3, Reason::Line(LineFault::Broken)));
}

#[test]
fn rows_below_a_header_that_is_no_text_are_not_read_by_the_first() {
    let mut bytes = b"locality,period,observed_time,working_days,fees_due\n".to_vec();
    bytes.extend(b"locality,period,observed_time,fees_due,working_days,ghi ch\xfa\n");
    bytes.extend(b"00004,2025-07,2025-07-31,412,21\n");
    let (values, refused) = read_text(bytes);
    assert_eq!(values, []);
    let below = LineFault::BelowHeader { header_line: 2, row_count: 1 };
    assert_eq!(refused[1], (2, Reason::Line(below)));
}

#[test]
fn a_row_above_the_header_is_named_at_whichever_separator() {
    let header = "locality,period,observed_time,working_days\n";
    let row = "00004,2025-07,2025-07-31,21\n";
    for above in
        ["00070;2025-07;2025-07-31;21", "\"00070,2025-07,2025-07-31,21\"", "x\ty\t2025-07\tz"]
    {
        let (values, refused) = read_text(format!("{above}\n{header}{row}"));
        assert_eq!(values, [(3, "working_days".to_owned(), Some(21))], "{above}");
        assert_eq!(refused, [(1, Reason::Line(LineFault::AboveHeader))], "{above}");
    }
    for title in ["BÁO CÁO,2025-07", "Mã xã;Tháng;Thời điểm;Hồ sơ", "Số 01, tháng 7"]
    {
        assert_eq!(read_text(format!("{title}\n{header}{row}")).1, [], "{title}");
    }
}
