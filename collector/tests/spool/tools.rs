//! A spool as operators see it, through a running collector and without one.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command as Process, Output},
};

use phuxanh_collector::{
    config::{Config, Settings},
    control::{Command, Error, Outcome, Replayed, SOCKET, Selection, run},
    daemon, spool,
};
use phuxanh_core::{
    frame::{BatchResult, Refused},
    validation::Refusal,
};
use redb::{Database, ReadableTable, TableDefinition};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::oneshot,
};

use super::{
    bench::{clock, close, config},
    step::{Said, log_id},
};

type BatchRow = (u32, i64, &'static [u8; 32], &'static [u8]);
type CellKeyRow = (u32, u32, &'static str);
type Kept = (Option<i64>, i64, u32, u32);

const BATCHES: TableDefinition<'_, u64, BatchRow> = TableDefinition::new("batches");
const CELLS: TableDefinition<'_, CellKeyRow, Kept> = TableDefinition::new("cells");

/// A fault that is to be found, and how it comes about.
type Spoiling = (&'static str, fn(&redb::WriteTransaction));

/// A directory whose spool holds two batches that wait and two dead letters.
async fn directory() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let spool = spool::open(folder.path(), config(), log_id(1), clock).expect("a new spool");
    let said = |place, value, minute| Said { place, value, minute }.observation();
    // So that a collector that runs on it has nothing new to say.
    spool.handle.complete_through(clock()).await.expect("open");
    let first = vec![said(0, 1, 0), said(1, 2, 0), said(2, 1, 0)];
    spool.handle.append(first).await.expect("room");
    let refused = vec![(0, Refusal::UnknownLocality), (2, Refusal::ImpossibleValue)];
    let results = vec![BatchResult { sequence: 2, refused: Refused::Observations(refused) }];
    spool.handle.settle(2, results).await.expect("open");
    spool.handle.append(vec![said(0, 2, 1)]).await.expect("room");
    spool.handle.append(vec![said(1, 3, 1)]).await.expect("room");
    close(spool).await;
    folder
}

async fn ask(directory: &Path, command: Command) -> Result<Outcome, Error> {
    run(&command, directory, config(), clock).await
}

async fn all_of(directory: &Path) -> Vec<(String, String)> {
    let mut outcomes = Vec::new();
    for command in [
        Command::Stat,
        Command::Verify,
        Command::ListDeadLetters,
        Command::ReplayDeadLetters(Selection::Ids(vec![2, 9])),
        Command::ListDeadLetters,
        Command::DropDeadLetters(Selection::All),
        Command::ReplayDeadLetters(Selection::All),
    ] {
        let outcome = ask(directory, command).await.expect("an answer");
        outcomes.push((outcome.text(), outcome.json()));
    }
    outcomes
}

/// Runs a collector on a directory for as long as something else takes.
async fn with_daemon<T>(directory: &Path, something: impl Future<Output = T>) -> T {
    let mut settings = Settings { reporter: "01".to_owned(), ..Settings::default() };
    settings.data_dir = directory.to_owned();
    settings.folder.path = directory.join("inbox");
    settings.aggregators = vec!["http://127.0.0.1:1".to_owned()];
    let mut config = Config::new(&settings).expect("valid");
    config.spool = self::config();
    config.ops = None;
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { drop(stopped.await) };
    let something = async {
        let done = something.await;
        stop.send(()).expect("it runs");
        done
    };
    let (ended, done) = tokio::join!(daemon::run(config, clock, shutdown), something);
    ended.expect("in order");
    done
}

/// Stat without the state of the link, which only a running collector knows.
fn without_link((text, json): &(String, String)) -> (Vec<&str>, Value) {
    let lines = text.lines().filter(|line| !line.contains("link ") && !line.starts_with("last "));
    let mut json: Value = json.parse().expect("JSON");
    json.as_object_mut().expect("an object").remove("link");
    (lines.collect(), json)
}

#[tokio::test]
async fn a_running_collector_answers_as_the_file_does() {
    let (one, other) = (directory().await, directory().await);
    let by_file = all_of(one.path()).await;
    let socket = other.path().join(SOCKET);
    // What a collector that was killed has left there is nobody's.
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("bound"));
    let by_daemon = with_daemon(other.path(), async {
        let mode = fs::metadata(&socket).expect("a socket").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        all_of(other.path()).await
    })
    .await;
    let (stat, stat_by_file) = (&by_daemon[0], &by_file[0]);
    assert!(stat.0.contains("link              not connected since "), "{}", stat.0);
    assert!(stat_by_file.0.contains("link              not known: no collector runs"));
    assert_eq!(without_link(stat), without_link(stat_by_file));
    assert_eq!(by_daemon[1..], by_file[1..]);
    assert!(!socket.exists());
    let (text, json) = &by_file[2];
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    for word in ["2 ", "00025", "digital_signatures", "2025-01", " 0 ", "out of the metric's range"]
    {
        assert!(lines[2].contains(word), "{word}: {}", lines[2]);
    }
    assert!(
        json.contains(r#""id":1,"observation":{"locality":"00004","metric":"digital_signatures""#)
    );
    let replayed = Replayed { taken: 1, passed_over: vec![9], ..Replayed::default() };
    assert_eq!(by_file[3].1, serde_json::to_string(&replayed).expect("JSON"));
    assert_eq!(by_file[5].1, r#"{"dropped":1}"#);
}

#[tokio::test]
async fn a_request_that_is_none_is_answered_and_bounded() {
    let folder = directory().await;
    let too_long = vec![b'x'; 1 << 17];
    let cases: [(&[u8], &str); 3] = [
        (b"{\"ask\":\"everything\"}\n", "not a request"),
        (&too_long, "at most 65536 bytes"),
        (b"{\"ask\":\"drop\",\"numbers\":[1]}\n", "\"dropped\":1"),
    ];
    with_daemon(folder.path(), async {
        for (request, expected) in cases {
            let mut stream = UnixStream::connect(folder.path().join(SOCKET)).await.expect("open");
            // The daemon need not read all of a request that is too long.
            drop(stream.write_all(request).await);
            let mut reply = vec![0; 1_000];
            let length = stream.read(&mut reply).await.unwrap_or(0);
            let reply = String::from_utf8_lossy(&reply[..length]);
            assert!(reply.contains(expected), "{reply}");
        }
    })
    .await;
}

fn spoil(directory: &Path, what: impl Fn(&redb::WriteTransaction)) {
    let database = Database::open(directory.join("spool.redb")).expect("it opens");
    let transaction = database.begin_write().expect("begun");
    what(&transaction);
    transaction.commit().expect("committed");
}

#[tokio::test]
async fn what_does_not_fit_together_is_found() {
    let cases: [Spoiling; 4] = [
        ("the log ends at batch 3", |transaction| {
            let mut batches = transaction.open_table(BATCHES).expect("a table");
            batches.remove(4).expect("removed");
        }),
        ("does not continue the chain", |transaction| {
            let mut batches = transaction.open_table(BATCHES).expect("a table");
            let payload = batches.get(4).expect("read").expect("there").value().3.to_vec();
            batches.insert(4, (1, 0, &[7; 32], payload.as_slice())).expect("written");
        }),
        ("batch 3: batch.payload", |transaction| {
            let mut batches = transaction.open_table(BATCHES).expect("a table");
            let chain = *batches.get(3).expect("read").expect("there").value().2;
            batches.insert(3, (1, 0, &chain, [0xff_u8; 9].as_slice())).expect("written");
        }),
        ("count and digest of the cells", |transaction| {
            let mut cells = transaction.open_table(CELLS).expect("a table");
            cells.pop_first().expect("read").expect("there");
        }),
    ];
    for (expected, what) in cases {
        let folder = directory().await;
        spoil(folder.path(), what);
        let outcome = ask(folder.path(), Command::Verify).await.expect("an answer");
        assert!(!outcome.is_good());
        let Outcome::Verified(verified) = &outcome else { panic!("{outcome:?}") };
        assert!(verified.faults.iter().any(|fault| fault.contains(expected)), "{verified:?}");
        let (code, said) = tool(folder.path(), &["verify"]);
        assert_eq!(code, Some(1));
        assert!(said.contains(expected), "{said}");
    }
}

/// The program itself: its exit code, and what it says.
fn tool(directory: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        Process::new(PathBuf::from(env!("CARGO_BIN_EXE_phuxanh-collector")))
            .args(["--data-dir".as_ref(), directory.as_os_str()])
            .arg("spool")
            .args(arguments)
            .output()
            .expect("it starts");
    let said = [stdout, stderr].concat();
    (status.code(), String::from_utf8(said).expect("text"))
}

#[tokio::test]
async fn the_program_tells_by_its_exit_code() {
    let folder = directory().await;
    let said = |arguments: &[&str]| tool(folder.path(), arguments);
    let cases: [(&[&str], i32, &str); 8] = [
        (&["stat"], 0, "2 batches, 2 observations"),
        (&["stat", "--json"], 0, "\"dead_letters\":2"),
        (&["verify"], 0, "the spool is sound"),
        (&["dead-letters", "list"], 0, "the gazetteer does not hold the locality"),
        (&["dead-letters", "replay", "7"], 1, "not there, or not to be read: 7"),
        (&["dead-letters", "replay"], 2, "ID"),
        (&["dead-letters", "drop", "1", "2"], 0, "2 dead letters dropped"),
        (&["dead-letters", "list"], 0, "no dead letters"),
    ];
    for (arguments, code, expected) in cases {
        let (found, text) = said(arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {text}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
    let nowhere = TempDir::new().expect("a folder");
    let (code, text) = tool(nowhere.path(), &["stat"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("there is no spool in"), "{text}");
}
