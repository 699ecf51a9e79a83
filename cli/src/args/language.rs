//! One language out of texts in both.
//!
//! A doc comment of the command line holds its text twice: English, then `vi: ` and Vietnamese. clap
//! joins the lines of a paragraph, so both reach [`Command`] as one text, of which one half is kept.

use std::ffi::OsString;

use clap::{
    Arg, Command, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, Resettable, StyledStr},
};
use phuxanh_answers::{Language, Words, words};

use super::output::Lang;

/// What stands between the English and the Vietnamese half of a text.
const BETWEEN: &str = " vi: ";

/// Names that clap gives by itself.
pub(super) const HELP: &str = "help";
const VERSION: &str = "version";

const HELP_OPTION: Words = words(
    "Xem hướng dẫn (-h: tóm tắt, --help: đầy đủ)",
    "Print help (-h: a summary, --help: all of it)",
);
const HELP_COMMAND: Words = words(
    "Xem hướng dẫn của phuxanh hoặc của một lệnh",
    "Print the help of phuxanh or of a command",
);
const VERSION_OPTION: Words = words("Xem phiên bản", "Print version");
const COMMAND: Words = words("LỆNH", "COMMAND");
/// Place of the options in a line of usage, which clap names.
const OPTIONS: Words = words("[TÙY-CHỌN]", "[OPTIONS]");

/// Names of values, as usage and refusals show them.
const VALUE_NAMES: [Words; 27] = [
    words("ĐỊA-CHỈ", "ADDRESS"),
    words("LÝ-DO", "CAUSE"),
    words("CHỨNG-THƯ", "CERTIFICATE"),
    words("MÃ", "CODE"),
    words("MÃ-HOẶC-TÊN", "CODE-OR-NAME"),
    words("TIÊU-CHÍ", "CRITERION"),
    words("SỐ-NGÀY", "DAYS"),
    words("THƯ-MỤC", "DIRECTORY"),
    words("TỆP", "FILE"),
    words("THƯ-MỤC", "FOLDER"),
    words("DẠNG", "FORM"),
    words("MÃ", "ID"),
    words("KHÓA", "KEY"),
    words("LOẠI", "KIND"),
    words("NGÔN-NGỮ", "LANG"),
    words("CẤP", "LEVEL"),
    words("ĐƠN-VỊ", "LOCALITY"),
    words("CHỈ-TIÊU", "METRIC"),
    words("TÊN", "NAME"),
    words("PHẦN-TRĂM", "PERCENT"),
    words("TỈNH", "PROVINCE"),
    words("VAI-TRÒ", "ROLE"),
    words("QUY-TẮC", "RULE"),
    words("GIÂY", "SECONDS"),
    words("TỪ-KHÓA", "TEXT"),
    words("KHI-NÀO", "WHEN"),
    words("NĂM-THÁNG", "YYYY-MM"),
];
/// Names of values that are the same in both languages.
const COMMON_VALUE_NAMES: [&str; 3] = ["N", "SHELL", "URL"];

/// Language that the arguments ask for. They are searched before they are parsed, so that help and
/// complaints speak it.
pub fn asked(arguments: &[OsString]) -> Option<Lang> {
    let mut arguments = arguments.iter().filter_map(|argument| argument.to_str());
    while let Some(argument) = arguments.next().filter(|argument| *argument != "--") {
        let value = match argument.strip_prefix("--lang") {
            Some("") => arguments.next(),
            Some(value) => value.strip_prefix('='),
            None => None,
        };
        if let Some(found) = value.and_then(|value| Lang::from_str(value, false).ok()) {
            return Some(found);
        }
    }
    None
}

/// The half of a text in a language.
pub(super) fn half(text: &str, language: Language) -> &str {
    match (text.split_once(BETWEEN), language) {
        (Some((_, vietnamese)), Language::Vietnamese) => vietnamese,
        (Some((english, _)), Language::English | Language::Both) => english,
        (None, _) => text,
    }
}

/// The command and all that it holds with texts in one language. It is built, so that what clap adds
/// has its text too. Descriptions of possible values belong to parsers, and stay.
pub(super) fn spoken(mut command: Command, language: Language) -> Command {
    command.build();
    in_language(command, language)
}

fn in_language(command: Command, language: Language) -> Command {
    let about = match command.get_name() {
        HELP => Some(HELP_COMMAND.text(language).to_owned().into()),
        _ => command.get_about().map(|text| kept(text, language)),
    };
    let after_help = command.get_after_help().map(|text| kept(text, language));
    let command = command
        .about(Resettable::from(about))
        .after_help(Resettable::from(after_help))
        .subcommand_value_name(COMMAND.text(language).to_owned())
        .mut_args(|arg| argument(arg, language))
        .mut_subcommands(|inner| in_language(inner, language));
    if language == Language::Vietnamese { with_usage(command) } else { command }
}

