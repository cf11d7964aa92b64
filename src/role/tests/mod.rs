//! Two machines against each other: links that are cut, processes that are stopped, and addresses that run out.

mod chance;
mod leases;
mod scenes;
mod world;
