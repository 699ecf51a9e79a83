//! What is told of arguments that cannot be parsed: in English by clap, in Vietnamese from its reasons.

use std::{
    error::Error as _,
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

use clap::{
    Error,
    error::{ContextKind, ContextValue, ErrorKind},
};
use phuxanh_answers::{Language, render::json_error};

use super::{help, value::Unusable};

/// Exit code of a failure to tell anything, as of any other failure.
const FAILED: u8 = 1;

/// Writes the help that was asked for, or a complaint, and says how the command ends.
pub(super) fn tell(raw: &[OsString], error: &Error, language: Language, width: usize) -> ExitCode {
    let written = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // The same arguments again, so that help is that of the command they ask for.
            let asked = help::command(language, width).try_get_matches_from(raw);
            asked.err().as_ref().unwrap_or(error).print()
        }
        ErrorKind::DisplayVersion => error.print(),
        _ if asks_json(raw) => {
            let text = match language {
                Language::Vietnamese => vietnamese(error),
                Language::English | Language::Both => error.render().to_string(),
            };
            let exit_code = error.exit_code().try_into().unwrap_or(FAILED);
            writeln!(io::stderr().lock(), "{}", json_error(exit_code, text.trim_end()))
        }
        _ if language == Language::Vietnamese => {
            writeln!(io::stderr().lock(), "{}", vietnamese(error))
        }
        _ => error.print(),
    };
    let exit_code = error.exit_code().try_into().ok().filter(|_| written.is_ok());
    ExitCode::from(exit_code.unwrap_or(FAILED))
}

/// True if the arguments, which cannot be parsed, ask for JSON.
fn asks_json(raw: &[OsString]) -> bool {
    let mut arguments = raw.iter().filter_map(|argument| argument.to_str());
    while let Some(argument) = arguments.next().filter(|argument| *argument != "--") {
        match argument {
            "--json" | "-ojson" | "-o=json" | "--output=json" => return true,
            "-o" | "--output" if arguments.next() == Some("json") => return true,
            _ => {}
        }
    }
    false
}

/// The complaint with what may have been meant, and how the command is used.
fn vietnamese(error: &Error) -> String {
    let mut text = vec![format!("lỗi: {}", fault(error))];
    let tips: Vec<_> = tips(error).iter().map(|tip| format!("  gợi ý: {tip}")).collect();
    if !tips.is_empty() {
        text.push(tips.join("\n"));
    }
    if let Some(usage) = part(error, ContextKind::Usage) {
        text.push(format!("Cách dùng: {}", usage.trim_start_matches("Usage: ")));
    }
    text.push("Xem hướng dẫn bằng --help.".to_owned());
    text.join("\n\n")
}

