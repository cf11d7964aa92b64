//! The kernel's forwarding table as we want it: routes, resilient nexthop groups and next hops.
//!
//! Owns what is wanted, what the kernel holds, and the operations in between, in an order that is safe after each one.
//! It never decides which path is best, and only [`io`] touches the kernel.

mod adopt;
mod audit;
mod bar;
mod batch;
mod detour;
mod foreign;
mod group;
mod hash;
pub mod io;
mod keys;
mod lead;
mod link;
mod machine;
mod object_ops;
mod objects;
mod past;
mod place;
mod plan;
mod room;
mod route_ops;
mod routes;
mod table;
mod view;

#[cfg(test)]
mod flows;
#[cfg(test)]
mod full;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

pub use audit::{Difference, Fault, Findings, Object, Part};
pub use bar::Bar;
pub use batch::{Batch, BatchId, Failure, KernelError, Lane};
pub use foreign::{Author, Change, Foreign, Harm};
pub use group::{GroupKey, HopKey, Member};
pub use hash::seed_hashes;
pub use lead::Lead;
pub use machine::Fib;
pub use past::{Leftovers, OldRoute};
pub use plan::plan;
pub use room::NoRoom;
pub use table::{FIRST_ID, Group, NextHop, Op, Settings, Table, Target};
pub use view::{GroupView, HopView, RouteState, RouteView, Totals};
