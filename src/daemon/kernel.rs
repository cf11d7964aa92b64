//! The threads that talk to the kernel: batches in, answers out, one after the other in each.
//!
//! Threads of their own, because the kernel does the work inside the system call. Groups and next hops have one, and a
//! socket, to themselves: a table that is being loaded does not delay what a lost tunnel needs.

use std::{sync::mpsc, thread};

use crate::fib;
use crate::fib::io::Kernel;
use crate::fib::{Batch, BatchId, Failure, Lane, Table};

/// How much the thread for groups goes before others, in steps of `nice`: it has little to do, and a lost tunnel waits
/// for it. Where that is not allowed it is one among others.
const PREFERENCE: i32 = -15;
/// How much the thread for routes gives way to others, in steps of `nice`: a table is a lot of work, all of it in the
/// kernel, and who waits for an answer or a KEEPALIVE comes first.
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

/// The ways to the threads. Dropping it ends them when they are done with what they were given.
pub(super) struct KernelThreads {
    objects: mpsc::Sender<Task>,
    routes: mpsc::Sender<Task>,
}

impl KernelThreads {
    /// Starts the threads, each with a socket. The machine bounds how much is under way, so no queue needs a limit.
    pub(super) fn start(
        objects: Kernel,
        routes: Kernel,
        settings: &fib::Settings,
        answers: &tokio::sync::mpsc::UnboundedSender<Answer>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            objects: thread("groups", objects, settings.clone(), answers.clone(), PREFERENCE)?,
            routes: thread("routes", routes, settings.clone(), answers.clone(), YIELD)?,
        })
    }

    pub(super) fn apply(&self, batch: Batch) {
        let lane = match batch.lane {
            Lane::Objects => &self.objects,
            Lane::Routes => &self.routes,
        };
        // A thread ends only when this sender does, or with a panic: then its answers end, which the loop notices.
        let _ = lane.send(Task::Apply(batch));
    }

    pub(super) fn dump(&self) {
        let _ = self.routes.send(Task::Dump);
    }
}

fn thread(
    name: &str,
    mut kernel: Kernel,
    settings: fib::Settings,
    answers: tokio::sync::mpsc::UnboundedSender<Answer>,
    nice: i32,
) -> std::io::Result<mpsc::Sender<Task>> {
    let (tasks, given) = mpsc::channel::<Task>();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        // Not allowed is no harm.
        let _ = rustix::process::nice(nice);
        for task in given {
            let answer = match task {
                Task::Apply(batch) => Answer::Done { batch: batch.id, failures: kernel.apply(&settings, &batch.ops) },
                Task::Dump => Answer::Dumped(kernel.dump(&settings).map_err(|error| error.to_string())),
            };
            if answers.send(answer).is_err() {
                return; // the daemon is gone
            }
        }
    })?;
    Ok(tasks)
}
