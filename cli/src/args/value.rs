//! Values of arguments. What is wrong with one is told in both languages.

use std::{fmt::Display, net::IpAddr, str::FromStr, time::Duration};

use clap::ValueEnum;
use phuxanh_answers::{Words, client, words};
use phuxanh_core::{
    LocalityCode,
    delivery::identity::{TrustDomain, access::Role},
};

use super::FailOn;

/// A value that cannot be used, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.en)]
pub(super) struct Unusable(pub(super) Words);

/// A value of this form, or its own words for what is wrong in English.
fn parsed<T: FromStr<Err: Display>>(text: &str, expected: &'static str) -> Result<T, Unusable> {
    text.parse().map_err(|error: T::Err| told(expected, error.to_string()))
}

fn told(vi: impl Into<String>, en: impl Into<String>) -> Unusable {
    Unusable(Words { vi: vi.into().into(), en: en.into().into() })
}

/// A whole number in a range, both ends included.
pub(super) fn number<T>(text: &str, least: T, most: T) -> Result<T, Unusable>
where
    T: FromStr + PartialOrd + Display + Copy,
{
    let found = text.parse().ok().filter(|number| (least..=most).contains(number));
    found.ok_or_else(|| {
        told(
            format!("cần một số nguyên từ {least} đến {most}"),
            format!("expected a whole number from {least} to {most}"),
        )
    })
}

/// A whole number that is not negative.
pub(super) fn count<T: FromStr + PartialOrd + Default>(text: &str) -> Result<T, Unusable> {
    let found = text.parse().ok().filter(|number| *number >= T::default());
    found.ok_or(Unusable(words(
        "cần một số nguyên từ 0 trở lên",
        "expected a whole number, 0 or more",
    )))
}

/// A positive number of seconds.
pub(super) fn seconds(text: &str) -> Result<Duration, Unusable> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let positive = seconds.filter(|duration| !duration.is_zero());
    positive.ok_or(Unusable(words("cần số giây lớn hơn 0", "expected a number of seconds above 0")))
}

/// The URL of a server.
pub(super) fn server(text: &str) -> Result<String, Unusable> {
    let expected = "cần http://MÁY-CHỦ:CỔNG hoặc https://MÁY-CHỦ:CỔNG";
    client::url(text).map_err(|error| told(expected, error))
}

/// A cause to fail that a list of collectors can tell.
pub(super) fn of_collectors(text: &str) -> Result<FailOn, Unusable> {
    match FailOn::from_str(text, true) {
        Ok(FailOn::Disagreement) => Err(Unusable(words(
            "chỉ đối chiếu mới biết điều này: phuxanh audit --fail-on disagreement",
            "only audits tell it: phuxanh audit --fail-on disagreement",
        ))),
        Ok(cause @ (FailOn::Alarm | FailOn::Silent)) => Ok(cause),
        Err(_) => Err(Unusable(words("cần alarm hoặc silent", "expected alarm or silent"))),
    }
}

pub(super) fn trust_domain(text: &str) -> Result<TrustDomain, Unusable> {
    parsed(text, "cần chữ thường không dấu, chữ số, - _ và .")
}

pub(super) fn code(text: &str) -> Result<LocalityCode, Unusable> {
    parsed(text, "cần mã gồm 2 chữ số (tỉnh, 00 là trung ương) hoặc 5 chữ số (xã)")
}

pub(super) fn role(text: &str) -> Result<Role, Unusable> {
    parsed(text, "cần viewer, viewer:MÃ, operator hoặc collector:MÃ")
}

pub(super) fn address(text: &str) -> Result<IpAddr, Unusable> {
    parsed(text, "cần một địa chỉ IP, ví dụ 10.0.0.1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_above_zero() {
        assert_eq!(seconds("2.5"), Ok(Duration::from_millis(2_500)));
        for text in ["0", "-1", "NaN", "1e40", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_keep_their_bounds() {
        assert_eq!(number("50", 1_u8, 50), Ok(50));
        assert_eq!(count("0"), Ok(0_i64));
        for text in ["0", "51", "300", "", "x"] {
            let Unusable(words) = number(text, 1_u8, 50).expect_err(text);
            assert_eq!(words.en, "expected a whole number from 1 to 50");
            assert_eq!(words.vi, "cần một số nguyên từ 1 đến 50");
        }
        for text in ["-1", "1.5", "x"] {
            assert!(count::<i64>(text).is_err(), "{text}");
        }
    }
}
