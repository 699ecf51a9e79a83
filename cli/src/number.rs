//! Ratios and counts as people read them, from the exact integers.
//!
//! This is formatting: no number leaves here that is compared or added. Rounding is half up, in
//! integer arithmetic, so that 3 of 56 is 5.36 % wherever it is shown.

use std::fmt::Write;

/// Sign for a number that is not known.
pub const NONE: &str = "–";

/// Scale of a share, which is shown in percent.
pub const POINTS: u16 = 100;
/// Scale of a plain number.
pub const PLAIN: u16 = 1;

/// A ratio as a percentage: `percent(3, 56)` is `5.36 %`.
pub fn percent(numerator: i64, denominator: i64) -> String {
    decimal(numerator, denominator, POINTS).map_or_else(|| NONE.to_owned(), |text| text + " %")
}

/// A ratio as a plain number with its unit: `plain(1_235, 22, "per day")` is `56.14 per day`.
pub fn plain(numerator: i64, denominator: i64, unit: &str) -> String {
    decimal(numerator, denominator, PLAIN)
        .map_or_else(|| NONE.to_owned(), |text| format!("{text} {unit}"))
}

/// A ratio as a plain number: `quotient(1_235, 22)` is `56.14`.
pub fn quotient(numerator: i64, denominator: i64) -> String {
    decimal(numerator, denominator, PLAIN).unwrap_or_else(|| NONE.to_owned())
}

/// A difference of shares with its sign, in percentage points: `points(-3, 40)` is `-7.50 pp`.
pub fn points(numerator: i64, denominator: i64) -> String {
    signed(numerator, denominator, POINTS, "pp")
}

/// A difference of shares that was rounded to a double: `rounded_points(-0.075)` is `-7.50 pp`.
pub fn rounded_points(difference: f64) -> String {
    format!("{} pp", rounded_difference(100.0 * difference))
}

/// A difference that was rounded to a double, with its sign: `rounded_difference(1_234.5)` is
/// `+1,234.50`.
pub fn rounded_difference(difference: f64) -> String {
    let sign = if difference < 0.0 { "-" } else { "+" };
    let text = format!("{:.2}", difference.abs());
    let parts = text.split_once('.');
    let parts = parts.and_then(|(whole, rest)| Some((whole.parse::<i128>().ok()?, rest)));
    match parts {
        Some((whole, rest)) => format!("{sign}{}.{rest}", grouped(whole)),
        None => NONE.to_owned(),
    }
}

/// A relative difference that was rounded to a double: `rounded_relative(-0.1)` is `-10.00 %`.
pub fn rounded_relative(difference: f64) -> String {
    format!("{} %", rounded_difference(100.0 * difference))
}

/// A share that was rounded to a double: `rounded_share(0.7)` is `70 %`.
pub fn rounded_share(share: f64) -> String {
    format!("{} %", (10_000.0 * share).round() / 100.0)
}

/// The ends of an interval of shares: `rounded_percents(0.0, 0.16113)` is `0.00–16.11 %`.
pub fn rounded_percents(lower: f64, upper: f64) -> String {
    format!("{:.2}–{:.2} %", 100.0 * lower, 100.0 * upper)
}

/// A difference of plain numbers with its sign and unit.
pub fn plain_difference(numerator: i64, denominator: i64, unit: &str) -> String {
    signed(numerator, denominator, PLAIN, unit)
}

/// True if parts add up to their whole as they are shown, each rounded by itself.
pub fn add_up(parts: &[i64], whole: i64, denominator: i64, scale: u16) -> bool {
    let shown = |numerator: i64| {
        let size = numerator.checked_abs().and_then(|size| hundredths(size, denominator, scale));
        Some(if numerator < 0 { -size? } else { size? })
    };
    let sum: Option<i128> = parts.iter().copied().map(shown).sum();
    sum == shown(whole)
}

fn signed(numerator: i64, denominator: i64, scale: u16, unit: &str) -> String {
    let size = numerator.checked_abs().and_then(|size| decimal(size, denominator, scale));
    let sign = if numerator < 0 { "-" } else { "+" };
    size.map_or_else(|| NONE.to_owned(), |size| format!("{sign}{size} {unit}"))
}

