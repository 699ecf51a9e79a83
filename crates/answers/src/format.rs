//! Values as people read them in a language, from the exact integers.
//!
//! No number leaves here that is compared or added. Rounding is half up, in integer arithmetic, so
//! that 3 of 56 is 5.36 % wherever it is shown.

use phuxanh_core::Timestamp;

use crate::{
    cell::{Cell, Unit, Value, hex},
    language::{Language, Words, words},
};

/// Sign for a value that is not known.
pub const NONE: &str = "–";
/// Hexadecimal digits by which people tell ids apart.
const DIGITS_SHOWN: usize = 8;
static POINTS: Words = words("điểm %", "pp");
static OF: Words = words("trên", "of");

/// Scale of a share, which is shown in percent.
const PERCENT: u16 = 100;
/// Scale of another ratio.
const PLAIN: u16 = 1;

/// The text of a cell; empty for what does not apply.
#[must_use]
pub fn text(cell: &Cell, language: Language) -> String {
    let of = |numerator: i64, denominator: i64, scale| {
        decimal(numerator, denominator, scale, language).unwrap_or_else(|| NONE.to_owned())
    };
    match &cell.value {
        Value::Nothing => String::new(),
        Value::Unknown => NONE.to_owned(),
        Value::Text(text) | Value::Code(text) | Value::Month(text) => text.clone(),
        Value::Name(words) => words.name(language).to_owned(),
        Value::Words(words) => words.text(language).to_owned(),
        Value::Filled { words, cells } => filled(words, cells, language),
        Value::Term(term) => term.words.text(language).to_owned(),
        Value::Count(count) => grouped(*count, language),
        Value::Share { numerator, denominator, .. } => {
            with_unit(of(*numerator, *denominator, PERCENT), "%")
        }
        Value::Quotient { numerator, denominator, unit, .. } => {
            let unit = match unit {
                Unit::Share | Unit::None => "",
                Unit::Plain(unit) => unit.text(language),
            };
            with_unit(of(*numerator, *denominator, PLAIN), unit)
        }
        Value::Part { part, whole, of } => {
            let between = if *of == Unit::Share { OF.text(language) } else { "/" };
            let [part, whole] = [*part, *whole].map(|count| grouped(count.into(), language));
            format!("{part} {between} {whole}")
        }
        Value::Exact { numerator, denominator, unit, .. } => {
            exact(*numerator, *denominator, unit, language)
        }
        Value::Difference { value, unit } => difference(*value, unit, language),
        Value::Relative(value) => format!("{} %", signed(100.0 * value, language)),
        Value::Interval { lower, upper } => {
            let [lower, upper] = [lower, upper].map(|end| rounded(100.0 * end, language));
            format!("{lower}–{upper} %")
        }
        Value::Range { from, to } => {
            let [from, to] = [*from, *to].map(|end| grouped(end.into(), language));
            format!("{from}–{to}")
        }
        Value::Bound { value, unit } => bound(*value, unit, language),
        Value::Number(number) => pointed(&number.to_string(), language),
        Value::Time(time) => moment(*time, language),
        Value::Day(day) => civil_day(day, language),
        Value::Span(micros) => span(*micros, language),
        Value::Flag(flag) => {
            let word = if *flag { words("có", "yes") } else { words("không", "no") };
            word.text(language).to_owned()
        }
        Value::List(cells) => {
            cells.iter().map(|cell| text(cell, language)).collect::<Vec<_>>().join(", ")
        }
        Value::Localities(all) => {
            all.iter().map(|(_, name)| name.name(language)).collect::<Vec<_>>().join(", ")
        }
        Value::Digest(bytes) => hex(bytes).chars().take(DIGITS_SHOWN).collect(),
        Value::Ends(there, here) => ends(there, here, language),
        Value::Marks(marks) => {
            let terms = marks.terms();
            let terms = terms.iter().map(|(term, _)| term.words.text(language));
            terms.collect::<Vec<_>>().join(", ")
        }
    }
}

/// Words with values in the places that they name: `{0}`, and with a noun for one and one for many
/// `{0:commune:communes}`.
#[must_use]
pub fn filled(words: &Words, cells: &[Cell], language: Language) -> String {
    let mut filled = String::new();
    let mut rest = words.text(language);
    while let Some((before, behind)) = rest.split_once('{') {
        filled += before;
        let (place, behind) = behind.split_once('}').unwrap_or((behind, ""));
        let (place, nouns) = place.split_once(':').unwrap_or((place, ""));
        let cell = place.parse().ok().and_then(|place: usize| cells.get(place));
        filled += &cell.map_or_else(String::new, |cell| text(cell, language));
        if let Some((one, many)) = nouns.split_once(':') {
            let is_one = cell.is_some_and(|cell| cell.value == Value::Count(1));
            filled.push(' ');
            filled += if is_one { one } else { many };
        }
        rest = behind;
    }
    filled + rest
}

fn with_unit(number: String, unit: &str) -> String {
    if unit.is_empty() || number == NONE { number } else { format!("{number} {unit}") }
}

