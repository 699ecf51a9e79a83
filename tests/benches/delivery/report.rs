//! Measurements as text on the standard output.

use std::{
    fmt::Display,
    fs,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use crate::{
    appending::{CASES, Commits},
    cores::Cores,
    delivering::Way,
    ingesting::Ingested,
    parts::PARTS,
    questions::Phase,
    spooled::Spooled,
    workload::Workload,
};

/// Says what went wrong.
#[expect(clippy::print_stderr, reason = "the end of a program that people start")]
pub fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

/// Writes figures as they come.
pub struct Report {
    out: io::Stdout,
}

impl Report {
    pub fn begin(workload: &Workload, rounds: u32, cores: &Cores) -> anyhow::Result<Self> {
        let mut report = Self::new();
        let count = workload.observation_count;
        report.line(format_args!(
            "{count} observations of reporter {}, medians of {rounds} rounds",
            workload.reporter
        ))?;
        match cores {
            Cores::Apart { own, peer } => {
                report.line(format_args!("collector on core {own}, aggregator on core {peer}"))?;
            }
            Cores::Shared => {
                report.line("not pinned: both processes share what cores there are")?;
            }
        }
        report.load()?;
        Ok(report)
    }

    pub fn new() -> Self {
        Self { out: io::stdout() }
    }

    /// Prints what else the machine does.
    pub fn load(&mut self) -> anyhow::Result<()> {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        self.line(format_args!("load of the machine: {}", load.trim()))
    }

    /// Prints answers and acknowledgements of both phases, beside what they should take.
    pub fn questions(&mut self, phases: [&Phase; 2], targets: &Targets) -> anyhow::Result<()> {
        let [alone, loaded] = phases;
        self.line(format_args!(
            "\n{} heavy questions answered, {} bytes each",
            loaded.heavy_count,
            loaded.heavy_bytes / loaded.heavy_count.max(1),
        ))?;
        self.line(format_args!(
            "\n                              count     p50 ms     p99 ms   target of p99 ms"
        ))?;
        for (name, times, target) in [
            ("light questions", [&alone.light, &loaded.light], targets.light),
            ("acknowledgements", [&alone.acks, &loaded.acks], targets.acks),
        ] {
            let [alone, loaded] = times.map(|times| Percentiles::of(times));
            for (phase, count, found) in
                [("alone", times[0].len(), &alone), ("under load", times[1].len(), &loaded)]
            {
                self.line(format_args!(
                    "  {:<28} {count:>5} {:>10.2} {:>10.2} {:>18.0}",
                    format!("{name}, {phase}"),
                    millis(found.p50),
                    millis(found.p99),
                    millis(target),
                ))?;
            }
            self.line(format_args!(
                "  {:<28} {:>16.1} {:>10.1}",
                "under load / alone",
                loaded.p50.as_secs_f64() / alone.p50.as_secs_f64(),
                loaded.p99.as_secs_f64() / alone.p99.as_secs_f64(),
            ))?;
        }
        Ok(())
    }

    /// From a durable ack to the moment at which each aggregator showed the change.
    pub fn visibility(&mut self, lags: &[Vec<Duration>], limit: Duration) -> anyhow::Result<()> {
        let count = lags.first().map_or(0, Vec::len);
        self.line(format_args!(
            "\nfrom durable ack to shown, {count} changes        p50 ms     p99 ms     max ms   p99 / {limit:?}"
        ))?;
        let names = (1..=lags.len()).map(|number| format!("aggregator {number}"));
        let rows = names.zip(lags.iter().cloned());
        for (name, mut times) in rows.chain([("all".to_owned(), lags.concat())]) {
            times.sort_unstable();
            let at = |percent: usize| {
                let rank = (times.len() * percent).div_ceil(100).max(1);
                times.get(rank - 1).copied().unwrap_or_default()
            };
            self.line(format_args!(
                "  {name:<42} {:>10.1} {:>10.1} {:>10.1} {:>12.3}",
                millis(at(50)),
                millis(at(99)),
                millis(at(100)),
                at(99).as_secs_f64() / limit.as_secs_f64(),
            ))?;
        }
        Ok(())
    }

    pub fn batches(&mut self, spooled: &Spooled<'_>) -> anyhow::Result<()> {
        let bytes = spooled.payload_bytes();
        self.line(format_args!(
            "\n{} batches, {bytes} bytes of payload, {:.1} an observation",
            spooled.batches.len(),
            ratio(bytes, spooled.workload.observation_count),
        ))
    }

    pub fn appends(&mut self, cases: &[Vec<Duration>], commits: &[Duration]) -> anyhow::Result<()> {
        self.line("\nappend to a spool, synced                 ms each    observations/s")?;
        for (case, times) in CASES.iter().zip(cases) {
            let took = median(times);
            let beside = match (case.callers, case.commits) {
                (1, _) => String::new(),
                (callers, Commits::Own) => format!(", {callers} callers, a commit each"),
                (callers, Commits::Shared) => format!(", {callers} callers, group commit"),
            };
            self.line(format_args!(
                "  {:<38} {:>8.2} {:>17.0}",
                format!("{} rows{beside}", case.rows),
                millis(took),
                per_second(case.rows, took),
            ))?;
        }
        let commit = millis(median(commits));
        self.line(format_args!("  {:<38} {commit:>8.2}", "a two-phase commit of one small row"))?;
        for (pair, times) in CASES.windows(2).zip(cases.windows(2)) {
            if let ([Commits::Own, Commits::Shared], [own, shared]) =
                ([pair[0].commits, pair[1].commits], times)
            {
                let (low, middle, high) = spread(ratios(shared, own));
                self.line(format_args!(
                    "  group commit / a commit each, {} rows: {middle:.4} (lowest {low:.4}, highest {high:.4})",
                    pair[0].rows
                ))?;
            }
        }
        Ok(())
    }

    pub fn delivery(
        &mut self,
        spooled: &Spooled<'_>,
        delivered: &[Way],
        bare: &[Way],
    ) -> anyhow::Result<()> {
        let count = spooled.workload.observation_count;
        self.line("\nfrom spool to durable ack            observations/s   ns each: wall  collector ran  aggregator ran")?;
        for (name, ways) in [("delivery", delivered), ("bare stream", bare)] {
            let of = |part: fn(&Way) -> Duration| {
                nanos(median(&ways.iter().map(part).collect::<Vec<_>>()), count)
            };
            let took = median(&ways.iter().map(|way| way.took).collect::<Vec<_>>());
            let (low, high) = (of(|way| way.own_ran), of(|way| way.peer_ran));
            self.line(format_args!(
                "  {name:<34} {:>15.0} {:>15.1} {low:>14.1} {high:>15.1}",
                per_second(count, took),
                nanos(took, count),
            ))?;
        }
        let took = |ways: &[Way]| ways.iter().map(|way| way.took).collect::<Vec<_>>();
        let (low, middle, high) = spread(ratios(&took(bare), &took(delivered)));
        self.line(format_args!(
            "  delivery / bare stream: {middle:.4} (lowest {low:.4}, highest {high:.4})"
        ))
    }

    pub fn begin_ingest(observation_count: usize, rounds: u32) -> anyhow::Result<Self> {
        let mut report = Self::new();
        report.line(format_args!(
            "{observation_count} observations of all provinces at once, medians of {rounds} rounds; not pinned"
        ))?;
        report.load()?;
        Ok(report)
    }

    pub fn ingested(&mut self, all: &[Spooled<'_>], found: &Ingested) -> anyhow::Result<()> {
        let count = all.iter().map(|spooled| spooled.workload.observation_count).sum();
        let batches: usize = all.iter().map(|spooled| spooled.batches.len()).sum();
        let bytes: usize = all.iter().map(Spooled::payload_bytes).sum();
        self.line(format_args!(
            "\n{} collectors, {batches} batches, {bytes} bytes of payload",
            all.len()
        ))?;
        self.line("\nfrom all spools to the last durable ack  observations/s        wall ms")?;
        let took = |ways: &[Way]| ways.iter().map(|way| way.took).collect::<Vec<_>>();
        let (embedded, redis, bare) =
            (took(&found.embedded), took(&found.redis), took(&found.bare));
        for (name, times) in [
            ("embedded store, synced", &embedded),
            ("Redis, appendfsync always", &redis),
            ("bare streams", &bare),
            ("redis-benchmark, XADD, the same batches", &found.appended),
        ] {
            let middle = median(times);
            self.line(format_args!(
                "  {name:<39} {:>13.0} {:>14.1}",
                per_second(count, middle),
                millis(middle)
            ))?;
        }
        for (name, times, others) in [
            ("embedded / bare streams", &bare, &embedded),
            ("Redis / bare streams", &bare, &redis),
            ("Redis / redis-benchmark", &found.appended, &redis),
        ] {
            let (low, middle, high) = spread(ratios(times, others));
            self.line(format_args!("  {name}: {middle:.4} (lowest {low:.4}, highest {high:.4})"))?;
        }
        Ok(())
    }

    pub fn parts(
        &mut self,
        spooled: &Spooled<'_>,
        rounds: &[[Duration; PARTS.len()]],
    ) -> anyhow::Result<()> {
        let (count, batches) = (spooled.workload.observation_count, spooled.batches.len());
        self.line("\nparts, each alone                          ns an observation   ms a batch")?;
        for (at, name) in PARTS.iter().enumerate() {
            let took = median(&rounds.iter().map(|times| times[at]).collect::<Vec<_>>());
            self.line(format_args!(
                "  {name:<44} {:>13.1} {:>12.3}",
                nanos(took, count),
                nanos(took, batches) / 1e6,
            ))?;
        }
        Ok(())
    }

    fn line(&mut self, text: impl Display) -> anyhow::Result<()> {
        Ok(writeln!(self.out, "{text}")?)
    }
}

/// Most that the 99th percentile under load should be.
pub struct Targets {
    pub light: Duration,
    pub acks: Duration,
}

struct Percentiles {
    p50: Duration,
    p99: Duration,
}

impl Percentiles {
    fn of(times: &[Duration]) -> Self {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).copied().unwrap_or_default()
        };
        Self { p50: at(50), p99: at(99) }
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// Round by round.
fn ratios(times: &[Duration], others: &[Duration]) -> Vec<f64> {
    let pairs = times.iter().zip(others);
    pairs.map(|(time, other)| time.as_secs_f64() / other.as_secs_f64()).collect()
}

fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_unstable_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    (at(0), at(values.len() / 2), at(values.len() - 1))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn nanos(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1e9 / float(count)
}

fn per_second(count: usize, time: Duration) -> f64 {
    float(count) / time.as_secs_f64()
}

fn ratio(part: usize, whole: usize) -> f64 {
    float(part) / float(whole)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
const fn float(count: usize) -> f64 {
    count as f64
}
