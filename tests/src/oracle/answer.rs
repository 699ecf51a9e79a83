//! Questions to the oracle, and its answers.

use std::cmp::Ordering;

use phuxanh_core::{Basis, Level, LocalityCode, Period, Timestamp, catalogue::Status};

use super::{Figure, Oracle};

/// A ranking that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub indicator: String,
    /// Province or commune.
    pub level: Level,
    pub within: LocalityCode,
    pub period: Period,
    /// True if the highest value has rank 1.
    pub is_highest_first: bool,
}

/// A whole ranking: who has a rank, and who has none and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking {
    pub rows: Vec<Row>,
    /// Codes of the localities of which nothing is known.
    pub unknown: Vec<LocalityCode>,
    /// Codes of those whose denominator is 0.
    pub untested: Vec<LocalityCode>,
}

/// A locality with its rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub rank: u32,
    pub code: LocalityCode,
    pub numerator: i64,
    pub denominator: i64,
    pub counts: Counts,
    /// Colour by the legend; `None` without one.
    pub status: Option<Status>,
    /// Newest time observed under the value.
    pub data_time: Option<Timestamp>,
    pub basis: Basis,
}

impl Row {
    /// The value, rounded to a double.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "answers are rounded in the same way")]
    pub const fn value(&self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

/// Number of communes behind a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    Coverage { green: u32, not_green: u32, unknown: u32 },
    Reports { reported: u32, communes: u32 },
}

impl Oracle {
    /// Every ranking that can be asked for in these periods.
    #[must_use]
    pub fn questions(&self, periods: &[Period]) -> Vec<Question> {
        let mut questions = Vec::new();
        for indicator in self.indicators() {
            for &period in periods {
                for is_highest_first in [false, true] {
                    let question = |level, within| Question {
                        indicator: indicator.to_owned(),
                        level,
                        within,
                        period,
                        is_highest_first,
                    };
                    questions.push(question(Level::Province, LocalityCode::NATION));
                    let scopes = self.scopes().into_iter();
                    questions.extend(scopes.map(|scope| question(Level::Commune, scope)));
                }
            }
        }
        questions
    }

    /// Answers one of [`Self::questions`].
    #[must_use]
    pub fn ranking(&self, question: &Question) -> Ranking {
        let index = self.catalogue.indicator_index(&question.indicator).expect("it was listed");
        let indicator = &self.catalogue.indicators[index];
        let mut ranked = Vec::new();
        let mut answer = Ranking { rows: Vec::new(), unknown: Vec::new(), untested: Vec::new() };
        for code in self.candidates(question) {
            let figure = self.figure(indicator, code, question.period);
            if !figure.is_known {
                answer.unknown.push(code);
            } else if figure.denominator == 0 {
                answer.untested.push(code);
            } else {
                ranked.push((code, figure));
            }
        }
        for (code, figure) in &ranked {
            let before = |other: &Figure| {
                let order = compare(other, figure);
                if question.is_highest_first { order.is_gt() } else { order.is_lt() }
            };
            let ahead = ranked.iter().filter(|(_, other)| before(other)).count();
            let numerator = i64::try_from(figure.numerator).expect("sums are bounded");
            let denominator = i64::try_from(figure.denominator).expect("sums are bounded");
            answer.rows.push(Row {
                rank: u32::try_from(ahead).expect("ranks are few") + 1,
                code: *code,
                numerator,
                denominator,
                counts: figure.counts,
                status: indicator.status(numerator, denominator),
                data_time: figure.newest,
                basis: figure.basis,
            });
        }
        answer.rows.sort_by_key(|row| (row.rank, row.code));
        answer
    }

    /// The localities that a ranking speaks of, by code.
    fn candidates(&self, question: &Question) -> Vec<LocalityCode> {
        match question.level {
            Level::Province => {
                let provinces = self.gazetteer.provinces();
                let in_force =
                    provinces.filter(|province| self.gazetteer.in_force(province, question.period));
                in_force.map(|province| province.code).collect()
            }
            Level::Commune => {
                let communes = self.communes(question.within, question.period);
                communes.iter().map(|commune| commune.code).collect()
            }
            Level::Nation => vec![LocalityCode::NATION],
        }
    }
}

fn compare(left: &Figure, right: &Figure) -> Ordering {
    (left.numerator * right.denominator).cmp(&(right.numerator * left.denominator))
}
