//! Output of the demo: rankings, figures, the origin of the data, and commands to try next.

use std::{fmt::Write, path::Path};

use comfy_table::{
    CellAlignment, ContentArrangement, LineStyle, Table, TableStyle, presets::NOTHING,
};
use phuxanh_core::Period;

use crate::figures::{Answers, Figure, Ranked};

/// Width of the output when that of the terminal is not known.
const WIDTH: u16 = 120;

/// Rows of the ranking that are shown.
const LOWEST_SHOWN: usize = 10;

/// A rule below the header, and no other line.
const STYLE: TableStyle = NOTHING.header_separator(LineStyle::none().fill('─').junction('─'));

const INFALLIBLE: &str = "writing to a string never fails";

/// Note on the origin of the data. Every number above it needs it.
const BASIS: &str = "\
Published: the column \"published\" is the report of 31 July 2025, 16:00. From it follow the criteria
of the eight provinces at 100 %, and the two lowest provinces' counts.
Synthetic: all other data of single communes, every measure among them, and green communes per
province where the report names none, are made up so that they fit the published totals. They are
no observations of any commune.
";

/// The lowest provinces by green coverage.
#[must_use]
pub fn lowest(rows: &[Ranked], period: Period) -> String {
    let mut table = table(["rank", "code", "province", "green coverage", "green communes", "data"]);
    for row in rows.iter().take(LOWEST_SHOWN) {
        table.add_row([
            row.rank.to_string(),
            row.code.to_string(),
            row.name.clone(),
            row.ratio.percent(),
            row.ratio.counts(),
            row.basis.to_string(),
        ]);
    }
    for column in [0, 3, 4] {
        let column = table.column_mut(column).expect("the table has six columns");
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("The ten lowest provinces by green coverage, {period}\n{}\n", table.trim_fmt())
}

/// The figures of the report beside those that were answered, and whether they agree.
#[must_use]
pub fn figures(figures: &[Figure]) -> String {
    let mut table = table(["figure", "published", "here", "agrees"]);
    for figure in figures {
        let agrees = if figure.agrees { "yes" } else { "NO" };
        table.add_row([&figure.name, &figure.published, &figure.here, agrees]);
    }
    let differing: Vec<&str> =
        figures.iter().filter(|figure| !figure.agrees).map(|figure| figure.name.as_str()).collect();
    let mut text = format!(
        "The figures of the report, and what is answered here\n{}\n\n{BASIS}\n",
        table.trim_fmt()
    );
    if differing.is_empty() {
        text.push_str("all figures agree\n");
    } else {
        writeln!(text, "these figures do not agree: {}", differing.join("; ")).expect(INFALLIBLE);
    }
    text
}

/// Answers of one aggregator.
#[derive(Debug)]
pub struct Replica<'a> {
    pub server: &'a str,
    pub answers: Answers,
    pub figures: Vec<Figure>,
}

/// Opening lines: the processes that were started.
#[must_use]
pub fn started(servers: &[String], collector_count: usize) -> String {
    match servers {
        [server] => {
            format!("started 1 aggregator on {server} and {collector_count} collectors\n")
        }
        _ => format!(
            "started {} aggregators over one Redis, on {}, and {collector_count} collectors, which \
             take them in turn\n",
            servers.len(),
            servers.join(" and ")
        ),
    }
}

/// True if all of them answer the same.
#[must_use]
pub fn is_same(replicas: &[Replica<'_>]) -> bool {
    replicas.windows(2).all(|pair| pair[0].answers == pair[1].answers)
}

/// Agreement of the replicas with the report and with each other.
#[must_use]
pub fn replicas(replicas: &[Replica<'_>]) -> String {
    let mut text = "The same figures, asked of each replica\n".to_owned();
    for Replica { server, figures, .. } in replicas {
        let agreeing = figures.iter().filter(|figure| figure.agrees).count();
        writeln!(text, "  {server}  {agreeing} of {} figures agree", figures.len())
            .expect(INFALLIBLE);
    }
    text.push_str(if is_same(replicas) {
        "All replicas give the same answers, row by row.\n"
    } else {
        "The replicas do NOT give the same answers.\n"
    });
    text
}

/// Commands to try next.
#[must_use]
pub fn how_to_ask(phuxanh: &Path, server: Option<&str>) -> String {
    const QUESTIONS: [&str; 5] = [
        "lowest --json",
        "lowest --level commune --within \"lai chau\"",
        "lowest --indicator online_submission_rate",
        "scorecard 04",
        "collectors",
    ];
    let server = server.map_or_else(String::new, |server| format!(" --server {server}"));
    let mut text = "Ask on, in another terminal:\n".to_owned();
    for question in QUESTIONS {
        writeln!(text, "  {}{server} {question}", phuxanh.display()).expect(INFALLIBLE);
    }
    text.push_str("Ctrl-C stops everything.\n");
    text
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    if table.width().is_none() {
        table.set_width(WIDTH);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &str, agrees: bool) -> Figure {
        let (published, here) = ("1".to_owned(), "2".to_owned());
        Figure { name: name.to_owned(), published, here, agrees }
    }

    #[test]
    fn figures_that_do_not_agree_are_named_last() {
        let text = figures(&[figure("a", true), figure("b", false), figure("c", false)]);
        assert!(text.ends_with("these figures do not agree: b; c\n"), "{text}");
        assert!(figures(&[figure("a", true)]).ends_with("\nall figures agree\n"));
    }

    #[test]
    fn what_is_made_up_is_said_with_the_figures() {
        assert!(figures(&[]).contains("Synthetic: all other data of single communes"));
    }

    #[test]
    fn the_server_is_named_where_it_is_not_the_usual_one() {
        let text = how_to_ask(Path::new("target/debug/phuxanh"), Some("http://127.0.0.1:7500"));
        assert!(
            text.contains("target/debug/phuxanh --server http://127.0.0.1:7500 scorecard 04\n")
        );
        let usual = how_to_ask(Path::new("phuxanh"), None);
        assert!(
            usual.contains("  phuxanh lowest --level commune --within \"lai chau\"\n"),
            "{usual}"
        );
    }

    #[test]
    fn replicas_that_differ_are_told_apart() {
        let answers = |communes_total| Answers {
            period: "2025-07".parse().expect("a period"),
            previous: "2025-06".parse().expect("a period"),
            provinces_total: 34,
            communes_total,
            nation: crate::figures::Ratio { numerator: 1, denominator: 2 },
            green_coverage: Vec::new(),
            online_submission: Vec::new(),
            electronic_result: Vec::new(),
            applications_per_day: Vec::new(),
            applications_per_day_before: Vec::new(),
            criteria: Vec::new(),
            province_criteria: Vec::new(),
        };
        let replica = |server, agrees, communes_total| Replica {
            server,
            answers: answers(communes_total),
            figures: vec![figure("a", true), figure("b", agrees)],
        };
        let same = [replica("http://a", true, 1), replica("http://b", true, 1)];
        assert!(is_same(&same));
        let text = replicas(&[replica("http://a", true, 1), replica("http://b", false, 2)]);
        assert!(
            text.contains("  http://a  2 of 2 figures agree\n  http://b  1 of 2 figures agree\n")
        );
        assert!(text.ends_with("The replicas do NOT give the same answers.\n"), "{text}");
    }
}
