//! Help in one language, headings and notes in brackets included.

use clap::{
    Arg, Command,
    builder::{PossibleValue, Resettable, StyledStr},
};
use phuxanh_answers::{Language, Words, words};

use super::language::{half, spoken};

const USAGE: Words = words("Cách dùng", "Usage");
const COMMANDS: Words = words("Lệnh", "Commands");
const ARGUMENTS: Words = words("Tham số", "Arguments");
const OPTIONS: Words = words("Tùy chọn", "Options");
const DEFAULT: Words = words("mặc định", "default");
const VARIABLE: Words = words("biến môi trường", "env");
const VALUES: Words = words("giá trị", "possible values");
const VALUES_ABOVE: Words = words("Các giá trị", "Possible values");

/// The command for its help. What clap would add in English alone is part of the texts here.
pub(super) fn command(language: Language, width: usize) -> Command {
    worded(spoken(super::unspoken().term_width(width), language), language)
}

fn worded(command: Command, language: Language) -> Command {
    let template = template(&command, language);
    command
        .help_template(template)
        .mut_args(|arg| argument(arg, language))
        .mut_subcommands(|inner| worded(inner, language))
}

/// The usual order of help under headings of a language.
fn template(command: &Command, language: Language) -> StyledStr {
    let header = command.get_styles().get_header();
    let heading = |words: &Words| format!("{header}{}:{header:#}", words.text(language));
    let mut text = vec![format!("{{about-with-newline}}\n{} {{usage}}", heading(&USAGE))];
    let parts = [
        (command.has_subcommands(), COMMANDS, "{subcommands}"),
        (command.get_positionals().next().is_some(), ARGUMENTS, "{positionals}"),
        (command.get_arguments().any(|arg| !arg.is_positional()), OPTIONS, "{options}"),
    ];
    for (_, words, part) in parts.into_iter().filter(|(is_there, ..)| *is_there) {
        text.push(format!("{}\n{part}", heading(&words)));
    }
    (text.join("\n\n") + "{after-help}").into()
}

fn argument(arg: Arg, language: Language) -> Arg {
    if !arg.get_action().takes_values() {
        return arg;
    }
    let text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let values = arg.get_possible_values();
    let mut notes = Vec::new();
    let mut note = |words: &Words, value: &str| {
        notes.push(format!("[{}: {value}]", words.text(language)));
    };
    if let Some(variable) = arg.get_env() {
        note(&VARIABLE, &variable.to_string_lossy());
    }
    let defaults = arg.get_default_values().iter().map(|value| value.to_string_lossy());
    let defaults: Vec<_> = defaults.collect();
    if !defaults.is_empty() {
        note(&DEFAULT, &defaults.join(","));
    }
    let is_described = values.iter().any(|value| value.get_help().is_some());
    let long = is_described.then(|| {
        let above = format!("{}:", VALUES_ABOVE.text(language));
        let list: Vec<_> = values.iter().map(|value| item(value, language)).collect();
        let parts = [text.clone(), format!("{above}\n{}", list.join("\n")), notes.join("\n")];
        StyledStr::from(parts.join("\n\n").trim_end().to_owned())
    });
    if !values.is_empty() {
        let names: Vec<_> = values.iter().map(PossibleValue::get_name).collect();
        notes.push(format!("[{}: {}]", VALUES.text(language), names.join(", ")));
    }
    let parts: Vec<_> = [text].into_iter().filter(|text| !text.is_empty()).chain(notes).collect();
    let short = StyledStr::from(parts.join(" "));
    let arg = arg.hide_default_value(true).hide_possible_values(true).hide_env(true);
    arg.help(short).long_help(Resettable::from(long))
}

/// A possible value in a list.
fn item(value: &PossibleValue, language: Language) -> String {
    let name = value.get_name();
    match value.get_help().map(ToString::to_string) {
        Some(help) => format!("- {name}: {}", half(&help, language)),
        None => format!("- {name}"),
    }
}
