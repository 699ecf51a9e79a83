//! Waits until copies hold what was written.
//!
//! WAIT speaks of the writes of its own connection and blocks it, so one task has a connection for
//! this alone. What was admitted before it writes its mark is in the copies once the mark is; all
//! that ask meanwhile share the next mark.

use std::{collections::BTreeMap, sync::Arc};

use phuxanh_proto::model::LocalityCode;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use tokio::sync::{mpsc, oneshot};

use super::{
    Error,
    link::{Connection, Link},
};

/// Asks whether what was written for a reporter is held by enough copies.
pub(super) type Question = (LocalityCode, oneshot::Sender<Result<(), Error>>);

/// Answers until nobody asks any more.
pub(super) async fn run(link: Arc<Link>, mut questions: mpsc::Receiver<Question>, together: usize) {
    let mut connection = None;
    let mut waiting = Vec::with_capacity(together);
    while questions.recv_many(&mut waiting, together).await > 0 {
        let mut by_reporter = BTreeMap::<_, Vec<_>>::new();
        for (reporter, reply) in waiting.drain(..) {
            by_reporter.entry(reporter).or_default().push(reply);
        }
        for (reporter, replies) in by_reporter {
            let result = ask(&link, &mut connection, reporter).await;
            if result.is_err() {
                connection = None;
            }
            for reply in replies {
                let result = match &result {
                    Ok(()) => Ok(()),
                    Err(error) => Err(Error::Unreplicated(error.to_string())),
                };
                // A session that has ended in between needs no answer.
                drop(reply.send(result));
            }
        }
    }
}

async fn ask(
    link: &Link,
    connection: &mut Option<Connection>,
    reporter: LocalityCode,
) -> Result<(), Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(Connection::open(&link.config).await?),
    };
    let key = link.keys.barrier(reporter);
    redis::cmd("SET").arg(&key).arg(1).query_async::<()>(connection).await?;
    let needed = link.config.demand.replica_count_min;
    let timeout_millis = link.config.response_timeout.as_millis() / 2;
    let mut wait = redis::cmd("WAIT");
    wait.arg(needed).arg(u64::try_from(timeout_millis).unwrap_or(u64::MAX));
    let found: u32 = match connection {
        Connection::Node(node) => wait.query_async(node).await?,
        Connection::Cluster(cluster) => {
            let route = Route::with_key(&key, SlotAddr::Master);
            let routing = SingleNodeRoutingInfo::SpecificNode(route);
            let answer = cluster.route_command(wait, RoutingInfo::SingleNode(routing)).await?;
            redis::from_redis_value(answer).map_err(redis::RedisError::from)?
        }
    };
    if found < needed {
        return Err(Error::Unreplicated(format!("{found} of {needed} copies have it")));
    }
    Ok(())
}
