//! Checks a catalogue file: ids, references, cycles, formulas, legends.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Calendar, Criterion, Definition, Direction, Error, Formula, GREEN_COVERAGE, Indicator, Legend,
    Measure, Millionths, Plausibility, TaskGroup,
    file::{self, Faults},
    plausibility,
};
use crate::{Level, MetricId};

pub(super) struct Resolved {
    pub(super) version: u32,
    pub(super) plausibility: Plausibility,
    pub(super) criteria: Vec<Criterion>,
    pub(super) measures: Vec<Measure>,
    pub(super) indicators: Vec<Indicator>,
    pub(super) task_groups: Vec<TaskGroup>,
    pub(super) calendar: Calendar,
}

pub(super) fn resolve(file: file::File) -> Result<Resolved, Error> {
    let mut faults = Faults::default();
    check_ids(&file, &mut faults);
    let sums = Sums::new(&file.measure, &mut faults);
    let measures: Vec<_> =
        file.measure.iter().filter_map(|row| measure(row, &sums, &mut faults)).collect();
    let plausibility = plausibility::resolve(&file, &measures, &mut faults);
    let mut indicators: Vec<_> =
        file.indicator.into_iter().map(|row| indicator(row, &sums, &mut faults)).collect();
    match indicators.iter().position(|found| found.definition.id == GREEN_COVERAGE) {
        Some(at) => {
            let coverage = indicators.remove(at);
            indicators.insert(0, coverage);
        }
        None => faults.add("indicator".into(), format!("there is no {GREEN_COVERAGE}")),
    }
    let criteria: Vec<_> = file
        .criterion
        .into_iter()
        .filter_map(|row| criterion(row, &indicators, &mut faults))
        .collect();
    if !criteria.iter().any(|found| found.required) {
        faults.add("criterion".into(), "none is required, so that nothing would make green");
    }
    let task_groups = file
        .task_group
        .into_iter()
        .map(|row| TaskGroup {
            definition: Definition::new(row.id, row.vi, row.en, String::new()),
            overdue_published: row.overdue_published,
        })
        .collect();
    let calendar = Calendar::new(&file.holiday, &mut faults.0);
    if faults.0.is_empty() {
        Ok(Resolved {
            version: file.version,
            plausibility,
            criteria,
            measures,
            indicators,
            task_groups,
            calendar,
        })
    } else {
        Err(Error::Faults(faults.0))
    }
}

/// Criteria and measures share one space of ids, since both stand in the metric column.
fn check_ids(file: &file::File, faults: &mut Faults) {
    let mut metrics = BTreeSet::new();
    for (kind, id) in file
        .criterion
        .iter()
        .map(|row| ("criterion", &row.id))
        .chain(file.measure.iter().map(|row| ("measure", &row.id)))
    {
        if let Err(error) = id.parse::<MetricId>() {
            faults.add(format!("{kind}.{id}.id"), error.to_string());
        }
        if !metrics.insert(id) {
            faults.add(format!("{kind}.{id}.id"), "stands twice");
        }
    }
    let mut indicators = BTreeSet::new();
    for row in &file.indicator {
        if !indicators.insert(&row.id) {
            faults.add(format!("indicator.{}.id", row.id), "stands twice");
        }
    }
    let mut groups = BTreeSet::new();
    for row in &file.task_group {
        if !groups.insert(&row.id) {
            faults.add(format!("task_group.{}.id", row.id), "stands twice");
        }
    }
}

/// Every measure as the reported measures whose sum it is.
struct Sums {
    reported: BTreeMap<String, Vec<MetricId>>,
}

impl Sums {
    fn new(rows: &[file::Measure], faults: &mut Faults) -> Self {
        let by_id: BTreeMap<_, _> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
        let mut reported = BTreeMap::new();
        for row in rows {
            let mut parts = Vec::new();
            match expand(&row.id, &by_id, &mut Vec::new(), &mut parts) {
                Ok(()) => {
                    reported.insert(row.id.clone(), parts);
                }
                Err(message) => faults.add(format!("measure.{}.sum", row.id), message),
            }
        }
        Self { reported }
    }

