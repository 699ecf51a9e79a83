//! What a running product tells those who ask for something that is not there.

use anyhow::ensure;
use phuxanh_tests::harness::{Deployment, Facts};

/// Exit code of a question that cannot be asked so.
const USAGE: i32 = 2;

/// The complaint about a question.
fn complaint(deployment: &Deployment, line: &str) -> anyhow::Result<String> {
    let arguments: Vec<_> = line.split(' ').collect();
    let output = deployment.phuxanh(&arguments)?;
    let told = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(USAGE), "{line}: {}: {told}", output.status);
    Ok(told)
}

#[tokio::test]
async fn a_refused_question_tells_what_may_have_been_meant() -> anyhow::Result<()> {
    let deployment = Deployment::start(&["04"], &Facts::default()).await?;
    for (line, english, vietnamese) in [
        (
            "lowest --indicator green_coverge",
            "\n  Similar: green_coverage\n",
            "\n  Gần giống: green_coverage\n",
        ),
        (
            "lowest --indicator support_staff",
            "\n  support_staff is a criterion; see: phuxanh lacking support_staff\n",
            "\n  support_staff là một tiêu chí; xem bằng: phuxanh lacking support_staff\n",
        ),
        (
            "lacking green_coverage",
            "CRITERION: expected the id of a criterion (see phuxanh catalogue), or nothing for green\n  green_coverage is an indicator; see: phuxanh lowest --indicator green_coverage\n",
            "\n  green_coverage là một chỉ số; xem bằng: phuxanh lowest --indicator green_coverage\n",
        ),
        ("lacking suport_staff", "\n  Similar: support_staff\n", "TIÊU-CHÍ: cần mã một tiêu chí"),
        ("days 04 --criterion suport_staff", "--criterion: ", "\n  Gần giống: support_staff\n"),
        (
            "shortfalls --criterion suport_staff",
            "\n  Similar: support_staff\n",
            "\n  Gần giống: support_staff\n",
        ),
        (
            "shortfalls --criterion applications_online",
            "applications_online is a measure; see: phuxanh compare LOCALITY --measure applications_online",
            "applications_online là một số đếm; xem bằng: phuxanh compare ĐƠN-VỊ --measure applications_online",
        ),
        (
            "receipts 04 --metric applications_onlin",
            "\n  Similar: applications_online\n",
            "Gần giống: applications_online\n",
        ),
        (
            "compare 04 --measure applications_recieved",
            "\n  Similar: applications_received\n",
            "Gần giống: applications_received\n",
        ),
        (
            "lowest --period 2025-7",
            "--period: expected a month as YYYY-MM, for example 2025-07, from 2000-01 on\n  Write: 2025-07\n",
            "\n  Hãy viết: 2025-07\n",
        ),
        ("trend 04 --from 7/2025", "--from: ", "\n  Hãy viết: 2025-07\n"),
        ("lowest --period 2025-13", "from 2000-01 on\n", "--period: cần một tháng dạng NĂM-THÁNG"),
        ("changes --since x", "--since: expected a month", "--since: cần một tháng"),
        ("compare 04 --against x", "--against: expected a month", "--against: cần một tháng"),
    ] {
        let told = complaint(&deployment, line)?;
        ensure!(told.contains(english), "{line}: {told}");
        let told = complaint(&deployment, &format!("--lang vi {line}"))?;
        ensure!(told.contains(vietnamese), "{line}: {told}");
    }
    let told = complaint(&deployment, "lowest --period 2025-13")?;
    ensure!(!told.contains("Write"), "{told}");
    Ok(())
}
