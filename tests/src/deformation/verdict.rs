//! Holds what the collector read of a file against what was meant.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Read},
    sync::{Arc, LazyLock, atomic::AtomicBool},
    time::Duration,
};

use fastrand::Rng;
use phuxanh_collector::source::{
    Facts, Limits,
    contents::{self, Contents},
    refusal::{HeaderFault, LineFault, Reason, ValueFault},
    report::{Entry, Finding},
};
use phuxanh_core::{Observation, Timestamp, catalogue::Catalogue, gazetteer::Gazetteer};

use super::{
    meaning::{GAZETTEER, NOW, REPORTER, Statement},
    sheet::{Kind, Meant},
    writing::{Placed, Written},
};

static FACTS: LazyLock<Facts> = LazyLock::new(|| Facts {
    reporter: REPORTER.parse().expect("a code"),
    catalogue: Arc::new(Catalogue::builtin()),
    gazetteer: Arc::new(Gazetteer::parse(GAZETTEER.as_bytes()).expect("a gazetteer")),
    ahead_max: Duration::from_mins(5),
    restated_months_max: 1,
});

/// Facts that files are checked by.
#[must_use]
pub fn facts() -> Facts {
    FACTS.clone()
}

#[must_use]
pub fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

/// Bounds under which a long remark is too long.
#[must_use]
pub fn limits() -> Limits {
    Limits { line_bytes_max: 4_000, ..Limits::default() }
}

/// Failure of a reading to give what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A value was taken that nobody meant.
    Wrong { line: u64, taken: String },
    /// A value was not taken, and nothing tells of it.
    Silent { line: u64, meant: Statement },
    /// A value was refused in which nothing is odd.
    Needless { line: u64, meant: Statement },
    /// One value of a cell and time was taken beside another, or beside a refused one.
    Contradiction { line: u64, taken: String },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong { line, taken } => write!(f, "line {line}: nobody meant {taken}"),
            Self::Silent { line, meant } => write!(f, "line {line}: lost in silence: {meant:?}"),
            Self::Needless { line, meant } => {
                write!(f, "line {line}: refused without need: {meant:?}")
            }
            Self::Contradiction { line, taken } => {
                write!(f, "line {line}: taken beside a contradiction: {taken}")
            }
        }
    }
}

/// Values counted by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ends {
    pub taken_count: u64,
    /// Values that are not taken, and named.
    pub refused_count: u64,
    /// Taken from a last line that has no end, of which the report tells.
    pub told_count: u64,
}

impl Ends {
    pub const fn add(&mut self, other: Self) {
        self.taken_count += other.taken_count;
        self.refused_count += other.refused_count;
        self.told_count += other.told_count;
    }
}

