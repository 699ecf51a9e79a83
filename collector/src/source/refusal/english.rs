//! Refusals in English.

use jiff::civil::Date;
use phuxanh_core::{Period, validation::MEASURE_MAX};

use super::{
    FileFault, HeaderFault, KeyFault, LineFault, MetricFault, Reason, ValueFault, Words,
    characters::odd, shown,
};
use crate::source::text::Binary;

pub(super) fn explain(reason: &Reason, text: &str) -> Words {
    let here = if text.is_empty() { "An empty cell".to_owned() } else { shown(text) };
    let mut words = match reason {
        Reason::File(fault) => of_file(*fault),
        Reason::Line(fault) => of_line(*fault),
        Reason::Key(fault) => of_key(*fault, &here),
        Reason::Metric(fault) => of_metric(fault, &here),
        Reason::Value(fault) => of_value(*fault, &here, text),
        Reason::Header(fault) => of_header(fault, &here),
    };
    let odd = odd(text);
    if reason.is_of_cell() && !odd.is_empty() {
        words.reason = format!("{} The cell holds unusual characters: {odd}.", words.reason);
        words.fix = format!("Delete the cell and type it anew. {}", words.fix);
    }
    words
}

fn of_file(fault: FileFault) -> Words {
    match fault {
        FileFault::Binary(binary) => {
            let kind = match binary {
                Binary::Gzip => "a compressed file (gzip)",
                Binary::Zip => "an Excel workbook or a zip archive",
                Binary::OldExcel => "an Excel workbook",
                Binary::Pdf => "a PDF document",
                Binary::Utf32 => "a text in UTF-32",
            };
            Words::new(
                format!("The file is {kind}, not a CSV file."),
                "Save it as CSV. Example, in Excel: Save As, \"CSV UTF-8\"",
            )
        }
        FileFault::TooLarge { bytes_max } => Words::new(
            format!("The file is larger than {bytes_max} bytes (folder.file_bytes_max)."),
            "Split it into several files, each with the header. Example: one file per month",
        ),
        FileFault::TooManyObservations { count_max } => Words::new(
            format!(
                "The file holds more than {count_max} values (folder.file_observation_count_max)."
            ),
            "Split it into several files, each with the header. Example: one file per month",
        ),
        FileFault::Empty => Words::new(
            "The file is empty.",
            "Name the columns in its first line. Example: \
             locality,metric,period,value,observed_time",
        ),
        FileFault::NoRows => Words::new(
            "The file has a header and no row.",
            "Write a row for each locality below the header. Example: \
             00004,2025-07,2025-07-31 16:00,1",
        ),
    }
}

fn of_line(fault: LineFault) -> Words {
    match fault {
        LineFault::TooLong { bytes_max } => Words::new(
            format!("The line is longer than {bytes_max} bytes."),
            "Write each record on a line of its own and check the line ends. Example: \
             00004,2025-07,2025-07-31 16:00,1",
        ),
        LineFault::NotText { encoding } => Words::new(
            match encoding {
                Some(encoding) => format!(
                    "The line is not UTF-8 text. It seems to be {}, which is not read.",
                    encoding.name()
                ),
                None => "The line is not UTF-8 text.".to_owned(),
            },
            "Save the file as UTF-8 and deliver this line again. Example, in Excel: Save As, \
             \"CSV UTF-8\"",
        ),
        LineFault::TooManyCells { found, expected } => Words::new(
            format!("The line has {found} cells but the header has {expected} columns."),
            "Write one cell per column. Write a number without commas; put text that holds a \
             separator between quotation marks. Example: 1412",
        ),
        LineFault::TooFewCells { found, expected, separator } => Words::new(
            format!("The line has {found} cells but the header has {expected} columns."),
            format!(
                "Write one cell per column; leave a cell without a value empty between two \
                 separators. Example with 3 columns: a{separator}{separator}c"
            ),
        ),
        LineFault::UnnamedCell { number } => Words::new(
            format!("Something stands in column {number}, which has no name in the header."),
            "Name the column, or empty its cells. Check that no number holds a comma: it would \
             move the cells behind it. Example: 1412",
        ),
        LineFault::AboveHeader => Words::new(
            "The line stands above the header, so that its columns are not known.",
            "Move it below the header. Example of a header: \
             locality,metric,period,value,observed_time",
        ),
        LineFault::BelowHeader { header_line, row_count } => Words::new(
            format!(
                "Line {header_line} looks like a second header that cannot be read. The \
                 {row_count} rows below it are not taken."
            ),
            "Deliver them in a file of their own with a correct header. Example: \
             locality,metric,period,value,observed_time",
        ),
        LineFault::BrokenQuotes
        | LineFault::Unclosed
        | LineFault::Spanning { .. }
        | LineFault::Broken => of_broken_line(fault),
    }
}

