//! The command line of forms and languages.

use std::path::PathBuf;

use clap::ValueEnum;

use super::GLOBAL_LAST;

/// Form of the answer, and its language.
#[derive(Debug, clap::Args)]
pub struct Output {
    /// Form of the answer
    /// vi: Dạng của câu trả lời
    #[arg(short = 'o', long = "output", global = true, display_order = GLOBAL_LAST,
          value_name = "FORM", value_enum, default_value = "table")]
    pub form: Form,

    /// Write the answer into this file instead of to stdout
    /// vi: Ghi câu trả lời vào tệp này thay vì in ra màn hình
    #[arg(id = "output_file", long = "output-file", global = true, display_order = GLOBAL_LAST,
          value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Table that -o csv writes [default: the main one]
    /// vi: Bảng được -o csv ghi ra [mặc định: bảng chính]
    #[arg(long, global = true, display_order = GLOBAL_LAST, value_name = "KEY")]
    pub table: Option<String>,

    /// Language of the answer [default: that of LC_ALL or LANG; otherwise English around Vietnamese names]
    /// vi: Ngôn ngữ của câu trả lời [mặc định: theo LC_ALL hoặc LANG; nếu không có thì tiếng Anh
    /// với tên gọi tiếng Việt]
    #[arg(id = "lang", long = "lang", global = true, display_order = GLOBAL_LAST, value_name = "LANG",
          value_enum)]
    pub language: Option<Lang>,

    /// When to colour
    /// vi: Khi nào dùng màu
    #[arg(id = "color", long = "color", global = true, display_order = GLOBAL_LAST, value_name = "WHEN",
          value_enum, default_value = "auto")]
    pub colour: Colour,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Text as wide as the terminal
    /// vi: Văn bản vừa chiều rộng màn hình
    Table,
    /// Text with all columns, and lists spelled out
    /// vi: Văn bản đủ mọi cột, liệt kê đầy đủ
    Wide,
    /// One JSON object
    /// vi: Một đối tượng JSON
    Json,
    /// Comma-separated values of one table
    /// vi: Một bảng dạng CSV, ngăn cách bằng dấu phẩy
    Csv,
    /// Workbook with a sheet for each table
    /// vi: Bảng tính, mỗi bảng một trang
    Xlsx,
    /// Markdown
    /// vi: Văn bản Markdown
    Md,
}

/// Language that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// Tiếng Việt
    /// vi: Tiếng Việt
    Vi,
    /// English
    /// vi: Tiếng Anh
    En,
}

/// Occasion for colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set
    /// vi: Trên màn hình dòng lệnh, trừ khi đặt NO_COLOR
    Auto,
    /// In any case
    /// vi: Luôn dùng màu
    Always,
    /// Not at all
    /// vi: Không dùng màu
    Never,
}
