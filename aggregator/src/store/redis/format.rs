//! The number of the keys' format.
//!
//! Keys of another format are left as they are. Those from before there were numbers are of format
//! 1 but for the number: records that are in a log cannot be changed, and bring the chain and the
//! hash over the log with them, which cover what was received and when. Aggregators from then go on
//! beside newer ones while these take their place one by one.

use redis::{Value, aio::ConnectionLike};

use super::{Error, inspect::Refusal, keys::Keys};

/// The format that is written.
const FORMAT: u32 = 1;

/// Refuses keys of another format, and notes the number where there is none.
pub(super) async fn bring_up_to_date(
    connection: &mut impl ConnectionLike,
    keys: &Keys,
) -> Result<(), Error> {
    let key = keys.format();
    let get = redis::cmd("GET").arg(&key).to_owned();
    let mut found: Option<String> = get.query_async(connection).await?;
    if found.is_none() {
        let set = redis::cmd("SET").arg(&key).arg(FORMAT).arg("NX").to_owned();
        set.query_async::<Value>(connection).await?;
        found = get.query_async(connection).await?;
    }
    match found {
        Some(number) if number == FORMAT.to_string() => Ok(()),
        Some(found) => Err(Error::Refused(Refusal::Format { key, found, reads: FORMAT })),
        None => Err(Error::corrupt("format")),
    }
}
