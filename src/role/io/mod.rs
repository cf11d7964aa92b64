//! The world of a role: the shared address by netlink, questions and announcements on the network side, and etcd.
//!
//! Does what it is told and decides nothing. Works in the network namespace of the thread that made it.

mod address;
mod cluster;
mod etcd;
mod keeper;
mod network;

pub use etcd::Standing as LeaseStanding;
pub use keeper::{Keeper, News};
