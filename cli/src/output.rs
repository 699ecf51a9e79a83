//! Form, language and room of the output.

use std::{
    env,
    io::{self, Write},
    path::PathBuf,
};

use phuxanh_answers::{
    Language,
    render::{Layout, json_error},
};

use crate::{
    args::{self, Args, Colour, Form},
    error::Error,
};

/// Characters of a line where neither a terminal nor COLUMNS tells.
const WIDTH: usize = 80;
/// Characters below which a table has no room at all.
const WIDTH_MIN: usize = 40;

/// Form of the answer, and what it is written for.
#[derive(Debug)]
pub struct Output {
    pub form: Form,
    pub layout: Layout,
    pub file: Option<PathBuf>,
    /// Key of the table for CSV; without one the main table.
    pub table: Option<String>,
}

impl Output {
    /// Reads the options, then the environment. A workbook is not for a terminal.
    pub fn new(args: &Args, terminal: bool) -> Result<Self, Error> {
        let form = if args.json { Form::Json } else { args.output.form };
        let file = args.output.file.clone();
        if form == Form::Xlsx && file.is_none() && terminal {
            return Err(Error::WorkbookOnTerminal);
        }
        let terminal = terminal && file.is_none();
        let layout = Layout {
            language: language_of(args.output.language),
            colour: colour(args.output.colour, terminal, variable),
            width: (form != Form::Wide).then(|| width(terminal)),
        };
        Ok(Self { form, layout, file, table: args.output.table.clone() })
    }
}

/// Tells what went wrong, to a program in JSON. A closed stderr leaves nobody to complain to.
pub fn complain(err: &mut impl Write, error: &Error, language: Language, json: bool) {
    let message = error.text(language);
    let line =
        if json { json_error(error.exit_code(), &message) } else { format!("phuxanh: {message}") };
    warn(err, &line);
}

/// Writes a line for whoever reads stderr.
pub fn warn(err: &mut impl Write, line: &str) {
    writeln!(err, "{line}").unwrap_or_else(|_: io::Error| ());
}

/// A variable of the environment that is not empty.
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Language that an option or the locale asks for.
pub fn language_of(asked: Option<args::Lang>) -> Language {
    language(asked, variable)
}

fn language(asked: Option<args::Lang>, variable: impl Fn(&str) -> Option<String>) -> Language {
    match asked {
        Some(args::Lang::Vi) => return Language::Vietnamese,
        Some(args::Lang::En) => return Language::English,
        None => {}
    }
    let locale = variable("LC_ALL").or_else(|| variable("LANG")).unwrap_or_default();
    match locale.split(['_', '.', '@']).next() {
        Some("vi") => Language::Vietnamese,
        Some("en") => Language::English,
        _ => Language::Both,
    }
}

/// Colours are for terminals, and `NO_COLOR` (any text) turns them off.
fn colour(asked: Colour, terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    match asked {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => terminal && variable("NO_COLOR").is_none(),
    }
}

/// Characters of a line.
pub fn width(terminal: bool) -> usize {
    let size = terminal.then(terminal_size::terminal_size).flatten();
    let width = size.map(|(terminal_size::Width(width), _)| width.into());
    let columns = || variable("COLUMNS").and_then(|columns| columns.parse().ok());
    width.or_else(columns).unwrap_or(WIDTH).max(WIDTH_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_goes_before_the_locale() {
        let of = |asked, all: &str, lang: &str| {
            let set = [("LC_ALL", all.to_owned()), ("LANG", lang.to_owned())];
            let find = |name: &str| {
                let found = set.iter().find(|(key, value)| *key == name && !value.is_empty());
                found.map(|(_, value)| value.clone())
            };
            language(asked, find)
        };
        assert_eq!(of(Some(args::Lang::En), "vi_VN.UTF-8", ""), Language::English);
        assert_eq!(of(None, "vi_VN.UTF-8", "en_US.UTF-8"), Language::Vietnamese);
        assert_eq!(of(None, "", "en_US.UTF-8"), Language::English);
        assert_eq!(of(None, "", "vi"), Language::Vietnamese);
        assert_eq!(of(None, "C.UTF-8", "vi_VN"), Language::Both);
        assert_eq!(of(None, "", ""), Language::Both);
    }

    #[test]
    fn colours_are_for_terminals_unless_asked_for() {
        let (set, unset) = (|_: &str| Some("1".to_owned()), |_: &str| None);
        assert!(colour(Colour::Auto, true, unset) && !colour(Colour::Auto, false, unset));
        assert!(!colour(Colour::Auto, true, set));
        assert!(colour(Colour::Always, false, set) && !colour(Colour::Never, true, unset));
    }
}
