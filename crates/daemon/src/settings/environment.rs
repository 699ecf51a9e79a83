//! Settings in the environment, as text.
//!
//! The type of a setting decides whether its text is a number. A reader that guessed would take the
//! reporter `04` for the number 4, and a host called `true` for a truth.

use config::{ConfigError, Environment, Map, Source, Value, ValueKind};

/// Variables `PHUXANH__SECTION__KEY`.
#[derive(Debug, Clone)]
pub(super) struct Variables {
    environment: Environment,
    /// Key of the list whose entries are separated by commas.
    list: String,
}

impl Variables {
    pub(super) fn new(environment: Environment, list: &str) -> Self {
        let environment =
            environment.prefix("PHUXANH").prefix_separator("__").separator("__").try_parsing(false);
        Self { environment, list: list.to_owned() }
    }
}

impl Source for Variables {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let mut found = self.environment.collect()?;
        if let Some(value) = found.get_mut(&self.list)
            && let ValueKind::String(text) = &value.kind
        {
            let entries = text.split(',').map(|entry| entry.trim().into());
            value.kind = ValueKind::Array(entries.collect());
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, time::Duration};

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Written {
        reporter: String,
        host: String,
        path: Option<PathBuf>,
        urls: Vec<String>,
        part: Part,
    }

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Part {
        bytes_max: u64,
        is_on: bool,
        #[serde(with = "humantime_serde")]
        wait: Duration,
    }

    fn read(pairs: &[(&str, &str)]) -> Result<Written, ConfigError> {
        let pairs = pairs.iter().map(|(key, value)| (format!("PHUXANH__{key}"), (*value).into()));
        let environment = Environment::default().source(Some(pairs.collect()));
        let builder = config::Config::builder().add_source(Variables::new(environment, "urls"));
        builder.build()?.try_deserialize()
    }

    const SOUND: [(&str, &str); 7] = [
        ("REPORTER", "04"),
        ("HOST", "true"),
        ("PATH", "1e3"),
        ("URLS", "7, false"),
        ("PART__BYTES_MAX", "4096"),
        ("PART__IS_ON", "TRUE"),
        ("PART__WAIT", "2s"),
    ];

    #[test]
    fn text_stays_as_written_and_other_types_are_read_from_it() {
        let part = Part { bytes_max: 4_096, is_on: true, wait: Duration::from_secs(2) };
        let written = Written {
            reporter: "04".to_owned(),
            host: "true".to_owned(),
            path: Some(PathBuf::from("1e3")),
            urls: vec!["7".to_owned(), "false".to_owned()],
            part,
        };
        assert_eq!(read(&SOUND).expect("sound settings"), written);
    }

    #[test]
    fn text_that_is_no_number_is_refused_under_its_key() {
        let mut pairs = SOUND;
        pairs[4].1 = "many";
        let error = read(&pairs).expect_err("no number").to_string();
        assert!(error.contains("part.bytes_max") && error.contains("integer"), "{error}");
    }
}
