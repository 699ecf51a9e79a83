//! The one place where tests let time pass.

use std::{cell::Cell, time::Duration};

use tokio::time::{Instant, sleep};

const POLL_INTERVAL: Duration = Duration::from_millis(25);

thread_local! {
    // A test runs on a thread of its own.
    static HAS_TIMED_OUT: Cell<bool> = const { Cell::new(false) };
}

/// True if this test waited in vain, so that its processes' logs are worth reading.
pub(super) fn has_timed_out() -> bool {
    HAS_TIMED_OUT.get()
}

/// Asks again until the probe succeeds, and fails with its last error after `within`.
pub async fn eventually<T>(
    what: &str,
    within: Duration,
    mut probe: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + within;
    loop {
        match probe().await {
            Ok(found) => return Ok(found),
            Err(error) if Instant::now() >= deadline => {
                HAS_TIMED_OUT.set(true);
                return Err(error.context(format!("not within {within:?}: {what}")));
            }
            Err(_) => sleep(POLL_INTERVAL).await,
        }
    }
}

/// Lets a random part of `span` pass, so that a fault falls on no chosen moment. No way to wait
/// for something to have happened.
pub async fn random_moment(random: &mut fastrand::Rng, span: Duration) {
    sleep(span.mul_f64(random.f64())).await;
}

#[cfg(test)]
mod tests {
    use anyhow::{bail, ensure};

    use super::*;

    #[tokio::test]
    async fn a_condition_is_asked_until_it_holds() {
        let mut asked = 0;
        let found = eventually("third time", Duration::from_secs(5), async || {
            asked += 1;
            ensure!(asked == 3, "only {asked}");
            Ok(asked)
        });
        assert_eq!(found.await.expect("it holds"), 3);
    }

    #[tokio::test]
    async fn the_deadline_names_what_was_awaited_and_why_it_failed() {
        let never = eventually("the impossible", Duration::ZERO, async || -> anyhow::Result<()> {
            bail!("it cannot be")
        });
        let message = format!("{:#}", never.await.expect_err("it never holds"));
        assert_eq!(message, "not within 0ns: the impossible: it cannot be");
    }
}
