//! Flows of numbered UDP packets: who sends them, who receives them, and which interface they came through.
//!
//! A flow is a source port and a destination. A socket belongs to the network namespace in which it was opened, so all
//! three may be opened inside nodes of a lab and run from one program.

mod sender;
mod sink;
mod trace;
mod watch;

pub use sender::{Log, Plan, Sender, Sent};
pub use sink::{Received, STRAGGLERS, Sink, lost};
pub use trace::{Packet, Trace};
pub use watch::{Seen, Watch};

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};

/// Room for packets that come while a receiver waits for a processor, in octets: on a busy machine that is seconds, and what
/// then does not fit is no loss of the network.
const BUFFER: usize = 64 << 20;

/// A packet's number, big endian.
const NUMBER_LEN: usize = 8;

/// How long a receiver sleeps before it looks whether it shall stop.
const PAUSE: Duration = Duration::from_millis(50);

/// A flow, as both ends and the watches see it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
pub struct Flow {
    /// Its source port.
    pub port: u16,
    /// Where it goes.
    pub to: std::net::Ipv4Addr,
}

/// Gives a receiver its [`BUFFER`]; less where this program may not have more than the system's limit.
pub fn with_room(socket: &impl AsFd) -> std::io::Result<()> {
    if setsockopt(socket, sockopt::RcvBufForce, &BUFFER).is_err() {
        setsockopt(socket, sockopt::RcvBuf, &BUFFER)?;
    }
    Ok(())
}

/// Work on a thread of its own, until it is told to stop or has nothing left to do.
#[derive(Debug)]
pub struct Running<T> {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<T>,
}

impl<T: Send + 'static> Running<T> {
    fn start(work: impl FnOnce(&AtomicBool) -> T + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        Self { stop, thread: thread::spawn(move || work(&told)) }
    }

    /// Tells it to stop, and waits for what it found.
    pub fn stop(self) -> T {
        self.stop.store(true, Ordering::Relaxed);
        self.wait()
    }

    /// Waits until it ends by itself.
    pub fn wait(self) -> T {
        match self.thread.join() {
            Ok(found) => found,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