/// What is wrong. Reasons of a later clap are told in its own words behind a Vietnamese opening.
fn fault(error: &Error) -> String {
    let arg = part(error, ContextKind::InvalidArg).unwrap_or_default();
    let value = part(error, ContextKind::InvalidValue).unwrap_or_default();
    let told = |kind| part(error, kind).unwrap_or_default();
    match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => {
            format!(
                "thiếu giá trị của '{arg}'{}",
                listed("các giá trị", error, ContextKind::ValidValue)
            )
        }
        ErrorKind::InvalidValue => format!(
            "giá trị '{value}' không dùng được cho '{arg}'{}",
            listed("các giá trị", error, ContextKind::ValidValue)
        ),
        ErrorKind::ValueValidation => {
            let reason = error.source().and_then(|source| source.downcast_ref());
            let reason = reason.map_or(String::new(), |Unusable(words)| format!(": {}", words.vi));
            format!("giá trị '{value}' không dùng được cho '{arg}'{reason}")
        }
        ErrorKind::UnknownArgument => format!("lệnh này không có tham số '{arg}'"),
        ErrorKind::InvalidSubcommand => {
            format!("không có lệnh '{}'", told(ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand => format!(
            "'{}' cần một lệnh đi sau{}",
            told(ContextKind::InvalidSubcommand),
            listed("các lệnh", error, ContextKind::ValidSubcommand)
        ),
        ErrorKind::MissingRequiredArgument => format!("thiếu tham số bắt buộc: {arg}"),
        ErrorKind::ArgumentConflict => conflict(error, &arg),
        ErrorKind::NoEquals => format!("cần dấu = trước giá trị của '{arg}'"),
        ErrorKind::TooManyValues => format!("thừa giá trị '{value}' của '{arg}'"),
        ErrorKind::TooFewValues => format!(
            "'{arg}' cần ít nhất {} giá trị, mới có {}",
            told(ContextKind::MinValues),
            told(ContextKind::ActualNumValues)
        ),
        ErrorKind::WrongNumberOfValues => format!(
            "'{arg}' cần {} giá trị, đang có {}",
            told(ContextKind::ExpectedNumValues),
            told(ContextKind::ActualNumValues)
        ),
        ErrorKind::InvalidUtf8 => "có tham số không phải văn bản UTF-8".to_owned(),
        other => format!("không đọc được dòng lệnh ({other:?}): {error}"),
    }
}

fn conflict(error: &Error, arg: &str) -> String {
    match part(error, ContextKind::PriorArg) {
        Some(prior) if prior == arg => format!("'{arg}' chỉ được nêu một lần"),
        Some(prior) => format!("'{arg}' không dùng cùng với '{prior}'"),
        None => format!("'{arg}' không dùng cùng với tham số khác"),
    }
}

/// What may have been meant.
fn tips(error: &Error) -> Vec<String> {
    let similar = [
        (ContextKind::SuggestedSubcommand, "lệnh gần giống"),
        (ContextKind::SuggestedArg, "tham số gần giống"),
        (ContextKind::SuggestedValue, "giá trị gần giống"),
    ];
    let similar = similar.into_iter().filter_map(|(kind, what)| {
        let names = part(error, kind)?;
        Some(format!("{what}: {names}"))
    });
    let others = match error.get(ContextKind::Suggested) {
        Some(ContextValue::StyledStrs(tips)) => tips.as_slice(),
        _ => &[],
    };
    similar.chain(others.iter().filter_map(|tip| reworded(&tip.to_string()))).collect()
}

/// A tip of clap, of which only what it quotes can be used.
fn reworded(tip: &str) -> Option<String> {
    let quoted: Vec<_> = tip.split('\'').skip(1).step_by(2).collect();
    match quoted[..] {
        [known] => Some(format!("có '{known}'")),
        [command, "--"] => Some(format!("có lệnh '{command}': bỏ '--' đứng trước nó")),
        [value, written] => Some(format!("để '{value}' là một giá trị, hãy viết '{written}'")),
        _ => None,
    }
}

/// A list of what could have stood there, where clap knows it.
fn listed(what: &str, error: &Error, kind: ContextKind) -> String {
    part(error, kind).map_or(String::new(), |names| format!("\n  [{what}: {names}]"))
}

/// Part of the reason as a text; none where it is missing or empty.
fn part(error: &Error, kind: ContextKind) -> Option<String> {
    let text = match error.get(kind)? {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(texts) => texts.join(", "),
        ContextValue::StyledStr(text) => text.to_string(),
        ContextValue::Number(number) => number.to_string(),
        _ => String::new(),
    };
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::language::spoken;

    /// The complaint about arguments.
    fn complaint(line: &str) -> String {
        let mut command = spoken(super::super::unspoken(), Language::Vietnamese);
        let arguments = line.split(' ').map(OsString::from);
        vietnamese(&command.try_get_matches_from_mut(arguments).expect_err(line))
    }

    #[test]
    fn each_reason_is_told_in_vietnamese() {
        for (line, expected) in [
            (
                "phuxanh lowest --level nation",
                "lỗi: giá trị 'nation' không dùng được cho '--level <CẤP>'\n  [các giá trị: province, commune]",
            ),
            (
                "phuxanh lowest --level",
                "lỗi: thiếu giá trị của '--level <CẤP>'\n  [các giá trị: province, commune]",
            ),
            ("phuxanh lowest -o tabel", "\n  gợi ý: giá trị gần giống: table"),
            (
                "phuxanh lowest --periode 2025-07",
                "lỗi: lệnh này không có tham số '--periode'\n\n  gợi ý: tham số gần giống: --period\n\nCách dùng: phuxanh lowest [TÙY-CHỌN]\n",
            ),
            ("phuxanh search -x", "gợi ý: để '-x' là một giá trị, hãy viết '-- -x'"),
            ("phuxanh lowset", "lỗi: không có lệnh 'lowset'\n\n  gợi ý: lệnh gần giống: lowest"),
            ("phuxanh standing", "lỗi: thiếu tham số bắt buộc: <ĐƠN-VỊ>"),
            (
                "phuxanh standing 04 --neighbours 300",
                "lỗi: giá trị '300' không dùng được cho '--neighbours <N>': cần một số nguyên từ 1 đến 50",
            ),
            ("phuxanh standing 04 --highest --highest", "lỗi: '--highest' chỉ được nêu một lần"),
            (
                "phuxanh receipts 04 --metric a --indicator b",
                "lỗi: '--metric <MÃ>' không dùng cùng với '--indicator <MÃ>'",
            ),
            ("phuxanh mesh 04", "lỗi: lệnh này không có tham số '04'"),
            ("phuxanh mesh --json=x", "lỗi: thừa giá trị 'x' của '--json'"),
        ] {
            assert!(complaint(line).contains(expected), "{line}: {}", complaint(line));
        }
    }

    #[test]
    fn what_clap_only_quotes_is_told_too() {
        for (tip, expected) in [
            ("'silent --limit' exists", "có 'silent --limit'"),
            ("to pass '-1' as a value, use '-- -1'", "để '-1' là một giá trị, hãy viết '-- -1'"),
            (
                "subcommand 'why' exists; to use it, remove the '--' before it",
                "có lệnh 'why': bỏ '--' đứng trước nó",
            ),
        ] {
            assert_eq!(reworded(tip).as_deref(), Some(expected));
        }
        assert_eq!(reworded("something else"), None);
    }

    /// A parser without own words would leave the reason out.
    #[test]
    fn every_value_that_is_refused_has_a_reason() {
        fn visit(command: &clap::Command, path: &[String], count: &mut usize) {
            for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
                let mut root = spoken(super::super::unspoken(), Language::Vietnamese);
                let value = "?:\u{1}";
                let line = match arg.get_long() {
                    Some(long) => vec![format!("--{long}={value}")],
                    None => vec![value.to_owned(); arg.get_index().unwrap_or(1)],
                };
                let Err(error) = root.try_get_matches_from_mut(path.iter().chain(&line)) else {
                    continue;
                };
                if error.kind() == ErrorKind::ValueValidation {
                    *count += 1;
                    let source = error.source().expect("a reason");
                    assert!(source.is::<Unusable>(), "{path:?} {arg}: {source}");
                }
            }
            for inner in command.get_subcommands() {
                visit(inner, &[path, &[inner.get_name().to_owned()]].concat(), count);
            }
        }
        let mut count = 0;
        visit(&super::super::unspoken(), &["phuxanh".to_owned()], &mut count);
        assert!(count > 20, "{count}");
    }
}
