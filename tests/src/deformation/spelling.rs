//! Spellings of a code, a month, a time and a value by people and programs.

use fastrand::Rng;

use super::meaning::{CRITERIA, Key, Moment, pick};

/// A text for something that was meant.
#[derive(Debug, Clone)]
pub struct Spelling {
    pub text: String,
    /// The name of its deformation; None where it is as the guide shows it.
    pub oddity: Option<&'static str>,
}

impl Spelling {
    fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), oddity: None }
    }

    fn odd(text: impl Into<String>, oddity: &'static str) -> Self {
        Self { text: text.into(), oddity: Some(oddity) }
    }
}

/// Meaning of a dash in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dash {
    Zero,
    Nothing,
    Withdrawal,
}

pub const DASHES: [&str; 8] = ["-", "–", "—", "--", " - ", "−", "\u{2011}", "- "];
const UNSEEN: [&str; 9] = [
    "\u{200b}", "\u{feff}", "\u{ad}", "\u{202d}", "\u{2060}", "\u{200f}", "\0", "\u{1a}", "\u{7f}",
];

/// A text with a character in it that cannot be seen.
#[must_use]
pub fn with_unseen(random: &mut Rng, text: &str) -> String {
    let places: Vec<_> =
        text.char_indices().map(|(at, _)| at).chain(std::iter::once(text.len())).collect();
    let (before, after) = text.split_at(pick(random, &places));
    format!("{before}{}{after}", pick(random, &UNSEEN))
}

/// A text with its ASCII characters in full width.
#[must_use]
pub fn full_width(text: &str) -> String {
    let wide = |c: char| match c {
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
        _ => c,
    };
    text.chars().map(wide).collect()
}

pub fn code(random: &mut Rng, key: &Key, is_odd: bool) -> Spelling {
    let code = key.code;
    if !is_odd {
        let spaced =
            [code.to_owned(), code.to_owned(), format!(" {code} "), format!("{code}\u{a0}")];
        return Spelling::plain(pick(random, &spaced));
    }
    let short = code.trim_start_matches('0');
    let texts = [
        (short.to_owned(), "code without its zeros"),
        (format!("{short}.0"), "code as a decimal"),
        (format!("=\"{code}\""), "code as a formula"),
        (format!("'{code}"), "code behind an apostrophe"),
        (full_width(code), "full-width digits"),
        (format!("01.{code}"), "code behind the province's"),
        (format!("0{code}"), "code with a zero too many"),
        (key.name.to_owned(), "name in place of the code"),
        (format!("{code} {}", key.name), "name beside the code"),
        (code.replace('0', "O"), "letters for zeros"),
        (with_unseen(random, code), "invisible character"),
        (format!("“{code}”"), "curly quotation marks"),
        (String::new(), "merged cells"),
        (format!("{code}-"), "dash behind a code"),
    ];
    let (text, oddity) = pick(random, &texts);
    // A code that has no zero stays what it is.
    if text == code { Spelling::plain(text) } else { Spelling::odd(text, oddity) }
}

pub fn period(random: &mut Rng, key: &Key, is_odd: bool) -> Spelling {
    let period = key.period;
    if !is_odd {
        return Spelling::plain(period);
    }
    let (year, month) = period.split_once('-').expect("a year and a month");
    let (_, short_year) = year.split_at(2);
    let short = month.trim_start_matches('0');
    let texts = [
        (format!("{short}/{year}"), "month in another order"),
        (format!("{month}-{year}"), "month in another order"),
        (format!("{year}-{short}"), "month of one digit"),
        (format!("{year}{month}"), "month without a dash"),
        (format!("{year}/{month}"), "month with a slash"),
        (format!("{period}-01"), "day for a month"),
        (format!("tháng {short}/{year}"), "month in words"),
        (format!("Jul-{short_year}"), "month in words"),
        (format!("{short_year}-{month}"), "year of two digits"),
        (format!("2015-{month}"), "month ten years early"),
        (format!("2052-{month}"), "month in the future"),
        (format!("{year}–{month}"), "typographic dash in a month"),
        (full_width(period), "full-width digits"),
        (with_unseen(random, period), "invisible character"),
        (String::new(), "merged cells"),
    ];
    let (text, oddity) = pick(random, &texts);
    Spelling::odd(text, oddity)
}

