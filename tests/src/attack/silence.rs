//! Connections that say nothing, and calls that never end.

use fastrand::Rng;
use futures_util::future::join_all;
use tokio::io::AsyncReadExt;

use super::{Assailant, messages::noise};
use crate::harness::{Caller, connect_from};

/// Silent connections that are held at once.
const CONNECTIONS: usize = 40;
/// Unfinished calls of a connection, more than it may have open.
const CALLS: usize = 40;

/// Holds silent connections, and opens them again as soon as they are closed.
pub(super) async fn hold(it: Assailant) {
    let hold_one = async || {
        loop {
            let Ok(mut connection) = connect_from(it.from, &it.server).await else { continue };
            it.struck();
            drop(connection.read(&mut [0; 1]).await);
        }
    };
    join_all((0..CONNECTIONS).map(|_| hold_one())).await;
}

/// Opens calls that send a part of their bodies, as many as a connection may have.
pub(super) async fn halve(mut it: Assailant, methods: Vec<String>) {
    loop {
        let Ok(caller) = Caller::connect(it.from, &it.server).await else { continue };
        let mut answers = Vec::new();
        let mut bodies = Vec::new();
        for _ in 0..CALLS {
            let Some(method) = it.random.choice(&methods) else { return };
            // It waits here for a place of one that was ended.
            let half = half(&mut it.random);
            let Ok((answer, body)) = caller.begin(method, half).await else { break };
            it.struck();
            answers.push(answer);
            bodies.push(body);
        }
        join_all(answers).await;
    }
}

/// Head of a message of 8,000 bytes, and less than that.
fn half(random: &mut Rng) -> Vec<u8> {
    [&[0, 0, 0, 0x1f, 0x40][..], &noise(random)].concat()
}
