//! Delivery: what both ends of a stream decide, and what may enter a log.
//!
//! ```text
//! sender ══ frames ══▶ receiver → admission, lease → log → retention
//!        ◀══ acks ═══      └────────▶ board → alarm, audit
//! ```

pub mod admission;
pub mod alarm;
pub mod audit;
pub mod board;
pub mod damage;
pub mod identity;
pub mod lease;
pub mod log;
pub mod order;
pub mod quota;
pub mod receiver;
pub mod restamp;
pub mod retention;
pub mod sender;
pub mod silence;
pub mod timekeeping;
