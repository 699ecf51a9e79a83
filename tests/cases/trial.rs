//! One case: an aggregator, the collector of Cao Bằng, and what came of the files in its inbox.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use phuxanh_core::{Level, catalogue::Catalogue};
use phuxanh_proto::v1::{
    Collector as Delivery, ListReceiptsRequest, list_receipts_request::Subject,
    quality_service_client::QualityServiceClient,
};
use phuxanh_tests::harness::{Deployment, Facts, Process, Setup, eventually, settings};

pub const PROVINCE: &str = "04";
/// Month of most cases.
const JULY: &str = "2025-07";
/// Time in which a file is read, filed and delivered.
pub const SOON: Duration = Duration::from_secs(30);

/// Names of the columns of a report for spreadsheets.
const COLUMNS: [&str; 5] = ["line", "column", "value", "reason", "fix"];

/// Place of a file once it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tray {
    Accepted,
    Rejected,
}

impl Tray {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Accepted => Self::Rejected,
            Self::Rejected => Self::Accepted,
        }
    }
}

/// A deployment with one collector.
pub struct Trial {
    pub deployment: Deployment,
    pub collector: Process,
}

/// Settings under which files are read soon.
pub fn setup(facts: Facts, collector: &[(&str, &str)]) -> Setup {
    let soon = [
        ("FOLDER__UNTERMINATED_WAIT", "300ms"),
        ("DELIVERY__BACKOFF_MIN", "20ms"),
        ("DELIVERY__BACKOFF_MAX", "200ms"),
    ];
    Setup {
        facts,
        aggregator: settings(&[
            ("INGEST__HEARTBEAT_INTERVAL", "300ms"),
            ("VIEW__INTERVAL", "50ms"),
        ]),
        collector: settings(&[&soon[..], collector].concat()),
        ..Setup::default()
    }
}

/// Path of an input.
pub fn input(case: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/cases").join(case).join(name)
}

impl Trial {
    pub async fn begin() -> anyhow::Result<Self> {
        Self::begin_with(Facts::default(), &[]).await
    }

    pub async fn begin_with(facts: Facts, collector: &[(&str, &str)]) -> anyhow::Result<Self> {
        let setup = setup(facts, collector);
        let deployment = Deployment::start_with(&[PROVINCE], &setup).await?;
        Ok(Self { deployment, collector: Process::collector(PROVINCE) })
    }

    pub fn inbox(&self) -> PathBuf {
        self.deployment.inbox(PROVINCE)
    }

    /// Copies an input into the inbox.
    pub fn put(&self, case: &str, name: &str) -> anyhow::Result<()> {
        self.put_as(case, name, name)
    }

    /// Copies an input into the inbox under another name.
    pub fn put_as(&self, case: &str, name: &str, to: impl AsRef<OsStr>) -> anyhow::Result<()> {
        let from = input(case, name);
        fs::copy(&from, self.path(to)).with_context(|| from.display().to_string())?;
        Ok(())
    }

