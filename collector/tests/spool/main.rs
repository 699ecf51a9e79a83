//! The spool under attack: crashes at every write, full disks, and histories of every operation,
//! each held against a model that keeps everything in plain lists.

mod bench;
mod crash;
mod disk;
mod files;
mod full;
mod groups;
mod histories;
mod ledger;
mod model;
mod step;
mod told;
mod tools;
