//! Forms of numbers, times and alarms in each language, in every answer.

use crate::{Run, ask, command, fake::Fake, forms::QUESTIONS};

/// Sentence that says the zone, by language.
const ZONES: [(&str, &str); 2] =
    [("vi", "Giờ Việt Nam (UTC+7)."), ("en", "Times are Vietnamese (UTC+7).")];

/// A text with a 0 in the place of each digit.
fn shape(text: &str) -> String {
    text.replace(|letter: char| letter.is_ascii_digit(), "0")
}

fn wide(fake: &Fake, args: &[&str], lang: &str) -> String {
    let args = [args, &["-o", "wide", "--lang", lang]].concat();
    let run = Run::from(command(&fake.server(), &args).output().expect("phuxanh runs"));
    assert!(!run.out.is_empty(), "{args:?}: {}", run.err);
    run.out
}

#[test]
fn no_answer_mixes_the_forms_of_the_languages_or_leaves_out_the_zone() {
    let fake = Fake::start();
    let (mut shares, mut times) = ([0, 0], [0, 0]);
    for (args, _) in QUESTIONS {
        for (at, (lang, zone)) in ZONES.into_iter().enumerate() {
            let text = wide(&fake, args, lang);
            let found = shape(&text);
            let [share, time, other_share, other_day] = match lang {
                "vi" => [",00 %", "00:00 00/00/0000", ".00 %", "0000-00-00"],
                _ => [".00 %", "0000-00-00 00:00", ",00 %", "00/00/0000"],
            };
            for other in [other_share, other_day] {
                assert!(!found.contains(other), "{args:?} {lang} has {other}\n{text}");
            }
            let time_count = found.matches(time).count();
            let said = text.matches("UTC+7").count();
            assert_eq!(said, usize::from(time_count > 0), "{args:?} {lang}\n{text}");
            assert_eq!(text.matches(zone).count(), said, "{args:?} {lang}\n{text}");
            shares[at] += found.matches(share).count();
            times[at] += time_count;
        }
    }
    assert_eq!(shares[0], shares[1]);
    assert_eq!(times[0], times[1]);
    assert!(shares[0] > 50 && times[0] > 50, "{shares:?} {times:?}");
}

#[test]
fn numbers_times_and_alarms_have_the_form_of_the_language() {
    let fake = Fake::start();
    let asked: [(&[&str], [&str; 2]); 8] = [
        (&["lowest"], ["5,36 %", "5.36 %"]),
        (&["lowest"], ["16:00 31/07/2025", "2025-07-31 16:00"]),
        (&["localities"], ["01/07/2025", "2025-07-01"]),
        (&["audit"], ["1.456", "1,456"]),
        (&["collectors"], ["-90,500 s", "-90.500 s"]),
        (&["collectors"], ["kho lưu từ chối ghi", "store refuses writes"]),
        (&["collectors"], ["hai bộ thu thập", "two collectors"]),
        (&["collectors"], ["số liệu bị trả lại", "rejected data"]),
    ];
    for (args, forms) in asked {
        for (at, lang) in ["vi", "en"].into_iter().enumerate() {
            let text = wide(&fake, args, lang);
            let (own, other) = (forms[at], forms[1 - at]);
            assert!(text.contains(own) && !text.contains(other), "{lang} {own}\n{text}");
        }
    }
    // Programs read the same in every language.
    let json = |lang| ask(&fake, &["collectors", "--json", "--lang", lang]).output();
    assert_eq!(json("vi"), json("en"));
    assert!(json("vi").contains("\"store_refuses_writes\""));
}
