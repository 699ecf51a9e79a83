//! Setup of processes.

use std::{fs, path::Path};

use super::StoreSetup;

/// Variables of a process's environment.
pub type Settings = Vec<(String, String)>;

/// Setup of the processes of a deployment.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    pub facts: Facts,
    pub store: StoreSetup,
    /// Aggregators beside the first, over the same Redis.
    pub replica_count: usize,
    /// Settings of every aggregator.
    pub aggregator: Settings,
    /// Settings of every collector.
    pub collector: Settings,
}

/// Files that replace what is built in; `None` keeps it.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub catalogue: Option<String>,
    pub gazetteer: Option<String>,
}

/// Setup of one collector.
#[derive(Debug, Clone)]
pub struct CollectorSetup {
    /// Names its inbox, its data and its log.
    pub name: String,
    /// Code of the province that it reports.
    pub province: String,
    /// Address to which it delivers, if not that of the aggregator itself.
    pub server: Option<String>,
    /// Number of the user that it runs as, where that is not the tester; only root can choose.
    pub user: Option<u32>,
    pub settings: Settings,
}

impl CollectorSetup {
    /// The collector of a province, named by its code.
    #[must_use]
    pub fn of(province: &str) -> Self {
        Self {
            name: province.to_owned(),
            province: province.to_owned(),
            server: None,
            user: None,
            settings: Settings::new(),
        }
    }
}

/// Settings by key, for example `SPOOL__QUOTA_BYTES`.
#[must_use]
pub fn settings(pairs: &[(&str, &str)]) -> Settings {
    pairs.iter().map(|(key, value)| (format!("PHUXANH__{key}"), (*value).to_owned())).collect()
}

impl Facts {
    /// Writes the files, and says where they are.
    pub(super) fn write(&self, root: &Path) -> anyhow::Result<Settings> {
        let files = [
            ("PHUXANH__CATALOGUE_FILE", "catalogue.toml", &self.catalogue),
            ("PHUXANH__GAZETTEER_FILE", "gazetteer.csv", &self.gazetteer),
        ];
        let mut environment = Settings::new();
        for (key, name, text) in files {
            if let Some(text) = text {
                let path = root.join(name);
                fs::write(&path, text)?;
                environment.push((key.to_owned(), path.display().to_string()));
            }
        }
        Ok(environment)
    }
}
