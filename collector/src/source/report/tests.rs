use super::*;
use crate::source::refusal::{Column, FileFault, ValueFault};

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn summary(counts: Counts, again: Vec<Again>) -> Summary {
    Summary {
        file: "04-2.csv".into(),
        read: time("2025-08-02 09:00"),
        counts,
        again,
        notes: Notes::default(),
        is_unterminated: false,
        silent: None,
    }
}

fn cell(text: &str) -> Cell {
    let column = Column { index: 3, name: "working_days".into() };
    Cell { column: Some(column), text: text.to_owned() }
}

#[test]
fn a_file_of_which_nothing_was_taken_is_not_called_accepted() {
    let outcome = |taken_count, unchanged_count, superseded_count, refused_count| {
        let row_count = 9;
        Outcome::of(&Counts {
            row_count,
            taken_count,
            unchanged_count,
            superseded_count,
            refused_count,
        })
    };
    assert_eq!(outcome(1, 1, 1, 0), Outcome::Accepted);
    assert_eq!(outcome(1, 0, 0, 1), Outcome::AcceptedInPart);
    assert_eq!(outcome(0, 1, 0, 0), Outcome::Unchanged);
    assert_eq!(outcome(0, 1, 1, 0), Outcome::NothingTaken);
    assert_eq!(outcome(0, 0, 1, 0), Outcome::NothingTaken);
    assert_eq!(outcome(0, 1, 0, 1), Outcome::NothingTaken);
    assert_eq!(outcome(0, 0, 0, 0), Outcome::Rejected);
    assert_eq!(outcome(0, 0, 0, 1), Outcome::Rejected);
}

#[test]
fn an_identical_file_is_told_of_the_first_and_of_what_was_replaced_since() {
    let accepted = time("2025-08-01 09:00");
    let file = AcceptedFile { digest: [0; 32], name: "04.csv".into(), accepted };
    let told = |counts| {
        let summary = summary(counts, vec![Again::Repeated(file.clone())]);
        Report::new(&summary, Entries::new(9)).text
    };
    let same = told(Counts { row_count: 1, unchanged_count: 1, ..Counts::default() });
    assert!(same.contains("ĐÃ NHẬN TRƯỚC ĐÂY / ACCEPTED BEFORE\n"), "{same}");
    assert!(same.contains(
        "The file is identical to 04.csv, accepted at 2025-08-01T09:00:00+07:00. Nothing was done."
    ));
    let replaced = told(Counts { row_count: 1, superseded_count: 1, ..Counts::default() });
    assert!(replaced.contains("NOTHING TAKEN\n"), "{replaced}");
    assert!(replaced.contains("1 values were replaced since"), "{replaced}");
}

#[test]
fn entries_stand_in_the_order_of_lines_and_those_left_out_are_counted() {
    let mut entries = Entries::new(2);
    entries.add(7, cell("withdraw"), Finding::Withdrawn { value: Some(21) });
    for line in [3, 5] {
        let reason = Reason::Value(ValueFault::Dash);
        entries.refuse(line, Refusal { cell: cell("-"), reason });
    }
    assert_eq!(entries.refused_count(), 2);
    let report = Report::new(&summary(Counts::default(), vec![]), entries);
    let place = |text: &str| report.text.find(text).expect(text);
    assert!(place("Dòng / Line: 3") < place("Dòng / Line: 7"), "{}", report.text);
    assert!(!report.text.contains("Line: 5"));
    assert!(report.text.contains("since too many: 1\n"));
    assert!(report.text.contains("    2 × dấu gạch không rõ nghĩa / ambiguous dash\n"));
    assert!(report.text.contains("The value 21 was withdrawn"));
}

#[test]
fn the_csv_report_has_a_record_for_each_entry_and_no_formula() {
    let mut entries = Entries::new(9);
    let reason = Reason::Value(ValueFault::Count);
    entries.refuse(2, Refusal { cell: cell("=1+\"1\""), reason });
    let reason = Reason::File(FileFault::NoRows);
    entries.refuse(0, Refusal::of_line("", reason));
    let table = Report::new(&summary(Counts::default(), vec![]), entries).table;
    let table = table.expect("entries");
    let table = table.strip_prefix('\u{feff}').expect("a mark");
    let mut reader = csv_core::Reader::new();
    let (mut cells, mut ends) = (vec![0; 9_999], vec![0; 99]);
    let (_, used, _, count) = reader.read_record(table.as_bytes(), &mut cells, &mut ends);
    assert_eq!(count, 5);
    let mut records = Vec::new();
    let mut rest = &table.as_bytes()[used..];
    while !rest.is_empty() {
        let (_, used, _, count) = reader.read_record(rest, &mut cells, &mut ends);
        let text = |at: usize| {
            let start = if at == 0 { 0 } else { ends[at - 1] };
            String::from_utf8_lossy(&cells[start..ends[at]]).into_owned()
        };
        records.push((0..count).map(text).collect::<Vec<_>>());
        rest = &rest[used..];
    }
    assert_eq!(records[0][..3], ["", "", ""]);
    assert_eq!(records[1][..3], ["2", "working_days", "'=1+\"1\""]);
    assert!(records[1][3].contains("không phải là số nguyên"), "{records:?}");
    assert!(records[1][4].contains("Write digits only"), "{records:?}");
}

#[test]
fn what_another_host_replaced_is_told_with_the_host_if_it_is_known() {
    let mut entries = Entries::new(9);
    for (line, host, value) in [(3, "", None), (2, "may-la", Some(999))] {
        let observed = time("2025-08-02 08:00");
        let finding = Finding::HeldByCentre { value, observed, host: host.into() };
        entries.add(line, cell("6"), finding);
    }
    let report = Report::superseded("04.csv", time("2025-08-03 09:00"), entries);
    let known = report.text.find(
        "newer value of this cell: 999, observed at \
        2025-08-02T08:00:00+07:00, from host \"may-la\". If the value in the file is right",
    );
    let unknown = report.text.find(
        "withdrawn, observed at 2025-08-02T08:00:00+07:00, from a host \
        that is not known.",
    );
    assert!(known.is_some() && known < unknown, "{}", report.text);
    assert!(report.text.contains("do máy \"may-la\" gửi."), "{}", report.text);
    assert!(report.text.contains("2 × trung tâm đang giữ giá trị khác / the centre holds another"));
    let table = report.table.expect("it lists");
    assert!(
        table.lines().nth(1).is_some_and(|row| row.starts_with("2,working_days,6,")),
        "{table}"
    );
}

#[test]
fn a_report_says_once_that_the_centre_holds_its_values() {
    let report = Report::new(&summary(Counts::default(), vec![]), Entries::new(9)).text;
    let at = time("2025-08-01 09:05");
    let confirmed = super::confirmed(&report, at, 0).expect("a report on a file");
    let line =
        "Trung tâm đã lưu bền vững / Held durably by the centre: 2025-08-01T09:05:00+07:00\n";
    assert!(confirmed.contains(&format!("\n{line}Kết quả / Result: ")), "{confirmed}");
    assert_eq!(confirmed.replace(line, ""), report, "nothing else changes");
    assert_eq!(super::confirmed(&confirmed, at, 0), None);
    let refused = super::confirmed(&report, at, 3).expect("a report on a file");
    assert!(refused.contains("trung tâm trả lại 3 giá trị"), "{refused}");
    let superseded = Report::superseded("04.csv", at, Entries::new(9));
    assert_eq!(super::confirmed(&superseded.text, at, 0), None);
}
