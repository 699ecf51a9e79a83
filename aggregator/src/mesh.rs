//! The mesh: which collector is connected, since when, from where.
//!
//! One task owns the board; sessions tell it what they see, and readers hold a snapshot.

mod service;

use std::{collections::BTreeMap, sync::Arc};

use phuxanh_proto::model::{LocalityCode, Timestamp, frame::Heartbeat, frame::SessionId};
use tokio::sync::{mpsc, watch};

pub use service::Service;

/// What sessions tell the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Connected {
        reporter: LocalityCode,
        session: SessionId,
        host: String,
        produced: u64,
        at: Timestamp,
    },
    Produced {
        reporter: LocalityCode,
        session: SessionId,
        through: u64,
    },
    Beat {
        reporter: LocalityCode,
        session: SessionId,
        heartbeat: Heartbeat,
    },
    Disconnected {
        reporter: LocalityCode,
        session: SessionId,
        at: Timestamp,
    },
}

/// What is known of one reporter's collector since this aggregator started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    pub session: SessionId,
    pub connected: bool,
    /// Since when it is connected, or not.
    pub since: Timestamp,
    pub host: String,
    /// Batches that its log holds, by its own word.
    pub produced_through: u64,
    /// Its last heartbeat of this session.
    pub heartbeat: Option<Heartbeat>,
}

/// Every reporter that has said Hello.
pub type Board = Arc<BTreeMap<LocalityCode, Presence>>;

/// Keeps the board until the last session's handle is gone. At most `queue_max` events wait.
#[must_use]
pub fn spawn(queue_max: usize) -> (mpsc::Sender<Event>, watch::Receiver<Board>) {
    let (events, mut queue) = mpsc::channel(queue_max);
    let (board, snapshot) = watch::channel(Board::default());
    tokio::spawn(async move {
        while let Some(event) = queue.recv().await {
            board.send_modify(|board| note(Arc::make_mut(board), event));
        }
    });
    (events, snapshot)
}

fn note(board: &mut BTreeMap<LocalityCode, Presence>, event: Event) {
    let (reporter, session) = event.session();
    if let Event::Connected { host, produced, at, .. } = event {
        let presence = Presence {
            session,
            connected: true,
            since: at,
            host,
            produced_through: produced,
            heartbeat: None,
        };
        board.insert(reporter, presence);
        return;
    }
    // An older session's last words must not touch the presence of a newer one.
    let Some(presence) = board.get_mut(&reporter).filter(|found| found.session == session) else {
        return;
    };
    match event {
        Event::Connected { .. } => {}
        Event::Produced { through, .. } => {
            presence.produced_through = presence.produced_through.max(through);
        }
        Event::Beat { heartbeat, .. } => {
            presence.produced_through = presence.produced_through.max(heartbeat.produced_through);
            presence.heartbeat = Some(heartbeat);
        }
        Event::Disconnected { at, .. } => {
            presence.connected = false;
            presence.since = at;
        }
    }
}

impl Event {
    const fn session(&self) -> (LocalityCode, SessionId) {
        match *self {
            Self::Connected { reporter, session, .. }
            | Self::Produced { reporter, session, .. }
            | Self::Beat { reporter, session, .. }
            | Self::Disconnected { reporter, session, .. } => (reporter, session),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_session_ends_without_touching_the_newer_one() {
        let reporter = LocalityCode::NATION;
        let at = "2025-07-31 16:00".parse().expect("a time");
        let (old, new) = (SessionId([1; 16]), SessionId([2; 16]));
        let mut board = BTreeMap::new();
        for session in [old, new] {
            let host = "host".to_owned();
            note(&mut board, Event::Connected { reporter, session, host, produced: 3, at });
        }
        note(&mut board, Event::Disconnected { reporter, session: old, at });
        assert!(board[&reporter].connected);
        note(&mut board, Event::Disconnected { reporter, session: new, at });
        assert!(!board[&reporter].connected);
    }
}
