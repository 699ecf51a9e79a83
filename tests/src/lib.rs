//! Parts that the tests of the whole share.
//!
//! [`tidy`] reads the tree and knows its rules, [`harness`] runs the daemons as real processes,
//! [`oracle`] computes rankings in the plainest way there is, [`simulation`] lives through histories
//! of delivery, and [`network`] runs its shells over a simulated network. [`attack`] does to
//! an aggregator what no collector and no client does. [`document`] reads what is shown of answers,
//! [`secured`] makes certificates for deployments with TLS. Nothing here is part of the product.

pub mod attack;
pub mod country;
pub mod deformation;
pub mod document;
pub mod exposition;
pub mod faults;
pub mod fuzzing;
pub mod harness;
pub mod network;
pub mod oracle;
pub mod proxy;
pub mod sample;
pub mod secured;
pub mod simulation;
pub mod tidy;
