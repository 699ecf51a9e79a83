//! Both stores keep the same promises: one suite runs against the embedded file and a real Redis.

mod cached;
mod fixture;
mod model;
mod promises;
mod redis_only;

use fixture::Kind;

macro_rules! promises {
    ($($name:ident,)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() -> anyhow::Result<()> {
                crate::promises::$name(crate::Kind::Embedded).await
            })*
        }

        mod redis {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() -> anyhow::Result<()> {
                crate::promises::$name(crate::Kind::Redis).await
            })*
        }
    };
}

promises! {
    a_log_is_continued_batch_by_batch_by_its_session_alone,
    whatever_is_asked_is_decided_by_the_rule,
    receipt_times_never_go_back,
    refusals_behind_the_released_batch_are_told_again,
    another_host_waits_for_the_lease_and_the_same_one_does_not,
    what_was_answered_is_there_after_a_crash,
    a_follower_is_told_everything_once_and_in_order,
    a_follower_begins_at_the_newest_checkpoint,
    what_is_trimmed_is_gone_and_the_rest_stays,
    what_is_imported_is_as_it_was,
}