    /// Writes a file into the inbox.
    pub fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        Ok(fs::write(self.path(name), text)?)
    }

    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.inbox().join(name.as_ref())
    }

    pub fn filed_path(&self, tray: Tray, name: impl AsRef<OsStr>) -> PathBuf {
        self.inbox().join(tray.name()).join(name.as_ref())
    }

    /// Waits until a file has left the inbox for a tray, and for no other; returns its report.
    pub async fn filed(&self, name: impl AsRef<OsStr>, tray: Tray) -> anyhow::Result<Report> {
        self.filed_as(&name, tray, &name).await
    }

    /// The same for a file that gets another name in its tray.
    pub async fn filed_as(
        &self,
        name: impl AsRef<OsStr>,
        tray: Tray,
        to: impl AsRef<OsStr>,
    ) -> anyhow::Result<Report> {
        self.is_filed(&name, tray, &to).await?;
        let to = to.as_ref().to_str().context("a name in UTF-8")?;
        self.report(tray, &format!("{to}.report"))
    }

    /// Waits until a file has left the inbox for a tray, and for no other.
    pub async fn is_filed(
        &self,
        name: impl AsRef<OsStr>,
        tray: Tray,
        to: impl AsRef<OsStr>,
    ) -> anyhow::Result<()> {
        let path = self.path(&name);
        eventually(&format!("{} was read", path.display()), SOON, async || {
            ensure!(!exists(&path)?, "it lies in the inbox");
            Ok(())
        })
        .await?;
        let [here, there] = [tray, tray.other()].map(|tray| self.filed_path(tray, &to));
        ensure!(exists(&here)? && !exists(&there)?, "it is not in {tray:?}: {}", here.display());
        Ok(())
    }

    /// The report of this name, without its endings.
    pub fn report(&self, tray: Tray, name: &str) -> anyhow::Result<Report> {
        Report::read(&self.filed_path(tray, name))
    }

    /// Waits for a report of a file that was read before.
    pub async fn next_report(&self, tray: Tray, name: &str) -> anyhow::Result<Report> {
        eventually(name, SOON, async || self.report(tray, name)).await
    }

    /// Waits until the aggregator holds exactly these values of July, and everything that the reports
    /// call taken was applied.
    pub async fn holds(&self, expected: &[(&str, &str, i64)]) -> anyhow::Result<()> {
        let cells = expected.iter().map(|(code, metric, value)| (*code, *metric, JULY, *value));
        self.holds_of(&[JULY], &cells.collect::<Vec<_>>()).await
    }

    /// The same for other months.
    pub async fn holds_of(
        &self,
        periods: &[&str],
        expected: &[(&str, &str, &str, i64)],
    ) -> anyhow::Result<()> {
        let taken = self.taken_count()?;
        eventually("everything that was taken is applied", SOON, async || {
            let found = self.delivery().await?;
            let applied = found.ledger.unwrap_or_default().applied_count;
            ensure!(applied == taken, "{applied} applied, {taken} taken");
            Ok(())
        })
        .await?;
        self.cells_are(periods, expected).await
    }

    /// Returns the aggregator's word on the collector.
    pub async fn delivery(&self) -> anyhow::Result<Delivery> {
        let collectors = self.deployment.client()?.collectors().await?;
        let found = collectors.into_iter().find(|one| one.reporter == PROVINCE);
        found.context("the aggregator does not know the collector")
    }

    /// Waits until the aggregator holds exactly these values in these months.
    pub async fn cells_are(
        &self,
        periods: &[&str],
        expected: &[(&str, &str, &str, i64)],
    ) -> anyhow::Result<()> {
        let key = |(code, metric, period, value): &(&str, &str, &str, i64)| {
            (format!("{code} {metric} {period}"), *value)
        };
        let expected: BTreeMap<_, _> = expected.iter().map(key).collect();
        eventually("the aggregator holds what was meant", SOON, async || {
            let found = self.cells(periods).await?;
            ensure!(found == expected, "{found:?} instead of {expected:?}");
            Ok(())
        })
        .await
    }

    /// Everything that the aggregator holds of the province and its communes in these months.
    async fn cells(&self, periods: &[&str]) -> anyhow::Result<BTreeMap<String, i64>> {
        let catalogue = Catalogue::builtin();
        let criteria = catalogue.criteria.iter().map(|criterion| &criterion.metric);
        let measures = catalogue.measures.iter();
        let reported =
            measures.filter(|measure| measure.sum.is_empty() && measure.level != Level::Nation);
        let metrics: Vec<_> = criteria.chain(reported.map(|measure| &measure.metric)).collect();
        let mut client = QualityServiceClient::new(self.deployment.client()?.channel());
        let mut cells = BTreeMap::new();
        for period in periods {
            for metric in &metrics {
                let request = ListReceiptsRequest {
                    code: PROVINCE.to_owned(),
                    subject: Some(Subject::Metric(metric.to_string())),
                    period: (*period).to_owned(),
                    page_size: 1_000,
                    page_token: String::new(),
                };
                let answer = client.list_receipts(request).await?.into_inner();
                for receipt in answer.receipts.into_iter().filter_map(|row| row.receipt) {
                    let code = receipt.locality.context("a receipt is somebody's")?.code;
                    let key = format!("{code} {} {}", receipt.metric, receipt.period);
                    cells.insert(key, receipt.value);
                }
            }
        }
        Ok(cells)
    }

    /// Sum of the observations that the reports call taken.
    fn taken_count(&self) -> anyhow::Result<u64> {
        let mut count = 0;
        for tray in [Tray::Accepted, Tray::Rejected] {
            let folder = self.inbox().join(tray.name());
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.as_os_str().as_encoded_bytes().ends_with(b".txt") {
                    count += counted(&fs::read_to_string(path)?)?[1];
                }
            }
        }
        Ok(count)
    }
}

