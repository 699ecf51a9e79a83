//! Both stores keep the same promises: one suite runs against the embedded file and a real Redis.

mod cached;
mod damage;
mod earlier;
mod fixture;
mod model;
mod moved;
mod promises;
mod redis_only;
mod tasks;
mod trimmed;

use fixture::Kind;

macro_rules! promises {
    ($($module:ident::$name:ident,)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() -> anyhow::Result<()> {
                crate::$module::$name(crate::Kind::Embedded).await
            })*
        }

        mod redis {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() -> anyhow::Result<()> {
                crate::$module::$name(crate::Kind::Redis).await
            })*
        }
    };
}

promises! {
    promises::a_log_is_continued_batch_by_batch_by_its_session_alone,
    promises::whatever_is_asked_is_decided_by_the_rule,
    promises::receipt_times_never_go_back,
    promises::refusals_behind_the_released_batch_are_told_again,
    promises::refusals_beyond_the_bound_end_the_log,
    promises::another_host_waits_for_the_lease_and_the_same_one_does_not,
    promises::what_was_answered_is_there_after_a_crash,
    promises::a_follower_is_told_everything_once_and_in_order,
    promises::a_follower_begins_at_the_newest_checkpoint,
    promises::a_checkpoint_that_cannot_be_read_is_passed_over,
    promises::a_checkpoint_that_alone_held_records_is_named,
    promises::what_is_trimmed_is_gone_and_the_rest_stays,
    promises::what_is_imported_is_as_it_was,
    trimmed::a_clock_that_is_not_trusted_trims_nothing,
    trimmed::records_of_a_checkpoint_that_cannot_be_read_stay,
    damage::a_damaged_record_is_passed_over_and_its_log_replaced,
    damage::a_record_that_is_gone_is_missed,
    damage::damage_under_a_checkpoint_asks_for_nothing_and_stops_an_export,
    damage::a_session_of_a_damaged_log_ends,
    damage::a_lost_cursor_is_rebuilt_behind_all_records,
    damage::a_lost_cursor_is_rebuilt_behind_a_checkpoint,
    moved::what_is_exported_is_imported_as_it_was,
    moved::receipts_of_a_wrong_clock_are_repaired,
    moved::a_reporter_is_left_out,
    moved::a_long_log_is_moved_page_by_page_and_goes_on,
    moved::a_store_that_holds_anything_is_not_imported_into,
    moved::half_an_import_is_nobodys_log,
}
