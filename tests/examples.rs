//! The examples under `deploy/examples/` run as a user runs them: with a Python that has only what
//! their requirements name.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context, ensure};
use phuxanh_tests::harness::{
    Deployment, Facts, LOADED_WITHIN, Setup, binary, eventually, free_port, phuxanh, settings,
};

#[tokio::test]
async fn a_python_client_with_only_reflection_lists_the_lowest() -> anyhow::Result<()> {
    let deployment = Deployment::start(&["12"], &Facts::default()).await?;
    let file = "locality,metric,period,value,observed_time\n\
                03388,applications_received,2025-07,200,2025-07-31 16:00\n\
                03388,applications_online,2025-07,50,2025-07-31 16:00\n\
                03390,applications_received,2025-07,100,2025-07-31 16:00\n\
                03390,applications_online,2025-07,10,2025-07-31 16:00\n";
    deployment.put_file("12", "july.csv", file.as_bytes())?;
    let lines = eventually("the client prints the communes", LOADED_WITHIN, async || {
        let output = lowest(
            deployment.server(),
            &["--indicator", "online_submission_rate", "--level", "commune", "--within", "12"],
        )?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout)?;
        let lines: Vec<_> = text.lines().map(words).collect();
        ensure!(lines.len() == 4, "{text}");
        Ok(lines)
    })
    .await?;
    assert_eq!(lines[0], "online_submission_rate in 2025-07, lowest first");
    assert!(lines[1].starts_with("1 03390 10.00% 10 of 100 "), "{}", lines[1]);
    assert!(lines[2].starts_with("2 03388 25.00% 50 of 200 "), "{}", lines[2]);
    assert_eq!(lines[3], "without a rank: 36 unknown, 0 untested");
    Ok(())
}

#[tokio::test]
async fn a_python_client_finds_names_without_accents() -> anyhow::Result<()> {
    let deployment = Deployment::start(&[], &Facts::default()).await?;
    let output = lowest(deployment.server(), &["--search", "da nang"])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout)?, "48     Đà Nẵng\n");
    let refused = lowest(deployment.server(), &["--indicator", "no_such_rate"])?;
    let message = String::from_utf8(refused.stderr)?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(message.contains("answered INVALID_ARGUMENT: "), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_python_client_verifies_the_server_and_shows_its_token() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let pki = |arguments: &[&str]| {
        let output = phuxanh(&[&["pki"], arguments].concat())?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok::<_, anyhow::Error>(String::from_utf8(output.stdout)?)
    };
    let dir = path("");
    pki(&["init", "--trust-domain", "egov.example", "--dir", &dir])?;
    pki(&["issue", "server", "--ip", "127.0.0.1", "--dir", &dir])?;
    let told = pki(&["token", &path("tool.token"), "--name", "tool", "--role", "viewer"])?;
    let (_, row) = told.split_once("[[callers]]").context("a row")?;
    fs::write(path("access.toml"), format!("format = 1\n[[callers]]{row}"))?;
    let aggregator = settings(&[
        ("ACCESS_FILE", &path("access.toml")),
        ("TLS__CERTIFICATE_FILE", &path("server.pem")),
        ("TLS__KEY_FILE", &path("server-key.pem")),
    ]);
    let setup = Setup { aggregator, ..Setup::default() };
    let deployment = Deployment::start_with(&[], &setup).await?;
    let secured = deployment.secured_server()?;
    let (authority, token) = (path("authority.pem"), path("tool.token"));
    let trusting = ["--search", "da nang", "--tls-authorities", &authority];
    let output = lowest(secured, &[&trusting[..], &["--token-file", &token]].concat())?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout)?, "48     Đà Nẵng\n");
    let refused = lowest(secured, &trusting)?;
    let message = String::from_utf8(refused.stderr)?;
    assert!(message.contains("answered UNAUTHENTICATED: no identity"), "{message}");
    let untrusting = lowest(secured, &["--search", "da nang", "--token-file", &token])?;
    assert_eq!(untrusting.status.code(), Some(69));
    let exposed = lowest("http://192.0.2.1:7400", &["--token-file", &token])?;
    let message = String::from_utf8(exposed.stderr)?;
    assert!(message.contains("--token-file: a token goes over TLS only"), "{message}");
    Ok(())
}

#[test]
fn a_python_client_says_that_nobody_answers() -> anyhow::Result<()> {
    let output = lowest(&format!("127.0.0.1:{}", free_port()?), &[])?;
    let message = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(69));
    assert!(message.contains("no aggregator answers at 127.0.0.1:"), "{message}");
    Ok(())
}

/// Needs another Python, which `./tests/run --group pandas` prepares.
#[cfg(feature = "pandas")]
#[tokio::test]
async fn pandas_reads_csv_and_json_without_conversion() -> anyhow::Result<()> {
    let deployment = Deployment::start(&["04"], &Facts::default()).await?;
    let file = "locality,metric,period,value,observed_time\n\
                01273,applications_received,2025-07,200,2025-07-31 16:00\n\
                01273,applications_online,2025-07,50,2025-07-31 16:00\n\
                01279,applications_received,2025-07,100,2025-07-31 16:00\n\
                01279,applications_online,2025-07,10,2025-07-31 16:00\n";
    deployment.put_file("04", "july.csv", file.as_bytes())?;
    let asked = ["lowest", "--within", "04", "--indicator", "online_submission_rate"];
    eventually("both communes are ranked", LOADED_WITHIN, async || {
        let answer = deployment.ask(&asked)?;
        ensure!(answer["ranked_count"] == 2, "{answer}");
        Ok(())
    })
    .await?;
    let paths = ["csv", "json"].map(|form| deployment.root().join(format!("lowest.{form}")));
    for (form, path) in ["csv", "json"].iter().zip(&paths) {
        let path = path.display().to_string();
        let output =
            deployment.phuxanh(&[&asked[..], &["-o", form, "--output-file", &path]].concat())?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let output = example("read_answers.py")?.args(&paths).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let lines: Vec<_> = text.lines().map(words).collect();
    let expected = [
        "online_submission_rate, 2025-07: 2 rows, the same in CSV and JSON",
        "code name province value",
        "01273 Thục Phán 04 0.25",
        "01279 Nùng Trí Cao 04 0.10",
        "together 60 of 300: 20.00%",
    ];
    assert_eq!(lines, expected);
    Ok(())
}

fn lowest(server: &str, arguments: &[&str]) -> anyhow::Result<Output> {
    Ok(example("lowest.py")?.args(["--server", server]).args(arguments).output()?)
}

/// Command that runs an example.
fn example(name: &str) -> anyhow::Result<Command> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("a crate has a root")?;
    let mut command = Command::new(python()?);
    command.arg(root.join("deploy/examples").join(name)).env("PYTHONIOENCODING", "utf-8");
    Ok(command)
}

/// The Python that `tests/run` prepared.
fn python() -> anyhow::Result<PathBuf> {
    let named = env::var_os("PHUXANH_TEST_PYTHON").map(PathBuf::from);
    let prepared = || {
        let debug = binary("phuxanh-aggregator")?;
        let target = debug.ancestors().nth(2).context("programs lie in target/…")?;
        Ok::<_, anyhow::Error>(target.join("tools/python/bin/python"))
    };
    let python = named.map_or_else(prepared, Ok)?;
    ensure!(
        python.exists(),
        "{} is missing: run ./tests/run, which prepares it, or set PHUXANH_TEST_PYTHON to a \
         Python with deploy/examples/requirements.txt",
        python.display()
    );
    Ok(python)
}

fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