/// Rows that quotation marks or line breaks have joined or broken.
fn of_broken_line(fault: LineFault) -> Words {
    match fault {
        LineFault::BrokenQuotes => Words::new(
            "The quotation marks do not match: text stands behind a closing mark.",
            "Leave them out, or put one at each end of the cell. Example: \"2025-07\"",
        ),
        LineFault::Unclosed => Words::new(
            "A quotation mark opens here and is not closed: everything below it is text of this \
             cell, and nothing of it is taken.",
            "Leave the mark out, or close it at the end of the cell. Example: \"2025-07\"",
        ),
        LineFault::Spanning { last_line } => Words::new(
            format!(
                "A quotation mark opens here and is closed in line {last_line}, so that the lines \
                 up to there are one row. They look like rows of their own: none of them is taken."
            ),
            "Leave the mark out, or write the text of the cell in one line. Example: \"2025-07\"",
        ),
        LineFault::Broken => Words::new(
            "The line below or above holds digits alone: the row seems to be broken in two within a \
             number. Nothing of it is taken.",
            "Write each row in one line, and turn off the wrapping of long lines. Example: \
             00004,2025-07,2025-07-31 16:00,1",
        ),
        LineFault::TooLong { .. }
        | LineFault::NotText { .. }
        | LineFault::TooManyCells { .. }
        | LineFault::TooFewCells { .. }
        | LineFault::UnnamedCell { .. }
        | LineFault::AboveHeader
        | LineFault::BelowHeader { .. } => of_line(fault),
    }
}

fn of_key(fault: KeyFault, here: &str) -> Words {
    match fault {
        KeyFault::Locality { example } => Words::new(
            format!("{here} is not a locality code."),
            format!(
                "Write the 5 digits of a commune or the 2 digits of a province, with their leading \
                 zeros (in Excel: format the column as Text). Example: {example}"
            ),
        ),
        KeyFault::UnknownLocality { example } => Words::new(
            format!("{here} is not in the gazetteer."),
            format!(
                "Look the code up with the command phuxanh search and the locality's name. \
                 Example: {example}"
            ),
        ),
        KeyFault::ForeignLocality { reporter, example } => Words::new(
            format!("{here} belongs to another reporter; this inbox is for {reporter}."),
            format!("Write the code of a locality of {reporter}. Example: {example}"),
        ),
        KeyFault::Period => Words::new(
            format!("{here} is not a month."),
            "Write the year, a hyphen and the month in 2 digits. Example: 2025-07",
        ),
        KeyFault::PeriodAhead { observed } => Words::new(
            format!("The month {here} had not begun at the observed time {observed}."),
            format!(
                "Write a month that is not later than the observed time. Example: {}",
                Period::containing(observed)
            ),
        ),
        KeyFault::PeriodOutside { since, until, restated_months_max } => {
            outside(here, since, until, restated_months_max)
        }
        KeyFault::Time => Words::new(
            format!("{here} is not a time."),
            "Write year-month-day and hours:minutes in Vietnamese time, or with an offset, without \
             the name of a zone. Example: 2025-07-31 16:00",
        ),
        KeyFault::TimeAhead { now } => Words::new(
            format!("{here} is later than the time at which the file was read."),
            format!(
                "Write the time at which the value was observed, and check the server's clock. \
                 Example: {now}"
            ),
        ),
        KeyFault::BeforeLocality { since } => Words::new(
            format!(
                "{here} is earlier than {since}, when this locality began. The code was another \
                 unit's before."
            ),
            format!(
                "Leave out values of former units. Where a figure was restated for the present \
                 one, write when that was. Example: {since} 08:00"
            ),
        ),
        KeyFault::Basis => Words::new(
            format!("{here} is not a basis."),
            "Leave it empty or write reported (one's own report), published (a published figure) \
             or synthetic (sample data). Example: reported",
        ),
    }
}

