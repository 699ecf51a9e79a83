//! Tables of random statements: which columns they have, and how their cells are spelled.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::{
    meaning::{CRITERIA, Key, MEASURES, PROVINCE_MEASURE, REPORTER, Statement, pick},
    spelling::{self, DASHES, Dash, Spelling},
};

/// True if a cell is written between quotation marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    AsNeeded,
    Always,
    /// The text stands in the file as it is, with separators and marks of its own.
    Verbatim,
}

/// A cell as text.
#[derive(Debug, Clone)]
pub struct Field {
    pub text: String,
    pub marks: Marks,
}

impl Field {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), marks: Marks::AsNeeded }
    }

    pub fn verbatim(text: impl Into<String>) -> Self {
        Self { text: text.into(), marks: Marks::Verbatim }
    }
}

/// A value that was meant.
#[derive(Debug, Clone)]
pub struct Meant {
    pub statement: Statement,
    /// Its place in the row as the header has it.
    pub column: usize,
    /// Nothing about it is odd, so that it must be taken.
    pub is_sure: bool,
    /// Another cell of the file says something else of the same at the same time.
    pub is_contradicted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Header,
    Row,
    /// Titles, sums, remarks.
    Other,
}

/// A line of a file, or several between quotation marks.
#[derive(Debug, Clone)]
pub struct Item {
    pub kind: Kind,
    pub fields: Vec<Field>,
    pub meant: Vec<Meant>,
    /// Separator of this item, if it is not the file's.
    pub separator: Option<char>,
    pub end: Option<&'static str>,
}

impl Item {
    #[must_use]
    pub const fn new(kind: Kind, fields: Vec<Field>) -> Self {
        Self { kind, fields, meant: Vec::new(), separator: None, end: None }
    }

    pub fn doubt(&mut self) {
        for meant in &mut self.meant {
            meant.is_sure = false;
        }
    }
}

/// Content of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Locality,
    Period,
    Observed,
    Basis,
    Metric,
    Value,
    Of(&'static str),
    Note,
    /// Without a name and empty.
    Blank,
}

impl Column {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Locality => "locality",
            Self::Period => "period",
            Self::Observed => "observed_time",
            Self::Basis => "basis",
            Self::Metric => "metric",
            Self::Value => "value",
            Self::Of(metric) => metric,
            Self::Note => "ghi chú",
            Self::Blank => "",
        }
    }
}

/// A file before it is written.
#[derive(Debug)]
pub struct Sheet {
    pub random: Rng,
    pub items: Vec<Item>,
    pub separator: char,
    /// Names of the deformations in it.
    pub deformations: Vec<&'static str>,
    /// Odd cells of a thousand.
    pub oddness: u32,
    pub dash: Option<Dash>,
    /// True if its rows speak of few cells.
    pub is_crowded: bool,
    /// The first item of which everything below is in doubt.
    doubtful: Option<usize>,
    /// Headers with a column that cannot be read.
    doubtful_columns: Vec<(usize, usize)>,
}

impl Sheet {
    #[must_use]
    pub fn new(mut random: Rng) -> Self {
        let separator = pick(&mut random, &[',', ',', ';', ';', '\t']);
        let oddness = pick(&mut random, &[0, 0, 20, 100, 300]);
        let dashes = [None, Some(Dash::Zero), Some(Dash::Nothing), Some(Dash::Withdrawal)];
        let dash = if oddness == 0 { None } else { pick(&mut random, &dashes) };
        Self {
            random,
            items: Vec::new(),
            separator,
            deformations: Vec::new(),
            oddness,
            dash,
            is_crowded: false,
            doubtful: None,
            doubtful_columns: Vec::new(),
        }
    }

    /// One without odd cells, whose rows speak of few cells at few times.
    #[must_use]
    pub fn crowded(random: Rng) -> Self {
        Self { oddness: 0, dash: None, is_crowded: true, ..Self::new(random) }
    }

    pub fn note(&mut self, deformation: &'static str) {
        if !self.deformations.contains(&deformation) {
            self.deformations.push(deformation);
        }
    }

