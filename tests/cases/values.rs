//! Contents of cells: codes, months, times, numbers, dashes.

use std::fs;

use phuxanh_tests::harness::Facts;

use crate::trial::{Tray::*, Trial, input};

const RECEIVED: &str = "applications_received";
const ONLINE: &str = "applications_online";

/// Never 01279's zero turned into a withdrawal, which would take it out of the ranking.
#[tokio::test]
async fn a_dash_is_neither_zero_nor_a_withdrawal() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.put("02-dash-is-zero", "in.csv")?;
    let report = trial.filed("in.csv", Accepted).await?;
    report.is("ACCEPTED IN PART", [2, 3, 0, 0, 1]);
    // The report is opened in spreadsheets, for which a dash begins a formula.
    report.lists(&[("3", ONLINE, "'-", "Write 0 for zero")]);
    report.says(&[
        "may mean zero, nothing or a withdrawal, so it is not taken",
        "Giá trị / Value: \"-\"",
    ]);
    let held = [("01273", RECEIVED, 412), ("01273", ONLINE, 133), ("01279", RECEIVED, 300)];
    trial.holds(&held).await?;

    let header = "locality,metric,period,value,observed_time";
    let text = format!("{header}\n01273,{ONLINE},2025-07,rút,2025-08-01 08:00\n");
    trial.write("withdrawn.csv", &text)?;
    let report = trial.filed("withdrawn.csv", Accepted).await?;
    report.is("ACCEPTED", [1, 1, 0, 0, 0]);
    report.lists(&[("2", "value", "withdraw", "The value 133 was withdrawn")]);
    trial.holds(&[held[0], held[2]]).await
}

/// Never 142 because it stands last, and never 412 because it stands first.
#[tokio::test]
async fn of_one_cell_with_two_values_neither_is_taken() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.put("07-same-cell-twice", "in.csv")?;
    let report = trial.filed("in.csv", Accepted).await?;
    report.is("ACCEPTED IN PART", [3, 1, 0, 0, 2]);
    report.lists(&[
        ("2", "value", "412", "Line 3 gives the same cell another value, 142"),
        ("3", "value", "142", "Line 2 gives the same cell another value, 412"),
    ]);
    trial.holds(&[("01273", ONLINE, 100)]).await
}

/// Never accepted and then shown nowhere.
#[tokio::test]
async fn values_of_months_without_the_unit_are_refused_with_the_date() -> anyhow::Result<()> {
    let gazetteer = fs::read_to_string(input("16-unit-ended", "gazetteer.csv"))?;
    let facts = Facts { gazetteer: Some(gazetteer), ..Facts::default() };
    let trial = Trial::begin_with(facts, &[]).await?;
    trial.put("16-unit-ended", "in.csv")?;
    let report = trial.filed("in.csv", Accepted).await?;
    report.is("ACCEPTED IN PART", [3, 2, 0, 0, 3]);
    report.lists(&[
        ("3", "period", "2025-10", "in force from 2025-07-01 to before 2025-09-01"),
        ("4", "period", "2025-08", "is in force since 2025-09-01 and does not count"),
        ("4", "observed_time", "2025-08-31 16:00", "is earlier than 2025-09-01"),
    ]);
    // One month before it began, as the bound allows, yet nobody restates for a later unit.
    assert!(!report.text.contains("may be restated"), "{}", report.text);
    let october = |metric, value| ("01273", metric, "2025-10", value);
    trial.holds_of(&["2025-08", "2025-10"], &[october(RECEIVED, 412), october(ONLINE, 133)]).await
}

/// Never a month of 2015 as if the present communes had existed.
#[tokio::test]
async fn months_of_long_ago_are_refused_with_the_date() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.put("36-period-typo", "in.csv")?;
    let report = trial.filed("in.csv", Rejected).await?;
    report.is("REJECTED", [5, 0, 0, 0, 5]);
    let outside = "The locality is in force since 2025-07-01 and does not count in the month";
    report.lists(&[
        ("2", "period", "2015-07", outside),
        ("3", "period", "2000-01", outside),
        ("4", "period", "2025-7", "is not a month"),
        ("5", "period", "07/2025", "is not a month"),
        ("6", "period", "Jul-25", "is not a month"),
    ]);
    trial.holds_of(&["2000-01", "2015-07", "2025-07"], &[]).await
}

/// Never "412" is not a whole number.
#[tokio::test]
async fn characters_that_cannot_be_seen_are_named() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.put("19-invisible", "in.csv")?;
    let report = trial.filed("in.csv", Accepted).await?;
    report.is("ACCEPTED IN PART", [7, 1, 0, 0, 6]);
    report.lists(&[
        ("2", RECEIVED, "41\u{200b}2", "U+200B (ZERO WIDTH SPACE)"),
        ("3", "locality", "\u{feff}01279", "U+FEFF (BYTE ORDER MARK)"),
        ("4", RECEIVED, "４１２", "U+FF14 (FULLWIDTH)"),
        ("6", RECEIVED, "\u{202d}412\u{202c}", "U+202D, U+202C"),
        ("7", "locality", "\u{200b}01297", "U+200B (ZERO WIDTH SPACE)"),
        ("8", "locality", "“01304”", "U+201C, U+201D"),
    ]);
    trial.holds(&[("01290", RECEIVED, 412)]).await
}

