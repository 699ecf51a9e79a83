//! Follows every reporter's log, and notices when a log was replaced or has lost its tail.
//!
//! It polls the logs a few times a second instead of blocking on them. So the same few small
//! commands work with one server, Sentinel and a cluster, over the shared connection with its
//! timeouts. A log that was wiped, or whose tail was lost in a failover, no longer has the hash
//! that was read. It is sent again, from the newest checkpoint that is still part of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::future::join_all;
use phuxanh_core::{
    LocalityCode,
    delivery::{
        damage::{Damaged, Fault},
        log::{Checkpoint, Committed, Event, Mark},
    },
    figures::fold,
};
use phuxanh_proto::convert::decode_batch;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tracing::warn;

use super::{
    Error,
    entry::{Entry, Kept},
    logs::Logs,
};
use crate::store::IsReadable;

/// Number of records per read.
const PAGE_COUNT: usize = 64;

/// Serves one follower after the other; a new one replaces the one before it.
pub(super) async fn run(
    logs: Arc<Logs>,
    is_readable: IsReadable,
    mut followers: mpsc::Receiver<mpsc::Sender<Event>>,
) {
    let mut next = followers.recv().await;
    while let Some(events) = next {
        let mut tail = Tail::new(Arc::clone(&logs), is_readable, events);
        next = tokio::select! {
            next = followers.recv() => next,
            () = tail.run() => followers.recv().await,
        };
    }
}

/// Position of the current follower in every log.
struct Tail {
    logs: Arc<Logs>,
    is_readable: IsReadable,
    events: mpsc::Sender<Event>,
    marks: BTreeMap<LocalityCode, Mark>,
}

/// Changes of one log that the follower has not received.
enum News {
    None,
    /// Records and damaged stretches in order, each with the mark behind it; true if there may be
    /// more.
    Records(Vec<(Mark, Event)>, bool),
    /// The log was replaced: the follower begins with this checkpoint and mark, without the records
    /// that are missing before them.
    Anew(Option<Checkpoint>, Mark, Option<Damaged>),
}

impl From<Checkpoint> for News {
    fn from(checkpoint: Checkpoint) -> Self {
        let mark = checkpoint.mark.clone();
        Self::Anew(Some(checkpoint), mark, None)
    }
}

impl Tail {
    const fn new(logs: Arc<Logs>, is_readable: IsReadable, events: mpsc::Sender<Event>) -> Self {
        Self { logs, is_readable, events, marks: BTreeMap::new() }
    }

    /// Follows until the receiver of the events is dropped.
    async fn run(&mut self) {
        let mut polling = interval(self.logs.link.config.poll_interval);
        polling.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut caught_up = false;
        loop {
            polling.tick().await;
            match self.catch_up().await {
                Ok(false) => return,
                Ok(true) => {
                    self.logs.in_step();
                    if !caught_up && self.events.send(Event::CaughtUp).await.is_err() {
                        return;
                    }
                    caught_up = true;
                }
                Err(error) => {
                    self.logs.out_of_step(&error);
                }
            }
            if self.events.is_closed() {
                return;
            }
        }
    }

    /// Sends everything that the logs hold now; returns false if the receiver is gone.
    async fn catch_up(&mut self) -> Result<bool, Error> {
        // A log that was followed and is no longer listed was in a store that was wiped.
        let listed = self.logs.reporters().await?;
        let all: BTreeSet<_> = self.marks.keys().copied().chain(listed).collect();
        let mut reporters: Vec<_> = all.into_iter().collect();
        while !reporters.is_empty() {
            let looks = reporters.iter().map(|&reporter| self.news(reporter));
            let looked = join_all(looks).await;
            let mut behind = Vec::new();
            for (reporter, news) in reporters.into_iter().zip(looked) {
                match news? {
                    News::None => {}
                    News::Records(records, is_more) => {
                        if is_more {
                            behind.push(reporter);
                        }
                        for (mark, event) in records {
                            self.marks.insert(reporter, mark);
                            if self.events.send(event).await.is_err() {
                                return Ok(false);
                            }
                        }
                    }
                    News::Anew(checkpoint, mark, missing) => {
                        behind.push(reporter);
                        self.marks.insert(reporter, mark.clone());
                        let found = (self.logs.clock)();
                        let missing =
                            missing.map(|damaged| Event::Damaged { damaged, mark, found });
                        let restored = Event::Restored { reporter, checkpoint };
                        for event in std::iter::once(restored).chain(missing) {
                            if self.events.send(event).await.is_err() {
                                return Ok(false);
                            }
                        }
                    }
                }
            }
            reporters = behind;
        }
        Ok(true)
    }

