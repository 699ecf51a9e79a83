//! Metrics as a daemon exposes them, and as `docs/metrics.md` lists them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};

/// Description of a metric.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    pub labels: BTreeSet<String>,
    pub meaning: String,
}

/// Metrics by their names.
pub type Metrics = BTreeMap<String, Described>;

/// Path of a file of this project.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// Text of a file of this project.
pub fn text(name: &str) -> anyhow::Result<String> {
    fs::read_to_string(path(name)).with_context(|| name.to_owned())
}

/// Metrics that the document lists under a heading, for example `Aggregator`.
pub fn documented(heading: &str) -> anyhow::Result<Metrics> {
    let text = text("docs/metrics.md")?;
    let section = text.split("\n## ").find(|section| section.starts_with(heading));
    let section = section.with_context(|| format!("no heading {heading}"))?;
    let mut found = Metrics::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, kind, _unit, labels, meaning] = cells[..] else { bail!("{row}") };
        let labels = labels.split(", ").map(|label| label.trim_matches('`').to_owned());
        let described = Described {
            kind: kind.to_owned(),
            labels: labels.filter(|label| !label.is_empty()).collect(),
            meaning: meaning.to_owned(),
        };
        let known = found.insert(name.trim_matches('`').to_owned(), described);
        ensure!(known.is_none(), "{name} is listed twice");
    }
    Ok(found)
}

/// Metrics of a scrape.
pub fn exposed(text: &str) -> anyhow::Result<Metrics> {
    let mut found = Metrics::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, meaning) = rest.split_once(' ').context("a meaning")?;
            meaning.clone_into(&mut found.entry(name.to_owned()).or_default().meaning);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').context("a type")?;
            kind.clone_into(&mut found.entry(name.to_owned()).or_default().kind);
        } else {
            let (name, labels) = series(line)?;
            let family = family(&found, name).with_context(|| format!("no type: {line}"))?;
            found.entry(family).or_default().labels.extend(labels);
        }
    }
    Ok(found)
}

/// Name and label names of a series.
fn series(line: &str) -> anyhow::Result<(&str, Vec<String>)> {
    let Some((name, rest)) = line.split_once('{') else {
        return Ok((line.split(' ').next().context("a name")?, Vec::new()));
    };
    let (mut labels, mut label, mut is_quoted, mut is_escaped) =
        (Vec::new(), String::new(), false, false);
    for letter in rest.chars() {
        match letter {
            '"' if !is_escaped => is_quoted = !is_quoted,
            '\\' if !is_escaped => {
                is_escaped = true;
                continue;
            }
            '}' if !is_quoted => break,
            '=' if !is_quoted => labels.push(std::mem::take(&mut label)),
            letter if !is_quoted && letter != ',' => label.push(letter),
            _ => {}
        }
        is_escaped = false;
    }
    labels.retain(|label| label != "le");
    Ok((name, labels))
}

/// Metric to which a series belongs: a histogram has several.
fn family(known: &Metrics, name: &str) -> Option<String> {
    let endings = ["", "_bucket", "_sum", "_count"];
    let names = endings.into_iter().filter_map(|ending| name.strip_suffix(ending));
    names.map(str::to_owned).find(|name| known.contains_key(name))
}