fn kept(text: &StyledStr, language: Language) -> StyledStr {
    half(&text.to_string(), language).to_owned().into()
}

fn argument(arg: Arg, language: Language) -> Arg {
    let fixed = match arg.get_id().as_str() {
        HELP => Some(HELP_OPTION),
        VERSION => Some(VERSION_OPTION),
        _ => None,
    };
    if let Some(words) = fixed {
        let text = words.text(language).to_owned();
        return arg.help(text.clone()).long_help(text);
    }
    let help = arg.get_help().map(|text| kept(text, language));
    let named = arg.get_action().takes_values();
    let name = arg.get_value_names().filter(|_| named).and_then(|names| names.first());
    let name = name.and_then(|name| value_name(name)).map(|name| name.text(language).to_owned());
    let arg = arg.help(Resettable::from(help));
    if let Some(name) = name { arg.value_name(name) } else { arg }
}

/// Name of a value in both languages.
fn value_name(name: &str) -> Option<Words> {
    let common = COMMON_VALUE_NAMES.contains(&name);
    VALUE_NAMES.into_iter().find(|known| known.en == name && !common)
}

/// The line of usage in Vietnamese, since clap names the place of the options itself.
fn with_usage(mut command: Command) -> Command {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replace(&*OPTIONS.en, &OPTIONS.vi);
    command.override_usage(usage)
}

/// The command for those who read its texts and parse nothing: possible values are described in one
/// language, too.
pub(super) fn described(language: Language) -> Command {
    fn values(command: Command, language: Language) -> Command {
        command
            .mut_args(|arg| {
                let known: Vec<_> = arg
                    .get_possible_values()
                    .iter()
                    .map(|value| kept_value(value, language))
                    .collect();
                let takes_words = arg.get_action().takes_values() && !known.is_empty();
                if takes_words { arg.value_parser(PossibleValuesParser::new(known)) } else { arg }
            })
            .mut_subcommands(|inner| values(inner, language))
    }
    values(spoken(super::unspoken(), language), language)
}

fn kept_value(value: &PossibleValue, language: Language) -> PossibleValue {
    let plain = PossibleValue::new(value.get_name().to_owned());
    match value.get_help() {
        Some(help) => plain.help(kept(help, language)),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn arguments(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_language_is_found_wherever_it_stands() {
        for text in ["phuxanh --lang vi help", "phuxanh lowest --x --lang=vi"] {
            assert_eq!(asked(&arguments(text)), Some(Lang::Vi), "{text}");
        }
        for text in
            ["phuxanh lowest", "phuxanh search -- --lang vi", "phuxanh --lang fr", "phuxanh --lang"]
        {
            assert_eq!(asked(&arguments(text)), None, "{text}");
        }
    }

    /// Calls `each` with every text of a command that was not put into a language.
    fn texts(command: &Command, each: &mut impl FnMut(String)) {
        let own = [command.get_about(), command.get_after_help()];
        // A second paragraph would need a language of its own.
        assert_eq!((command.get_long_about(), command.get_after_long_help()), (None, None));
        own.into_iter().flatten().for_each(|text| each(text.to_string()));
        for arg in command.get_arguments() {
            let values = arg.get_possible_values();
            let values = values.iter().filter_map(PossibleValue::get_help);
            assert_eq!(arg.get_long_help(), None, "{arg}");
            arg.get_help().into_iter().chain(values).for_each(|text| each(text.to_string()));
            let undescribed = arg.get_help().is_none() && !arg.is_positional();
            assert!(!undescribed, "{arg} has no text");
        }
        command.get_subcommands().for_each(|inner| texts(inner, each));
    }

    #[test]
    fn every_text_has_both_languages_once() {
        let mut count = 0;
        texts(&super::super::unspoken(), &mut |text| {
            count += 1;
            let halves: Vec<_> = text.split(BETWEEN).collect();
            assert!(matches!(halves[..], [en, vi] if !en.is_empty() && !vi.is_empty()), "{text}");
        });
        assert!(count > 150, "{count}");
    }

    #[test]
    fn every_name_of_a_value_has_both_languages() {
        fn names(command: &Command, found: &mut BTreeSet<String>) {
            let taking = command.get_arguments().filter(|arg| arg.get_action().takes_values());
            let named = taking.filter_map(Arg::get_value_names).flatten();
            found.extend(named.map(ToString::to_string));
            command.get_subcommands().for_each(|inner| names(inner, found));
        }
        let mut command = super::super::unspoken();
        command.build();
        let mut found = BTreeSet::new();
        names(&command, &mut found);
        let known = VALUE_NAMES.into_iter().map(|name| name.en.to_string());
        let known: BTreeSet<_> = known.chain(COMMON_VALUE_NAMES.map(str::to_owned)).collect();
        assert_eq!(found, known);
    }
}
