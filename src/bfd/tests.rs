#![allow(clippy::unwrap_used)] // a test may stop where it stands

mod machine;
mod network;
mod packet;
