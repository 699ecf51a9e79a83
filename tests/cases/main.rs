//! Files as people and programs make them, put into the inbox by a plain copy: what is taken is
//! right, and what is not taken is named with its line, its column and what to do.
//!
//! The inputs lie in `tests/data/cases`. Each test says what must never come of its files; that
//! nothing else does is held by equality: the aggregator's cells, and the report's entries.

mod again;
mod folders;
mod shapes;
mod trial;
mod values;
