//! Marks that a reader has to see beside a number: its age and its origin.

use phuxanh_proto::v1::Basis;

use crate::{
    reply::{Reading, Row},
    table::{Cell, Paint},
    words,
};

const STALE: &str = "stale: its newest observation is older than the aggregator's limit";
const PUBLISHED: &str = "published: taken from a published figure, not reported by a collector";
const SYNTHETIC: &str = "synthetic: made up to fit the published totals";

/// Age and origin of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    pub stale: bool,
    pub basis: Basis,
}

impl From<&Reading> for Marks {
    fn from(reading: &Reading) -> Self {
        Self { stale: reading.stale, basis: reading.basis }
    }
}

impl From<&Row> for Marks {
    fn from(row: &Row) -> Self {
        Self::from(&row.reading)
    }
}

impl Marks {
    /// The marks in words; empty for a fresh number that was reported.
    pub fn text(self) -> String {
        let stale = self.stale.then_some("stale");
        stale.into_iter().chain(words::basis(self.basis)).collect::<Vec<_>>().join(", ")
    }

    pub fn cell(self) -> Cell {
        Cell::new(self.text(), Paint::Middling)
    }
}

/// The marks of several numbers in one cell.
pub fn merged(marks: &[Marks]) -> Cell {
    let stale = marks.iter().any(|mark| mark.stale);
    let bases = [Basis::Published, Basis::Synthetic].into_iter();
    let occurring = bases.filter(|basis| marks.iter().any(|mark| mark.basis == *basis));
    let words = stale.then_some("stale").into_iter().chain(occurring.filter_map(words::basis));
    Cell::new(words.collect::<Vec<_>>().join(", "), Paint::Middling)
}

/// Explains the marks that occur; empty where none does.
pub fn footer(marks: impl Iterator<Item = Marks>) -> String {
    let marks: Vec<_> = marks.collect();
    let occurs = |basis| marks.iter().any(|mark| mark.basis == basis);
    let lines = [
        (marks.iter().any(|mark| mark.stale), STALE),
        (occurs(Basis::Published), PUBLISHED),
        (occurs(Basis::Synthetic), SYNTHETIC),
    ];
    let mut text = String::new();
    for (_, line) in lines.iter().filter(|(occurs, _)| *occurs) {
        text.push_str(if text.is_empty() { "\n" } else { "" });
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_marks_that_occur_are_explained() {
        let fresh = Marks { stale: false, basis: Basis::Unspecified };
        let made_up = Marks { stale: false, basis: Basis::Synthetic };
        assert_eq!(footer([fresh].into_iter()), "");
        assert_eq!(footer([fresh, made_up].into_iter()), format!("\n{SYNTHETIC}\n"));
    }

    #[test]
    fn marks_are_words() {
        assert_eq!(Marks { stale: true, basis: Basis::Published }.text(), "stale, published");
        assert_eq!(Marks { stale: false, basis: Basis::Unspecified }.text(), "");
    }
}
