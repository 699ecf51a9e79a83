//! The answers shown in `docs/answers.md` and, in Vietnamese, in `docs/tra-loi.md`.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use phuxanh_tests::{
    document::{Document, Shown, masked},
    harness::Deployment,
};
use unicode_width::UnicodeWidthStr;

/// Says that the documents are to be rewritten.
const UPDATE: &str = "PHUXANH_UPDATE";

/// Characters of a line where no terminal tells.
const COLUMNS: usize = 80;

/// Documents of the same questions, each with the end of its commands.
const DOCUMENTS: [(&str, &str); 2] = [("docs/answers.md", ""), ("docs/tra-loi.md", " --lang vi")];

/// Each answer is the one shown, but for what differs from run to run.
pub(super) fn answers_are_those_shown(deployment: &Deployment) -> anyhow::Result<()> {
    let [english, vietnamese] = DOCUMENTS.map(|(name, ending)| questions(name, ending));
    assert_eq!(english?, vietnamese?, "left: asked in docs/answers.md; right: in docs/tra-loi.md");
    let mut differing = Vec::new();
    for (name, _) in DOCUMENTS {
        let (path, mut document) = read(name)?;
        every_command_is_asked(deployment, name, &document)?;
        let found = answered_otherwise(deployment, &mut document)?;
        differing.extend(found.into_iter().map(|difference| format!("{name}: {difference}")));
        if env::var(UPDATE).is_ok_and(|value| value == "1") {
            fs::write(&path, document.to_string())?;
            differing.clear();
        }
    }
    ensure!(
        differing.is_empty(),
        "the documents show what is not answered ({UPDATE}=1 writes it anew)\n{}",
        differing.join("\n")
    );
    Ok(())
}

fn read(name: &str) -> anyhow::Result<(PathBuf, Document)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("a crate has a root")?;
    let path = root.join(name);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let document = Document::parse(&text).with_context(|| name.to_owned())?;
    Ok((path, document))
}

/// The commands of a document without their end.
fn questions(name: &str, ending: &str) -> anyhow::Result<Vec<String>> {
    let (_, document) = read(name)?;
    let commands = document.shown.into_iter().map(|shown| {
        let question = shown.command.strip_suffix(ending).map(str::to_owned);
        question.with_context(|| format!("{name}: no{ending} behind {}", shown.command))
    });
    commands.collect()
}

/// Asks everything, and puts what is answered in the place of what is shown. Returns the
/// differences.
fn answered_otherwise(
    deployment: &Deployment,
    document: &mut Document,
) -> anyhow::Result<Vec<String>> {
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
        let wide = answer.lines().find(|line| line.width() > COLUMNS);
        ensure!(wide.is_none(), "phuxanh {}: wider than {COLUMNS}: {wide:?}", shown.command);
        if masked(&answer) != masked(&shown.answer) {
            differing.push(difference(shown, &answer));
            shown.answer = answer;
        }
    }
    Ok(differing)
}

fn every_command_is_asked(
    deployment: &Deployment,
    name: &str,
    document: &Document,
) -> anyhow::Result<()> {
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
    assert_eq!(commands, asked, "left: of phuxanh --help; right: of {name}");
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
