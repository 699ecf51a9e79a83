//! Bytes that are no HTTP/2, and frames of HTTP/2 that break its rules.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use fastrand::Rng;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{Assailant, messages::noise};
use crate::harness::connect_from;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const EMPTY_SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
/// Frames of a connection at most.
const FRAMES_MAX: usize = 400;
/// Longest time of a connection.
const HELD_FOR: Duration = Duration::from_secs(1);
const HEADER_BYTES: usize = 9;

/// Sends garbage, connection after connection.
pub(super) async fn send(mut it: Assailant) {
    loop {
        let bytes = match it.random.u8(0..4) {
            0 => noise(&mut it.random).to_vec(),
            1 => [PREFACE, &noise(&mut it.random)].concat(),
            2 => flood(&mut it.random),
            _ => frames(&mut it.random),
        };
        let Ok(mut connection) = connect_from(it.from, &it.server).await else { continue };
        // However it ends: the server may close it at any byte, or leave it open.
        let sent = timeout(HELD_FOR, async {
            connection.write_all(&bytes).await?;
            connection.read(&mut [0; 64]).await
        });
        drop(sent.await);
        it.struck();
    }
}

/// Frames of random kinds.
fn frames(random: &mut Rng) -> Vec<u8> {
    let mut bytes = BytesMut::from(PREFACE);
    bytes.put_slice(&EMPTY_SETTINGS);
    for _ in 0..random.usize(0..FRAMES_MAX) {
        let payload = noise(random);
        let length = if random.u8(0..8) == 0 { random.usize(0..1 << 24) } else { payload.len() };
        frame(&mut bytes, random, length, None);
        bytes.put_slice(&payload);
    }
    bytes.to_vec()
}

/// Many frames of one kind, each small: pings, resets, settings, windows, continuations.
fn flood(random: &mut Rng) -> Vec<u8> {
    let mut bytes = BytesMut::from(PREFACE);
    bytes.put_slice(&EMPTY_SETTINGS);
    let kind = random.u8(1..10);
    let payload_bytes = [5, 5, 4, 0, 4, 8, 8, 4, 16][usize::from(kind) - 1];
    for _ in 0..FRAMES_MAX * 10 {
        frame(&mut bytes, random, payload_bytes, Some(kind));
        bytes.put_bytes(random.u8(..), payload_bytes);
    }
    bytes.to_vec()
}

fn frame(bytes: &mut BytesMut, random: &mut Rng, length: usize, kind: Option<u8>) {
    bytes.reserve(HEADER_BYTES + length.min(1 << 10));
    bytes.put_uint(length as u64, 3);
    bytes.put_u8(kind.unwrap_or_else(|| random.u8(0..12)));
    bytes.put_u8(if random.bool() { 0 } else { random.u8(..) });
    bytes.put_u32(if random.bool() { random.u32(0..8) } else { random.u32(..) });
}