    /// True if something of so many in a thousand happens.
    pub fn chance(&mut self, of_thousand: u32) -> bool {
        self.random.u32(0..1_000) < of_thousand
    }

    pub fn is_odd(&mut self) -> bool {
        self.chance(self.oddness)
    }

    pub fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        pick(&mut self.random, list)
    }

    /// The columns of a table in some order.
    pub fn columns(&mut self) -> Vec<Column> {
        let mut columns = vec![Column::Locality, Column::Period, Column::Observed];
        if self.random.bool() {
            columns.push(Column::Basis);
        }
        if self.random.bool() {
            columns.extend([Column::Metric, Column::Value]);
        } else {
            let mut metrics = self.metrics();
            self.random.shuffle(&mut metrics);
            metrics.truncate(self.random.usize(1..=4));
            columns.extend(metrics.into_iter().map(Column::Of));
        }
        if self.chance(300) {
            columns.push(Column::Note);
            self.note("unknown column");
        }
        if self.random.bool() {
            self.random.shuffle(&mut columns);
        }
        if self.chance(200) {
            self.note("columns without a name");
            columns.resize(columns.len() + self.random.usize(1..=3), Column::Blank);
        }
        columns
    }

    /// A header and the rows below it.
    pub fn add_table(&mut self, columns: &[Column]) {
        let names = columns.iter().map(|column| Field::new(column.name())).collect();
        self.items.push(Item::new(Kind::Header, names));
        self.add_rows(columns);
    }

    pub fn add_rows(&mut self, columns: &[Column]) {
        for _ in 0..self.random.usize(1..=7) {
            let row = self.row(columns);
            self.items.push(row);
        }
    }

    fn row(&mut self, columns: &[Column]) -> Item {
        let mut key = if self.is_crowded {
            Key::crowded(&mut self.random)
        } else if self.oddness > 0 && self.chance(60) {
            Key::odd(&mut self.random)
        } else {
            Key::plain(&mut self.random)
        };
        if !columns.contains(&Column::Basis) {
            key.basis = "reported";
        }
        let metric = self.metric(columns, &mut key);
        let mut row = Row { item: Item::new(Kind::Row, Vec::new()), is_sure: key.oddity.is_none() };
        if let Some(oddity) = key.oddity {
            self.note(oddity);
        }
        for (at, column) in columns.iter().enumerate() {
            let text = match column {
                Column::Locality => {
                    self.spell(&mut row, |random, odd| spelling::code(random, &key, odd))
                }
                Column::Period => {
                    self.spell(&mut row, |random, odd| spelling::period(random, &key, odd))
                }
                Column::Observed => {
                    self.spell(&mut row, |random, odd| spelling::time(random, key.moment, odd))
                }
                Column::Basis => key.basis.to_owned(),
                Column::Metric => metric.to_owned(),
                Column::Value => self.value(&mut row, &key, metric, at, true),
                Column::Of(metric) => self.value(&mut row, &key, metric, at, false),
                Column::Note => self.remark(),
                Column::Blank => String::new(),
            };
            row.item.fields.push(Field::new(text));
        }
        if !row.is_sure {
            row.item.doubt();
        }
        row.item
    }

    /// The metric of a row of a long table. The province speaks of itself in one of them.
    fn metric(&mut self, columns: &[Column], key: &mut Key) -> &'static str {
        let is_plain = key.oddity.is_none() && !self.is_crowded;
        if columns.contains(&Column::Metric) && is_plain && self.chance(60) {
            (key.code, key.name) = (REPORTER, "Hà Nội");
            REPORTER.clone_into(&mut key.locality);
            return PROVINCE_MEASURE;
        }
        let metrics = self.metrics();
        self.pick(&metrics)
    }

    fn metrics(&self) -> Vec<&'static str> {
        if self.is_crowded {
            return vec![CRITERIA[0], MEASURES[0]];
        }
        [CRITERIA.as_slice(), &MEASURES].concat()
    }

    fn spell(&mut self, row: &mut Row, spell: impl Fn(&mut Rng, bool) -> Spelling) -> String {
        // Three cells of a row would make most of the rows odd.
        let is_odd = self.chance(self.oddness / 4);
        let Spelling { text, oddity } = spell(&mut self.random, is_odd);
        if let Some(oddity) = oddity {
            self.note(oddity);
            row.is_sure = false;
        }
        text
    }

    fn value(
        &mut self,
        row: &mut Row,
        key: &Key,
        metric: &'static str,
        column: usize,
        is_needed: bool,
    ) -> String {
        let is_criterion = CRITERIA.contains(&metric);
        let said = match self.random.u8(0..12) {
            0 if !is_needed => return self.nothing(),
            1 => None,
            2 | 3 => Some(0),
            4 if !is_criterion => Some(self.random.i64(1_000..2_000_000)),
            _ if is_criterion => Some(self.random.i64(0..=1)),
            _ => Some(self.random.i64(0..1_000)),
        };
        let dash = match (self.dash, said) {
            (Some(Dash::Zero), Some(0)) | (Some(Dash::Withdrawal), None) => self.is_odd(),
            _ => false,
        };
        let spelling = if dash {
            Spelling { text: self.pick(&DASHES).to_owned(), oddity: Some("dash") }
        } else {
            let is_odd = self.is_odd();
            spelling::value(&mut self.random, metric, said, is_odd)
        };
        if let Some(oddity) = spelling.oddity {
            self.note(oddity);
        }
        let statement = key.says(metric, said);
        let is_sure = spelling.oddity.is_none();
        row.item.meant.push(Meant { statement, column, is_sure, is_contradicted: false });
        spelling.text
    }

    fn nothing(&mut self) -> String {
        if self.dash == Some(Dash::Nothing) && self.is_odd() {
            self.note("dash");
            return self.pick(&DASHES).to_owned();
        }
        self.pick(&["", "", "  "]).to_owned()
    }

    fn remark(&mut self) -> String {
        let remarks = [
            "",
            "",
            "đã kiểm tra",
            "xem 01273; 2025-07, 412",
            "\"tạm\"",
            "màn hình 5\"",
            "có\nhai dòng",
        ];
        self.pick(&remarks).to_owned()
    }

    /// An unclosed mark or a bad header puts everything below it in doubt.
    pub fn doubt_from(&mut self, at: usize) {
        self.doubtful = Some(self.doubtful.map_or(at, |before| before.min(at)));
    }

    /// A column whose name cannot be read is in doubt up to the next header.
    pub fn doubt_column(&mut self, header: usize, column: usize) {
        self.doubtful_columns.push((header, column));
    }

    /// Notes what cannot be sure, once everything is there.
    pub fn finish(&mut self) {
        if let Some(at) = self.doubtful {
            self.items[at..].iter_mut().for_each(Item::doubt);
        }
        for (header, column) in std::mem::take(&mut self.doubtful_columns) {
            let below = self.items[header + 1..].iter_mut();
            let rows = below.take_while(|item| item.kind != Kind::Header);
            for meant in rows.flat_map(|row| &mut row.meant) {
                meant.is_sure &= meant.column != column;
            }
        }
        self.find_contradictions();
    }

    /// Cells that say different things at one time say nothing that could be taken.
    fn find_contradictions(&mut self) {
        let mut said = BTreeMap::<_, Vec<_>>::new();
        for Statement { cell, observed, basis, value } in
            self.items.iter().flat_map(|item| &item.meant).map(|meant| &meant.statement)
        {
            said.entry((cell.clone(), *observed)).or_default().push((*basis, *value));
        }
        said.retain(|_, said| said.iter().any(|one| *one != said[0]));
        for meant in self.items.iter_mut().flat_map(|item| &mut item.meant) {
            let Statement { cell, observed, .. } = &meant.statement;
            meant.is_contradicted = said.contains_key(&(cell.clone(), *observed));
        }
    }
}

struct Row {
    item: Item,
    is_sure: bool,
}
