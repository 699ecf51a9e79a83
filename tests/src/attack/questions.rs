//! Floods of heavy questions, with answers that are read and answers that never are.

use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use futures_util::future::join_all;
use h2::client::Builder;
use phuxanh_core::LocalityCode;
use phuxanh_proto::v1;
use prost::Message;
use tokio::time::timeout;

use super::{Assailant, messages::framed};
use crate::harness::Caller;

/// Questions of a connection at once; more than it may have open wait at this end.
const AT_ONCE: usize = 300;
/// Longest time for which unread answers are held.
const HELD_FOR: Duration = Duration::from_secs(3);
const PAGE_SIZE: i32 = 1_000;
const MONTHS: [&str; 4] = ["", "2025-06", "2025-07", "2025-08"];

/// Asks over one connection, round after round, and reads every answer.
pub(super) async fn ask(mut it: Assailant, scopes: Vec<LocalityCode>) {
    loop {
        let Ok(caller) = Caller::connect(it.from, &it.server).await else { continue };
        loop {
            let asked: Vec<_> = (0..AT_ONCE).map(|_| question(&mut it.random, &scopes)).collect();
            let answers = asked.into_iter().map(|(method, bytes)| answer(&caller, method, bytes));
            let answered = join_all(answers).await;
            answered.iter().filter(|answer| answer.is_ok()).for_each(|_| it.struck());
            if answered.iter().all(Result::is_err) {
                break;
            }
        }
    }
}

/// Asks and never reads: no window is opened for answers.
pub(super) async fn leave_unread(mut it: Assailant, scopes: Vec<LocalityCode>) {
    let mut http = Builder::new();
    http.initial_window_size(0).max_header_list_size(1 << 16);
    loop {
        let Ok(caller) = Caller::connect_with(&http, it.from, &it.server).await else { continue };
        let asking = async {
            let mut held = Vec::new();
            loop {
                let (method, bytes) = question(&mut it.random, &scopes);
                // It waits where the connection has as many open as it may.
                let Ok(asked) = caller.call(method, bytes).await else { return };
                it.struck();
                held.push(asked.await);
            }
        };
        drop(timeout(HELD_FOR, asking).await);
    }
}

/// Asks and reads the whole answer. Returns its bytes: 0 where the question was refused.
pub async fn answer(caller: &Caller, method: &str, bytes: Bytes) -> anyhow::Result<usize> {
    let mut body = caller.call(method, bytes).await?.await?.into_body();
    let mut read = 0;
    while let Some(part) = body.data().await {
        let part_bytes = part?.len();
        body.flow_control().release_capacity(part_bytes)?;
        read += part_bytes;
    }
    Ok(read)
}

/// Returns a heavy question: its method and its request, with random parameters, so that few are the
/// same.
pub fn question(random: &mut Rng, scopes: &[LocalityCode]) -> (&'static str, Bytes) {
    let period = random.choice(MONTHS).expect("some").to_owned();
    let within = random.choice(scopes).map(ToString::to_string).unwrap_or_default();
    // Other sizes are other questions.
    let page_size = PAGE_SIZE - random.i32(0..100);
    let level = v1::Level::Commune.into();
    match random.u8(0..6) {
        0 | 1 => {
            let request = v1::ListFlagsRequest { page_size, period, ..Default::default() };
            ("phuxanh.v1.QualityService/ListFlags", encoded(&request))
        }
        2 => {
            let target_percent = random.i32(50..=100);
            let request = v1::GetPathRequest { code: within, target_percent, period };
            ("phuxanh.v1.InsightService/GetPath", encoded(&request))
        }
        3 => {
            let part_max = random.i32(1..100);
            let request =
                v1::GetCauseRequest { code: within, part_max, period, ..Default::default() };
            ("phuxanh.v1.InsightService/GetCause", encoded(&request))
        }
        4 => {
            let request = v1::RankGapsRequest { level, page_size, period, ..Default::default() };
            ("phuxanh.v1.InsightService/RankGaps", encoded(&request))
        }
        _ => {
            let by = v1::RankBy::Change.into();
            let request = v1::RankLocalitiesRequest { level, page_size, by, ..Default::default() };
            ("phuxanh.v1.RankingService/RankLocalities", encoded(&request))
        }
    }
}

fn encoded(request: &impl Message) -> Bytes {
    framed(&request.encode_to_vec())
}
