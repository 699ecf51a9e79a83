//! Answers of an aggregator: asked once, written in every form and in both languages.
//!
//! ```text
//! Question ─▶ Client ─▶ reply ─▶ Document ─┬▶ text, Markdown, HTML, XLSX   in a Language
//!                                          └▶ JSON, CSV                    without one
//! ```
//!
//! A document holds typed cells, never formatted text. This crate computes no figure: every number
//! is the aggregator's.
//!
//! ```no_run
//! use phuxanh_answers::{Client, Identity, Question, render, v1::RankLocalitiesRequest};
//!
//! # async fn example() -> Result<(), phuxanh_answers::Error> {
//! let client = Client::connect("http://127.0.0.1:7400", &Identity::default()).await?;
//! let request = RankLocalitiesRequest::default();
//! let lowest = Question::Ranking { request, stale: false, limit: Some(10) };
//! let document = lowest.answer(&client).await?;
//! println!("{}", render::json(&document));
//! # Ok(())
//! # }
//! ```

mod cell;
pub mod client;
mod columns;
mod document;
mod error;
pub mod fault;
mod format;
pub mod grid;
mod language;
mod marks;
mod paging;
pub mod question;
mod refusal;
pub mod render;
mod reply;
mod resolve;
mod sentence;
mod servers;
mod term;
mod terms;
mod unresolved;
mod vocabulary;

pub use cell::{Cell, Unit, Value};
pub use client::{Client, Identity, Tls};
pub use document::{BadNews, Column, Document, Importance, Part, Table};
pub use error::Error;
pub use language::{Language, Words, words};
pub use marks::Marks;
pub use paging::{Paged, pages};
/// The contract, in whose requests questions are asked. Names may stand where it asks for codes.
pub use phuxanh_proto::v1;
pub use question::{FailOn, Question};
pub use refusal::Asked;
pub use sentence::Sentence;
pub use servers::Servers;
pub use term::{Paint, Term};
