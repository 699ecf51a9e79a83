//! Details of refused calls: the reason and its parameters, from which clients word the refusal.

use std::collections::HashMap;

use phuxanh_proto::{ERROR_DOMAIN, refusal::Reason};
use tonic_types::ErrorDetails;

/// Longest parameter, in bytes: it may repeat a text of the caller, and travels in a header.
const PARAMETER_BYTES_MAX: usize = 1_024;

/// Parameters of a refusal by their keys.
pub type Parameters = Vec<(&'static str, String)>;

/// Details with the reason.
pub fn details(reason: Reason, parameters: Parameters) -> ErrorDetails {
    let cut = |(key, value): (&str, String)| (key.to_owned(), cut(value, PARAMETER_BYTES_MAX));
    let metadata: HashMap<_, _> = parameters.into_iter().map(cut).collect();
    ErrorDetails::with_error_info(reason.as_str(), ERROR_DOMAIN, metadata)
}

/// Cuts a text that may repeat a long one of the caller.
pub fn cut(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
        text.push('…');
    }
    text
}