    /// The reported measures of a sum such as `a + b`.
    fn parse(&self, text: &str) -> Result<Vec<MetricId>, String> {
        let mut parts = Vec::new();
        for id in terms(text) {
            let found = self
                .reported
                .get(id)
                .ok_or_else(|| format!("\"{id}\" is not a measure of this catalogue"))?;
            parts.extend(found.iter().cloned());
        }
        Ok(parts)
    }
}

fn terms(text: &str) -> impl Iterator<Item = &str> {
    text.split('+').map(str::trim)
}

/// Adds the reported measures under `id` to `parts`; `path` holds the measures being expanded.
fn expand<'a>(
    id: &'a str,
    rows: &BTreeMap<&'a str, &'a file::Measure>,
    path: &mut Vec<&'a str>,
    parts: &mut Vec<MetricId>,
) -> Result<(), String> {
    let row = rows.get(id).ok_or_else(|| format!("\"{id}\" is not a measure of this catalogue"))?;
    if path.contains(&id) {
        return Err(format!("is a cycle: {} + {id}", path.join(" + ")));
    }
    let Some(sum) = &row.sum else {
        parts.push(id.parse().map_err(|error: crate::MetricError| error.to_string())?);
        return Ok(());
    };
    path.push(id);
    for term in terms(sum) {
        expand(term, rows, path, parts)?;
    }
    path.pop();
    Ok(())
}

fn measure(row: &file::Measure, sums: &Sums, faults: &mut Faults) -> Option<Measure> {
    let level = match row.level.as_deref().map_or(Ok(Level::Commune), str::parse) {
        Ok(level) => level,
        Err(error) => {
            faults.add(format!("measure.{}.level", row.id), format!("{error}"));
            Level::Commune
        }
    };
    let sum = match row.sum {
        Some(_) => sums.reported.get(&row.id).cloned().unwrap_or_default(),
        None => Vec::new(),
    };
    if row.obstacle && (row.sum.is_some() || level != Level::Commune) {
        let message = "expected a measure that communes report: a sum would count twice";
        faults.add(format!("measure.{}.obstacle", row.id), message);
    }
    Some(Measure {
        metric: row.id.parse().ok()?,
        definition: Definition::new(
            row.id.clone(),
            row.vi.clone(),
            row.en.clone(),
            row.origin.clone(),
        ),
        level,
        sum,
        obstacle: row.obstacle,
    })
}

fn criterion(
    row: file::Criterion,
    indicators: &[Indicator],
    faults: &mut Faults,
) -> Option<Criterion> {
    let evidence = row.evidence.as_deref().and_then(|id| {
        let found = indicators.iter().position(|indicator| indicator.definition.id == id);
        let key = format!("criterion.{}.evidence", row.id);
        match found.and_then(|at| indicators.get(at)) {
            None => faults.add(key, format!("\"{id}\" is not an indicator of this catalogue")),
            Some(indicator) if indicator.formula == Formula::Coverage => {
                faults.add(key, format!("is a cycle: {id} is computed from the criteria"));
            }
            Some(indicator) if indicator.direction == Direction::Down => {
                faults
                    .add(key, format!("{id} is better the lower: expected one better the higher"));
            }
            Some(_) => {}
        }
        found
    });
    Some(Criterion {
        metric: row.id.parse().ok()?,
        definition: Definition::new(row.id, row.vi, row.en, row.origin),
        required: row.required,
        evidence,
    })
}

fn indicator(row: file::Indicator, sums: &Sums, faults: &mut Faults) -> Indicator {
    let key = |field: &str| format!("indicator.{}.{field}", row.id);
    let formula = match formula(&row, sums) {
        Ok(formula) => formula,
        Err((field, message)) => {
            faults.add(key(field), message);
            Formula::Coverage
        }
    };
    let direction = match row.direction.as_deref() {
        None | Some("up") => Direction::Up,
        Some("down") => Direction::Down,
        Some(other) => {
            faults.add(key("direction"), format!("\"{other}\" is neither \"up\" nor \"down\""));
            Direction::Up
        }
    };
    let full_at = millionths(row.full_at.unwrap_or(1.0));
    if full_at.is_none_or(|full_at| full_at.0 == 0) {
        faults.add(key("full_at"), "expected a number over 0 with at most six decimal places");
    }
    let legend = row.legend.as_ref().and_then(|found| {
        let legend = legend(found, direction);
        if let Err(message) = &legend {
            faults.add(key("legend"), *message);
        }
        legend.ok()
    });
    Indicator {
        definition: Definition::new(row.id, row.vi, row.en, row.origin),
        formula,
        direction,
        unit: row.unit,
        legend,
        full_at: full_at.unwrap_or(Millionths(1_000_000)),
    }
}