    async fn news(&self, reporter: LocalityCode) -> Result<News, Error> {
        let kept = self.logs.kept(reporter).await?;
        let Some(mark) = self.marks.get(&reporter) else {
            return match kept {
                None => Ok(News::None),
                Some(kept) => self.anew(reporter, Some(&kept)).await,
            };
        };
        let held = kept.as_ref().map_or(0, |kept| kept.cursor.record_count);
        let tip = kept.as_ref().map_or("", |kept| kept.tip.as_str());
        if held == mark.record_count && tip == mark.tip {
            return Ok(News::None);
        }
        if held > mark.record_count {
            let entries = self.logs.entries(reporter, mark.record_count, PAGE_COUNT).await?;
            if let Some(kept) = &kept
                && self.continues(reporter, mark, &entries).await?
            {
                let is_more = entries.len() == PAGE_COUNT;
                let told = read_on(reporter, kept, mark, entries, is_more);
                return Ok(News::Records(self.events(kept, told).await?, is_more));
            }
        }
        warn!(
            %reporter,
            followed = mark.record_count,
            held,
            "the log was replaced or lost its tail: folding it again"
        );
        self.anew(reporter, kept.as_ref()).await
    }

    /// True if the entries continue the log behind a mark. If the first entry does not show that,
    /// it may be damaged or missing; then the record before the mark is compared.
    async fn continues(
        &self,
        reporter: LocalityCode,
        mark: &Mark,
        entries: &[Entry],
    ) -> Result<bool, Error> {
        let first = entries.first();
        let is_next = first.is_some_and(|first| first.number == mark.record_count + 1);
        if is_next && first.is_some_and(|first| first.previous == mark.tip) {
            return Ok(true);
        }
        let Some(before) = mark.record_count.checked_sub(1) else { return Ok(is_next) };
        let own = self.logs.entries(reporter, before, 1).await?.into_iter().next();
        Ok(own.is_some_and(|own| own.number == mark.record_count && own.tip == mark.tip))
    }

    /// Turns the next records into events, after noting damaged ones in the store.
    async fn events(&self, kept: &Kept, told: Vec<Told>) -> Result<Vec<(Mark, Event)>, Error> {
        let mut events = Vec::with_capacity(told.len());
        for (mark, told) in told {
            let event = match told {
                Ok(committed) => Event::Committed(Box::new(committed)),
                Err(damaged) => {
                    if damaged.batches.is_some() {
                        self.logs.note_damage(damaged.reporter, &kept.cursor).await?;
                    }
                    Event::Damaged { damaged, mark: mark.clone(), found: (self.logs.clock)() }
                }
            };
            events.push((mark, event));
        }
        Ok(events)
    }

