//! Metrics: their descriptions, and their values as text for a scrape.
//!
//! What a daemon knows of its state anyway is *collected* at each scrape, so a series is gone with
//! what it told of. Only what happens and leaves no state is *recorded* when it happens, by the macros
//! of the crate `metrics`.

use std::{fs, sync::Arc};

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, with_local_recorder,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the buckets of durations, in seconds.
const DURATION_BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    /// Of durations, in seconds.
    Histogram,
}

/// Description of a metric. There is one of each, which code, tests and documents follow.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Unit,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

/// Value of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    Total(u64),
    Level(f64),
}

/// Series as it is now, with a value for each label of its metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub metric: &'static Metric,
    pub labels: Vec<String>,
    pub value: Value,
}

/// Registry of what is recorded. `None` where nobody listens, so that nothing is kept for nobody.
#[derive(Debug, Clone, Default)]
pub struct Exposition(Option<Arc<PrometheusHandle>>);

/// Error that keeps metrics from being recorded.
#[derive(Debug, thiserror::Error)]
#[error("cannot record metrics: another recorder is installed in this process")]
pub struct Recorded;

impl Metric {
    /// A metric that only grows while the daemon runs.
    #[must_use]
    pub const fn counter(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Counter, unit: Unit::Count, labels, help }
    }

    /// A metric that goes up and down.
    #[must_use]
    pub const fn gauge(
        name: &'static str,
        unit: Unit,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Gauge, unit, labels, help }
    }

    /// Durations by buckets.
    #[must_use]
    pub const fn histogram(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Histogram, unit: Unit::Seconds, labels, help }
    }

    /// A series of a gauge.
    #[must_use]
    pub fn level(&'static self, labels: &[&str], value: f64) -> Sample {
        self.sample(labels, Value::Level(value))
    }

    /// A series of a gauge that counts.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, exact up to 2^53")]
    pub fn count(&'static self, labels: &[&str], value: u64) -> Sample {
        self.level(labels, value as f64)
    }

    /// A series of a gauge that is 1 while something is so.
    #[must_use]
    pub fn flag(&'static self, labels: &[&str], is_so: bool) -> Sample {
        self.level(labels, f64::from(u8::from(is_so)))
    }

    /// A series of a gauge that tells a time, from microseconds since 1970.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "microseconds of this century are below 2^53")]
    pub fn time(&'static self, labels: &[&str], micros: i64) -> Sample {
        self.level(labels, micros as f64 / 1e6)
    }

    /// A series of a counter.
    #[must_use]
    pub fn total(&'static self, labels: &[&str], value: u64) -> Sample {
        self.sample(labels, Value::Total(value))
    }

    fn sample(&'static self, labels: &[&str], value: Value) -> Sample {
        debug_assert_eq!(self.labels.len(), labels.len(), "{}", self.name);
        let labels = labels.iter().copied().map(str::to_owned).collect();
        Sample { metric: self, labels, value }
    }

    fn describe(&self) {
        match self.kind {
            Kind::Counter => describe_counter!(self.name, self.unit, self.help),
            Kind::Gauge => describe_gauge!(self.name, self.unit, self.help),
            Kind::Histogram => describe_histogram!(self.name, self.unit, self.help),
        }
    }
}

impl Sample {
    fn set(&self) {
        let labels = self.metric.labels.iter().copied().zip(self.labels.iter().cloned());
        let labels: Vec<_> = labels.map(|(name, value)| metrics::Label::new(name, value)).collect();
        match self.value {
            Value::Total(total) => counter!(self.metric.name, labels).absolute(total),
            Value::Level(level) => gauge!(self.metric.name, labels).set(level),
        }
    }
}

impl Exposition {
    /// Records for the whole process from now on. `metrics` are those that are recorded when
    /// something happens; a counter without labels begins with 0.
    pub fn install(metrics: &[&'static Metric]) -> Result<Self, Recorded> {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &DURATION_BUCKETS);
        let recorder = builder.expect("there is a bucket").build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| Recorded)?;
        for metric in metrics {
            metric.describe();
            if metric.kind == Kind::Counter && metric.labels.is_empty() {
                counter!(metric.name).absolute(0);
            }
        }
        Ok(Self(Some(Arc::new(handle))))
    }

    /// Moves what was recorded into its buckets. Without it, what nobody scrapes would pile up.
    pub fn tidy(&self) {
        if let Some(handle) = &self.0 {
            handle.run_upkeep();
        }
    }

    /// Text of a scrape: what was recorded, then the samples that were collected for it.
    #[must_use]
    pub fn render(&self, samples: &[Sample]) -> String {
        let before = self.0.as_ref().map(|handle| handle.render()).unwrap_or_default();
        let recorder = PrometheusBuilder::new().build_recorder();
        with_local_recorder(&recorder, || {
            for sample in samples {
                sample.metric.describe();
                sample.set();
            }
        });
        before + &recorder.handle().render()
    }
}

/// Memory of this process.
pub static MEMORY: Metric = Metric::gauge(
    "process_resident_memory_bytes",
    Unit::Bytes,
    &[],
    "Memory of the process that is in use.",
);

/// Memory of this process now; nothing where the system does not tell it.
#[must_use]
pub fn memory() -> Option<Sample> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(MEMORY.count(&[], kibibytes << 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    static SPEED: Metric =
        Metric::gauge("phuxanh_test_speed", Unit::Count, &["reporter", "side"], "How fast it is.");
    static THINGS: Metric =
        Metric::counter("phuxanh_test_things_total", &[], "Things that there were.");

    #[test]
    fn what_is_collected_is_told_with_its_description_and_gone_with_its_state() {
        let exposition = Exposition::default();
        let samples = [SPEED.time(&["04", "\"left\""], 1_500_000), THINGS.total(&[], 7)];
        let text = exposition.render(&samples);
        let expected = [
            "# HELP phuxanh_test_speed How fast it is.",
            "# TYPE phuxanh_test_speed gauge",
            "phuxanh_test_speed{reporter=\"04\",side=\"\\\"left\\\"\"} 1.5",
            "# HELP phuxanh_test_things_total Things that there were.",
            "# TYPE phuxanh_test_things_total counter",
            "phuxanh_test_things_total 7",
        ];
        for line in expected {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert_eq!(exposition.render(&[]), "");
    }

    #[test]
    fn the_memory_of_this_process_is_known() {
        let Some(Sample { value: Value::Level(bytes), .. }) = memory() else { panic!("none") };
        assert!(bytes > 1e5, "{bytes}");
    }
}
