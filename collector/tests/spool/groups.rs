//! Appends and releases that queue up while a commit is on its way.

use futures_util::future::{join, join_all, select};
use phuxanh_collector::spool::{Config, Error, Fate, Handle, Series};
use phuxanh_core::frame::BatchResult;
use tokio::task::yield_now;

use super::{
    bench::{self, Ended, Outcome, close, config, look, model, observations, open},
    disk::{Disk, Op},
    model::Model,
    step::{Said, Step},
};

/// A change that may share its commit.
pub enum GroupCommit {
    Append(Vec<Said>),
    Settle(u64, Vec<BatchResult>),
}

pub fn group(
    before: &[Vec<Said>],
    (through, results): (u64, Vec<BatchResult>),
    after: &[Vec<Said>],
) -> Vec<GroupCommit> {
    let appends =
        |all: &[Vec<Said>]| all.iter().cloned().map(GroupCommit::Append).collect::<Vec<_>>();
    let mut group = appends(before);
    group.push(GroupCommit::Settle(through, results));
    group.extend(appends(after));
    group
}

/// Lets a group queue up behind a commit that changes nothing, and carries out at the model what
/// the spool has done of it.
pub async fn carry_out(
    disk: &Disk,
    handle: &Handle,
    model: &mut Model,
    group: Vec<GroupCommit>,
) -> Result<Outcome, Ended> {
    disk.hold();
    let opener = Box::pin(handle.adopt(model.log_epoch()));
    let reached = Box::pin(async {
        while !disk.is_reached() {
            yield_now().await;
        }
    });
    // The owner has taken it alone and waits at the disk, or the spool has ended.
    drop(select(opener, reached).await);
    let asked = join_all(group.iter().map(|entry| ask(handle, entry)));
    let (answers, ()) = join(asked, async { disk.release() }).await;
    let mut outcome = Outcome::Done;
    for (at, (entry, answer)) in group.iter().zip(answers).enumerate() {
        match answer {
            Ok(fates) => assert_eq!(fates, apply(model, entry)),
            Err(Error::Full { .. }) => outcome = Outcome::Full,
            Err(Error::Closed) => return Err(ended(model, &group[at..])),
        }
    }
    Ok(outcome)
}

/// Possible ends: any beginning of the unanswered appends may be on the disk.
fn ended(model: &Model, unanswered: &[GroupCommit]) -> Ended {
    let mut model = model.clone();
    let mut states = vec![model.seen()];
    for entry in unanswered {
        apply(&mut model, entry);
        states.push(model.seen());
    }
    Ended(states)
}

async fn ask(handle: &Handle, entry: &GroupCommit) -> Result<Vec<Fate>, Error> {
    match entry {
        GroupCommit::Append(said) => handle.append(observations(said)).await,
        GroupCommit::Settle(through, results) => {
            handle.settle(*through, results.clone()).await.map(|_| Vec::new())
        }
    }
}

fn apply(model: &mut Model, entry: &GroupCommit) -> Vec<Fate> {
    match entry {
        GroupCommit::Append(said) => model.append(&observations(said)),
        GroupCommit::Settle(through, results) => {
            model.settle(*through, results);
            Vec::new()
        }
    }
}

fn said(place: u8) -> Vec<Said> {
    vec![Said { place, value: 1, minute: 0 }]
}

#[tokio::test]
async fn what_queues_up_shares_the_syncs_of_one_commit() {
    let (disk, journal) = Disk::new(&[], None);
    let spool = open(disk.medium(), Config { ballast_bytes: 0, ..config() }).expect("a new spool");
    let mut model = model();
    let alone = Step::Append(said(0));
    let all = Step::Together {
        before: (1..6).map(said).collect(),
        batch_count: 1,
        refused: vec![1],
        after: (6..12).map(said).collect(),
    };
    let mut sync_counts = Vec::new();
    for step in [alone, all] {
        journal.try_iter().for_each(drop);
        let outcome = bench::carry_out(&disk, &spool.handle, &mut model, &step).await;
        assert_eq!(outcome, Ok(Outcome::Done));
        sync_counts.push(journal.try_iter().filter(|op| matches!(op, Op::Sync)).count());
    }
    // The commit that they wait behind is one too, and the file may be made longer.
    assert!(sync_counts[1] <= 2 * sync_counts[0] + 1, "{sync_counts:?}");
    assert_eq!(look(&spool.handle).await, Ok(model.seen()));
    close(spool).await;
}

#[tokio::test]
async fn a_refused_append_holds_back_what_its_series_asked_for_behind_it() {
    let (disk, _) = Disk::new(&[], None);
    let quota_bytes = 1 << 20;
    let config = Config { quota_bytes, ballast_bytes: 0, ..config() };
    let spool = open(disk.medium(), config).expect("a new spool");
    let handle = &spool.handle;
    assert_eq!(handle.append(observations(&said(0))).await, Ok(vec![Fate::Taken]));
    let series = Series::default();
    let too_many = observations(&said(1).repeat(10_000));
    let refused = handle.queue_append(&series, too_many).await.expect("open");
    let behind = handle.queue_append(&series, observations(&said(2))).await.expect("open");
    assert_eq!(refused.fates().await, Err(Error::Full { quota_bytes }));
    assert_eq!(behind.fates().await, Err(Error::Full { quota_bytes }));
    assert_eq!(handle.append(observations(&said(2))).await, Ok(vec![Fate::Taken]));
    close(spool).await;
}
