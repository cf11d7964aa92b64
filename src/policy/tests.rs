//! The safety rules, and the policies behind them.

mod edits;
mod interpreter;
mod named;
mod safety;
