use super::*;
use crate::naive;

/// Spoils one answer.
type Spoil = fn(&mut Answers);

fn disagreeing(answers: &Answers) -> Vec<String> {
    compare(&Published::builtin(), &Breakdown::builtin(), answers)
        .into_iter()
        .filter(|figure| !figure.agrees)
        .map(|figure| figure.name)
        .collect()
}

fn province<'a>(rows: &'a mut [Ranked], code: &str) -> &'a mut Ranked {
    rows.iter_mut().find(|row| row.code.to_string() == code).expect("every province")
}

#[test]
fn the_sample_reproduces_every_figure() {
    let answers = naive::answers(&naive::FILES);
    let figures = compare(&Published::builtin(), &Breakdown::builtin(), &answers);
    let said: Vec<(&str, &str)> =
        figures.iter().map(|figure| (figure.name.as_str(), figure.here.as_str())).collect();
    assert_eq!(disagreeing(&answers), Vec::<String>::new());
    assert_eq!(figures.len(), 16);
    assert_eq!(said[0], ("communes in total", "3,321"));
    assert_eq!(said[2], ("communes green", "1,981 of 3,321 (59.65 %)"));
    assert_eq!(said[4], ("provinces over 70 %", "13"));
    assert_eq!(said[6], ("lowest green coverage", "Cao Bằng 5.36 % (3 of 56)"));
    assert_eq!(said[7], ("second lowest green coverage", "Lai Châu 7.89 % (3 of 38)"));
    assert_eq!(said[8], ("lowest online submission rate, 2025-07", "Hà Nội 32.73 %"));
    assert_eq!(said[9], ("electronic results issued, 2025-07", "Hà Nội 5.3 %"));
    assert!(figures.iter().all(|figure| figure.here != no_answer()));
}

#[test]
fn a_figure_that_differs_is_named() {
    let good = naive::answers(&naive::FILES);
    let cases: [(&str, Spoil); 10] = [
        ("communes in total", |answers| answers.communes_total -= 1),
        ("communes green", |answers| answers.nation.numerator += 1),
        ("provinces at 100 %", |answers| {
            province(&mut answers.green_coverage, "01").ratio.numerator -= 1;
        }),
        // From 51 to 47 of 95: under one half.
        ("provinces over 50 %", |answers| {
            province(&mut answers.green_coverage, "75").ratio.numerator = 47;
        }),
        ("second lowest green coverage", |answers| answers.green_coverage[1].ratio.numerator = 4),
        ("lowest online submission rate, 2025-07", |answers| {
            answers.online_submission.swap(0, 1);
        }),
        ("electronic results issued, 2025-07", |answers| {
            province(&mut answers.electronic_result, "01").ratio.numerator *= 2;
        }),
        ("applications per commune and working day, Hồ Chí Minh", |answers| {
            answers.applications_per_day = answers.applications_per_day_before.clone();
        }),
        ("communes that meet online_meetings", |answers| {
            let tally =
                answers.criteria.iter_mut().find(|tally| tally.criterion == "online_meetings");
            tally.expect("a criterion").unknown = 300;
        }),
        ("provinces with communes short of digital signatures or certificates", |answers| {
            let tally = &mut answers.province_criteria[0].criteria[5];
            assert_eq!(tally.criterion, "digital_signatures");
            tally.unmet = 1;
        }),
    ];
    for (name, spoil) in cases {
        let mut answers = good.clone();
        spoil(&mut answers);
        assert_eq!(disagreeing(&answers), [name]);
    }
}

#[test]
fn a_shared_last_place_is_not_the_lowest() {
    let mut answers = naive::answers(&naive::FILES);
    answers.online_submission[1].rank = 1;
    assert_eq!(disagreeing(&answers), ["lowest online submission rate, 2025-07"]);
}

#[test]
fn without_answers_nothing_agrees() {
    let empty = Answers {
        provinces_total: 0,
        communes_total: 0,
        nation: Ratio { numerator: 0, denominator: 0 },
        green_coverage: Vec::new(),
        online_submission: Vec::new(),
        electronic_result: Vec::new(),
        applications_per_day: Vec::new(),
        applications_per_day_before: Vec::new(),
        criteria: Vec::new(),
        province_criteria: Vec::new(),
        ..naive::answers(&naive::FILES)
    };
    assert_eq!(disagreeing(&empty).len(), 16);
}

#[test]
fn thousands_are_set_apart() {
    let numbers = [0, 999, 1_000, 1_981, 209_223, 1_000_005].map(grouped);
    assert_eq!(numbers, ["0", "999", "1,000", "1,981", "209,223", "1,000,005"]);
}
