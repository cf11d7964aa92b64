//! The control socket: the daemon's server and the command line's client.
//!
//! HTTP/1.1 with JSON on a unix socket, so that `curl --unix-socket` and hook scripts can use it as well.

mod client;
mod server;
mod stream;

#[cfg(test)]
mod tests;

pub use client::{Client, ClientError};
pub use server::{BindError, Page, Socket};
