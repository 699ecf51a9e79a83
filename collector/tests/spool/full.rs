//! Full disks: no room from any one write of a workload on.

use std::path::Path;

use phuxanh_collector::spool::{Config, Spool};
use tempfile::TempDir;

use super::{
    bench::{Ended, Outcome, carry_out, close, config, look, model, open, without_memory},
    crash::{append, tell, workload},
    disk::{Disk, Takes},
    model::Model,
    step::Step,
};

/// Writes of a workload on a disk with room.
async fn write_count(steps: &[Step]) -> u64 {
    let counted = u64::MAX - 1;
    let (disk, _) = Disk::new(&[], None);
    let spool = open(disk.medium(), config()).expect("a new spool");
    disk.fill_after(counted, Takes::Nothing);
    let mut model = model();
    for step in steps {
        carry_out(&disk, &spool.handle, &mut model, step).await.expect("open");
    }
    counted - disk.writes_left()
}

async fn settle_all(disk: &Disk, spool: &Spool, model: &mut Model) {
    let step = Step::Settle { batch_count: u64::MAX >> 1, refused: vec![0] };
    assert_eq!(carry_out(disk, &spool.handle, model, &step).await, Ok(Outcome::Done));
}

#[tokio::test]
async fn on_a_full_disk_the_log_drains_and_then_takes_appends_again() {
    let steps = workload();
    let writes = write_count(&steps).await;
    let folder = TempDir::new().expect("a folder");
    let mut full = 0;
    for write in 0..writes {
        for takes in [Takes::Nothing, Takes::OldBlocks] {
            let ballast = folder.path().join("ballast");
            full += u64::from(drain_when_full(&steps, &ballast, write, takes).await);
        }
    }
    tell(&format!("{full} workloads on a disk that is full from one of {writes} writes on"));
    assert!(full > writes);
}

/// True if the disk was full at some time.
async fn drain_when_full(steps: &[Step], ballast: &Path, write: u64, takes: Takes) -> bool {
    let (disk, _) = Disk::new(&[], Some(ballast.to_owned()));
    let spool = open(disk.medium(), config()).expect("a new spool");
    assert!(ballast.exists());
    disk.fill_after(write, takes);
    let mut model = model();
    for step in steps {
        let outcome = carry_out(&disk, &spool.handle, &mut model, step).await.expect("open");
        assert!(outcome == Outcome::Done || disk.was_full(), "{step:?} held back");
    }
    assert_eq!(look(&spool.handle).await, Ok(model.seen()), "full from write {write} on");
    settle_all(&disk, &spool, &mut model).await;
    let was_full = disk.was_full();
    disk.empty();
    // The last ack once more, now that there is room.
    carry_out(&disk, &spool.handle, &mut model, &Step::SettleAgain).await.expect("open");
    let last = append(3, 2, 1, 59);
    let outcome = carry_out(&disk, &spool.handle, &mut model, &last).await;
    assert_eq!(outcome, Ok(Outcome::Done));
    assert!(ballast.exists(), "restored before the first append");
    assert_eq!(look(&spool.handle).await, Ok(model.seen()));
    close(spool).await;
    was_full
}

#[tokio::test]
async fn without_a_ballast_a_full_disk_may_end_the_spool_and_loses_nothing() {
    let none = Config { ballast_bytes: 0, ..config() };
    let steps = workload();
    let mut ended = 0;
    let writes = write_count(&steps).await;
    for write in 0..writes {
        let (disk, _) = Disk::new(&[], None);
        let spool = open(disk.medium(), none).expect("a new spool");
        disk.fill_after(write, Takes::Nothing);
        let mut model = model();
        let mut allowed = vec![model.seen()];
        for step in &steps {
            match carry_out(&disk, &spool.handle, &mut model, step).await {
                Ok(_) => allowed = vec![model.seen()],
                Err(Ended(states)) => {
                    allowed = states;
                    ended += 1;
                    break;
                }
            }
        }
        let allowed: Vec<_> = allowed.into_iter().map(without_memory).collect();
        drop(spool);
        disk.empty();
        let (disk, _) = Disk::new(&disk.image(), None);
        let spool = open(disk.medium(), none).expect("it opens when there is room");
        let seen = without_memory(look(&spool.handle).await.expect("open"));
        assert!(
            allowed.contains(&seen),
            "full from write {write} on: found {seen:#?}\n{allowed:#?}"
        );
    }
    tell(&format!("disk full for good at each of {writes} writes, {ended} times the end"));
    assert!(ended > 0);
}
