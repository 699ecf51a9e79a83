//! Moves a deployment from one store to another through a file, which is also its backup.
//!
//! ```text
//! store ─ held, records, checkpoints ─▶ frames ─▶ FILE ─ verified, then ─▶ import, keep ─▶ empty store
//! ```
//!
//! Log ids and positions are kept, so collectors go on where they were. A collector that was
//! further than the file restates its cells. The file does not depend on the kind of store.

mod export;
mod file;
mod import;

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufReader, BufWriter, Seek},
    path::{Path, PathBuf},
};

use phuxanh_core::{
    Cursor, LocalityCode, Timestamp,
    delivery::{
        log::Held,
        order::{Frame, Misplaced},
    },
};

pub use export::export;
pub use file::{Reader, Tally, Writer};
pub use import::import;

use phuxanh_daemon::{clock::Clock, modes, telemetry};

use crate::{
    audit_log, checkpoint,
    config::Config,
    server::{self, Opened},
    store,
};

/// Number of records per read or write.
const PAGE_COUNT: usize = 64;
/// File name that stands for standard output.
const STANDARD: &str = "-";

/// Reason why a store cannot be exported or imported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the store holds no reporter's log: check data_dir or store.redis")]
    Empty,
    #[error("the store changed during the export: export it again")]
    Changed(#[source] Misplaced),
    #[error(
        "the stored catalogue or gazetteer with SHA-256 {0} is damaged: start an aggregator with \
         that file to store it again"
    )]
    DamagedReference(String),
    #[error(transparent)]
    File(#[from] file::Error),
    #[error("cannot access {path}")]
    Path { path: String, source: io::Error },
    #[error("an import reads its file twice: name a file instead of -")]
    Standard,
    #[error("cannot restamp the checkpoint of {reporter} behind record {record_count}")]
    Checkpoint { reporter: LocalityCode, record_count: u64, source: checkpoint::Error },
    #[error("--without: {path} holds no reporter {reporter}")]
    Absent { reporter: LocalityCode, path: String },
    #[error("it is done, but the audit log in data_dir could not be written")]
    AuditLog(#[source] io::Error),
    #[error("the import did not finish: empty the store before the next one")]
    Unfinished(#[source] Box<Self>),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Server(#[from] server::Error),
}

/// Exports the configured store. An embedded store must not be in use; Redis may be.
pub async fn export_store(config: &Config, clock: Clock, path: &Path) -> Result<(), Error> {
    let Opened { store, end, .. } = server::open(config, clock).await?;
    // Blocking file access is fine here: nothing else runs in this process.
    let exported = async {
        let told = |held: &Held| tell(held.reporter, held.cursor.record_count);
        if path == Path::new(STANDARD) {
            let mut writer = Writer::begin(BufWriter::new(io::stdout()), clock())?;
            export(store.as_ref(), &mut writer, told).await?;
            return Ok(writer.finish()?.1);
        }
        let unfinished = Unfinished::create(path)?;
        let mut writer = Writer::begin(BufWriter::new(&unfinished.file), clock())?;
        export(store.as_ref(), &mut writer, told).await?;
        let tally = writer.finish()?.1;
        unfinished.finish(path)?;
        Ok(tally)
    };
    let exported = exported.await.map_err(changed);
    server::close(store.as_ref(), end).await?;
    let done = format!("exported {} to {}", worded(exported?), path.display());
    telemetry::note(&done);
    audit_log::record(&config.audit_log, clock, "store_exported", done).map_err(Error::AuditLog)
}

/// Changes that an import makes to what was exported.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Latest receipt that is right: later ones, which a wrong clock has stamped, are set behind it.
    pub latest_receipt: Option<Timestamp>,
    /// Reporters whose logs are left out. Their collectors find a lost log, and restate their cells.
    pub without: BTreeSet<LocalityCode>,
}

/// Imports a file into the configured store, which must be empty and not in use.
pub async fn import_store(
    config: &Config,
    clock: Clock,
    path: &Path,
    changes: &Changes,
) -> Result<(), Error> {
    if path == Path::new(STANDARD) {
        return Err(Error::Standard);
    }
    let at_path = |source| Error::Path { path: path.display().to_string(), source };
    let mut file = File::open(path).map_err(at_path)?;
    let mut reader = Reader::begin(BufReader::new(&file))?;
    let mut absent = changes.without.clone();
    while let Some(frame) = reader.next_frame()? {
        if let Frame::Reporter { reporter, .. } = frame {
            absent.remove(&reporter);
        }
    }
    if let Some(reporter) = absent.first() {
        return Err(Error::Absent { reporter: *reporter, path: path.display().to_string() });
    }
    let exported = reader.exported();
    telemetry::note(&format!(
        "verified {}: {} as of {exported}",
        path.display(),
        worded(reader.tally())
    ));
    file.rewind().map_err(at_path)?;

    let Opened { store, end, .. } = server::open(config, clock).await?;
    let mut reader = Reader::begin(BufReader::new(&file))?;
    let mut restamped_count = 0;
    let told = |reporter, cursor: &Cursor, moved_count: usize| {
        tell(reporter, cursor.record_count);
        restamped_count += moved_count;
        if moved_count > 0 {
            telemetry::note(&format!("{reporter}: {moved_count} receipts restamped"));
        }
    };
    let imported = import(store.as_ref(), &mut reader, changes, told).await;
    let imported = imported.map_err(unfinished);
    server::close(store.as_ref(), end).await?;
    let restamped = changes.latest_receipt.map_or_else(String::new, |latest| {
        format!("; {restamped_count} receipts behind {latest} restamped")
    });
    let left_out = imported?.into_iter().map(|(reporter, record_count)| {
        format!("; {record_count} records of {reporter} left out, which its collector restates")
    });
    let left_out: String = left_out.collect();
    let tally = worded(reader.tally());
    let done = format!("imported {tally} from {}{restamped}{left_out}", path.display());
    telemetry::note(&done);
    audit_log::record(&config.audit_log, clock, "store_imported", done).map_err(Error::AuditLog)
}

/// File under a temporary name until it is complete and synced.
struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Unfinished {
    fn create(path: &Path) -> Result<Self, Error> {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let at_path = |source| Error::Path { path: path.display().to_string(), source };
        let file = modes::create_file(&path).map_err(at_path)?;
        Ok(Self { path, file })
    }

    fn finish(self, path: &Path) -> Result<(), Error> {
        let finished = || {
            self.file.sync_all()?;
            std::fs::rename(&self.path, path)?;
            let folder = path.parent().filter(|folder| *folder != Path::new(""));
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        finished().map_err(|source| Error::Path { path: path.display().to_string(), source })
    }
}

fn tell(reporter: LocalityCode, record_count: u64) {
    telemetry::note(&format!("{reporter}: {record_count} records"));
}

fn worded(tally: Tally) -> String {
    let Tally { references, reporters, records, checkpoints, bytes } = tally;
    format!(
        "{reporters} reporters, {records} records, {checkpoints} checkpoints, {references} catalogues \
         and gazetteers ({bytes} bytes)"
    )
}

/// Turns a frame out of order into "the store changed": only a store in use breaks the order.
fn changed(error: Error) -> Error {
    match error {
        Error::File(file::Error::Misplaced(misplaced)) => Error::Changed(misplaced),
        other => other,
    }
}

fn unfinished(error: Error) -> Error {
    match error {
        Error::Store(store::Error::NotEmpty) => error,
        other => Error::Unfinished(Box::new(other)),
    }
}
