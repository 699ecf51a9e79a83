//! Parts that every daemon needs, once: the clock, the signals that end it, the service manager that
//! started it, its logs and its audit log, its settings and their probes, its tasks, its TLS, its ops
//! listener, and the modes and the ballast of its files.
//!
//! Knows no province: what a setting is for is the daemon's own affair.

pub mod audit_log;
pub mod ballast;
pub mod clock;
pub mod modes;
pub mod ops;
pub mod probe;
pub mod service_manager;
pub mod settings;
pub mod signal;
pub mod tasks;
pub mod telemetry;
pub mod tls;
pub mod token;
