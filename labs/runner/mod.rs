//! The lab runner: a containerlab file made with network namespaces and the system's own daemons.
//!
//! Owns the namespaces, links and processes of one lab, and takes all of them away again. It knows no BGP, and it makes
//! nothing that containerlab would not make: the same file runs under both.

pub mod check;
pub mod image;
pub mod lab;
pub mod node;
pub mod topology;
pub mod wait;

pub use lab::{Lab, Options};
pub use wait::wait_until;
