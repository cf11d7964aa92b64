//! The thread that talks to the kernel: batches in, answers out, one after the other.
//!
//! A thread of its own, because the kernel does the work inside the system call.

use std::{sync::mpsc, thread};

use crate::fib;
use crate::fib::io::Kernel;
use crate::fib::{Batch, BatchId, Failure, Table};

/// How much the thread gives way to others, in steps of `nice`.
const YIELD: i32 = 5;

/// What the thread is asked for.
enum Task {
    Apply(Batch),
    Dump,
}

/// What the kernel said.
#[derive(Debug)]
pub(super) enum Answer {
    /// To one batch.
    Done { batch: BatchId, failures: Vec<Failure> },
    /// What it holds of ours, or why that cannot be read.
    Dumped(Result<Table, String>),
}

/// The way to the thread. Dropping it ends the thread when it is done with what it was given.
pub(super) struct KernelThread {
    tasks: mpsc::Sender<Task>,
}

impl KernelThread {
    /// Starts the thread. The machine bounds how much is under way, so neither queue needs a limit.
    pub(super) fn start(
        mut kernel: Kernel,
        settings: fib::Settings,
        answers: tokio::sync::mpsc::UnboundedSender<Answer>,
    ) -> std::io::Result<Self> {
        let (tasks, given) = mpsc::channel::<Task>();
        thread::Builder::new().name("kernel".to_owned()).spawn(move || {
            // A table is a lot of work, all of it in the kernel: who waits for an answer or a KEEPALIVE comes first.
            // Not allowed is no harm.
            let _ = rustix::process::nice(YIELD);
            for task in given {
                let answer = match task {
                    Task::Apply(batch) => {
                        Answer::Done { batch: batch.id, failures: kernel.apply(&settings, &batch.ops) }
                    }
                    Task::Dump => Answer::Dumped(kernel.dump(&settings).map_err(|error| error.to_string())),
                };
                if answers.send(answer).is_err() {
                    return; // the daemon is gone
                }
            }
        })?;
        Ok(Self { tasks })
    }

    pub(super) fn apply(&self, batch: Batch) {
        // The thread ends only when this sender does, or with a panic: then its answers end, which the loop notices.
        let _ = self.tasks.send(Task::Apply(batch));
    }

    pub(super) fn dump(&self) {
        let _ = self.tasks.send(Task::Dump);
    }
}
