//! Shapes of a file: headers, separators, line ends, encodings, quotation marks, titles.

use std::ffi::OsStr;

use crate::trial::{Tray::*, Trial, exists};

const RECEIVED: &str = "applications_received";
const ONLINE: &str = "applications_online";
const POST: &str = "applications_post";
/// Statements about the first commune that most inputs make.
const THREE: [(&str, &str, i64); 3] =
    [("01273", RECEIVED, 412), ("01273", ONLINE, 133), ("01273", POST, 7)];

/// Never 1,412 as 1 and 412, which would be 41,200 %.
#[tokio::test]
async fn a_row_with_more_cells_than_the_header_is_refused() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    let header = "locality,period,observed_time,applications_received,applications_online";
    let text = format!(
        "{header}\n01273,2025-07,2025-07-31 16:00,1,412,133\n\
         01279,2025-07,2025-07-31 16:00,1,300,\n01288,2025-07,2025-07-31 16:00,50,5\n"
    );
    trial.write("thousands.csv", &text)?;
    let report = trial.filed("thousands.csv", Accepted).await?;
    report.is("ACCEPTED IN PART", [3, 2, 0, 0, 2]);
    let words = "The line has 6 cells but the header has 5 columns";
    report.lists(&[
        ("2", "", "01273,2025-07,2025-07-31 16:00,1,412,133", words),
        ("3", "", "01279,2025-07,2025-07-31 16:00,1,300,", words),
    ]);
    // The tail that a spreadsheet writes is no cell more than the header has.
    let tail = format!("{header},,\n01290,2025-07,2025-07-31 16:00,60,6,,\n");
    trial.write("tail.csv", &tail)?;
    trial.filed("tail.csv", Accepted).await?.is("ACCEPTED", [1, 2, 0, 0, 0]);
    trial
        .holds(&[
            ("01288", RECEIVED, 50),
            ("01288", ONLINE, 5),
            ("01290", RECEIVED, 60),
            ("01290", ONLINE, 6),
        ])
        .await
}

/// Never received = 100 and online = 300, as the first header would have it.
#[tokio::test]
async fn rows_below_a_second_header_are_read_by_it() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.put("03-second-header-other-order", "in.csv")?;
    let report = trial.filed("in.csv", Accepted).await?;
    report.is("ACCEPTED", [2, 4, 0, 0, 0]);
    report.says(&["There are further headers on line 3; the rows below are read by them."]);
    trial
        .holds(&[
            ("01273", RECEIVED, 412),
            ("01273", ONLINE, 133),
            ("01279", RECEIVED, 300),
            ("01279", ONLINE, 100),
        ])
        .await
}

/// Never accepted with no row, and never rejected for a doubled column "2025-07".
#[tokio::test]
async fn line_ends_may_be_cr_alone() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.put("04-cr-only", "one-row.csv")?;
    trial.filed("one-row.csv", Accepted).await?.is("ACCEPTED", [1, 2, 0, 0, 0]);
    trial.put("04-cr-only", "two-rows.csv")?;
    trial.filed("two-rows.csv", Accepted).await?.is("ACCEPTED", [2, 2, 2, 0, 0]);
    trial
        .holds(&[
            ("01273", RECEIVED, 412),
            ("01273", ONLINE, 133),
            ("01279", RECEIVED, 300),
            ("01279", ONLINE, 100),
        ])
        .await
}

/// Never refused for a header that lacks what it holds.
#[tokio::test]
async fn a_sep_line_and_two_byte_order_marks_are_passed_over() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.put_as("05-sep-line", "in.csv", "sep.csv")?;
    trial.filed("sep.csv", Accepted).await?.is("ACCEPTED", [1, 1, 0, 0, 0]);
    trial.put_as("06-double-bom", "in.csv", "marks.csv")?;
    trial.filed("marks.csv", Accepted).await?.is("ACCEPTED", [1, 2, 1, 0, 0]);
    trial.holds(&THREE).await
}

/// Never a byte of UTF-16 read as something else.
#[tokio::test]
async fn utf_16_is_read_with_a_mark_and_without() -> anyhow::Result<()> {
    for name in ["le-bom.csv", "le-nobom.csv"] {
        let trial = Trial::begin().await?;
        trial.put("17-utf16", name)?;
        trial.filed(name, Accepted).await?.is("ACCEPTED", [1, 3, 0, 0, 0]);
        trial.holds(&THREE).await?;
    }
    Ok(())
}

/// Never a letter of another encoding decoded by guess: not 01273 = 1, not 01279 = 0.
#[tokio::test]
async fn older_encodings_are_refused_by_name() -> anyhow::Result<()> {
    const SIGNATURES: &str = "digital_signatures";
    let trial = Trial::begin().await?;
    trial.put("18-tcvn3-1258", "vni.csv")?;
    let report = trial.filed("vni.csv", Rejected).await?;
    report.is("REJECTED", [2, 0, 0, 0, 2]);
    let words = "is neither yes nor no. It seems to be VNI read as another encoding.";
    report.lists(&[("2", SIGNATURES, "coù", words), ("3", SIGNATURES, "khoâng", words)]);
    trial.put("18-tcvn3-1258", "cp1258.csv")?;
    let report = trial.filed("cp1258.csv", Accepted).await?;
    report.is("ACCEPTED IN PART", [2, 1, 0, 0, 1]);
    let line = "01273,2025-07,2025-07-31 16:00,co\u{fffd}";
    let words = "The line is not UTF-8 text. It seems to be Windows-1258, which is not read.";
    report.lists(&[("2", "", line, words)]);
    trial.holds(&[("01279", SIGNATURES, 1)]).await
}

