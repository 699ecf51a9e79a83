//! Plan of one history: drawn from its seed before its first step, so that histories differ in kind
//! and not only in order.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use fastrand::Rng;
use phuxanh_core::{
    LocalityCode,
    catalogue::Catalogue,
    delivery::{receiver::Terms, sender::Config, timekeeping},
    frame::{Credit, Durability},
    gazetteer::Gazetteer,
};
use phuxanh_proto::convert::decode_batch;

use super::{fault::Fault, spool::BatchMax};

pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(6);
/// Least rate of its links, of which none is slow.
const LINK_BYTES_PER_SECOND_MIN: u32 = 4_096;
/// Furthest that an observed time may lie ahead.
pub const AHEAD_MAX: Duration = Duration::from_mins(5);
/// Bytes of a batch's payload; one observation is never longer.
const BATCH_PAYLOAD_BYTES: u32 = 160;

/// Limits by which each step of the aggregator's clock by more than half a minute is noticed.
pub const WATCHED: timekeeping::Rules =
    timekeeping::Rules { offset_max: Duration::from_secs(30), gap_max: Duration::from_mins(10) };
/// Limits of an operator who lets the clock be wrong by hours.
pub const UNWATCHED: timekeeping::Rules =
    timekeeping::Rules { offset_max: Duration::from_hours(3), gap_max: Duration::from_hours(24) };

/// The catalogue that aggregators have, and the one that only newer ones have.
static CATALOGUES: LazyLock<[Arc<Catalogue>; 2]> = LazyLock::new(|| {
    let builtin = Catalogue::builtin();
    let text = String::from_utf8(builtin.source().to_vec()).expect("a catalogue is text");
    let next = text.replacen("version = 1", "version = 2", 1)
        + "\n[[measure]]\nid = \"trees_planted\"\nvi = \"Cây đã trồng\"\nen = \"Trees planted\"\norigin = \"ours\"\n";
    let newer = Catalogue::parse(next.as_bytes()).expect("one measure more is a catalogue");
    [Arc::new(builtin), Arc::new(newer)]
});
static GAZETTEER: LazyLock<Arc<Gazetteer>> = LazyLock::new(|| Arc::new(Gazetteer::builtin()));

/// The reporter of every history.
#[must_use]
pub fn reporter() -> LocalityCode {
    "01".parse().expect("a code")
}

/// True if a second spool takes part, and how it comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    None,
    /// Another host with a log of its own.
    Host {
        /// True if it is a spare that has nothing to report.
        is_spare: bool,
    },
    /// A copy of the first one's spool, on a host of this kind.
    Clone {
        is_same_host: bool,
    },
}

/// The plan of a history.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Steps with faults.
    pub step_count: u32,
    pub second: Second,
    /// Faults that happen, with their weights.
    pub faults: Vec<(Fault, u32)>,
    /// Limits by which the aggregator distrusts its clock.
    pub clock_rules: timekeeping::Rules,
    /// Frequency of faults, beside a weight of 100 for everything else.
    pub fault_weight: u32,
    /// Frames of a thousand that are lost alone, and that are duplicated.
    pub lost_permille: u32,
    pub duplicated_permille: u32,
    pub delay_max: Duration,
    pub credit: Credit,
    pub batch_max: BatchMax,
    pub quota_bytes: u64,
    pub stream_age_max: Duration,
    pub is_catalogue_behind: bool,
    /// True if spools are restored from the image that was taken before their first use, each time.
    pub has_first_images: bool,
    pub append_count: u32,
}

impl Plan {
    /// Draws a plan.
    pub fn draw(random: &mut Rng, unusual: &mut Rng) -> Self {
        let observation_count = random.u32(1..=4);
        let batch_count_max = random.u32(1..=4);
        let second = match random.u32(0..10) {
            0..=5 => Second::None,
            6 | 7 => Second::Host { is_spare: random.bool() },
            _ => Second::Clone { is_same_host: random.u32(0..3) == 0 },
        };
        let is_hostile = random.bool();
        Self {
            step_count: random.u32(200..=700),
            second,
            clock_rules: if unusual.u32(0..4) == 0 { UNWATCHED } else { WATCHED },
            faults: Fault::draw(random, unusual),
            fault_weight: [1, 2, 6][random.usize(0..3)],
            lost_permille: if is_hostile { random.u32(0..100) } else { 0 },
            duplicated_permille: if is_hostile { random.u32(0..100) } else { 0 },
            delay_max: Duration::from_millis([1, 20, 400][random.usize(0..3)]),
            credit: Credit {
                batch_count_max,
                payload_bytes_max: u64::from(BATCH_PAYLOAD_BYTES * random.u32(1..=3)),
                batch_payload_bytes_max: BATCH_PAYLOAD_BYTES,
                batch_observation_count_max: observation_count,
            },
            batch_max: BatchMax {
                observation_count: usize::try_from(observation_count).expect("a few"),
                payload_bytes: usize::try_from(BATCH_PAYLOAD_BYTES).expect("a few"),
            },
            quota_bytes: random.u64(200..2_000),
            stream_age_max: Duration::from_secs([40, 600][random.usize(0..2)]),
            is_catalogue_behind: random.u32(0..6) == 0,
            has_first_images: random.u32(0..3) == 0,
            append_count: random.u32(5..=30),
        }
    }

    /// Terms of every session.
    #[must_use]
    pub fn terms(&self, is_catalogue_behind: bool) -> Arc<Terms> {
        let [older, newer] = &*CATALOGUES;
        Arc::new(Terms {
            catalogue: Arc::clone(if is_catalogue_behind { older } else { newer }),
            gazetteer: Arc::clone(&GAZETTEER),
            durability: Durability::Always,
            credit: self.credit,
            hello_timeout: Duration::from_secs(10),
            heartbeat_interval: HEARTBEAT_INTERVAL,
            link_bytes_per_second_min: LINK_BYTES_PER_SECOND_MIN,
            ahead_max: AHEAD_MAX,
            restated_months_max: 1,
            decode: decode_batch,
        })
    }

    /// Configuration of a host's collector.
    #[must_use]
    pub fn config(&self, host: &str) -> Config {
        let catalogue = &CATALOGUES[1];
        Config {
            reporter: reporter(),
            host: host.to_owned(),
            software: "simulation".to_owned(),
            catalogue_digest: catalogue.digest(),
            catalogue_version: catalogue.version,
            least_durability: Durability::Always,
            endpoint_count: 2,
            connect_timeout: Duration::from_secs(5),
            welcome_timeout: Duration::from_secs(10),
            ack_timeout: Duration::from_secs(30),
            link_bytes_per_second_min: LINK_BYTES_PER_SECOND_MIN,
            backoff_min: Duration::from_millis(100),
            backoff_max: Duration::from_secs(10),
            backoff_refused: Duration::from_secs(20),
            stop_timeout: Duration::from_secs(5),
            stream_age_max: self.stream_age_max,
            superseded_interval: Duration::from_mins(10),
        }
    }
}
