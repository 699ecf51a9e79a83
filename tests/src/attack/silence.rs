//! Connections that say nothing, and calls that never end.

use bytes::Bytes;
use fastrand::Rng;
use futures_util::future::join_all;
use tokio::io::AsyncReadExt;

use super::{Assailant, messages::noise};
use crate::harness::{Caller, connect_from};

/// Silent connections that are held at once.
const CONNECTIONS: usize = 200;
/// Unfinished calls of a connection, more than it may have open.
const CALLS: usize = 300;

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
    let long = long();
    loop {
        let Ok(caller) = Caller::connect(it.from, &it.server).await else { continue };
        let mut answers = Vec::new();
        let mut bodies = Vec::new();
        for _ in 0..CALLS {
            let Some(method) = it.random.choice(&methods) else { return };
            // It waits here for a place of one that was ended.
            let half = half(&mut it.random, &long);
            let Ok((answer, body)) = caller.begin(method, half).await else { break };
            it.struck();
            answers.push(answer);
            bodies.push(body);
        }
        join_all(answers).await;
    }
}

/// All but the end of a message: a short one, or one of half a mebibyte.
fn half(random: &mut Rng, long: &Bytes) -> Bytes {
    if random.bool() {
        long.clone()
    } else {
        [&[0, 0, 0, 0x1f, 0x40][..], &noise(random)].concat().into()
    }
}

/// Head of a message of half a mebibyte, and all of it but a byte. Calls share it, so that only the other
/// end needs memory.
fn long() -> Bytes {
    const BYTES: usize = 1 << 19;
    let mut bytes = vec![0; 4 + BYTES];
    bytes[2] = 8;
    bytes.into()
}
