//! The thread that reads the kernel for comparisons: what it finds goes to the machine in parts, so that neither a full
//! table in memory nor a long turn comes of it.

use std::{io, ops::ControlFlow, sync::mpsc, thread};

use crate::fib;
use crate::fib::Part;
use crate::fib::io::Kernel;

/// Parts under way; the thread waits when nobody takes them.
const PARTS: usize = 4;
/// How much the thread gives way to others, in steps of `nice`.
const YIELD: i32 = 10;

/// The way to the thread.
pub(super) struct Reader {
    orders: mpsc::Sender<u32>,
}

impl Reader {
    /// Starts the thread; what it reads comes with the number of the order.
    pub(super) fn start(
        mut kernel: Kernel,
        settings: fib::Settings,
    ) -> io::Result<(Self, tokio::sync::mpsc::Receiver<(u32, Part)>)> {
        let (orders, given) = mpsc::channel::<u32>();
        let (parts, read) = tokio::sync::mpsc::channel(PARTS);
        thread::Builder::new().name("reader".to_owned()).spawn(move || {
            // Not allowed is no harm.
            let _ = rustix::process::nice(YIELD);
            for number in given {
                let result = kernel.read(&settings, |part| match parts.blocking_send((number, part)) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()), // the daemon is gone
                });
                let last = result.map_or_else(|error| Part::Failed(error.to_string()), |()| Part::End);
                if parts.blocking_send((number, last)).is_err() {
                    return;
                }
            }
        })?;
        Ok((Self { orders }, read))
    }

    pub(super) fn read(&self, number: u32) {
        // The thread ends only when this sender does, or with a panic: then its parts end, which the loop notices.
        let _ = self.orders.send(number);
    }
}
