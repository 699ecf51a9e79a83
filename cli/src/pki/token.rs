//! Token for a caller without a certificate, and the row of the access file that knows it.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

use phuxanh_answers::{Words, words};
use phuxanh_core::{Timestamp, delivery::identity::access::TokenHash};
use serde_json::json;

use super::{Error, filled};
use crate::{
    answer::{Answer, Format},
    args::NewToken,
};

const WRITTEN: Words = words(
    "Đã ghi mã truy cập vào {}: hãy giao cho người hỏi (phuxanh --token-file, hoặc \
     delivery.token_file của bộ thu thập).\nHãy thêm đoạn sau vào access_file của mọi bộ tổng hợp; tệp \
     được đọc trong vài giây:",
    "Wrote the token to {}: give it to the caller (phuxanh --token-file, or delivery.token_file of a \
     collector).\nAdd this to access_file of every aggregator; it is read within seconds:",
);
const DAY: Duration = Duration::from_hours(24);

/// Writes a new token for its user alone, and shows the row for the access file. The token itself is
/// shown nowhere.
pub(super) fn answer(ask: &NewToken, now: Timestamp, format: Format) -> Result<Answer, Error> {
    let token = random()?;
    write(&ask.file, &token).map_err(|source| Error::File { path: ask.file.clone(), source })?;
    // The day is exact enough, and read at a glance.
    let expiry = Timestamp::midnight(now.plus(DAY * (ask.days + 1)).date());
    let (name, role, hash) = (&ask.name, ask.role.to_string(), TokenHash::of(&token).to_string());
    Ok(match format {
        Format::Json => {
            let row = json!({
                "file": ask.file, "name": name, "role": role, "token_sha256": hash,
                "expires": expiry.to_string(),
            });
            Answer::table(format!("{row}\n"))
        }
        Format::Table { language, .. } => {
            let quoted = serde_json::Value::from(name.as_str());
            let told = filled(&WRITTEN, language, &[&ask.file.display().to_string()]);
            Answer::table(format!(
                "{told}\n\n[[callers]]\nname = {quoted}\nrole = \"{role}\"\n\
                 token_sha256 = \"{hash}\"\nexpires = \"{expiry}\"\n"
            ))
        }
    })
}

fn random() -> Result<String, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| Error::Randomness)?;
    // A prefix by which tools find tokens that were published by mistake.
    let [high, low] = [&bytes[..16], &bytes[16..]]
        .map(|half| half.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte)));
    Ok(format!("phuxanh_{high:032x}{low:032x}"))
}

fn write(path: &Path, token: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{token}")?;
    file.sync_all()
}
