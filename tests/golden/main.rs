//! Octets held still: hex beside text, tshark's reading of what is written here, and what collectors recorded.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // all of it is tests

mod bfd;
#[path = "../../labs/player/mrt.rs"]
mod mrt;
mod octets;
mod real;
mod tshark;