/// Never the total as a commune's value.
#[tokio::test]
async fn titles_are_passed_over_and_totals_refused() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.put("23-titles-totals", "title.csv")?;
    let report = trial.filed("title.csv", Accepted).await?;
    report.is("ACCEPTED", [1, 1, 0, 0, 0]);
    report.says(&["1 lines above the header were passed over."]);
    trial.put("23-titles-totals", "totals.csv")?;
    let report = trial.filed("totals.csv", Accepted).await?;
    report.is("ACCEPTED IN PART", [3, 1, 1, 0, 1]);
    report.lists(&[("5", "locality", "Tổng cộng", "is not a locality code")]);
    trial.holds(&[("01273", RECEIVED, 412), ("01279", RECEIVED, 300)]).await
}

/// Never one of two columns of one name, and never a file called accepted of which nothing was taken.
#[tokio::test]
async fn a_header_that_cannot_be_read_is_refused_with_what_it_should_say() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    let vietnamese = "Mã xã,Tháng,Thời điểm,Hồ sơ tiếp nhận";
    let mixed = "locality,period,observed_time,applications_received,Value";
    let cases = [
        ("dup.csv", 0, "Applications_Received", "Applications_Received", "appears more than once"),
        (
            "typo.csv",
            1,
            "applications_receivd",
            "applications_receivd",
            "Example: applications_received",
        ),
        ("wide-with-value.csv", 0, "", mixed, "The header lacks the columns: metric."),
        (
            "vi.csv",
            0,
            "",
            vietnamese,
            "The header lacks the columns: locality, period, observed_time.",
        ),
    ];
    for (name, row_count, column, value, words) in cases {
        trial.put("24-headers", name)?;
        let report = trial.filed(name, Rejected).await?;
        report.is("REJECTED", [row_count, 0, 0, 0, 1]);
        report.lists(&[("1", column, value, words)]);
    }
    trial.holds(&[]).await
}

/// Never 01288 = 999: what stands between quotation marks is text.
#[tokio::test]
async fn a_quoted_line_break_begins_no_row() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.put("25-quoted-newline", "in.csv")?;
    let report = trial.filed("in.csv", Accepted).await?;
    report.is("ACCEPTED IN PART", [2, 2, 0, 0, 1]);
    report.says(&[
        "\"note\" is not a metric of the catalogue and is ignored",
        "2 rows have a cell with a line break between quotation marks.",
        // The mark may be in the wrong place.
        "a cell of this line goes on between quotation marks up to line 5",
    ]);
    // A mark that is never closed: all below it is text of its cell.
    let header = "locality,period,observed_time,applications_received,applications_online";
    let text = format!(
        "{header}\n01290,2025-07,2025-07-31 16:00,60,6\n01294,2025-07,2025-07-31 16:00,70,\"7\n\
         01297,2025-07,2025-07-31 16:00,80,8\n"
    );
    trial.write("unclosed.csv", &text)?;
    let report = trial.filed("unclosed.csv", Accepted).await?;
    report.is("ACCEPTED IN PART", [2, 2, 0, 0, 1]);
    report.says(&["Line: 3 ", "nothing of it is taken"]);
    trial
        .holds(&[
            ("01273", RECEIVED, 412),
            ("01279", RECEIVED, 300),
            ("01290", RECEIVED, 60),
            ("01290", ONLINE, 6),
        ])
        .await
}

/// Never 4 or 412 of a value with a zero byte in it, and never a row of zeros.
#[tokio::test]
async fn what_is_no_text_is_refused_by_what_it_is() -> anyhow::Result<()> {
    let trial = Trial::begin().await?;
    trial.put("26-binary", "data.csv.gz")?;
    trial.put("26-binary", "gz-named.csv")?;
    let report = trial.filed("gz-named.csv", Rejected).await?;
    report.is("REJECTED", [0, 0, 0, 0, 1]);
    report.lists(&[("", "", "", "The file is a compressed file (gzip), not a CSV file.")]);
    trial.put("26-binary", "nul-in-value.csv")?;
    let report = trial.filed("nul-in-value.csv", Accepted).await?;
    report.is("ACCEPTED IN PART", [1, 2, 0, 0, 1]);
    report.lists(&[("2", RECEIVED, "4\u{0}12", "U+0000 (NUL)")]);
    trial.holds(&THREE[1..]).await?;
    trial.put("26-binary", "nul.csv")?;
    let report = trial.filed("nul.csv", Accepted).await?;
    report.is("ACCEPTED IN PART", [2, 1, 2, 0, 1]);
    report.says(&["Line: 3 "]);
    assert!(
        exists(&trial.path(OsStr::new("data.csv.gz")))?,
        "it is no CSV file and was taken away"
    );
    trial.holds(&THREE).await
}
