//! The RIB as a whole, against a naive one that keeps everything in maps and decides by the book.

mod coherence;
mod decisions;
mod lab;
mod model;
mod order;
mod policies;
mod rejudge;
mod scenes;
mod stale;
mod statics;
mod trim;