/// A count with its thousands apart: `grouped(3_321)` is `3,321`.
pub fn grouped(count: impl Into<i128>) -> String {
    let digits = count.into().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len() - index;
        if index > 0 && left.is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `counted(1, "commune", "communes")` is `1 commune`.
pub fn counted(count: i32, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// Bytes as people compare them: two lower case digits each.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

/// A span of time with its sign, in seconds: `signed_seconds(-90_500_000)` is `-90.500 s`.
pub fn signed_seconds(micros: i64) -> String {
    let sign = if micros < 0 { '-' } else { '+' };
    let millis = micros.unsigned_abs() / 1_000;
    format!("{sign}{}.{:03} s", grouped(millis / 1_000), millis % 1_000)
}

/// `numerator × scale ÷ denominator` with two decimals; nothing for what is no ratio of counts.
fn decimal(numerator: i64, denominator: i64, scale: u16) -> Option<String> {
    let hundredths = hundredths(numerator, denominator, scale)?;
    Some(format!("{}.{:02}", grouped(hundredths / 100), hundredths % 100))
}

fn hundredths(numerator: i64, denominator: i64, scale: u16) -> Option<i128> {
    if numerator < 0 || denominator <= 0 {
        return None;
    }
    let (numerator, denominator) = (i128::from(numerator), i128::from(denominator));
    Some((numerator * i128::from(scale) * 200 + denominator) / (denominator * 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_those_of_the_report() {
        for (numerator, denominator, text) in [
            (3, 56, "5.36 %"),
            (3, 38, "7.89 %"),
            (1_981, 3_321, "59.65 %"),
            (0, 56, "0.00 %"),
            (56, 56, "100.00 %"),
            (5, 2, "250.00 %"),
            (i64::MAX, 1, "922,337,203,685,477,580,700.00 %"),
        ] {
            assert_eq!(percent(numerator, denominator), text);
        }
    }

    #[test]
    fn halves_are_rounded_up() {
        assert_eq!(percent(1, 20_000), "0.01 %");
        assert_eq!(percent(1, 20_001), "0.00 %");
        assert_eq!(percent(3, 20_000), "0.02 %");
        assert_eq!(plain(1, 200, "x"), "0.01 x");
    }

    #[test]
    fn a_plain_number_has_its_unit() {
        assert_eq!(plain(1_235, 22, "per day"), "56.14 per day");
        assert_eq!(plain(44_000, 22, "per day"), "2,000.00 per day");
        assert_eq!([quotient(1_235, 22), quotient(1, 0)], ["56.14", NONE]);
    }

    #[test]
    fn a_difference_has_its_sign() {
        assert_eq!(points(-3, 40), "-7.50 pp");
        assert_eq!(points(1_981 * 56 - 3 * 3_321, 3_321 * 56), "+54.29 pp");
        assert_eq!(plain_difference(1, 200, "per day"), "+0.01 per day");
        assert_eq!((points(1, 0), points(i64::MIN, 1)), (NONE.to_owned(), NONE.to_owned()));
    }

    #[test]
    fn doubles_are_rounded_to_two_decimals() {
        assert_eq!(rounded_points(-0.075), "-7.50 pp");
        assert_eq!(rounded_points(0.0), "+0.00 pp");
        assert_eq!(rounded_difference(1_234.5), "+1,234.50");
        assert_eq!(rounded_difference(-9_999.999), "-10,000.00");
        assert_eq!(rounded_difference(f64::NAN), NONE);
        assert_eq!(rounded_relative(-0.102_7), "-10.27 %");
        assert_eq!(rounded_percents(0.0, 0.161_13), "0.00–16.11 %");
        assert_eq!([0.7, 0.29, 0.125].map(rounded_share), ["70 %", "29 %", "12.5 %"]);
    }

    #[test]
    fn nothing_is_said_without_a_denominator() {
        assert_eq!(percent(0, 0), NONE);
        assert_eq!(percent(-1, 5), NONE);
        assert_eq!(plain(1, -5, "x"), NONE);
    }

    #[test]
    fn a_span_has_its_sign() {
        for (micros, text) in [
            (0, "+0.000 s"),
            (12_999, "+0.012 s"),
            (-90_500_000, "-90.500 s"),
            (3_600_000_000, "+3,600.000 s"),
        ] {
            assert_eq!(signed_seconds(micros), text);
        }
    }

    #[test]
    fn thirds_do_not_add_up_as_shown() {
        let add_up = |parts: &[i64], whole| add_up(parts, whole, 3, POINTS);
        assert!(!add_up(&[1, 1, 1], 3));
        assert!(add_up(&[2, 1, 3], 6));
        assert!(add_up(&[2, -2, 3], 3));
    }

    #[test]
    fn one_is_not_many() {
        let communes = |count| counted(count, "commune", "communes");
        assert_eq!([0, 1, 3_321].map(communes), ["0 communes", "1 commune", "3,321 communes"]);
    }

    #[test]
    fn bytes_have_two_digits_each() {
        assert_eq!(hex(&[0, 0x0a, 0xff]), "000aff");
    }

    #[test]
    fn thousands_stand_apart() {
        for (count, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (-100, "-100"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(count), text);
        }
    }
}