pub fn time(random: &mut Rng, moment: Moment, is_odd: bool) -> Spelling {
    let Moment { year, month, day, hour, minute, second } = moment;
    let date = format!("{year}-{month:02}-{day:02}");
    let clock = format!("{hour:02}:{minute:02}:{second:02}");
    let short = if second == 0 { format!("{hour:02}:{minute:02}") } else { clock.clone() };
    if is_odd {
        return odd_time(random, moment, &date, &short);
    }
    let (utc, japan) = (hour - 7, hour + 2);
    let mut texts = vec![
        format!("{date} {short}"),
        format!("{date} {short}"),
        format!("{date}T{short}"),
        format!("{date} {clock}"),
        format!("{date}T{clock}+07:00"),
        format!("{date} {clock}.000"),
        format!("{date}t{short}+07"),
    ];
    if utc >= 0 {
        texts.push(format!("{date}T{utc:02}:{minute:02}:{second:02}Z"));
        texts.push(format!("{date}T{utc:02}:{minute:02}:{second:02}+00:00"));
    }
    if japan < 24 {
        texts.push(format!("{date} {japan:02}:{minute:02}:{second:02}+09:00"));
    }
    if (hour, minute, second) == (0, 0, 0) {
        texts.push(date);
    }
    Spelling::plain(pick(random, &texts))
}

fn odd_time(random: &mut Rng, moment: Moment, date: &str, clock: &str) -> Spelling {
    let Moment { year, month, day, hour, minute, second } = moment;
    let serial = moment.micros() / 86_400_000_000 + 25_569;
    let (half, noon) = (hour % 12, if hour < 12 { "AM" } else { "PM" });
    let texts = [
        (format!("{day:02}/{month:02}/{year}"), "day before month"),
        (format!("{day:02}/{month:02}/{year} {clock}"), "day before month"),
        (format!("{month}/{day}/{year} {clock}"), "month before day"),
        (format!("{day:02}-{month:02}-{year} {clock}"), "day before month"),
        (format!("{clock} {day:02}/{month:02}/{year}"), "time before day"),
        (serial.to_string(), "serial day"),
        (format!("{serial}.5"), "serial day"),
        (format!("{year}{month:02}{day:02}T{hour:02}{minute:02}"), "compact time"),
        (format!("{year}{month:02}{day:02}"), "compact time"),
        (format!("{date} {half}:{minute:02} {noon}"), "twelve hours"),
        (format!("{date} {half:02}:{minute:02} {noon}"), "twelve hours"),
        (format!("{date}T{clock}[Asia/Ho_Chi_Minh]"), "zone name"),
        (format!("{date}T{clock}-07:00[Asia/Ho_Chi_Minh]"), "zone name"),
        (format!("{date} {clock} ICT"), "zone name"),
        (format!("{date} {clock} GMT+7"), "zone name"),
        (format!("{date} {clock} +0700"), "zone name"),
        (format!("{date} {hour}h{minute:02}"), "letter in a time"),
        (format!("{date} {hour:02}.{minute:02}"), "point in a time"),
        (format!("{date} {hour:02}"), "hour alone"),
        (format!("{date} {hour}:{minute}:{second}"), "digits missing in a time"),
        (format!("{year}/{month:02}/{day:02} {clock}"), "slashes in a day"),
        (format!("{year}-{month}-{day} {clock}"), "digits missing in a time"),
        (format!("{date}  {clock}"), "two spaces in a time"),
        (format!("2052-{month:02}-{day:02} {clock}"), "time in the future"),
        (format!("2015-{month:02}-{day:02} {clock}"), "time ten years early"),
        (full_width(&format!("{date} {clock}")), "full-width digits"),
        (with_unseen(random, &format!("{date} {clock}")), "invisible character"),
        (String::new(), "merged cells"),
    ];
    let (text, oddity) = pick(random, &texts);
    Spelling::odd(text, oddity)
}

