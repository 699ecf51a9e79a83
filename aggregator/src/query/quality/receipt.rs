//! Receipts as messages.

use phuxanh_proto::{
    convert::{query::to_basis, wire_time},
    v1,
};

use super::super::answer::Reader;
use crate::insight::receipt::Receipt;

/// Writes a receipt; `None` for a value that was withdrawn.
pub(super) fn write(reader: &Reader, receipt: &Receipt) -> Option<v1::Receipt> {
    let (place, cell) = (&receipt.place, &receipt.cell);
    let catalogue = reader.view.catalogue();
    let digest = receipt.origin.map(|origin| origin.catalogue_digest);
    let in_force = digest == Some(catalogue.digest());
    Some(v1::Receipt {
        locality: Some(reader.named(place.locality)),
        metric: place.metric.to_string(),
        period: place.period.to_string(),
        value: cell.value?,
        observed_time: Some(wire_time(cell.observed)),
        unchanged_since_time: Some(wire_time(cell.unchanged_since)),
        receipt_time: Some(wire_time(cell.receipt)),
        basis: to_basis(cell.basis).into(),
        reporter_code: receipt.reporter.to_string(),
        log_id: receipt.origin.map(|origin| origin.log.0.to_vec()).unwrap_or_default(),
        log_epoch: cell.log_epoch,
        sequence: cell.sequence,
        index: cell.index,
        catalogue_digest: digest.map(|digest| digest.to_vec()).unwrap_or_default(),
        catalogue_version: if in_force { catalogue.version } else { 0 },
    })
}
