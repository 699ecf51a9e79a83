//! Answers as documents: a head, tables of typed columns, and notes.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::MonthReports;

use crate::{
    cell::{Cell, Value},
    language::Words,
    marks::Marks,
    sentence::Sentence,
};

/// Answer to a question.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// Sentences that state what was asked, and the answer in short.
    pub head: Vec<Sentence>,
    /// Values by key that hold for the whole answer.
    pub facts: Vec<(String, Cell)>,
    /// The main table comes first.
    pub tables: Vec<Table>,
    pub notes: Vec<Sentence>,
    /// Sentences that the reader has to know before using the answer.
    pub warnings: Vec<Sentence>,
    /// Reason why the answer, given in full, is bad news.
    pub bad_news: Option<BadNews>,
}

/// What fails a command though its answer is complete: ends that disagree, or what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct BadNews(pub Sentence);

/// Table of typed columns.
#[derive(Debug, Clone)]
pub struct Table {
    /// Key of its rows, or of each part of them.
    pub parts: Vec<Part>,
    pub title: Option<Sentence>,
    pub columns: Vec<Column>,
    /// Sentences below it.
    pub footer: Vec<Sentence>,
    /// False for what only programs need.
    pub shown: bool,
    /// Rows that a terminal shows, where not all are wanted at a glance.
    pub glance: Option<usize>,
}

/// Rows of a table that follow each other and share a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub key: &'static str,
    pub row_count: usize,
    /// True for a single row that is no list, such as a total.
    pub single: bool,
}

/// Column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    /// Keys of the values in each cell; none for what only people need. A dot leads into an object.
    pub keys: Vec<String>,
    pub label: Words,
    pub importance: Importance,
    pub cells: Vec<Cell>,
}

/// Importance of a column where the room is narrow, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Importance {
    /// Only for programs.
    Data,
    Detail,
    Useful,
    Main,
    /// Marks of single rows.
    Mark,
    /// Never left out.
    Key,
}

impl Document {
    /// Adds a value that holds for the whole answer.
    pub fn fact(&mut self, key: impl Into<String>, cell: impl Into<Cell>) {
        self.facts.push((key.into(), cell.into()));
    }

    /// Adds what every answer from a view has.
    pub fn view(&mut self, period: &str, view_version: &str) {
        self.fact("period", Cell::month(period));
        self.fact("view_version", Cell::code(view_version));
    }

    /// Adds who reported the month, and says so where nobody did: criteria hold on from an earlier
    /// one. Aggregators of an earlier release do not tell it.
    pub fn reports(&mut self, period: &str, reports: Option<&MonthReports>) {
        let Some(reports) = reports else { return };
        let MonthReports { reported_count, commune_count, carried_from_period } = reports;
        self.fact("reports.reported reports.communes", Cell::part(*reported_count, *commune_count));
        self.fact("reports.carried_from", Cell::month(carried_from_period));
        if *reported_count > 0 {
            return;
        }
        let (vi, en) = match carried_from_period.as_str() {
            "" => ("chưa có tiêu chí nào từ trước", "no criteria from before"),
            _ => ("tiêu chí giữ theo tháng {3}", "criteria carried over from {3}"),
        };
        self.head.push(Sentence::new(
            format!("{{0}} trong {{1}} xã đã báo cáo tháng {{2}}; {vi}"),
            format!("{{0}} of {{1:commune:communes}} reported {{2}}; {en}"),
            [
                Cell::count(*reported_count),
                Cell::count(*commune_count),
                Cell::month(period),
                Cell::month(carried_from_period),
            ],
        ));
    }

    /// Says through when it is complete, where the aggregator's store is out of reach.
    pub fn date(&mut self, as_of: &str) {
        self.facts.insert(0, ("as_of_time".to_owned(), Cell::text(as_of)));
        let time = as_of.parse().ok();
        let time = time.map_or_else(|| Cell::text(as_of), |time: Timestamp| Cell::time(Some(time)));
        self.warnings.push(Sentence::new(
            "kho lưu của bộ tổng hợp không truy cập được: đây là số liệu tính đến {0}\n  \
             Thiếu những gì đã gửi tới các bộ tổng hợp khác từ lúc đó. Xem: phuxanh mesh",
            "the aggregator's store is out of reach: this is what was known at {0}\n  \
             What was delivered to other aggregators since then is missing. Look at: phuxanh mesh",
            [time],
        ));
    }

    /// Every mark in it, as people see them.
    pub fn marks(&self) -> impl Iterator<Item = Marks> {
        let seen = |table: &'_ Table, column: &Column| {
            !table.shown || column.importance > Importance::Data
        };
        let columns = self
            .tables
            .iter()
            .flat_map(move |table| table.columns.iter().filter(move |column| seen(table, column)));
        let facts = self.facts.iter().map(|(_, cell)| cell);
        columns.flat_map(|column| &column.cells).chain(facts).filter_map(|cell| match cell.value {
            Value::Marks(marks) => Some(marks),
            _ => None,
        })
    }
}

impl Table {
    /// Starts a table whose rows have one key.
    #[must_use]
    pub fn new(key: &'static str, row_count: usize) -> Self {
        Self::of_parts(vec![Part { key, row_count, single: false }])
    }

    #[must_use]
    pub const fn of_parts(parts: Vec<Part>) -> Self {
        Self {
            parts,
            title: None,
            columns: Vec::new(),
            footer: Vec::new(),
            shown: true,
            glance: None,
        }
    }

    /// Makes it one for programs alone.
    #[must_use]
    pub fn hidden(self) -> Self {
        Self { shown: false, ..self }
    }

    #[must_use]
    pub fn titled(self, title: Sentence) -> Self {
        Self { title: Some(title), ..self }
    }

    /// Makes a terminal show its first rows alone.
    #[must_use]
    pub fn glanced(self, row_count: usize) -> Self {
        Self { glance: Some(row_count), ..self }
    }

    /// Adds a sentence below it.
    pub fn note(&mut self, note: Sentence) {
        self.footer.push(note);
    }

    /// Adds a column. Keys are parted by spaces.
    pub fn add<C: Into<Cell>>(
        &mut self,
        importance: Importance,
        keys: &str,
        label: Words,
        cells: impl IntoIterator<Item = C>,
    ) {
        let keys = keys.split_whitespace().map(str::to_owned).collect();
        let cells = cells.into_iter().map(Into::into).collect();
        self.columns.push(Column { keys, label, importance, cells });
    }

    #[must_use]
    pub fn row_count(&self) -> usize {
        self.parts.iter().map(|part| part.row_count).sum()
    }
}

impl Part {
    /// Key of a list.
    #[must_use]
    pub const fn list(key: &'static str, row_count: usize) -> Self {
        Self { key, row_count, single: false }
    }

    /// Key of the only row that it stands for.
    #[must_use]
    pub const fn single(key: &'static str) -> Self {
        Self { key, row_count: 1, single: true }
    }
}
