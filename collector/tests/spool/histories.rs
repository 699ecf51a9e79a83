//! Random histories of everything that may happen to a spool.

use std::{path::Path, sync::mpsc::Receiver};

use phuxanh_collector::spool::Spool;
use proptest::{collection::vec, prelude::*};
use tempfile::TempDir;

use super::{
    bench::{Outcome, carry_out, close, config, look, model, open},
    disk::{Disk, Loss, Op, Platter, Takes},
    model::Model,
    step::{EVERYTHING, Said, Step},
};

#[derive(Debug, Clone)]
enum Event {
    Step(Step),
    /// Power fails; what was not synced is torn as the seed says.
    Crash(u64),
    /// The daemon stops in order and starts again.
    Restart,
    /// There is room for so many more writes.
    Fill(u64, Takes),
    /// The disk has room again.
    Empty,
}

fn said() -> impl Strategy<Value = Said> {
    (0_u8..8, 0_u8..4, 0_u8..5).prop_map(|(place, value, minute)| Said { place, value, minute })
}

fn appends() -> impl Strategy<Value = Vec<Vec<Said>>> {
    vec(vec(said(), 0..6), 0..4)
}

fn refused() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![4 => Just(0), 4 => 0_u8..32, 1 => Just(EVERYTHING)], 1..6)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => vec(said(), 0..12).prop_map(Step::Append),
        6 => (0_u64..5, refused())
            .prop_map(|(batch_count, refused)| Step::Settle { batch_count, refused }),
        3 => (appends(), 0_u64..5, refused(), appends()).prop_map(
            |(before, batch_count, refused, after)| {
                Step::Together { before, batch_count, refused, after }
            },
        ),
        1 => Just(Step::SettleAgain),
        1 => (1_u64..5).prop_map(Step::Adopt),
        1 => (0_u8..100).prop_map(Step::BeginLog),
        2 => (1_u32..8).prop_map(|count_max| Step::Restate { count_max }),
        1 => (0_u8..60).prop_map(Step::CompleteThrough),
        2 => any::<u8>().prop_map(Step::Replay),
        1 => any::<u8>().prop_map(Step::Drop),
        1 => any::<u8>().prop_map(Step::AcceptFile),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        20 => step().prop_map(Event::Step),
        2 => any::<u64>().prop_map(Event::Crash),
        1 => Just(Event::Restart),
        1 => (0_u64..40, prop_oneof![Just(Takes::Nothing), Just(Takes::OldBlocks)])
            .prop_map(|(writes, takes)| Event::Fill(writes, takes)),
        2 => Just(Event::Empty),
    ]
}

struct World {
    disk: Disk,
    /// Content of the disk when the spool was opened, and what has happened to it since.
    platter: Platter,
    journal: Receiver<Op>,
    spool: Spool,
    model: Model,
    /// True if the disk has been full since: the ballast may still be missing when it is not.
    was_full: bool,
}

impl World {
    fn open(image: Vec<u8>, ballast: &Path, model: Model) -> Self {
        let (disk, journal) = Disk::new(&image, Some(ballast.to_owned()));
        let spool = open(disk.medium(), config()).expect("it opens");
        Self { disk, platter: Platter::new(image), journal, spool, model, was_full: false }
    }

    async fn happen(mut self, event: &Event, ballast: &Path) -> Self {
        match event {
            Event::Step(step) => {
                let handle = &self.spool.handle;
                let outcome = carry_out(&self.disk, handle, &mut self.model, step).await;
                match outcome.expect("the spool goes on") {
                    Outcome::Done => {}
                    Outcome::Full => {
                        self.was_full |= self.disk.was_full();
                        assert!(self.was_full, "held back for nothing");
                    }
                }
            }
            Event::Crash(seed) => {
                let mut random = fastrand::Rng::with_seed(*seed);
                self.journal.try_iter().for_each(|op| self.platter.apply(&op));
                let image = self.platter.lose(Loss::Torn(&mut random));
                self.model.restart();
                return Self::open(image, ballast, self.model);
            }
            Event::Restart => {
                self.disk.empty();
                let Self { disk, spool, mut model, .. } = self;
                close(spool).await;
                model.restart();
                return Self::open(disk.image(), ballast, model);
            }
            Event::Fill(writes, takes) => self.disk.fill_after(*writes, *takes),
            Event::Empty => {
                self.was_full |= self.disk.was_full();
                self.disk.empty();
            }
        }
        self
    }

    async fn check(&self) {
        assert_eq!(look(&self.spool.handle).await, Ok(self.model.seen()));
    }
}

fn run(events: &[Event]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let folder = TempDir::new().expect("a folder");
        let ballast = folder.path().join("ballast");
        let mut world = World::open(Vec::new(), &ballast, model());
        for event in events {
            world = world.happen(event, &ballast).await;
            world.check().await;
        }
        world.disk.empty();
        let all = Step::Settle { batch_count: u64::MAX >> 1, refused: vec![0] };
        for step in
            [all, Step::SettleAgain, Step::Append(vec![Said { place: 0, value: 1, minute: 59 }])]
        {
            let handle = &world.spool.handle;
            let outcome = carry_out(&world.disk, handle, &mut world.model, &step).await;
            assert_eq!(outcome, Ok(Outcome::Done));
        }
        world.check().await;
        close(world.spool).await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_spool_is_its_model_whatever_happens(events in vec(event(), 1..40)) {
        run(&events);
    }
}