/// Never a number that somebody has to guess: 1.234 is neither 1 nor 1,234.
#[tokio::test]
async fn numbers_are_digits_and_nothing_else() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.put("20-numbers", "in.csv")?;
    let report = trial.filed("in.csv", Rejected).await?;
    report.is("REJECTED", [26, 0, 0, 0, 26]);
    let (count, dash) = ("is not a whole number", "may mean zero, nothing or a withdrawal");
    report.lists(&[
        ("2", "value", "1.234", count),
        ("3", "value", "1,234", count),
        ("4", "value", "1 234", count),
        ("5", "value", "1\u{a0}234", "U+00A0 (NO-BREAK SPACE)"),
        ("6", "value", "1\u{202f}234", "U+202F (NARROW NO-BREAK SPACE)"),
        ("7", "value", "12.0", count),
        ("8", "value", "12,5", count),
        ("9", "value", "85%", count),
        ("10", "value", "1.5E+03", count),
        ("11", "value", "1e3", count),
        ("12", "value", "'+5", count),
        ("13", "value", "'-0", count),
        ("14", "value", "'- 5", count),
        ("15", "value", "(5)", count),
        ("16", "value", "'--", dash),
        ("17", "value", "–", dash),
        ("18", "value", "n/a", count),
        ("19", "value", "0x10", count),
        ("20", "value", "1_000", count),
        ("21", "value", "'412", count),
        ("22", "value", "'=\"412\"", count),
        ("23", "value", "412.", count),
        ("24", "value", ".5", count),
        ("25", "value", "∞", count),
        ("26", "value", "²", count),
        ("27", "value", "①", count),
    ]);
    trial.holds(&[]).await
}

/// Never a day read as a month, a serial number as a time, or a time without its zone.
#[tokio::test]
async fn what_is_not_plainly_a_time_is_refused() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.put("21-times", "in.csv")?;
    let report = trial.filed("in.csv", Accepted).await?;
    report.is("ACCEPTED IN PART", [28, 4, 0, 0, 24]);
    let other = [
        ("2", "31/07/2025"),
        ("3", "7/31/2025 16:00"),
        ("4", "31-07-2025"),
        ("5", "45869"),
        ("6", "45869.6667"),
        ("8", "20250731"),
        ("9", "20250731T1600"),
        ("10", "2025-07-31 16"),
        ("11", "2025-07-31 4:00"),
        ("12", "2025-07-31 04:00 PM"),
        ("13", "2025-07-31 24:00"),
        ("14", "2025-07-31 16:00:60"),
        ("15", "2025-07-31T16:00[Europe/Paris]"),
        ("16", "2025-07-31T16:00[UTC]"),
        ("17", "2025-07-31 16:00 +00:00"),
        ("19", "2025-07-31 16:00:00 UTC"),
        ("20", "2025-W31-4"),
        ("22", "2025-07-31T16:00-07:00[Asia/Ho_Chi_Minh]"),
        ("23", "2025-02-30 10:00"),
        ("24", "0025-07-31 16:00"),
        ("26", "2025-07-31 16h00"),
        ("27", "2025-07-31T09:00:00Z[Asia/Ho_Chi_Minh]"),
        ("28", "'-002025-07-31 16:00"),
        ("29", "2025-07-31 16:00[u-ca=buddhist]"),
    ];
    let words = |line| if line == "24" { "is earlier than 2025-07-01" } else { "is not a time" };
    let expected = other.map(|(line, value)| (line, "observed_time", value, words(line)));
    report.lists(&expected);
    report.says(&["1 rows give only the day of observation; it is read as 00:00."]);
    trial
        .holds(&[
            ("01273", "applications_overdue_open", 6),
            ("01273", "petitions_on_time", 17),
            ("01273", "working_days", 20),
            ("01273", "obstacles_equipment", 24),
        ])
        .await?;
    // Each at the time that it says.
    for (metric, observed) in [
        ("applications_overdue_open", "2025-07-31T00:00:00+07:00"),
        ("petitions_on_time", "2025-07-31T23:00:00+07:00"),
        ("working_days", "2025-07-31T16:00:00+07:00"),
        ("obstacles_equipment", "2025-07-31T16:00:00+07:00"),
    ] {
        let question = ["receipts", "01273", "--metric", metric, "--period", "2025-07"];
        let answer = trial.deployment.ask(&question)?;
        assert_eq!(answer["receipts"][0]["observed_time"], observed, "{answer}");
    }
    Ok(())
}

/// Never 16:00 UTC as 16:00 in Vietnam.
#[tokio::test]
async fn a_time_with_the_name_of_a_zone_is_refused() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.put("21-times-zone-name", "in.csv")?;
    let report = trial.filed("in.csv", Rejected).await?;
    report.is("REJECTED", [2, 0, 0, 0, 2]);
    let words = "without the name of a zone";
    report.lists(&[
        ("2", "observed_time", "2025-07-31T16:00[UTC]", words),
        ("3", "observed_time", "2025-07-31T16:00-07:00[Asia/Ho_Chi_Minh]", words),
    ]);
    trial.holds(&[]).await
}

/// Never 1273 as 01273, and never a value under a code that is another's.
#[tokio::test]
async fn codes_are_read_as_written_or_refused() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.put("22-codes", "in.csv")?;
    let report = trial.filed("in.csv", Rejected).await?;
    report.is("REJECTED", [11, 0, 0, 0, 11]);
    let code = "is not a locality code";
    report.lists(&[
        ("2", "locality", "1273", code),
        ("3", "locality", "4", code),
        ("4", "locality", "'=\"01273\"", code),
        ("5", "locality", "01273.0", code),
        ("6", "locality", "1.273E+03", code),
        ("7", "locality", "０１２７３", "U+FF10 (FULLWIDTH)"),
        ("8", "locality", "001273", code),
        ("9", "locality", "04.01273", code),
        ("10", "locality", "Thục Phán", code),
        ("11", "locality", "02", "is not in the gazetteer"),
        ("12", "locality", "00004", "belongs to another reporter; this inbox is for 04"),
    ]);
    trial.holds(&[]).await
}