fn outside(
    here: &str,
    since: Date,
    until: Option<Date>,
    restated_months_max: Option<u32>,
) -> Words {
    let span = match until {
        Some(until) => format!("from {since} to before {until}"),
        None => format!("since {since}"),
    };
    let restated = restated_months_max.map_or(String::new(), |count| {
        format!(
            " Figures may be restated for {count} months before it began (restated_months_max)."
        )
    });
    Words::new(
        format!(
            "The locality is in force {span} and does not count in the month {here}.{restated}"
        ),
        format!(
            "Check the month and the code; report a month for the unit that existed at its end. \
             Example: {}-{:02}",
            since.year(),
            since.month()
        ),
    )
}

fn of_metric(fault: &MetricFault, here: &str) -> Words {
    match fault {
        MetricFault::Unknown { example } => Words::new(
            format!("{here} is not a metric of the catalogue."),
            format!("Write an id as the command phuxanh catalogue lists it. Example: {example}"),
        ),
        MetricFault::Computed { parts } => Words::new(
            format!("{here} is computed and not taken from files."),
            format!("Deliver the metrics that it is computed from. Example: {parts}"),
        ),
        MetricFault::WrongLevel { metric, expected, found, example } => Words::new(
            format!(
                "The metric {metric} is reported by a {expected}, but this line is a {found}'s."
            ),
            format!(
                "Move the value {here} to the line of a {expected}. Example of a code: {example}"
            ),
        ),
    }
}

fn of_value(fault: ValueFault, here: &str, text: &str) -> Words {
    match fault {
        ValueFault::Missing => Words::new(
            "The cell of the value is empty.",
            "Write the value, write withdraw to take an earlier one back, or leave the whole line \
             out while there is none. Example: 1",
        ),
        ValueFault::Criterion => Words::new(
            match super::Legacy::of_text(text) {
                Some(encoding) => format!(
                    "{here} is neither yes nor no. It seems to be {} read as another encoding.",
                    encoding.name()
                ),
                None => format!("{here} is neither yes nor no."),
            },
            "Write 1, true or có; 0, false or không; withdraw to take an earlier value back. \
             Example: 1",
        ),
        ValueFault::Count => Words::new(
            format!("{here} is not a whole number."),
            "Write digits only, without points, commas, spaces or signs; withdraw to take an \
             earlier value back. Example: 1250",
        ),
        ValueFault::CountRange => Words::new(
            format!("{here} is out of range."),
            format!("Write a whole number from 0 to {MEASURE_MAX}. Example: 1250"),
        ),
        ValueFault::Dash => Words::new(
            format!("{here} may mean zero, nothing or a withdrawal, so it is not taken."),
            "Write 0 for zero, leave the cell empty where nothing is reported, or write withdraw \
             to take an earlier value back. Example: 0",
        ),
        ValueFault::Twice { line, value } => {
            let other = value.map_or("withdraw".to_owned(), |value| value.to_string());
            Words::new(
                format!(
                    "Line {line} gives the same cell another value, {other}, with the same \
                     observed time. Neither is taken."
                ),
                "Deliver the right one of them in a new file. Example: keep one line per commune \
                 and month",
            )
        }
    }
}

fn of_header(fault: &HeaderFault, here: &str) -> Words {
    match fault {
        HeaderFault::UnknownColumn { example } => Words::new(
            format!(
                "Column {here} is not a metric of the catalogue and is ignored; the other columns \
                 are read."
            ),
            format!(
                "Correct its name by the command phuxanh catalogue, or remove it. Example: \
                 {example}"
            ),
        ),
        HeaderFault::DuplicateColumn => Words::new(
            format!("Column {here} appears more than once, so it is unclear which one holds."),
            "Keep one of them. Example: locality,period,observed_time",
        ),
        HeaderFault::MissingColumns { names } => Words::new(
            format!("The header lacks the columns: {}.", names.join(", ")),
            "Name the columns in the first line of the file, separated by commas, semicolons or \
             tabs. Example: locality,metric,period,value,observed_time",
        ),
        HeaderFault::NoMetricColumn { example } => Words::new(
            "The header has no column of a metric of the catalogue.",
            format!(
                "Add a column with the id of a metric as the command phuxanh catalogue lists it. \
                 Example: locality,period,observed_time,{example}"
            ),
        ),
        HeaderFault::OtherSeparator => Words::new(
            "This second header separates its columns by another character than the first.",
            "Deliver the rows below it in a file of their own. Example: \
             locality,metric,period,value,observed_time",
        ),
    }
}
