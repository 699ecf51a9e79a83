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
    LocalityCode, Timestamp,
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
use crate::store::{CURSOR_REBUILT, CheckpointEpoch, unreadable_checkpoint};

/// Number of records per read.
const PAGE_COUNT: usize = 64;

/// Serves one follower after the other; a new one replaces the one before it.
pub(super) async fn run(
    logs: Arc<Logs>,
    checkpoint_epoch: CheckpointEpoch,
    mut followers: mpsc::Receiver<mpsc::Sender<Event>>,
) {
    let mut next = followers.recv().await;
    while let Some(events) = next {
        let mut tail = Tail::new(Arc::clone(&logs), checkpoint_epoch, events);
        next = tokio::select! {
            next = followers.recv() => next,
            () = tail.run() => followers.recv().await,
        };
    }
}

/// Position of the current follower in every log.
struct Tail {
    logs: Arc<Logs>,
    checkpoint_epoch: CheckpointEpoch,
    events: mpsc::Sender<Event>,
    marks: BTreeMap<LocalityCode, Mark>,
    /// Logs that cannot be read, with the cause that was told.
    aside: BTreeMap<LocalityCode, String>,
}

/// Changes of one log that the follower has not received.
enum News {
    None,
    /// Records and damaged stretches in order, each with the mark behind it; true if there may be
    /// more.
    Records(Vec<(Mark, Event)>, bool),
    Anew(Anew),
}

/// State from which a follower begins a log that is new to it or was replaced.
struct Anew {
    checkpoint: Option<Checkpoint>,
    mark: Mark,
    /// Records that are missing before the mark.
    missing: Option<Damaged>,
    /// Values of the log that cannot be used, in words.
    aside: Vec<String>,
}

impl Anew {
    /// Events that tell it; a damaged value was found at this time.
    fn events(self, reporter: LocalityCode, found: Timestamp) -> Vec<Event> {
        let Self { checkpoint, mark, missing, aside } = self;
        let aside = aside.into_iter().map(|detail| Event::SetAside { reporter, detail, found });
        let missing = missing.map(|damaged| Event::Damaged { damaged, mark, found });
        let restored = Event::Restored { reporter, checkpoint };
        std::iter::once(restored).chain(aside).chain(missing).collect()
    }
}

impl Tail {
    const fn new(
        logs: Arc<Logs>,
        checkpoint_epoch: CheckpointEpoch,
        events: mpsc::Sender<Event>,
    ) -> Self {
        Self { logs, checkpoint_epoch, events, marks: BTreeMap::new(), aside: BTreeMap::new() }
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
                let (events, is_behind) = match news {
                    Ok(news) => self.take(reporter, news),
                    Err(error) if error.is_of_data() => self.mend(reporter, &error).await?,
                    Err(error) => return Err(error),
                };
                for event in events {
                    if self.events.send(event).await.is_err() {
                        return Ok(false);
                    }
                }
                if is_behind {
                    behind.push(reporter);
                }
            }
            reporters = behind;
        }
        Ok(true)
    }

    /// Moves the mark of a log; returns the events to be told, and true if there may be more.
    fn take(&mut self, reporter: LocalityCode, news: News) -> (Vec<Event>, bool) {
        self.aside.remove(&reporter);
        match news {
            News::None => (Vec::new(), false),
            News::Records(records, is_more) => {
                if let Some((mark, _)) = records.last() {
                    self.marks.insert(reporter, mark.clone());
                }
                (records.into_iter().map(|(_, event)| event).collect(), is_more)
            }
            News::Anew(anew) => {
                self.marks.insert(reporter, anew.mark.clone());
                (anew.events(reporter, (self.logs.clock)()), true)
            }
        }
    }

    /// Rebuilds the cursor of a log that cannot be read, if the cursor is at fault; otherwise sets
    /// the log aside and follows the others. Returns the event to be told, once for each cause, and
    /// true if the log can be read now.
    async fn mend(
        &mut self,
        reporter: LocalityCode,
        error: &Error,
    ) -> Result<(Vec<Event>, bool), Error> {
        if self.logs.rebuild(reporter, self.checkpoint_epoch).await? {
            if let Some(mark) = self.marks.remove(&reporter) {
                warn_of_another_log(reporter, mark.record_count, None);
            }
            return Ok((Vec::new(), true));
        }
        let detail = format!("the log is not followed until it can be read: {error}");
        let is_known = self.aside.insert(reporter, detail.clone()).as_ref() == Some(&detail);
        let event = Event::SetAside { reporter, detail, found: (self.logs.clock)() };
        Ok((if is_known { Vec::new() } else { vec![event] }, false))
    }

    async fn news(&self, reporter: LocalityCode) -> Result<News, Error> {
        let kept = self.logs.kept_unless_lost(reporter).await?;
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
        warn_of_another_log(reporter, mark.record_count, Some(held));
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
    /// the log's beginning, from which records may be missing.
    async fn anew(&self, reporter: LocalityCode, kept: Option<&Kept>) -> Result<News, Error> {
        let is_readable = |kept: &Checkpoint| (self.checkpoint_epoch)(reporter, kept).is_some();
        let begin = |checkpoint: Checkpoint, aside| {
            let mark = checkpoint.mark.clone();
            News::Anew(Anew { checkpoint: Some(checkpoint), mark, missing: None, aside })
        };
        let is_rebuilt = kept.is_some_and(|kept| kept.cursor.is_rebuilt());
        let mut aside = Vec::from_iter(is_rebuilt.then(|| CURSOR_REBUILT.to_owned()));
        let snapshot = self.logs.snapshot(reporter).await?;
        if let Some(snapshot) = snapshot
            && self.is_part(reporter, &snapshot.mark, kept).await?
            && is_readable(&snapshot)
        {
            return Ok(begin(snapshot, aside));
        }
        for head in self.logs.heads(reporter).await?.into_iter().rev() {
            let checkpoint = self.logs.checkpoint_of(reporter, head.record_count).await?;
            if let Some(checkpoint) = checkpoint
                && self.is_part(reporter, &checkpoint.mark, kept).await?
            {
                if is_readable(&checkpoint) {
                    return Ok(begin(checkpoint, aside));
                }
                aside.push(unreadable_checkpoint(head.record_count));
            }
        }
        let first = self.logs.entries(reporter, 0, 1).await?.into_iter().next();
        let mark = first.map_or_else(Mark::default, |first| Mark {
            record_count: first.number - 1,
            tip: first.previous,
        });
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
        Ok(News::Anew(Anew { checkpoint: None, mark, missing, aside }))
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

/// Says that what was followed through a record number is no longer there.
fn warn_of_another_log(reporter: LocalityCode, followed: u64, held: Option<u64>) {
    warn!(%reporter, followed, held, "the log was replaced or lost its tail: folding it again");
}
