//! Keys of the cache. Only they have a time to live, so only they may be evicted.

mod contents;
mod renewal;

use std::{fmt::Write, sync::Arc, time::Duration};

use metrics::counter;
use phuxanh_core::{LocalityCode, delivery::log::Checkpoint};
use redis::ToRedisArgs;

pub use contents::{Contents, Members, Version, contents, version};
pub use renewal::{Config, Question, run};

use super::{CACHE_SNAPSHOT, PUBLISH, link::Live, logs::Logs};
use crate::{metrics::CACHE_PUBLISHED, store};

/// Identity, catalogue version, position, tip and keys of the published state.
type Held = (Option<String>, Option<u32>, Option<u64>, Option<String>, Option<String>);

/// Handle to the cache.
#[derive(Clone)]
pub struct Cache {
    logs: Arc<Logs>,
}

impl Cache {
    pub(super) const fn new(logs: Arc<Logs>) -> Self {
        Self { logs }
    }

    /// True if the cache already holds all of this version of a scope, or a newer one.
    pub async fn is_current(
        &self,
        scope: LocalityCode,
        version: &Version,
    ) -> Result<bool, store::Error> {
        let identity = self.identity(version)?;
        let key = self.logs.link.keys.cached(scope);
        let fields = ["identity", "catalogue_version", "position", "tip", "keys"];
        let command = redis::cmd("HMGET").arg(key).arg(&fields[..]).to_owned();
        let held: Held = self.logs.ask(&command).await?;
        let (Some(there), Some(catalogue_version), Some(position), tip, Some(keys)) = held else {
            return Ok(false);
        };
        if catalogue_version > version.catalogue_version
            || (there == identity && position > version.position)
        {
            return Ok(true);
        }
        let is_same =
            there == identity && position == version.position && tip.as_ref() == Some(&version.tip);
        Ok(is_same && self.are_there(&keys).await?)
    }

    /// True if none of these keys was deleted or evicted.
    async fn are_there(&self, keys: &str) -> Result<bool, store::Error> {
        let keys: Vec<_> = keys.lines().collect();
        if keys.is_empty() {
            return Ok(true);
        }
        let found: usize = self.logs.ask(redis::cmd("EXISTS").arg(&keys)).await?;
        Ok(found == keys.len())
    }

    /// Publishes a scope, unless another aggregator has published a newer version.
    pub async fn publish(
        &self,
        scope: LocalityCode,
        version: &Version,
        contents: &[Contents],
        time_to_live: Duration,
    ) -> Result<(), store::Error> {
        let Live { mut connection, .. } = self.logs.link.live()?;
        let keys = &self.logs.link.keys;
        let mut script = PUBLISH.key(keys.cached(scope));
        script.key(keys.snapshot(scope));
        for part in contents {
            script.key(keys.published(scope, &part.name));
        }
        script
            .arg(self.identity(version)?)
            .arg(version.catalogue_version)
            .arg(version.position)
            .arg(&version.tip)
            .arg(millis(time_to_live));
        for part in contents {
            match &part.members {
                Members::Ranking(ranking) => {
                    script.arg("zset").arg(ranking.len());
                    for (value, code) in ranking {
                        script.arg(value).arg(code.to_string());
                    }
                }
                Members::Rollups(rollups) => {
                    script.arg("hash").arg(rollups.len());
                    for (indicator, rollup) in rollups {
                        script.arg(indicator).arg(rollup);
                    }
                }
            }
        }
        self.logs.written(script.invoke_async::<u8>(&mut connection).await)?;
        counter!(CACHE_PUBLISHED.name).increment(1);
        Ok(())
    }

    /// Stores a fold for starting aggregators, unless there is a later one of the same log.
    pub async fn keep(
        &self,
        reporter: LocalityCode,
        snapshot: Checkpoint,
        time_to_live: Duration,
    ) -> Result<(), store::Error> {
        let Live { mut connection, generation } = self.logs.link.live()?;
        let Checkpoint { mark, receipt, bytes } = snapshot;
        let mut script = CACHE_SNAPSHOT.key(self.logs.link.keys.snapshot(reporter));
        script
            .arg(&generation.0[..])
            .arg(mark.record_count)
            .arg(mark.tip)
            .arg(receipt.micros())
            .arg(bytes)
            .arg(millis(time_to_live));
        self.logs.written(script.invoke_async::<u8>(&mut connection).await)?;
        Ok(())
    }

    /// Identity of a version: its store, catalogue and gazetteer.
    fn identity(&self, version: &Version) -> Result<String, store::Error> {
        let generation = self.logs.link.live()?.generation;
        let bytes = generation.0.iter().chain(version.digests.as_flattened());
        Ok(bytes.fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
            text
        }))
    }
}

fn millis(span: Duration) -> impl ToRedisArgs {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
