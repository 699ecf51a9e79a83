use super::*;

fn both(value: Value) -> [String; 2] {
    let cell = Cell::from(value);
    [Language::Vietnamese, Language::Both].map(|language| text(&cell, language))
}

fn english(value: Value) -> String {
    text(&Cell::from(value), Language::English)
}

fn share(numerator: i64, denominator: i64) -> Value {
    Value::Share { numerator, denominator, value: 0.0 }
}

#[test]
fn percentages_are_those_of_the_report() {
    for (numerator, denominator, text) in [
        (3, 56, "5.36 %"),
        (1_981, 3_321, "59.65 %"),
        (0, 56, "0.00 %"),
        (56, 56, "100.00 %"),
        (1, 20_000, "0.01 %"),
        (1, 20_001, "0.00 %"),
        (i64::MAX, 1, "922,337,203,685,477,580,700.00 %"),
    ] {
        assert_eq!(english(share(numerator, denominator)), text);
    }
    assert_eq!([(0, 0), (-1, 5)].map(|(a, b)| english(share(a, b))), [NONE, NONE]);
}

#[test]
fn each_language_writes_numbers_its_own_way() {
    assert_eq!(both(share(3, 56)), ["5,36 %", "5.36 %"]);
    assert_eq!(both(Value::Count(209_223)), ["209.223", "209,223"]);
    assert_eq!(both(Value::Count(-100)), ["-100", "-100"]);
    let part = Cell::part(3, 3_321).value;
    assert_eq!(both(part), ["3 trên 3.321", "3 of 3,321"]);
    let relative = Value::Relative(-0.102_7);
    assert_eq!(both(relative), ["-10,27 %", "-10.27 %"]);
    let difference = Value::Difference { value: 12.345_6, unit: Unit::Share };
    assert_eq!(both(difference), ["+1.234,56 điểm %", "+1,234.56 pp"]);
    assert_eq!(both(Value::Interval { lower: 0.0, upper: 0.161_13 })[0], "0,00–16,11 %");
    assert_eq!(both(Value::Bound { value: 0.125, unit: Unit::Share }), ["12,5 %", "12.5 %"]);
    assert_eq!(both(Value::Span(-90_500_000)), ["-90,500 s", "-90.500 s"]);
    assert_eq!(both(Value::Number(0.5)), ["0,5", "0.5"]);
    assert_eq!(both(Value::Flag(true)), ["có", "yes"]);
}

#[test]
fn each_language_writes_times_its_own_way() {
    let time = "2026-11-26T05:45:59+07:00".parse().expect("a time");
    assert_eq!(both(Value::Time(time)), ["05:45 26/11/2026", "2026-11-26 05:45"]);
    assert_eq!(both(Value::Day("2025-07-01".to_owned())), ["01/07/2025", "2025-07-01"]);
    assert_eq!(both(Cell::time(None).value), [NONE, NONE]);
}

#[test]
fn a_difference_has_its_sign() {
    let exact = |numerator, denominator| {
        english(Value::Exact { numerator, denominator, value: None, unit: Unit::Share })
    };
    assert_eq!(exact(-3, 40), "-7.50 pp");
    assert_eq!(exact(1_981 * 56 - 3 * 3_321, 3_321 * 56), "+54.29 pp");
    assert_eq!([exact(1, 0), exact(i64::MIN, 1)], [NONE, NONE]);
    assert_eq!(english(Value::Difference { value: f64::NAN, unit: Unit::None }), NONE);
    assert_eq!(english(Value::Difference { value: 0.0, unit: Unit::Share }), "+0.00 pp");
}

#[test]
fn thirds_do_not_add_up_as_shown() {
    let add_up = |parts: &[i64], whole| add_up(parts, whole, 3, &Unit::Share);
    assert!(!add_up(&[1, 1, 1], 3));
    assert!(add_up(&[2, 1, 3], 6));
    assert!(add_up(&[2, -2, 3], 3));
}

#[test]
fn both_ends_show_whether_they_agree() {
    let ends = |there, here| english(Value::Ends(Box::new(there), Box::new(here)));
    assert_eq!(ends(Cell::count(3), Cell::count(3)), "3 = 3");
    assert_eq!(ends(Cell::count(2), Cell::count(3)), "2 ≠ 3");
    assert_eq!(ends(Cell::UNKNOWN, Cell::count(3)), "–, 3");
}

#[test]
fn bytes_have_two_digits_each() {
    assert_eq!(hex(&[0, 0x0a, 0xff]), "000aff");
}
