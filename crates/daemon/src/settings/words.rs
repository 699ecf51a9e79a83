//! Words for settings that cannot be read. They leave out every text that was set: it may hold a
//! password, as the URL of a Redis may.

use config::ConfigError;

/// Text of an error, without the values that it is about.
pub(super) fn of(error: &ConfigError) -> String {
    match error {
        ConfigError::FileParse { uri, cause } => {
            placed(&without_source(&cause.to_string()), None, uri.as_deref())
        }
        ConfigError::Type { origin, unexpected, expected, key } => {
            let mut found = unexpected.to_string();
            if found.starts_with("string") {
                "a string".clone_into(&mut found);
            }
            let words = format!("invalid type: {found}, expected {expected}");
            placed(&words, key.as_deref(), origin.as_deref())
        }
        ConfigError::At { error, origin, key } => {
            placed(&of(error), key.as_deref(), origin.as_deref())
        }
        other => without_text(&other.to_string()),
    }
}

fn placed(words: &str, key: Option<&str>, origin: Option<&str>) -> String {
    let key = key.map(|key| format!(" for key `{key}`")).unwrap_or_default();
    let origin = origin.map(|origin| format!(" in {origin}")).unwrap_or_default();
    format!("{words}{key}{origin}")
}

/// Leaves out the lines of the file that a parser shows, which begin with their number and a bar.
fn without_source(message: &str) -> String {
    let is_shown = |line: &&str| {
        let rest = line.trim_start().trim_start_matches(|letter: char| letter.is_ascii_digit());
        !rest.trim_start().starts_with('|') && !line.trim().is_empty()
    };
    let lines: Vec<_> = message.lines().filter(is_shown).collect();
    without_text(&lines.join(": "))
}

/// Puts "a string" for each text that is quoted as a value.
fn without_text(message: &str) -> String {
    const BEFORE: &str = "string \"";
    const BEHIND: &str = "\", expected";
    let Some((before, rest)) = message.split_once(BEFORE) else { return message.to_owned() };
    match rest.rsplit_once(BEHIND) {
        Some((_, behind)) => format!("{before}a string, expected{behind}"),
        None => format!("{before}a string"),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use crate::settings::{ReadError, read};

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only errors are looked at")]
    struct Written {
        urls: Vec<String>,
        #[serde(default, with = "humantime_serde")]
        span: Option<std::time::Duration>,
    }

    fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, text).expect("written");
        let ReadError(words) = read::<Written>(Some(&path), "urls").expect_err(text);
        words
    }

    #[test]
    fn words_name_the_place_and_repeat_no_text() {
        let broken = refused("urls = [\n\"redis://:s3cr3t@host\"\"");
        assert!(broken.starts_with("TOML parse error at line 2, column "), "{broken}");
        let single = refused("urls = \"s3cr3t\"");
        let wrong = refused("urls = []\nspan = \"s3cr3t \\\", expected\"");
        for words in [&broken, &single, &wrong] {
            assert!(!words.contains("s3cr3t"), "{words}");
        }
        // The folder may be shown from here.
        assert!(broken.contains(" in ") && broken.ends_with("settings.toml"), "{broken}");
        assert!(single.contains("expected a sequence for key `urls`"), "{single}");
        assert!(wrong.contains("for key `span`"), "{wrong}");
    }
}
