//! Waits until replicas hold a write.
//!
//! WAIT covers only the writes of its own connection, and blocks it. So one task has a connection
//! for this alone, and writes a barrier key. Once the replicas hold the barrier, they hold
//! everything that was admitted before it. Questions that arrive meanwhile share the next barrier.
//!
//! The master that answers may not be the one that stored the batch: a failover may come in
//! between, and a cluster client asks another node if a master is dead. So the read of the cursor,
//! the barrier and WAIT are sent together, and only writes through that cursor count as replicated.

use std::{collections::BTreeMap, sync::Arc};

use phuxanh_core::{LocalityCode, frame::SessionId};
use redis::{
    aio::ConnectionLike,
    cluster_routing::{Route, SingleNodeRoutingInfo, SlotAddr},
};
use tokio::sync::{mpsc, oneshot};

use super::{
    Error,
    link::{Connection, Link},
};

/// Asks whether enough replicas hold what a session wrote for a reporter.
pub(super) struct Question {
    pub(super) reporter: LocalityCode,
    pub(super) session: SessionId,
    /// Number of the batch in its log.
    pub(super) sequence: u64,
    pub(super) reply: oneshot::Sender<Result<(), Error>>,
}

/// Session and sequence of a cursor that enough replicas hold.
type Held = (Vec<u8>, u64);

/// Answers questions until all senders are gone.
pub(super) async fn run(link: Arc<Link>, mut questions: mpsc::Receiver<Question>, together: usize) {
    let mut connection = None;
    let mut waiting = Vec::with_capacity(together);
    while questions.recv_many(&mut waiting, together).await > 0 {
        let mut by_reporter = BTreeMap::<_, Vec<_>>::new();
        for question in waiting.drain(..) {
            by_reporter.entry(question.reporter).or_default().push(question);
        }
        for (reporter, questions) in by_reporter {
            let held = ask(&link, &mut connection, reporter).await;
            if held.is_err() {
                connection = None;
            }
            for Question { session, sequence, reply, .. } in questions {
                let result = match &held {
                    Ok((owner, through)) if *owner == session.0 && sequence <= *through => Ok(()),
                    Ok(_) => Err(Error::Unreplicated("lost in a failover".to_owned())),
                    Err(error) => Err(Error::Unreplicated(error.to_string())),
                };
                // A session that has ended meanwhile does not receive its reply.
                drop(reply.send(result));
            }
        }
    }
}

async fn ask(
    link: &Link,
    connection: &mut Option<Connection>,
    reporter: LocalityCode,
) -> Result<Held, Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(Connection::open(&link.config).await?),
    };
    let key = link.keys.barrier(reporter);
    let needed = link.config.demand.replica_count_min;
    let timeout_millis = link.config.response_timeout.as_millis() / 2;
    let mut together = redis::pipe();
    together.cmd("HMGET").arg(link.keys.cursor(reporter)).arg("session").arg("sequence");
    together.cmd("SET").arg(&key).arg(1);
    together.cmd("WAIT").arg(needed).arg(u64::try_from(timeout_millis).unwrap_or(u64::MAX));
    let count = together.len();
    let answers = match connection {
        Connection::Node(node) => node.req_packed_commands(&together, 0, count).await?,
        Connection::Cluster(cluster) => {
            let route = Route::with_key(&key, SlotAddr::Master);
            let routing = SingleNodeRoutingInfo::SpecificNode(route);
            cluster.route_pipeline(together, 0, count, routing).await?
        }
    };
    let answers = redis::Value::Array(answers);
    let (held, _, found): (Held, String, u32) =
        redis::from_redis_value(answers).map_err(redis::RedisError::from)?;
    if found < needed {
        return Err(Error::Unreplicated(format!("{found} of {needed} replicas have it")));
    }
    Ok(held)
}