fn formula(row: &file::Indicator, sums: &Sums) -> Result<Formula, (&'static str, String)> {
    match (&row.numerator, &row.denominator) {
        (None, None) if row.id == GREEN_COVERAGE => Ok(Formula::Coverage),
        (_, _) if row.id == GREEN_COVERAGE => {
            Err(("numerator", "is computed from the criteria and has no formula".into()))
        }
        (Some(numerator), Some(denominator)) => Ok(Formula::Ratio {
            numerator: sums.parse(numerator).map_err(|message| ("numerator", message))?,
            denominator: sums.parse(denominator).map_err(|message| ("denominator", message))?,
        }),
        (Some(_), None) => Err(("denominator", "is missing beside a numerator".into())),
        (None, _) => Err(("numerator", "is missing".into())),
    }
}

fn legend(row: &file::Legend, direction: Direction) -> Result<Legend, &'static str> {
    let (Some(green_from), Some(yellow_from)) =
        (millionths(row.green_from), millionths(row.yellow_from))
    else {
        return Err("expected numbers from 0 with at most six decimal places");
    };
    match direction {
        Direction::Up if green_from <= yellow_from => {
            Err("thresholds out of order: upwards green_from must lie above yellow_from")
        }
        Direction::Down if green_from >= yellow_from => {
            Err("thresholds out of order: downwards green_from must lie below yellow_from")
        }
        Direction::Up | Direction::Down => Ok(Legend { green_from, yellow_from }),
    }
}

