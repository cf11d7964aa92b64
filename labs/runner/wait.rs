//! Waiting for a fact, with a limit and the last reason why it did not hold.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a fact is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// Asks again and again until the answer is `Ok`; at the limit it fails with what the last answer said.
pub fn wait_until<T>(limit: Duration, mut ask: impl FnMut() -> Result<T, String>) -> Result<T> {
    let start = Instant::now();
    loop {
        let reason = match ask() {
            Ok(value) => return Ok(value),
            Err(reason) => reason,
        };
        if start.elapsed() >= limit {
            bail!("not within {limit:?}: {reason}");
        }
        thread::sleep(INTERVAL);
    }
}