/// Yields its bytes in pieces of random lengths.
struct Pieces<'a>(&'a [u8], Rng);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.1.usize(1..=200).min(self.0.len()).min(buffer.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

/// Reads a file as the collector does.
#[must_use]
pub fn read(bytes: &[u8], random: Rng) -> Contents {
    let stop = AtomicBool::new(false);
    let read = contents::read(Pieces(bytes, random), &FACTS, &limits(), now(), &stop);
    read.expect("bytes in memory can be read")
}

/// True if everything was taken right, or refused and named.
pub fn judge(written: &Written, contents: &Contents) -> Result<Ends, Fault> {
    let mut waiting: Vec<(&Placed, &Meant)> = written
        .items
        .iter()
        .flat_map(|it| it.item.meant.iter().map(move |one| (it, one)))
        .collect();
    let mut ends = Ends::default();
    for line in &contents.lines {
        let observation = &line.good.observation;
        let is_meant = |(placed, meant): &(&Placed, &Meant)| {
            placed.lines.contains(&line.number) && says(&meant.statement, observation)
        };
        if let Some(at) = waiting.iter().position(is_meant) {
            waiting.swap_remove(at);
            ends.taken_count += 1;
        } else if is_told(written, line.number) {
            ends.told_count += 1;
        } else {
            return Err(Fault::Wrong { line: line.number, taken: format!("{observation:?}") });
        }
    }
    check_contradictions(contents)?;
    // A file in which no header is found is refused as a whole.
    let is_rejected = contents.row_count == 0 && contents.entries.refused_count() > 0;
    for (placed, meant) in waiting {
        let line = *placed.lines.start();
        let statement = || meant.statement.clone();
        if meant.is_sure && !meant.is_contradicted {
            return Err(Fault::Needless { line, meant: statement() });
        }
        // The report tells how many lines above the first header were passed over.
        let is_above = contents.notes.skipped_line_count > 0
            && contents.lines.first().is_none_or(|first| line < first.number);
        let is_named =
            is_above || contents.entries.listed().iter().any(|entry| names(entry, placed, meant));
        if !is_named && !is_rejected && !is_told(written, line) {
            return Err(Fault::Silent { line, meant: statement() });
        }
        ends.refused_count += 1;
    }
    Ok(ends)
}

/// True if the report tells that a line is perhaps not all that was meant: the last one of a file
/// that was cut short.
fn is_told(written: &Written, line: u64) -> bool {
    let last = written.items.last();
    !written.is_terminated && last.is_some_and(|last| last.is_cut && last.lines.contains(&line))
}

fn says(meant: &Statement, taken: &Observation) -> bool {
    let key = &taken.key;
    let cell = &meant.cell;
    cell.locality == key.locality.to_string()
        && cell.metric == key.metric.as_str()
        && cell.period == key.period.to_string()
        && meant.observed == taken.observed.micros()
        && meant.basis == taken.basis.to_string()
        && meant.value == taken.value
}

fn check_contradictions(contents: &Contents) -> Result<(), Fault> {
    let mut taken = BTreeMap::new();
    for line in &contents.lines {
        let observation = &line.good.observation;
        let said = (observation.value, observation.basis);
        let cell = (&observation.key, observation.observed);
        if *taken.entry(cell).or_insert(said) != said {
            let taken = format!("{observation:?}");
            return Err(Fault::Contradiction { line: line.number, taken });
        }
    }
    let is_twice = |entry: &&Entry| {
        matches!(entry.finding, Finding::Refused(Reason::Value(ValueFault::Twice { .. })))
    };
    for entry in contents.entries.listed().iter().filter(is_twice) {
        let Finding::Refused(Reason::Value(ValueFault::Twice { line, .. })) = entry.finding else {
            continue;
        };
        let beside = contents.lines.iter().find(|taken| {
            taken.number == line && Some(&taken.good.column) == entry.cell.column.as_ref()
        });
        if let Some(beside) = beside {
            let taken = format!("{:?}", beside.good.observation);
            return Err(Fault::Contradiction { line, taken });
        }
    }
    Ok(())
}

/// True if an entry tells of a value that was meant.
fn names(entry: &Entry, placed: &Placed, meant: &Meant) -> bool {
    let first = *placed.lines.start();
    let reason = match &entry.finding {
        Finding::Refused(reason) => reason,
        Finding::RowsAsText { last_line } => return (entry.line + 1..=*last_line).contains(&first),
        Finding::Superseded { .. }
        | Finding::HeldByCentre { .. }
        | Finding::Withdrawn { .. }
        | Finding::Warning(_) => return false,
    };
    match reason {
        Reason::File(_) => return true,
        Reason::Line(LineFault::Unclosed | LineFault::BelowHeader { .. }) => {
            return entry.line <= first || placed.lines.contains(&entry.line);
        }
        Reason::Line(LineFault::Spanning { last_line }) => {
            return (entry.line..=*last_line).contains(&first);
        }
        // Without its header nothing of a table can be read.
        Reason::Header(HeaderFault::DuplicateColumn) => return entry.line <= first,
        Reason::Header(_) if entry.cell.column.is_none() => return entry.line <= first,
        Reason::Line(_)
        | Reason::Key(_)
        | Reason::Metric(_)
        | Reason::Value(_)
        | Reason::Header(_) => {}
    }
    let is_of_header = placed.header_line == Some(entry.line);
    if !placed.lines.contains(&entry.line) && !is_of_header {
        return false;
    }
    // A row and a header in one line.
    let is_row = placed.item.kind == Kind::Row && placed.lines.contains(&entry.line);
    if is_row && matches!(reason, Reason::Header(_)) {
        return true;
    }
    let Some(column) = &entry.cell.column else { return true };
    let is_key =
        ["locality", "period", "observed_time", "basis", "metric"].contains(&&*column.name);
    let is_of_cell = column.index == meant.column
        || *column.name == *meant.statement.cell.metric
        || &*column.name == "value";
    is_of_cell || (is_key && !is_of_header)
}