fn exact(numerator: i64, denominator: i64, unit: &Unit, language: Language) -> String {
    let (scale, unit) = match unit {
        Unit::Share => (PERCENT, POINTS.text(language)),
        Unit::Plain(unit) => (PLAIN, unit.text(language)),
        Unit::None => (PLAIN, ""),
    };
    let size = numerator.checked_abs();
    let size = size.and_then(|size| decimal(size, denominator, scale, language));
    let sign = if numerator < 0 { "-" } else { "+" };
    size.map_or_else(|| NONE.to_owned(), |size| with_unit(format!("{sign}{size}"), unit))
}

fn difference(value: f64, unit: &Unit, language: Language) -> String {
    match unit {
        Unit::Share => with_unit(signed(100.0 * value, language), POINTS.text(language)),
        Unit::Plain(unit) => with_unit(signed(value, language), unit.text(language)),
        Unit::None => signed(value, language),
    }
}

fn bound(value: f64, unit: &Unit, language: Language) -> String {
    match unit {
        Unit::Share => {
            let percent = (10_000.0 * value).round() / 100.0;
            format!("{} %", pointed(&percent.to_string(), language))
        }
        Unit::Plain(unit) => with_unit(pointed(&value.to_string(), language), unit.text(language)),
        Unit::None => pointed(&value.to_string(), language),
    }
}

/// Date and time of day in Vietnam, to the minute.
fn moment(time: Timestamp, language: Language) -> String {
    let civil = time.civil();
    let (date, hour, minute) = (civil.date(), civil.hour(), civil.minute());
    match language {
        Language::Vietnamese => {
            let day = civil_day(&date.to_string(), language);
            format!("{hour:02}:{minute:02} {day}")
        }
        Language::English | Language::Both => format!("{date} {hour:02}:{minute:02}"),
    }
}

/// `2025-07-01` is `01/07/2025` in Vietnamese.
fn civil_day(day: &str, language: Language) -> String {
    let parts: Vec<_> = day.split('-').collect();
    match (language, parts.as_slice()) {
        (Language::Vietnamese, [year, month, day]) => format!("{day}/{month}/{year}"),
        _ => day.to_owned(),
    }
}

/// A span of time with its sign, in seconds.
fn span(micros: i64, language: Language) -> String {
    let sign = if micros < 0 { '-' } else { '+' };
    let millis = micros.unsigned_abs() / 1_000;
    let point = point(language);
    format!("{sign}{}{point}{:03} s", grouped((millis / 1_000).into(), language), millis % 1_000)
}

fn ends(there: &Cell, here: &Cell, language: Language) -> String {
    let relation = if there.value == Value::Unknown {
        ","
    } else if there.value == here.value {
        " ="
    } else {
        " ≠"
    };
    format!("{}{relation} {}", text(there, language), text(here, language))
}

/// A double with two decimals and its sign.
fn signed(value: f64, language: Language) -> String {
    let sign = if value < 0.0 { "-" } else { "+" };
    match rounded(value.abs(), language) {
        none if none == NONE => none,
        size => format!("{sign}{size}"),
    }
}

/// A double of at least 0 with two decimals.
fn rounded(value: f64, language: Language) -> String {
    let text = format!("{value:.2}");
    let parts = text.split_once('.');
    let parts = parts.and_then(|(whole, rest)| Some((whole.parse::<i128>().ok()?, rest)));
    parts.map_or_else(
        || NONE.to_owned(),
        |(whole, rest)| format!("{}{}{rest}", grouped(whole, language), point(language)),
    )
}

/// True if parts add up to their whole as they are shown, each rounded by itself.
#[must_use]
pub fn add_up(parts: &[i64], whole: i64, denominator: i64, unit: &Unit) -> bool {
    let scale = if *unit == Unit::Share { PERCENT } else { PLAIN };
    let shown = |numerator: i64| {
        let size = numerator.checked_abs().and_then(|size| hundredths(size, denominator, scale));
        Some(if numerator < 0 { -size? } else { size? })
    };
    let sum: Option<i128> = parts.iter().copied().map(shown).sum();
    sum == shown(whole)
}

/// A count with its thousands apart: `3,321`, in Vietnamese `3.321`.
#[must_use]
pub fn grouped(count: i128, language: Language) -> String {
    let separator = if language == Language::Vietnamese { '.' } else { ',' };
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len() - index;
        if index > 0 && left.is_multiple_of(3) && !text.ends_with('-') {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// The decimal sign.
const fn point(language: Language) -> char {
    match language {
        Language::Vietnamese => ',',
        Language::English | Language::Both => '.',
    }
}

fn pointed(number: &str, language: Language) -> String {
    number.replace('.', &point(language).to_string())
}

/// `numerator × scale ÷ denominator` with two decimals; nothing for what is no ratio of counts.
fn decimal(numerator: i64, denominator: i64, scale: u16, language: Language) -> Option<String> {
    let hundredths = hundredths(numerator, denominator, scale)?;
    let whole = grouped(hundredths / 100, language);
    Some(format!("{whole}{}{:02}", point(language), hundredths % 100))
}

fn hundredths(numerator: i64, denominator: i64, scale: u16) -> Option<i128> {
    if numerator < 0 || denominator <= 0 {
        return None;
    }
    let (numerator, denominator) = (i128::from(numerator), i128::from(denominator));
    Some((numerator * i128::from(scale) * 200 + denominator) / (denominator * 2))
}

#[cfg(test)]
mod tests;
