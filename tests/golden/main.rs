//! Octets held still: hex beside text, tshark's reading of what is written here, and what collectors recorded.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // all of it is tests

mod bfd;
#[allow(dead_code)] // a stream that only withdraws is for others
#[path = "../replay/wild.rs"]
mod generator;
#[allow(dead_code)] // others need the addresses of peers
#[path = "../../labs/player/mrt.rs"]
mod mrt;
mod octets;
mod real;
mod tshark;
mod wild;
