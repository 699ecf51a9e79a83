//! What shells and readers of manuals learn of the arguments.

use std::{io, path::Path};

use clap::ValueEnum;
use clap_complete::Shell as Known;
use phuxanh_answers::Language;

use super::language::described;

const NAME: &str = "phuxanh";

/// Shell for which commands and options are completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// The script that completes commands and options, which it describes in a language.
pub fn completion(shell: Shell, language: Language) -> Vec<u8> {
    let known = match shell {
        Shell::Bash => Known::Bash,
        Shell::Zsh => Known::Zsh,
        Shell::Fish => Known::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(known, &mut described(language), NAME, &mut script);
    script
}

/// Writes `phuxanh.1` and a page for each command into a folder, which is made where it is missing.
/// They are English, as are the headings that pages of manuals have.
pub fn write_man_pages(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    clap_mangen::generate_to(described(Language::English), directory)
}
