//! Octets held still: hex beside text, tshark's reading of what is written here, and what collectors recorded.

#[path = "../../labs/player/mrt.rs"]
mod mrt;
mod octets;
mod real;
