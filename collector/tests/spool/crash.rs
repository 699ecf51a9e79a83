//! Power cuts: at every write of a workload, with what was not synced lost, kept or torn, and once
//! more while the spool recovers.

use phuxanh_collector::spool::{Config, Spool};

use super::{
    bench::{Outcome, carry_out, close, config, look, model, open, without_memory},
    disk::{Disk, Loss, Op, Platter},
    model::Seen,
    step::{EVERYTHING, Said, Step},
};

/// Images with torn writes, for every operation of the disk.
const TORN_IMAGES: usize = 5;
const SEED: u64 = 20_250_731;

/// A few observations, of cells from `place` on.
pub fn append(place: u8, count: u8, value: u8, minute: u8) -> Step {
    let said = |offset| Said { place: place + offset, value, minute };
    Step::Append((0..count).map(said).collect())
}

/// Two appends, a release and an append that has nothing new, all at once.
fn together(place: u8, batch_count: u64, refused: &[u8]) -> Step {
    let said = |from, count| (from..from + count).map(|place| Said { place, value: 1, minute: 8 });
    Step::Together {
        before: vec![said(place, 4).collect(), said(place + 2, 6).collect()],
        batch_count,
        refused: refused.into(),
        after: vec![said(place, 3).collect()],
    }
}

/// Every operation of a spool, in states in which it matters.
pub fn workload() -> Vec<Step> {
    let settle =
        |batch_count, refused: &[u8]| Step::Settle { batch_count, refused: refused.into() };
    vec![
        append(0, 3, 1, 0),
        Step::Adopt(1),
        Step::CompleteThrough(1),
        append(0, 6, 2, 1),
        append(0, 3, 3, 1),
        append(0, 3, 3, 1),
        settle(2, &[0]),
        append(2, 12, 4, 2),
        settle(1, &[1]),
        Step::AcceptFile(1),
        append(0, 6, 5, 3),
        together(10, 2, &[4]),
        settle(9, &[2, EVERYTHING, 0]),
        Step::SettleAgain,
        Step::Replay(5),
        append(1, 4, 6, 4),
        Step::BeginLog(7),
        Step::Restate { count_max: 4 },
        append(30, 6, 2, 1),
        Step::Restate { count_max: 5 },
        settle(3, &[3]),
        Step::Restate { count_max: 5 },
        Step::Restate { count_max: 5 },
        together(20, 1, &[0]),
        Step::Drop(6),
        settle(50, &[0, 0, 0, 8]),
        append(0, 1, 7, 9),
        settle(1, &[0]),
    ]
}

struct Recording {
    ops: Vec<Op>,
    /// Operations that were done when each step was answered, the first for opening.
    answered: Vec<usize>,
    seen: Vec<Seen>,
}

fn small() -> Config {
    Config { ballast_bytes: 0, ..config() }
}

async fn record(steps: &[Step]) -> Recording {
    let (disk, journal) = Disk::new(&[], None);
    let spool = open(disk.medium(), small()).expect("a new spool");
    let mut model = model();
    let mut ops: Vec<Op> = journal.try_iter().collect();
    let mut answered = vec![ops.len()];
    let mut seen = vec![without_memory(model.seen())];
    for step in steps {
        let outcome = carry_out(&disk, &spool.handle, &mut model, step).await.expect("open");
        assert_eq!(outcome, Outcome::Done, "{step:?}");
        ops.extend(journal.try_iter());
        answered.push(ops.len());
        seen.push(without_memory(model.seen()));
    }
    assert_eq!(look(&spool.handle).await.expect("open"), model.seen());
    close(spool).await;
    ops.extend(journal.try_iter());
    Recording { ops, answered, seen }
}

/// Opens what a power cut has left, and holds it against what it may be.
async fn recover(image: &[u8], allowed: &[Seen]) -> (Spool, Vec<Op>) {
    let (disk, journal) = Disk::new(image, None);
    let spool = open(disk.medium(), small()).expect("the spool opens after a power cut");
    let ops = journal.try_iter().collect();
    let seen = without_memory(look(&spool.handle).await.expect("open"));
    assert!(allowed.contains(&seen), "found {seen:#?}\nexpected one of {allowed:#?}");
    (spool, ops)
}

/// Recovers an image, and again where power fails during the recovery. Returns how many images.
async fn try_image(image: &[u8], allowed: &[Seen], random: &mut fastrand::Rng) -> usize {
    let (spool, ops) = recover(image, allowed).await;
    close(spool).await;
    let mut platter = Platter::new(image.to_vec());
    ops.iter().take(random.usize(..=ops.len())).for_each(|op| platter.apply(op));
    let (spool, _) = recover(&platter.lose(Loss::Torn(random)), allowed).await;
    close(spool).await;
    2
}

#[tokio::test]
async fn no_power_cut_loses_what_was_answered_or_brings_back_what_was_settled() {
    let recording = record(&workload()).await;
    let Recording { ops, answered, seen } = &recording;
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut platter = Platter::default();
    let mut image_count = 0;
    for (done, op) in ops.iter().enumerate() {
        platter.apply(op);
        let done = done + 1;
        if done < answered[0] {
            continue;
        }
        let step = answered.partition_point(|answered| *answered <= done) - 1;
        let allowed = &seen[step..seen.len().min(step + 2)];
        let kept = [Loss::Everything, Loss::Nothing].map(|loss| platter.lose(loss));
        let torn: Vec<_> =
            (0..TORN_IMAGES).map(|_| platter.lose(Loss::Torn(&mut random))).collect();
        for image in kept.into_iter().chain(torn) {
            image_count += try_image(&image, allowed, &mut random).await;
        }
    }
    tell(&format!("{image_count} crash images of {} disk operations", ops.len()));
    assert!(image_count > 1_000);
}

#[expect(clippy::print_stdout, reason = "how much was tried belongs to a test's output")]
pub fn tell(line: &str) {
    println!("{line}");
}
