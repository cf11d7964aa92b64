//! The socket of hellos, and a task for it.

mod courier;
mod socket;

pub use courier::{Courier, News};
