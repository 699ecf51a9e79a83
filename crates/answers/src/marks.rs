//! Marks that a reader has to see beside a number: its age and its origin.

use phuxanh_proto::v1::Basis;

use crate::{language::Words, term::Term, vocabulary};

/// Age and origin of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each mark stands or does not")]
pub struct Marks {
    pub stale: bool,
    pub published: bool,
    pub synthetic: bool,
    /// True if older days were not kept.
    pub cut: bool,
}

impl Marks {
    #[must_use]
    pub const fn new(stale: bool, basis: Basis) -> Self {
        let (published, synthetic) = match basis {
            Basis::Unspecified => (false, false),
            Basis::Published => (true, false),
            Basis::Synthetic => (false, true),
        };
        Self { stale, published, synthetic, cut: false }
    }

    /// The word of what was not reported.
    #[must_use]
    pub fn basis(self) -> Option<Term> {
        let synthetic = self.synthetic.then_some(vocabulary::SYNTHETIC);
        synthetic.or(self.published.then_some(vocabulary::PUBLISHED))
    }

    /// The words of what it marks, with their meanings; none for a fresh number that was reported.
    #[must_use]
    pub fn terms(self) -> Vec<(Term, Words)> {
        let all = [
            (self.cut, vocabulary::CUT, vocabulary::CUT_MEANS),
            (self.stale, vocabulary::STALE, vocabulary::STALE_MEANS),
            (self.published, vocabulary::PUBLISHED, vocabulary::PUBLISHED_MEANS),
            (self.synthetic, vocabulary::SYNTHETIC, vocabulary::SYNTHETIC_MEANS),
        ];
        let occurring = all.into_iter().filter(|(occurs, ..)| *occurs);
        occurring.map(|(_, term, meaning)| (term, meaning)).collect()
    }

    /// The marks for which a rule holds, given each of two numbers.
    #[must_use]
    pub fn with(self, other: Self, rule: fn(bool, bool) -> bool) -> Self {
        Self {
            stale: rule(self.stale, other.stale),
            published: rule(self.published, other.published),
            synthetic: rule(self.synthetic, other.synthetic),
            cut: rule(self.cut, other.cut),
        }
    }
}
