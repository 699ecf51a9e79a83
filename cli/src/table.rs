//! Tables without borders, column by column; what a cell looks like on a terminal.

use comfy_table::{
    Attribute, CellAlignment, Color, ContentArrangement, LineStyle, TableStyle, presets,
};
use phuxanh_core::Timestamp;
use phuxanh_proto::v1::Status;

use crate::{number, words};

const STYLE: TableStyle =
    presets::NOTHING.header_separator(LineStyle::none().fill('─').junction('─'));

/// Emphasis of a cell on a terminal. Its text alone has to tell the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    Plain,
    Good,
    Middling,
    Bad,
    Faint,
    Strong,
}

/// Text with its paint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    pub fn new(text: impl AsRef<str>, paint: Paint) -> Self {
        Self { text: safe(text.as_ref()), paint }
    }
}

/// Server text may come from anywhere: it must not steer the terminal.
pub fn safe(text: &str) -> String {
    let shown = |letter: char| if letter.is_control() { '\u{FFFD}' } else { letter };
    text.chars().map(shown).collect()
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Paint::Plain)
    }
}

/// A table that is filled column by column.
#[derive(Debug)]
pub struct Table {
    colour: bool,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    title: &'static str,
    alignment: CellAlignment,
    cells: Vec<Cell>,
}

impl Table {
    pub const fn new(colour: bool) -> Self {
        Self { colour, columns: Vec::new() }
    }

    /// Adds a column of texts.
    pub fn left<C: Into<Cell>>(&mut self, title: &'static str, cells: impl Iterator<Item = C>) {
        self.column(title, CellAlignment::Left, cells);
    }

    /// Adds a column of numbers.
    pub fn right<C: Into<Cell>>(&mut self, title: &'static str, cells: impl Iterator<Item = C>) {
        self.column(title, CellAlignment::Right, cells);
    }

    /// Adds a column of texts, unless there is nothing in it.
    pub fn left_if_any(&mut self, title: &'static str, cells: impl Iterator<Item = Cell>) {
        let cells: Vec<_> = cells.collect();
        if cells.iter().any(|cell| !cell.text.is_empty()) {
            self.left(title, cells.into_iter());
        }
    }

    fn column<C: Into<Cell>>(
        &mut self,
        title: &'static str,
        alignment: CellAlignment,
        cells: impl Iterator<Item = C>,
    ) {
        self.columns.push(Column { title, alignment, cells: cells.map(Into::into).collect() });
    }

    /// The table's lines, each with its end.
    pub fn render(self) -> String {
        let mut table = comfy_table::Table::new();
        table.force_no_tty().load_style(STYLE);
        table.set_content_arrangement(ContentArrangement::Disabled);
        if self.colour {
            table.enforce_styling();
        }
        table.set_header(self.columns.iter().map(Column::header));
        let row_count = self.columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
        for index in 0..row_count {
            table.add_row(self.columns.iter().map(|column| column.cell(index)));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 1));
        }
        table.trim_fmt() + "\n"
    }
}

impl Column {
    fn header(&self) -> comfy_table::Cell {
        painted(self.title, Paint::Strong).set_alignment(self.alignment)
    }

    fn cell(&self, index: usize) -> comfy_table::Cell {
        self.cells
            .get(index)
            .map_or_else(|| painted("", Paint::Plain), |cell| painted(&cell.text, cell.paint))
            .set_alignment(self.alignment)
    }
}

fn painted(text: &str, paint: Paint) -> comfy_table::Cell {
    let cell = comfy_table::Cell::new(text);
    match paint {
        Paint::Plain => cell,
        Paint::Good => cell.fg(Color::DarkGreen),
        Paint::Middling => cell.fg(Color::DarkYellow),
        Paint::Bad => cell.fg(Color::DarkRed).add_attribute(Attribute::Bold),
        Paint::Faint => cell.fg(Color::DarkGrey),
        Paint::Strong => cell.add_attribute(Attribute::Bold),
    }
}

/// The word of a status in its colour.
pub fn status(status: Status) -> Cell {
    let paint = match status {
        Status::Unspecified => Paint::Plain,
        Status::Green => Paint::Good,
        Status::Yellow => Paint::Middling,
        Status::Red => Paint::Bad,
        Status::Grey => Paint::Faint,
    };
    Cell::new(words::status(status).unwrap_or_default(), paint)
}

/// Date and time of day in Vietnam, to the minute.
pub fn time(time: Option<Timestamp>) -> String {
    time.map_or_else(
        || number::NONE.to_owned(),
        |time| {
            let civil = time.civil();
            format!("{} {:02}:{:02}", civil.date(), civil.hour(), civil.minute())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(colour: bool) -> Table {
        let mut table = Table::new(colour);
        table.right("Rank", ["1", "12"].iter());
        table.left("Name", ["Thừa Thiên Huế", "Đắk Lắk"].iter());
        table.left("Status", [Status::Red, Status::Green].map(status).into_iter());
        table
    }

    #[test]
    fn columns_are_aligned_with_vietnamese_names() {
        let lines = [
            "Rank  Name            Status",
            "─────────────────────────────",
            "   1  Thừa Thiên Huế  red",
            "  12  Đắk Lắk         green",
            "",
        ];
        assert_eq!(table(false).render(), lines.join("\n"));
    }

    #[test]
    fn decomposed_letters_take_no_room() {
        let mut table = Table::new(false);
        table.left("Name", ["Huê\u{301}", "Huế "].iter());
        table.left("Code", ["46", "46"].iter());
        let rendered = table.render();
        let ends: Vec<_> = rendered.lines().skip(2).map(str::trim_end).collect();
        assert_eq!(ends, ["Huê\u{301}   46", "Huế   46"]);
    }

    #[test]
    fn colours_are_only_painted_where_asked_for() {
        assert!(!table(false).render().contains('\u{1b}'));
        assert!(table(true).render().contains('\u{1b}'));
    }

    #[test]
    fn a_cell_cannot_steer_the_terminal() {
        assert_eq!(Cell::from("a\u{1b}[2Jb\n").text, "a\u{FFFD}[2Jb\u{FFFD}");
    }

    #[test]
    fn an_empty_column_is_left_out() {
        let mut table = table(false);
        table.left_if_any("Notes", ["", ""].map(Cell::from).into_iter());
        assert!(!table.render().contains("Notes"));
    }

    #[test]
    fn times_are_shown_to_the_minute() {
        let cut_off = "2025-07-31T16:00:59+07:00".parse().expect("a time");
        assert_eq!(time(Some(cut_off)), "2025-07-31 16:00");
        assert_eq!(time(None), "–");
    }
}
