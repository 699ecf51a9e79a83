//! Format number of the keys.
//!
//! Keys of another format are refused and left as they are. Keys from before there were numbers are
//! format 1 without the number. Records in a stream cannot be changed, so they get no seal; their
//! chain and the hash over the log cover the contents and the receipt time. Aggregators from then
//! can run beside newer ones during a rolling upgrade.

use redis::{Value, aio::ConnectionLike};

use super::{Error, inspect::Refusal, keys::Keys};

/// Format that is written.
const FORMAT: u32 = 1;

/// Refuses keys of another format, and writes the number if there is none.
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
