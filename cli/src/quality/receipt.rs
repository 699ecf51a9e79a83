//! One observation with where it came from, checked once.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{self, Basis};
use serde::Serialize;

use crate::{
    error::Error,
    insight::{Named, part},
    marks::Marks,
    number, reply, words,
};

/// Digits by which a table tells ids apart; JSON has all.
const DIGITS_SHOWN: usize = 8;

#[derive(Debug)]
pub struct Receipt {
    pub locality: Named,
    pub observed: Timestamp,
    pub received: Timestamp,
    unchanged_since: Timestamp,
    basis: Basis,
    /// The rest, as it came.
    pub told: v1::Receipt,
}

/// A receipt as JSON. Keys that do not apply are left out.
#[derive(Debug, Serialize)]
pub struct ReceiptJson<'a> {
    #[serde(flatten)]
    locality: &'a Named,
    metric: &'a str,
    period: &'a str,
    value: i64,
    observed: String,
    unchanged_since: String,
    received: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<&'static str>,
    reporter: &'a str,
    /// Left out where it is not known any more.
    #[serde(skip_serializing_if = "str::is_empty")]
    host: &'a str,
    log_id: String,
    log_epoch: u64,
    sequence: u64,
    index: u32,
    catalogue_digest: String,
    /// Left out where it is not the catalogue in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    catalogue_version: Option<u32>,
}

impl TryFrom<v1::Receipt> for Receipt {
    type Error = Error;

    fn try_from(mut told: v1::Receipt) -> Result<Self, Error> {
        Ok(Self {
            locality: Named::new(told.locality.take())?,
            observed: part("an observed time", reply::time(told.observed_time)?)?,
            received: part("a receipt time", reply::time(told.receipt_time)?)?,
            unchanged_since: part("an observed time", reply::time(told.unchanged_since_time)?)?,
            basis: reply::known("basis", told.basis)?,
            told,
        })
    }
}

impl Receipt {
    /// The log that it came in, by its first digits, and its epoch.
    pub fn log(&self) -> String {
        let id: String = number::hex(&self.told.log_id).chars().take(DIGITS_SHOWN).collect();
        format!("{id} ({})", self.told.log_epoch)
    }

    /// The batch of that log, and the place there.
    pub fn batch(&self) -> String {
        format!("{}/{}", self.told.sequence, self.told.index)
    }

    /// Version of the catalogue, or the first digits of another than the one in force.
    pub fn catalogue(&self) -> String {
        match self.told.catalogue_version {
            0 => number::hex(&self.told.catalogue_digest).chars().take(DIGITS_SHOWN).collect(),
            version => version.to_string(),
        }
    }

    pub const fn marks(&self) -> Marks {
        Marks { stale: false, basis: self.basis }
    }
}

impl<'a> From<&'a Receipt> for ReceiptJson<'a> {
    fn from(receipt: &'a Receipt) -> Self {
        let told = &receipt.told;
        Self {
            locality: &receipt.locality,
            metric: &told.metric,
            period: &told.period,
            value: told.value,
            observed: receipt.observed.to_string(),
            unchanged_since: receipt.unchanged_since.to_string(),
            received: receipt.received.to_string(),
            basis: words::basis(receipt.basis),
            reporter: &told.reporter_code,
            host: &told.host,
            log_id: number::hex(&told.log_id),
            log_epoch: told.log_epoch,
            sequence: told.sequence,
            index: told.index,
            catalogue_digest: number::hex(&told.catalogue_digest),
            catalogue_version: (told.catalogue_version > 0).then_some(told.catalogue_version),
        }
    }
}
