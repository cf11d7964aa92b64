//! The kernel of a simulated host: the model that the machine's own tests use, which is held against the real one.

#[path = "../../src/fib/model.rs"]
mod model;

pub use model::Model as ModelKernel;
