//! The answers shown in `docs/answers.md`.

use std::{collections::BTreeSet, env, fs, path::Path};

use anyhow::{Context, ensure};
use phuxanh_tests::{
    document::{Document, Shown, masked},
    harness::Deployment,
};

/// Says that the document is to be rewritten.
const UPDATE: &str = "PHUXANH_UPDATE";

/// Characters of a line where no terminal tells.
const COLUMNS: usize = 80;

/// Each answer is the one shown, but for what differs from run to run.
pub(super) fn answers_are_those_shown(deployment: &Deployment) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("a crate has a root")?;
    let path = root.join("docs/answers.md");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut document = Document::parse(&text)?;
    every_command_is_asked(deployment, &document)?;
    let mut differing = Vec::new();
    for shown in &mut document.shown {
        let arguments: Vec<_> = shown.arguments().collect();
        // Shown of the store that is the default.
        if arguments.first() == Some(&"mesh") && deployment.redis().is_ok() {
            continue;
        }
        let output = deployment.phuxanh(&arguments)?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "phuxanh {}: {complaint}", shown.command);
        let answer = String::from_utf8(output.stdout)?;
        // A word alone may be wider, such as a hash.
        let wide = answer.lines().find(|line| line.chars().count() > COLUMNS && line.contains(' '));
        ensure!(wide.is_none(), "phuxanh {}: wider than {COLUMNS}: {wide:?}", shown.command);
        if masked(&answer) != masked(&shown.answer) {
            differing.push(difference(shown, &answer));
            shown.answer = answer;
        }
    }
    if env::var(UPDATE).is_ok_and(|value| value == "1") {
        return Ok(fs::write(&path, document.to_string())?);
    }
    ensure!(
        differing.is_empty(),
        "docs/answers.md shows what is not answered ({UPDATE}=1 writes it anew)\n{}",
        differing.join("\n")
    );
    Ok(())
}

fn every_command_is_asked(deployment: &Deployment, document: &Document) -> anyhow::Result<()> {
    let help = String::from_utf8(deployment.phuxanh(&["--help"])?.stdout)?;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    // A text that goes on in the next line stands further in.
    let begun = commands.filter_map(|line| line.strip_prefix("  "));
    let mut commands: BTreeSet<_> = begun
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    // These ask no aggregator.
    let others = ["help", "pki", "completion", "man"].map(|other| commands.remove(other));
    let others = others.iter().all(|found| *found);
    ensure!(others && commands.len() > 1, "no commands in: {help}");
    let asked = document.shown.iter().filter_map(|shown| shown.arguments().next()).collect();
    assert_eq!(commands, asked, "left: of phuxanh --help; right: of docs/answers.md");
    Ok(())
}

/// The first line that is not as shown.
fn difference(shown: &Shown, answer: &str) -> String {
    let masked = [&shown.answer, answer].map(masked);
    let [expected, found] = masked.each_ref().map(|text| text.split('\n'));
    let pair = expected.zip(found).find(|(expected, found)| expected != found);
    let (expected, found) = pair.unwrap_or(("one", "longer than the other"));
    format!("phuxanh {}\n    shown: {expected}\n answered: {found}", shown.command)
}
