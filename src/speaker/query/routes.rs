//! `show routes`.

use super::fib::fault_free;
use super::neighbors::hex;
use super::Surroundings as _;
