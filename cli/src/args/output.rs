//! The command line of forms and languages.

use std::path::PathBuf;

use clap::ValueEnum;

use super::GLOBAL_LAST;

/// Form of the answer, and its language.
#[derive(Debug, clap::Args)]
pub struct Output {
    /// Form of the answer
    #[arg(short = 'o', long = "output", global = true, display_order = GLOBAL_LAST,
          value_name = "FORM", value_enum, default_value = "table")]
    pub form: Form,

    /// Write the answer into this file instead of to stdout
    #[arg(id = "output_file", long = "output-file", global = true, display_order = GLOBAL_LAST,
          value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Table that -o csv writes [default: the main one]
    #[arg(long, global = true, display_order = GLOBAL_LAST, value_name = "KEY")]
    pub table: Option<String>,

    /// Language of the answer [default: that of LC_ALL or LANG; otherwise English around Vietnamese names]
    #[arg(id = "lang", long = "lang", global = true, display_order = GLOBAL_LAST, value_enum)]
    pub language: Option<Lang>,

    /// When to colour
    #[arg(id = "color", long = "color", global = true, display_order = GLOBAL_LAST, value_name = "WHEN",
          value_enum, default_value = "auto")]
    pub colour: Colour,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Text as wide as the terminal
    Table,
    /// Text with all columns, and lists spelled out
    Wide,
    /// One JSON object
    Json,
    /// Comma-separated values of one table
    Csv,
    /// Workbook with a sheet for each table
    Xlsx,
    /// Markdown
    Md,
}

/// Language that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// Tiếng Việt
    Vi,
    /// English
    En,
}

/// Occasion for colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}
