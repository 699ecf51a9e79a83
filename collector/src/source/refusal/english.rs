//! Refusals in English.

use phuxanh_core::{Period, validation::MEASURE_MAX};

use super::{HeaderFault, KeyFault, LineFault, MetricFault, Reason, ValueFault, shown};

pub(super) fn explain(reason: &Reason, text: &str) -> String {
    let here = if text.is_empty() { "An empty cell".to_owned() } else { shown(text) };
    match reason {
        Reason::Line(fault) => of_line(*fault),
        Reason::Key(fault) => of_key(*fault, &here),
        Reason::Metric(fault) => of_metric(fault, &here),
        Reason::Value(fault) => of_value(*fault, &here),
        Reason::Header(fault) => of_header(fault, &here),
    }
}

fn of_line(fault: LineFault) -> String {
    match fault {
        LineFault::TooLong { bytes_max } => format!(
            "The line is longer than {bytes_max} bytes. Write each record on a line of its own and \
             check the line ends. Example: 00004,2025-07,2025-07-31 16:00,1"
        ),
        LineFault::NotText => {
            "The line is not UTF-8 text. Save the file as UTF-8 and deliver this \
                               line again. Example, in Excel: Save As, \"CSV UTF-8\""
                .to_owned()
        }
        LineFault::BrokenQuotes => "The quotation marks do not match. Leave them out, or put one \
                                    at each end of the cell on the same line. Example: \"2025-07\""
            .to_owned(),
        LineFault::FieldCount { found, expected, separator } => format!(
            "The line has {found} cells but the header has {expected} columns. Write one cell per \
             column; leave a cell without a value empty between two separators. Example with 3 \
             columns: a{separator}{separator}c"
        ),
    }
}

fn of_key(fault: KeyFault, here: &str) -> String {
    match fault {
        KeyFault::Locality { example } => format!(
            "{here} is not a locality code. Write the 5 digits of a commune or the 2 digits of a \
             province, with their leading zeros (in Excel: format the column as Text). Example: \
             {example}"
        ),
        KeyFault::UnknownLocality { example } => format!(
            "{here} is not in the gazetteer. Look the code up with the command phuxanh search and \
             the locality's name. Example: {example}"
        ),
        KeyFault::ForeignLocality { reporter, example } => format!(
            "{here} belongs to another reporter; this inbox is for {reporter}. Write the code \
             of a locality of {reporter}. Example: {example}"
        ),
        KeyFault::Period => format!(
            "{here} is not a month. Write the year, a hyphen and the month in 2 digits. Example: \
             2025-07"
        ),
        KeyFault::PeriodAhead { observed } => format!(
            "The month {here} had not begun at the observed time {observed}. Write a month that is \
             not later than the observed time. Example: {}",
            Period::containing(observed)
        ),
        KeyFault::Time => format!(
            "{here} is not a time. Write year-month-day and hours:minutes in Vietnamese time. \
             Example: 2025-07-31 16:00"
        ),
        KeyFault::TimeAhead { now } => format!(
            "{here} is later than the time at which the file was read. Write the time at which the \
             value was observed, and check the server's clock. Example: {now}"
        ),
        KeyFault::Basis => format!(
            "{here} is not a basis. Leave it empty or write reported (one's own report), published \
             (a published figure) or synthetic (sample data). Example: reported"
        ),
    }
}

fn of_metric(fault: &MetricFault, here: &str) -> String {
    match fault {
        MetricFault::Unknown { example } => format!(
            "{here} is not a metric of the catalogue. Write an id as the command phuxanh catalogue \
             lists it. Example: {example}"
        ),
        MetricFault::Computed { parts } => format!(
            "{here} is computed and not taken from files. Deliver the metrics that it is computed \
             from. Example: {parts}"
        ),
        MetricFault::WrongLevel { metric, expected, found, example } => format!(
            "The metric {metric} is reported by a {expected}, but this line is a {found}'s. Move \
             the value {here} to the line of a {expected}. Example of a code: {example}"
        ),
    }
}

fn of_value(fault: ValueFault, here: &str) -> String {
    match fault {
        ValueFault::Missing => "The cell of the value is empty. Write the value, write - to \
                                withdraw an earlier one, or leave the whole line out while there \
                                is none. Example: 1"
            .to_owned(),
        ValueFault::Criterion => format!(
            "{here} is neither yes nor no. Write 1, true or có; 0, false or không; - to withdraw an \
             earlier value. Example: 1"
        ),
        ValueFault::Count => format!(
            "{here} is not a whole number. Write digits only, without points, commas or spaces; - \
             to withdraw an earlier value. Example: 1250"
        ),
        ValueFault::CountRange => format!(
            "{here} is out of range. Write a whole number from 0 to {MEASURE_MAX}. Example: 1250"
        ),
    }
}

fn of_header(fault: &HeaderFault, here: &str) -> String {
    match fault {
        HeaderFault::UnknownColumn { example } => format!(
            "Column {here} is not a metric of the catalogue and is ignored; the other columns are \
             read. Correct its name by the command phuxanh catalogue, or remove it. Example: \
             {example}"
        ),
        HeaderFault::DuplicateColumn => format!(
            "Column {here} appears more than once, so it is unclear which one holds. Keep one of \
             them. Example: locality,period,observed_time"
        ),
        HeaderFault::MissingColumns { names } => format!(
            "The header lacks the columns: {}. The first line of the file must name the columns, \
             separated by commas or semicolons. Example: locality,metric,period,value,observed_time",
            names.join(", ")
        ),
        HeaderFault::NoMetricColumn { example } => format!(
            "The header has no column of a metric of the catalogue. Add a column with the id of a \
             metric as the command phuxanh catalogue lists it. Example: \
             locality,period,observed_time,{example}"
        ),
        HeaderFault::Absent => "The file is empty. Its first line must name the columns. Example: \
                                locality,metric,period,value,observed_time"
            .to_owned(),
    }
}