/// The exact decimal that was written, where it has at most six places.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a whole number from 0 to 10^12"
)]
fn millionths(number: f64) -> Option<Millionths> {
    let scaled = (number * 1e6).round();
    let whole = (0.0..=1e12).contains(&scaled) && (scaled / 1e6 - number).abs() < 1e-9;
    whole.then_some(Millionths(scaled as u64))
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::*;

    const SOUND: &str = r#"
version = 1
[[criterion]]
id = "a"
vi = "a"
en = "a"
origin = "ours"
[[measure]]
id = "m"
vi = "m"
en = "m"
origin = "ours"
[[indicator]]
id = "green_coverage"
vi = "g"
en = "g"
origin = "ours"
"#;
    const NAMES: &str = "vi = \"x\"\nen = \"x\"\norigin = \"ours\"\n";

    fn fault_of(addition: &str) -> (String, String) {
        match Catalogue::parse(format!("{SOUND}{addition}\n{NAMES}").as_bytes()) {
            Err(Error::Faults(faults)) => (faults[0].key.clone(), faults[0].message.clone()),
            other => panic!("{addition} gave {other:?}"),
        }
    }

    #[test]
    fn each_fault_names_its_key() {
        let cases = [
            ("[[measure]]\nid = \"a\"", "measure.a.id", "twice"),
            ("[[measure]]\nid = \"Đ\"", "measure.Đ.id", "metric id"),
            ("[[measure]]\nid = \"n\"\nlevel = \"town\"", "measure.n.level", "level"),
            ("[[measure]]\nid = \"n\"\nsum = \"m + o\"", "measure.n.sum", "\"o\""),
            ("[[measure]]\nid = \"n\"\nsum = \"m + n\"", "measure.n.sum", "cycle: n + n"),
            ("[[criterion]]\nid = \"b\"\nevidence = \"i\"", "criterion.b.evidence", "\"i\""),
            (
                "[[criterion]]\nid = \"b\"\nevidence = \"green_coverage\"",
                "criterion.b.evidence",
                "cycle",
            ),
            (
                "[[measure]]\nid = \"n\"\nsum = \"m\"\nobstacle = true",
                "measure.n.obstacle",
                "twice",
            ),
            (
                "[[measure]]\nid = \"n\"\nlevel = \"province\"\nobstacle = true",
                "measure.n.obstacle",
                "communes report",
            ),
            ("[[indicator]]\nid = \"i\"\nnumerator = \"m\"", "indicator.i.denominator", "missing"),
            ("[[indicator]]\nid = \"i\"\ndenominator = \"m\"", "indicator.i.numerator", "missing"),
            (
                "[[indicator]]\nid = \"i\"\nnumerator = \"m\"\ndenominator = \"a\"",
                "indicator.i.denominator",
                "\"a\" is not a measure",
            ),
            (
                "[[indicator]]\nid = \"i\"\nnumerator = \"m\"\ndenominator = \"m\"\nlegend = \
                 { green_from = 0.5, yellow_from = 0.7 }",
                "indicator.i.legend",
                "out of order",
            ),
            (
                "[[indicator]]\nid = \"i\"\nnumerator = \"m\"\ndenominator = \"m\"\n\
                 direction = \"sideways\"",
                "indicator.i.direction",
                "sideways",
            ),
            ("[[measure]]\nid = \"n\"\npart_of = \"o\"", "measure.n.part_of", "\"o\""),
            ("[[measure]]\nid = \"n\"\npart_of = \"n\"", "measure.n.part_of", "itself"),
            ("[[measure]]\nid = \"n\"\ntotal_of = \"m\"", "measure.n.total_of", "province"),
            (
                "[[measure]]\nid = \"n\"\nlevel = \"province\"\ntotal_of = \"a\"",
                "measure.n.total_of",
                "\"a\"",
            ),
            (
                "[[measure]]\nid = \"n\"\nlevel = \"province\"\npart_of = \"m\"",
                "measure.n.part_of",
                "communes",
            ),
            ("[[deadline]]\nid = \"d\"\ntime = \"soon\"", "deadline.d.time", "\"soon\""),
            (
                "[[indicator]]\nid = \"i\"\nnumerator = \"m\"\ndenominator = \"m\"\nfull_at = 0",
                "indicator.i.full_at",
                "over 0",
            ),
        ];
        for (addition, key, part) in cases {
            let (found, message) = fault_of(addition);
            assert_eq!(found, key, "{addition}");
            assert!(message.contains(part), "{message} lacks {part}");
        }
    }

    #[test]
    fn a_longer_cycle_is_named() {
        let (key, message) = fault_of(&format!(
            "[[measure]]\nid = \"x\"\nsum = \"y\"\n{NAMES}[[measure]]\nid = \"y\"\nsum = \"m + x\""
        ));
        assert_eq!((key.as_str(), message.as_str()), ("measure.x.sum", "is a cycle: x + y + x"));
    }

    #[test]
    fn evidence_is_better_the_higher() {
        let (key, message) = fault_of(&format!(
            "[[indicator]]\nid = \"i\"\nnumerator = \"m\"\ndenominator = \"m\"\ndirection = \"down\"\n\
             {NAMES}[[criterion]]\nid = \"b\"\nevidence = \"i\""
        ));
        assert_eq!(key, "criterion.b.evidence");
        assert!(message.contains("better the lower"), "{message}");
    }

    #[test]
    fn a_sum_expands_to_what_is_reported() {
        let text = format!("{SOUND}[[measure]]\nid = \"x\"\nsum = \"m + m\"\n{NAMES}");
        let catalogue = Catalogue::parse(text.as_bytes()).expect("sound");
        let m: MetricId = "m".parse().expect("an id");
        assert_eq!(catalogue.measures[1].sum, [m.clone(), m]);
    }

    #[test]
    fn unreadable_files_are_named_so() {
        assert!(matches!(Catalogue::parse(b"\xff"), Err(Error::Encoding)));
        let unknown = format!("{SOUND}colour = \"red\"");
        match Catalogue::parse(unknown.as_bytes()) {
            Err(Error::Syntax(message)) => assert!(message.contains("colour"), "{message}"),
            other => panic!("{other:?}"),
        }
    }
}
