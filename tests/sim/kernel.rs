//! The kernel of a simulated host: the model that the machine's own tests use, which is held against the real one.

#[allow(dead_code, reason = "the machine's own tests ask it more")]
#[path = "../../src/fib/model/mod.rs"]
mod model;

pub use model::Model as ModelKernel;
