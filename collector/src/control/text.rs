//! Outcomes as text for operators.

use super::{Aggregator, DeadLetter, LinkStat, Replayed, Resynced, Stat, Verified};

pub(super) fn stat(stat: &Stat) -> String {
    let held = match stat.held_back.as_deref() {
        None => String::new(),
        Some("disk") => ", the source is held back: the disk is full".to_owned(),
        Some(_) => ", the source is held back: the spool is at its quota".to_owned(),
    };
    let ballast = match (stat.ballast_bytes, stat.ballast_kept) {
        (0, _) => "none".to_owned(),
        (bytes, true) => size(bytes),
        (bytes, false) => format!("given up, {} are to come back", size(bytes)),
    };
    let restating = if stat.restating { ", restating its cells" } else { "" };
    let link = |told: fn(&LinkStat) -> String| {
        stat.link.as_ref().map_or_else(|| "not known: no collector runs".to_owned(), told)
    };
    lines(&[
        ("log", format!("{}, epoch {}{restating}", stat.log_id, stat.log_epoch)),
        ("produced", format!("through batch {}", stat.produced.sequence)),
        ("released", format!("through batch {}", stat.released.sequence)),
        (
            "waiting",
            format!(
                "{} batches, {} observations, {}",
                stat.batches,
                stat.observations,
                size(stat.payload_bytes)
            ),
        ),
        ("complete through", stat.complete_through.clone().unwrap_or_else(|| "not known".into())),
        (
            "file",
            format!(
                "{} of {}, {} in use{held}",
                size(stat.file_bytes),
                size(stat.quota_bytes),
                size(stat.used_bytes)
            ),
        ),
        ("ballast", ballast),
        ("cells", format!("{}, digest {}", stat.cells, stat.cell_digest)),
        (
            "observations",
            format!(
                "{} produced in this log, {} of them rejected",
                stat.produced_observations, stat.rejected_observations
            ),
        ),
        ("dead letters", stat.dead_letters.to_string()),
        ("unreadable files", stat.unreadable_files.to_string()),
        ("link", link(connected)),
        ("last link error", link(last_error)),
        ("last durable ack", link(last_durable_ack)),
        ("aggregator", aggregator(stat.aggregator.as_ref())),
        ("session", stat.aggregator.as_ref().map_or_else(|| "none".to_owned(), session)),
        ("at the centre", stat.aggregator.as_ref().map_or_else(|| "not known".to_owned(), folded)),
        ("last new log", resynced(stat.resynced.as_ref())),
    ])
}

fn connected(link: &LinkStat) -> String {
    let since = link.since_time.as_deref().unwrap_or("the start");
    match &link.connected_to {
        Some(url) => format!("connected to {url} since {since}"),
        None => format!("not connected since {since}"),
    }
}

fn last_error(link: &LinkStat) -> String {
    let Some(error) = &link.last_error else {
        return "none since the collector started".to_owned();
    };
    format!("{}, {}: {}; {}", error.time, error.url, error.cause, error.advice)
}

fn last_durable_ack(link: &LinkStat) -> String {
    match &link.last_durable_ack {
        None => "none since the collector started".to_owned(),
        Some(ack) => format!("{}, through batch {}", ack.time, ack.through),
    }
}

fn aggregator(aggregator: Option<&Aggregator>) -> String {
    let Some(found) = aggregator else { return "no stream is open".to_owned() };
    let catalogue = if found.same_catalogue { "the same catalogue" } else { "another catalogue" };
    let hold = found.hold.as_ref().map(|hold| format!(", takes no batches for now: {hold}"));
    let hold = hold.unwrap_or_default();
    format!("{}, durability {}, {catalogue}{hold}", found.url, found.durability)
}

fn session(found: &Aggregator) -> String {
    format!("{} at store {}", found.session, found.store_generation)
}

fn folded(found: &Aggregator) -> String {
    let Aggregator { folded_through, applied, repeated, superseded, rejected, .. } = found;
    format!(
        "through batch {folded_through}: {applied} applied, {repeated} repeated, {superseded} superseded, \
         {rejected} rejected"
    )
}

fn resynced(resynced: Option<&Resynced>) -> String {
    match resynced {
        None => "none".to_owned(),
        Some(Resynced { time, reason, detail }) => format!("{time}, {reason}: {detail}"),
    }
}

pub(super) fn verified(verified: &Verified) -> String {
    let walked = format!(
        "{} batches, {} observations, {} cells and {} dead letters were read",
        verified.batches, verified.observations, verified.cells, verified.dead_letters
    );
    if verified.sound {
        return format!("the spool is sound: {walked}");
    }
    format!("the spool is damaged: {walked}\n  {}", verified.faults.join("\n  "))
}

pub(super) fn dead_letters(letters: &[DeadLetter]) -> String {
    if letters.is_empty() {
        return "no dead letters".to_owned();
    }
    let heads = ["id", "locality", "metric", "period", "value", "observed", "refused", "reason"];
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(letters.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<_> = (0..heads.len()).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &[String; 8]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn row(letter: &DeadLetter) -> [String; 8] {
    let (id, refused) = (letter.id.to_string(), letter.refused_time.clone());
    let reason = letter.reason.clone();
    let Some(observation) = &letter.observation else {
        let unknown = || "?".to_owned();
        return [id, unknown(), unknown(), unknown(), unknown(), unknown(), refused, reason];
    };
    [
        id,
        observation.locality.clone(),
        observation.metric.clone(),
        observation.period.clone(),
        observation.value.map_or_else(|| "withdrawn".to_owned(), |value| value.to_string()),
        observation.observed_time.clone(),
        refused,
        reason,
    ]
}

pub(super) fn replayed(replayed: &Replayed) -> String {
    let mut said = vec![format!(
        "{} dead letters travel again, {} equal what their cells hold, {} are older than that",
        replayed.taken, replayed.unchanged, replayed.superseded
    )];
    if !replayed.passed_over.is_empty() {
        let ids: Vec<_> = replayed.passed_over.iter().map(u64::to_string).collect();
        said.push(format!("not there, or not to be read: {}", ids.join(", ")));
    }
    if replayed.full {
        let full = "the spool is full, the others stay: try again when it has drained";
        said.push(full.to_owned());
    }
    said.join("\n")
}

fn lines(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = rows.iter().map(|(name, value)| format!("{name:width$}  {value}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Bytes in the unit that keeps them short, rounded down to a tenth.
fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.into_iter().find(|(shift, _)| bytes >> shift > 0) {
        None => format!("{bytes} B"),
        Some((shift, unit)) => {
            let tenths = ((bytes >> (shift - 10)) * 10) >> 10;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_at_a_glance() {
        let cases = [(0, "0 B"), (1_023, "1023 B"), (1_536, "1.5 KiB"), (256 << 20, "256.0 MiB")];
        for (bytes, expected) in cases {
            assert_eq!(size(bytes), expected);
        }
    }
}
