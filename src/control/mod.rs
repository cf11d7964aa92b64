//! The control API: what can be asked of a running daemon, and the shape of every answer.
//!
//! [`api`] owns requests, replies and errors as values, and how they look as HTTP and JSON; [`io`] owns the socket.
//! It never knows where an answer comes from: the daemon gives the server a handler.

pub mod api;
pub mod io;
