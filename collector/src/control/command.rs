//! The operator's commands, each one request or more.

use std::path::Path;

use phuxanh_daemon::clock::Clock;

use super::{
    Access, DEAD_LETTERS_MAX, DeadLetter, Error, Replayed, Reply, Request, Stat, Verified, text,
};
use crate::spool;

/// Command of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Stat,
    Verify,
    ListDeadLetters,
    ReplayDeadLetters(Selection),
    DropDeadLetters(Selection),
}

/// Selection of dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All there are when the command begins.
    All,
    Ids(Vec<u64>),
}

/// Outcome of a command.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Outcome {
    Stat(Box<Stat>),
    Verified(Verified),
    DeadLetters { dead_letters: Vec<DeadLetter> },
    Replayed(Replayed),
    Dropped { dropped: u64 },
}

impl Outcome {
    /// False where the spool is damaged, or not all that was asked could be done.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        match self {
            Self::Verified(verified) => verified.sound,
            Self::Replayed(replayed) => !replayed.full && replayed.passed_over.is_empty(),
            Self::Stat(_) | Self::DeadLetters { .. } | Self::Dropped { .. } => true,
        }
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Stat(stat) => text::stat(stat),
            Self::Verified(verified) => text::verified(verified),
            Self::DeadLetters { dead_letters } => text::dead_letters(dead_letters),
            Self::Replayed(replayed) => text::replayed(replayed),
            Self::Dropped { dropped } => format!("{dropped} dead letters dropped"),
        }
    }

    /// For programs: one object on one line.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("texts, numbers and lists are JSON")
    }
}

/// Carries out a command on the spool of a data directory.
pub async fn run(
    command: &Command,
    directory: &Path,
    config: spool::Config,
    clock: Clock,
) -> Result<Outcome, Error> {
    let access = Access::open(directory, config, clock).await?;
    let outcome = carry_out(&access, command).await;
    access.close().await?;
    outcome
}

async fn carry_out(access: &Access, command: &Command) -> Result<Outcome, Error> {
    match command {
        Command::Stat => match access.ask(Request::Stat).await? {
            Reply::Stat(stat) => Ok(Outcome::Stat(stat)),
            other => Err(unexpected(&other)),
        },
        Command::Verify => match access.ask(Request::Verify).await? {
            Reply::Verified(verified) => Ok(Outcome::Verified(verified)),
            other => Err(unexpected(&other)),
        },
        Command::ListDeadLetters => {
            let mut dead_letters = Vec::new();
            let mut after = 0;
            while let Some(last) = list(access, after, &mut dead_letters).await? {
                after = last;
            }
            Ok(Outcome::DeadLetters { dead_letters })
        }
        Command::ReplayDeadLetters(selection) => replay(access, selection).await,
        Command::DropDeadLetters(selection) => {
            let mut dropped = 0;
            for numbers in numbers(access, selection).await?.chunks(DEAD_LETTERS_MAX) {
                match access.ask(Request::Drop { numbers: numbers.to_vec() }).await? {
                    Reply::Dropped { dropped: more } => dropped += more,
                    other => return Err(unexpected(&other)),
                }
            }
            Ok(Outcome::Dropped { dropped })
        }
    }
}

/// Lists a page; says where the next begins, if there may be one.
async fn list(
    access: &Access,
    after: u64,
    listed: &mut Vec<DeadLetter>,
) -> Result<Option<u64>, Error> {
    match access.ask(Request::DeadLetters { after }).await? {
        Reply::DeadLetters { dead_letters } => {
            listed.extend(dead_letters);
            Ok(listed.last().map(|last| last.id).filter(|last| *last > after))
        }
        other => Err(unexpected(&other)),
    }
}

async fn numbers(access: &Access, selection: &Selection) -> Result<Vec<u64>, Error> {
    match selection {
        Selection::Ids(ids) => Ok(ids.clone()),
        Selection::All => {
            let mut numbers = Vec::new();
            let mut after = 0;
            let mut page = Vec::new();
            while let Some(last) = list(access, after, &mut page).await? {
                after = last;
                numbers.extend(page.drain(..).map(|letter| letter.id));
            }
            Ok(numbers)
        }
    }
}

async fn replay(access: &Access, selection: &Selection) -> Result<Outcome, Error> {
    let mut all = Replayed::default();
    for numbers in numbers(access, selection).await?.chunks(DEAD_LETTERS_MAX) {
        let replayed = match access.ask(Request::Replay { numbers: numbers.to_vec() }).await? {
            Reply::Replayed(replayed) => replayed,
            other => return Err(unexpected(&other)),
        };
        all.taken += replayed.taken;
        all.unchanged += replayed.unchanged;
        all.superseded += replayed.superseded;
        all.passed_over.extend(replayed.passed_over);
        all.full = replayed.full;
        if all.full {
            break;
        }
    }
    Ok(Outcome::Replayed(all))
}

/// Error for a reply that only a collector of another version gives.
fn unexpected(reply: &Reply) -> Error {
    Error::Failed(format!("the collector answers something else than what was asked: {reply:?}"))
}
