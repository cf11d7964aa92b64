//! The process that runs sessions, and the daemon's way to it.