    /// The cached fold or the newest checkpoint, if it is readable and part of the log; otherwise
    /// the log's beginning. An unreadable checkpoint is an error only if its records are gone.
    async fn anew(&self, reporter: LocalityCode, kept: Option<&Kept>) -> Result<News, Error> {
        let snapshot = self.logs.snapshot(reporter).await?;
        if let Some(snapshot) = snapshot
            && self.is_part(reporter, &snapshot.mark, kept).await?
            && (self.is_readable)(reporter, &snapshot)
        {
            return Ok(News::from(snapshot));
        }
        let mut was_one_passed_over = false;
        for head in self.logs.heads(reporter).await?.into_iter().rev() {
            let checkpoint = self.logs.checkpoint_of(reporter, head.record_count).await?;
            if let Some(checkpoint) = checkpoint
                && self.is_part(reporter, &checkpoint.mark, kept).await?
            {
                if (self.is_readable)(reporter, &checkpoint) {
                    return Ok(News::from(checkpoint));
                }
                was_one_passed_over = true;
            }
        }
        let first = self.logs.entries(reporter, 0, 1).await?.into_iter().next();
        let mark = first.map_or_else(Mark::default, |first| Mark {
            record_count: first.number - 1,
            tip: first.previous,
        });
        if mark.record_count > 0 && was_one_passed_over {
            return Err(Error::corrupt("checkpoint without the records before it"));
        }
        // There is no checkpoint before the oldest record.
        let missing = match kept {
            Some(kept) if mark.record_count > 0 => {
                let records = 1..=mark.record_count;
                let missing = Damaged::new(reporter, &kept.cursor, records, Fault::Missing);
                if missing.batches.is_some() {
                    self.logs.note_damage(reporter, &kept.cursor).await?;
                }
                Some(missing)
            }
            Some(_) | None => None,
        };
        Ok(News::Anew(None, mark, missing))
    }

    /// True if this mark is part of the log.
    async fn is_part(
        &self,
        reporter: LocalityCode,
        mark: &Mark,
        kept: Option<&Kept>,
    ) -> Result<bool, Error> {
        let tip = self.logs.tip(reporter, mark.record_count, kept).await?;
        Ok(tip.as_ref() == Some(&mark.tip))
    }
}

/// Record or damaged stretch, with the mark behind it.
type Told = (Mark, Result<Committed, Damaged>);

/// Reads the entries behind a mark, through the last one that continues the one before it. If
/// `is_more` is false, these are all entries, and any further records of the cursor are missing.
fn read_on(
    reporter: LocalityCode,
    kept: &Kept,
    mark: &Mark,
    entries: Vec<Entry>,
    is_more: bool,
) -> Vec<Told> {
    let mut told = Vec::<Told>::with_capacity(entries.len());
    let mut at = mark.clone();
    let mut entries = entries.into_iter().peekable();
    while let Some(Entry { number, previous, tip, record }) = entries.next() {
        let due = at.record_count + 1;
        if due < number {
            at = Mark { record_count: number - 1, tip: previous.clone() };
            let gap = Damaged::new(reporter, &kept.cursor, due..=number - 1, Fault::Missing);
            pass_over(&mut told, at.clone(), gap);
        }
        match record {
            Ok(record) if previous == at.tip => {
                at = Mark { record_count: number, tip };
                let record = fold::Record::read(&record, decode_batch);
                let committed = Committed { reporter, mark: at.clone(), record };
                told.push((at.clone(), Ok(committed)));
            }
            // The log was replaced during the reads.
            Ok(_) => return told,
            Err(fault) => {
                let behind = match entries.peek() {
                    Some(next) => next.previous.clone(),
                    None if kept.cursor.record_count == number => kept.tip.clone(),
                    None => tip,
                };
                at = Mark { record_count: number, tip: behind };
                let damaged = Damaged::new(reporter, &kept.cursor, number..=number, fault);
                pass_over(&mut told, at.clone(), damaged);
            }
        }
    }
    let (due, last) = (at.record_count + 1, kept.cursor.record_count);
    if !is_more && due <= last {
        let gap = Damaged::new(reporter, &kept.cursor, due..=last, Fault::Missing);
        pass_over(&mut told, Mark { record_count: last, tip: kept.tip.clone() }, gap);
    }
    told
}

/// Adds a damaged stretch, merged with a stretch directly before it.
fn pass_over(told: &mut Vec<Told>, behind: Mark, damaged: Damaged) {
    if let Some((mark, Err(before))) = told.last_mut()
        && before.extend(&damaged)
    {
        *mark = behind;
    } else {
        told.push((behind, Err(damaged)));
    }
}