/// True if something has this name, be it a link that leads nowhere.
pub fn exists(path: &Path) -> anyhow::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Names of everything in a folder.
pub fn entries(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// A report, as text and as a table.
#[derive(Debug)]
pub struct Report {
    pub text: String,
    /// Line, column, value, reason and fix.
    rows: Vec<[String; 5]>,
}

impl Report {
    /// Reads the two files of a report by their path without endings.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let with = |ending: &str| {
            let mut path = path.as_os_str().to_owned();
            path.push(ending);
            PathBuf::from(path)
        };
        let text = with(".txt");
        let text = fs::read_to_string(&text).with_context(|| text.display().to_string())?;
        let table = with(".csv");
        let rows = if exists(&table)? { rows(&fs::read_to_string(table)?)? } else { Vec::new() };
        Ok(Self { text, rows })
    }

    /// Holds the report to its result and its counts: rows, taken, unchanged, superseded, refused.
    #[track_caller]
    pub fn is(&self, result: &str, counts: [u64; 5]) {
        let title = format!(" / {result}\n");
        assert!(self.text.contains(&title), "not {result}: {}", self.text);
        assert_eq!(counted(&self.text).expect("counts"), counts, "{}", self.text);
    }

    /// Holds it to exactly these entries, by line, column and value, each with these words about
    /// what is wrong or what to do.
    #[track_caller]
    pub fn lists(&self, expected: &[(&str, &str, &str, &str)]) {
        let found: Vec<_> = self
            .rows
            .iter()
            .map(|[line, column, value, ..]| [line, column, value].map(String::as_str))
            .collect();
        let places = expected.iter().map(|(line, column, value, _)| [*line, *column, *value]);
        assert_eq!(found, places.collect::<Vec<_>>(), "{}", self.text);
        for ([.., reason, fix], (.., words)) in self.rows.iter().zip(expected) {
            assert!(reason.contains(words) || fix.contains(words), "{words}: {reason} {fix}");
        }
        self.says(&expected.iter().map(|(.., words)| *words).collect::<Vec<_>>());
    }

    /// Holds the text to these words.
    #[track_caller]
    pub fn says(&self, words: &[&str]) {
        for words in words {
            assert!(self.text.contains(words), "\"{words}\" is not in {}", self.text);
        }
    }
}

fn rows(table: &str) -> anyhow::Result<Vec<[String; 5]>> {
    let table = table.strip_prefix('\u{feff}').context("a byte order mark, for spreadsheets")?;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    ensure!(*reader.headers()? == COLUMNS[..], "{:?}", reader.headers()?);
    reader
        .records()
        .map(|record| {
            let cells: Vec<_> = record?.iter().map(str::to_owned).collect();
            cells.try_into().map_err(|cells| anyhow::anyhow!("{cells:?} are not five cells"))
        })
        .collect()
}

/// Rows read, observations taken, unchanged and superseded, and what was refused.
fn counted(text: &str) -> anyhow::Result<[u64; 5]> {
    let labels =
        ["Rows read: ", "Observations taken: ", "Unchanged: ", "Superseded: ", "Refused: "];
    let mut counts = [0; 5];
    for (count, label) in counts.iter_mut().zip(labels) {
        let (_, rest) = text.split_once(label).with_context(|| format!("no {label}in {text}"))?;
        *count = rest.lines().next().unwrap_or_default().parse()?;
    }
    Ok(counts)
}
