//! The real shells deliver over a simulated network whatever it does to them. It is explained in
//! `src/network.rs`; `tests/soak` runs the same for longer, over other seeds.

use std::{env, time::Duration};

use phuxanh_tests::network::{self, Struck};

/// `PHUXANH_TEST_SEED` replaces it.
const SEED: u64 = 20_250_731;
const UNREST: Duration = Duration::from_mins(2);

#[test]
fn a_network_that_breaks_and_hosts_that_crash_lose_nothing() -> anyhow::Result<()> {
    let seed = env::var("PHUXANH_TEST_SEED").ok().map_or(Ok(SEED), |seed| seed.parse())?;
    let mut all = Struck::default();
    for seed in seed..seed + 3 {
        let struck = network::deliver(seed, UNREST)
            .map_err(|error| error.context(format!("seed {seed}")))?;
        all.add(struck);
    }
    let Struck { holds, partitions, one_way_partitions, collector_crashes, aggregator_crashes } =
        all;
    let counts = [holds, partitions, one_way_partitions, collector_crashes, aggregator_crashes];
    assert!(counts.iter().all(|count| *count > 0), "{all:?} leaves something out");
    Ok(())
}
