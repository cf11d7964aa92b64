//! The thread that talks to the kernel: batches in, answers out, one after the other.
//!
//! A thread of its own, because the kernel does the work inside the system call.

use std::{sync::mpsc, thread};

use crate::fib;
use crate::fib::io::Kernel;
use crate::fib::{Batch, BatchId, Failure};

/// How much the thread gives way to others, in steps of `nice`.
const YIELD: i32 = 5;

/// What the kernel said to one batch.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) batch: BatchId,
    pub(super) failures: Vec<Failure>,
}

/// The way to the thread. Dropping it ends the thread when it is done with what it was given.
pub(super) struct KernelThread {
    batches: mpsc::Sender<Batch>,
}

impl KernelThread {
    /// Starts the thread. The machine bounds how many batches are under way, so neither queue needs a limit.
    pub(super) fn start(
        mut kernel: Kernel,
        settings: fib::Settings,
        answers: tokio::sync::mpsc::UnboundedSender<Answer>,
    ) -> std::io::Result<Self> {
        let (batches, given) = mpsc::channel::<Batch>();
        thread::Builder::new().name("kernel".to_owned()).spawn(move || {
            // A table is a lot of work, all of it in the kernel: who waits for an answer or a KEEPALIVE comes first.
            // Not allowed is no harm.
            let _ = rustix::process::nice(YIELD);
            for batch in given {
                let failures = kernel.apply(&settings, &batch.ops);
                if answers.send(Answer { batch: batch.id, failures }).is_err() {
                    return; // the daemon is gone
                }
            }
        })?;
        Ok(Self { batches })
    }

    pub(super) fn apply(&self, batch: Batch) {
        // The thread ends only when this sender does, or with a panic, which ends the process.
        let _ = self.batches.send(batch);
    }
}
