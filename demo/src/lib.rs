//! The sample, and the demo that runs every part of the product on it.
//!
//! [`facts`] holds what was published, [`sample`] makes commune data that fit it, and [`figures`]
//! compares answers with it: all three are pure. [`demo`] is the shell: it starts the daemons
//! ([`fleet`]), waits until the sample is loaded ([`loading`]), asks the running product
//! ([`query`]) and prints what it answered ([`report`]). Nothing here computes a figure from the
//! sample files: the product does.

pub mod demo;
pub mod facts;
pub mod figures;
pub mod fleet;
pub mod loading;
pub mod query;
pub mod report;
pub mod sample;

#[cfg(test)]
mod naive;
