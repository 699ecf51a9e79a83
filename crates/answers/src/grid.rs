//! Tables of text without borders, column by column, as wide as the terminal at most.

use comfy_table::{
    Attribute, CellAlignment, Color, ContentArrangement, LineStyle, TableStyle, presets,
};
use unicode_width::UnicodeWidthStr;

pub use crate::term::Paint;

const STYLE: TableStyle =
    presets::NOTHING.header_separator(LineStyle::none().fill('─').junction('─'));

/// Columns of terminal between two columns.
const GAP: usize = 2;

/// Text with its paint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    #[must_use]
    pub fn new(text: impl AsRef<str>, paint: Paint) -> Self {
        Self { text: safe(text.as_ref()), paint }
    }
}

/// Server text may come from anywhere: it must not steer the terminal.
#[must_use]
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
    title: String,
    alignment: CellAlignment,
    cells: Vec<Cell>,
}

impl Table {
    #[must_use]
    pub const fn new(colour: bool) -> Self {
        Self { colour, columns: Vec::new() }
    }

    /// Adds a column of texts.
    pub fn left<C: Into<Cell>>(&mut self, title: impl AsRef<str>, cells: impl Iterator<Item = C>) {
        self.column(title, CellAlignment::Left, cells);
    }

    /// Adds a column of numbers.
    pub fn right<C: Into<Cell>>(&mut self, title: impl AsRef<str>, cells: impl Iterator<Item = C>) {
        self.column(title, CellAlignment::Right, cells);
    }

    fn column<C: Into<Cell>>(
        &mut self,
        title: impl AsRef<str>,
        alignment: CellAlignment,
        cells: impl Iterator<Item = C>,
    ) {
        let title = title.as_ref().to_owned();
        self.columns.push(Column { title, alignment, cells: cells.map(Into::into).collect() });
    }

    /// The table's lines, each with its end.
    #[must_use]
    pub fn render(self) -> String {
        self.render_within(None)
    }

    /// Columns that it needs where no cell is broken over lines.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.iter().map(|column| column.width() + GAP).sum()
    }

    /// The same, broken over lines where it would be wider.
    #[must_use]
    pub fn render_within(self, width: Option<usize>) -> String {
        let mut table = comfy_table::Table::new();
        table.force_no_tty().load_style(STYLE);
        match width.filter(|width| self.width() > *width) {
            None => table.set_content_arrangement(ContentArrangement::Disabled),
            Some(width) => {
                table.set_content_arrangement(ContentArrangement::Dynamic);
                table.set_width(u16::try_from(width).unwrap_or(u16::MAX))
            }
        };
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
    fn width(&self) -> usize {
        let texts = self.cells.iter().map(|cell| cell.text.as_str());
        texts.chain([self.title.as_str()]).map(UnicodeWidthStr::width).max().unwrap_or(0)
    }

    fn header(&self) -> comfy_table::Cell {
        painted(&self.title, Paint::Strong).set_alignment(self.alignment)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn table(colour: bool) -> Table {
        let mut table = Table::new(colour);
        table.right("Rank", ["1", "12"].iter());
        table.left("Name", ["Thừa Thiên Huế", "Đắk Lắk"].iter());
        let status = |(text, paint)| Cell::new(text, paint);
        table.left("Status", [("red", Paint::Bad), ("green", Paint::Good)].map(status).into_iter());
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
    fn text_that_is_too_wide_goes_on_in_the_next_line() {
        let mut table = Table::new(false);
        table.left("Name", ["Thừa Thiên Huế"].iter());
        table.right("Rank", ["1"].iter());
        let rendered = table.render_within(Some(14));
        assert!(rendered.lines().all(|line| line.chars().count() <= 14), "{rendered}");
        assert!(rendered.contains("Thừa") && rendered.contains("Huế"), "{rendered}");
    }
}
