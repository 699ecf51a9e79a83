//! Silence: a reporter of which nothing is heard for long.
//!
//! A collector that runs sends heartbeats, and batches that say that nothing was observed. So silence
//! means that it does not run, or that its link is gone. Nobody tells of it; it is judged when
//! somebody asks.

use super::{
    alarm::{Alarm, Kind, Rules},
    board::Presence,
};
use crate::Timestamp;

/// Returns the alarm of a reporter that was never heard of, or not for [`Rules::silent_after`].
///
/// `listening` is the time since which an aggregator has been there to hear. What was silent before
/// does not count: after a start every reporter has as long as any other to come back.
#[must_use]
pub fn alarm(
    rules: &Rules,
    presence: Option<&Presence>,
    receipt: Option<Timestamp>,
    listening: Timestamp,
    now: Timestamp,
) -> Option<Alarm> {
    if presence.is_some_and(|presence| presence.connected) {
        return None;
    }
    let heard = presence.and_then(|presence| presence.heard.as_ref()).map(|heard| heard.at);
    let last = presence.map(|presence| presence.since).max(heard).max(receipt);
    let silent = now.since(last.map_or(listening, |last| last.max(listening)));
    (silent >= rules.silent_after).then(|| Alarm {
        kind: Kind::Unheard,
        since: last,
        detail: match last {
            Some(last) => format!(
                "nothing was heard since {last}: look at spool stat on the collector's host"
            ),
            None => {
                "nothing was ever heard: start its collector, or look at spool stat on its host"
                    .to_owned()
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        LogId,
        frame::{Program, SessionId},
    };

    const RULES: Rules = Rules {
        hold: Duration::from_mins(5),
        clock_offset_max: Duration::from_secs(30),
        flapping_count: 3,
        flapping_window: Duration::from_mins(1),
        silent_after: Duration::from_secs(100),
    };

    fn second(count: i64) -> Timestamp {
        Timestamp::from_micros(count * 1_000_000).expect("1970")
    }

    fn presence(connected: bool, since: i64) -> Presence {
        Presence {
            session: SessionId([1; 16]),
            log: LogId([1; 16]),
            connected,
            since: second(since),
            host: "a".to_owned(),
            program: Program::default(),
            produced_through: 0,
            heard: None,
            beats_at_rest: 0,
        }
    }

    /// Time of the last word before the alarm that stands at `now`, if one does. The aggregator started
    /// at 1,000.
    fn judged(presence: Option<&Presence>, receipt: Option<i64>, now: i64) -> Option<String> {
        let found = alarm(&RULES, presence, receipt.map(second), second(1_000), second(now));
        found.map(|alarm| alarm.since.map_or_else(|| "never".into(), |since| since.to_string()))
    }

    #[test]
    fn nobody_is_missed_before_the_aggregator_has_listened_for_long_enough() {
        assert_eq!(judged(None, None, 1_099), None);
        assert_eq!(judged(None, None, 1_100), Some("never".to_owned()));
        assert_eq!(judged(None, Some(5), 1_099), None, "heard of long ago by a former run");
        assert_eq!(judged(None, Some(5), 1_100), Some(second(5).to_string()));
    }

    #[test]
    fn silence_counts_from_the_last_word_and_a_session_is_no_silence() {
        let gone = presence(false, 2_000);
        assert_eq!(judged(Some(&gone), Some(1_990), 2_099), None);
        assert_eq!(judged(Some(&gone), Some(1_990), 2_100), Some(second(2_000).to_string()));
        assert_eq!(judged(Some(&gone), Some(2_050), 2_100), None, "a later receipt");
        assert_eq!(judged(Some(&presence(true, 2_000)), None, 9_000), None);
    }
}