pub fn value(random: &mut Rng, metric: &str, value: Option<i64>, is_odd: bool) -> Spelling {
    let is_criterion = CRITERIA.contains(&metric);
    match (value, is_criterion, is_odd) {
        (None, _, false) => {
            Spelling::plain(pick(random, &["rút", "withdraw", "RÚT", " ru\u{301}t", "Withdraw"]))
        }
        (None, _, true) => {
            let texts = ["huỷ", "xoá", "rut", "withdrawn", "null", "(rút)", "rút lại", "rót"];
            Spelling::odd(pick(random, &texts), "other word for a withdrawal")
        }
        (Some(1), true, false) => Spelling::plain(pick(
            random,
            &["1", "có", "Có", "CÓ", "co\u{301}", "true", "Yes", " 1 "],
        )),
        (Some(_), true, false) => {
            let texts = ["0", "không", "Không", "kho\u{302}ng", "FALSE", "no", "\u{a0}0", "No"];
            Spelling::plain(pick(random, &texts))
        }
        (Some(value), true, true) => odd_answer(random, value),
        (Some(value), false, false) => {
            let texts = [
                value.to_string(),
                value.to_string(),
                value.to_string(),
                format!("  {value} "),
                format!("\u{a0}{value}\u{a0}"),
                format!("00{value}"),
            ];
            Spelling::plain(pick(random, &texts))
        }
        (Some(value), false, true) => odd_count(random, value),
    }
}

fn odd_answer(random: &mut Rng, value: i64) -> Spelling {
    let yes =
        ["x", "✓", "Đạt", "Y", "on", "01", "1.0", "co", "+", "100%", "TRUE()", "[x]", "có rồi"];
    let no = ["☐", "Chưa", "N", "off", "00", "0.0", "khong", "0%", "FALSE()", "[ ]", "không có"];
    let text = if value == 1 { pick(random, &yes) } else { pick(random, &no) };
    if random.u8(0..4) == 0 {
        let word = if value == 1 { "có" } else { "không" };
        return Spelling::odd(with_unseen(random, word), "invisible character");
    }
    Spelling::odd(text, "other word for yes or no")
}

/// Digits in groups of three.
#[must_use]
pub fn grouped(value: i64, mark: &str) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text += mark;
        }
        text.push(digit);
    }
    text
}

fn odd_count(random: &mut Rng, value: i64) -> Spelling {
    if value >= 1_000 && random.bool() {
        let mark = pick(random, &[".", ",", " ", "\u{a0}", "\u{202f}", "'", "_"]);
        return Spelling::odd(grouped(value, mark), "thousands separator");
    }
    if value == 0 && random.bool() {
        let text = pick(random, &["không", "không có", "-0", "O", "Ø", "nil", "0 "]);
        let oddity = (text != "0 ").then_some("word for zero");
        return Spelling { text: text.to_owned(), oddity };
    }
    let arabic: String = value
        .to_string()
        .chars()
        .map(|c| match c {
            '0'..='9' => char::from_u32(u32::from(c) - 0x30 + 0x660).unwrap_or(c),
            _ => c,
        })
        .collect();
    let texts = [
        (format!("{value}.0"), "decimals"),
        (format!("{value},0"), "decimals"),
        (format!("{value}.00"), "decimals"),
        (format!("{value}%"), "percent"),
        (format!("{value} hồ sơ"), "unit behind a number"),
        (format!("={value}"), "formula"),
        (format!("'{value}"), "apostrophe before a number"),
        (format!("+{value}"), "sign"),
        (format!("({value})"), "brackets"),
        (format!("{value}-"), "sign"),
        (format!("~{value}"), "about a number"),
        (format!(">{value}"), "about a number"),
        (format!("{value}*"), "footnote"),
        (format!("{value}¹"), "footnote"),
        (format!("{value}(1)"), "footnote"),
        (full_width(&value.to_string()), "full-width digits"),
        (arabic, "other digits"),
        (format!("{value}e0"), "scientific"),
        (format!("{value}E+00"), "scientific"),
        (format!("0x{value:x}"), "hexadecimal"),
        (
            pick(random, &["#N/A", "#REF!", "N/A", "null", "NaN", "x", "…", "?"]).to_owned(),
            "no number",
        ),
        (format!("{value} {value}"), "two numbers in a cell"),
        (format!("{value}/{}", value + 1), "two numbers in a cell"),
        (with_unseen(random, &value.to_string()), "invisible character"),
        (format!("“{value}”"), "curly quotation marks"),
        (format!("−{}", value + 1), "sign"),
    ];
    let (text, oddity) = pick(random, &texts);
    Spelling::odd(text, oddity)
}
