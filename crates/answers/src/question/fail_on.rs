//! Bad news for which an answer fails its command, as cron wants it.

use crate::{
    cell::{Cell, Value},
    document::BadNews,
    sentence::Sentence,
};

/// Causes to fail that are asked for. That ends disagree always is one, for an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FailOn {
    /// Any alarm that the answer shows.
    pub alarm: bool,
    /// A collector that is not heard.
    pub silent: bool,
}

impl FailOn {
    /// The bad news among alarms and collectors that are not heard, if it was asked for.
    pub(super) fn news(self, alarm_count: usize, silent: &[Cell]) -> Option<BadNews> {
        if self.alarm && alarm_count > 0 {
            return Some(BadNews(Sentence::new(
                "có {0} cảnh báo (--fail-on alarm); xem từng cảnh báo bằng phuxanh collectors",
                "{0:alarm stands:alarms stand} (--fail-on alarm); phuxanh collectors shows each",
                [Cell::count(alarm_count as i128)],
            )));
        }
        let is_bad = self.silent && !silent.is_empty();
        is_bad.then(|| {
            BadNews(Sentence::new(
                "{0} bộ thu thập mất liên lạc (--fail-on silent): {1}",
                "{0:collector is:collectors are} not heard (--fail-on silent): {1}",
                [Cell::count(silent.len() as i128), Value::List(silent.to_vec()).into()],
            ))
        })
    }
}
