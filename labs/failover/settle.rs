//! Waiting until a speaker is idle and the kernel holds what it is to hold; and the probes that say when it did.

use std::collections::{BTreeSet, VecDeque};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::kernel::{Kernel, Question};
use super::place::Place;
use super::speaker::Usage;
use crate::runner;

/// Between two looks at a speaker.
const INTERVAL: Duration = Duration::from_millis(250);

/// Idle is less than a twentieth of a processor, for so long.
const IDLE_FOR: Duration = Duration::from_millis(1500);

/// How much longer than the hold time a speaker may be idle with a kernel that is not as it is to be.
const GIVE_UP: Duration = Duration::from_secs(12);

/// An end for everything: no speaker takes so long.
const LIMIT: Duration = Duration::from_secs(900);

/// How it ended.
#[derive(Clone, Copy, Debug)]
pub struct Settled {
    /// The kernel holds what it is to hold.
    pub done: bool,
    /// When it was first seen to hold it, and held it from then on; else when that was given up.
    pub at: Instant,
    /// Processor time used meanwhile.
    pub cpu: Duration,
}

impl Settled {
    /// True if a probed prefix is not reached as wanted; says so.
    pub fn differs(&self, place: &mut Place<'_>, wanted: &BTreeSet<u32>) -> Result<Option<String>> {
        if self.done {
            return Ok(None);
        }
        for address in &place.table.probes {
            let members = place.kernel.members(*address)?;
            if members != *wanted {
                return Ok(Some(format!("{address} is reached through {members:?}, not {wanted:?}")));
            }
        }
        Ok(Some("as wanted, but only at the end".to_owned()))
    }
}

impl Place<'_> {
    /// Waits until the probed prefixes are reached through exactly these interfaces and the speaker is idle.
    pub(super) fn settle(&mut self, wanted: &BTreeSet<u32>) -> Result<Settled> {
        let start = Instant::now();
        let first = self.usage()?;
        let mut before = first;
        let mut busy_at = start;
        let mut since = None;
        loop {
            thread::sleep(INTERVAL);
            let now = Instant::now();
            let usage = self.usage()?;
            if usage.cpu.saturating_sub(before.cpu) > INTERVAL / 20 {
                busy_at = now;
            }
            before = usage;
            if self.holds(wanted)? {
                since.get_or_insert(now);
            } else {
                since = None;
            }
            let idle = now - busy_at;
            let cpu = usage.cpu.saturating_sub(first.cpu);
            match since {
                Some(at) if idle >= IDLE_FOR && now - at >= IDLE_FOR => return Ok(Settled { done: true, at, cpu }),
                None if idle >= GIVE_UP + self.settings.hold || start.elapsed() >= LIMIT => {
                    return Ok(Settled { done: false, at: now, cpu });
                }
                _ => {}
            }
        }
    }

    fn holds(&mut self, wanted: &BTreeSet<u32>) -> Result<bool> {
        for address in &self.table.probes {
            if self.kernel.members(*address)? != *wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn usage(&self) -> Result<Usage> {
        Usage::of(&self.lab, super::place::GATEWAY)
    }
}

/// How many flows are asked about at a time, while some are as before: each takes a lock that a change of routes needs,
/// and a processor from who changes them.
const FEW: usize = 2;
/// The same while all that were asked about have left: their answers fit into a socket's buffer.
const MANY: usize = 32;
/// Between two looks at first, and after that, when who works goes before who looks.
const SHARP: Duration = Duration::from_micros(80);
const BLUNT: Duration = Duration::from_millis(1);
/// How long it is sharp.
const SHARP_FOR: Duration = Duration::from_millis(500);

/// Lets the calling thread run before all others whenever it wants to: who looks is hardly at work, and must not come
/// late. Sleeps are as long as they say then, too.
fn go_first() {
    let id = rustix::thread::gettid().as_raw_nonzero().to_string();
    if let Err(error) = runner::node::run(Command::new("chrt").args(["--fifo", "--pid", "10", &id])) {
        eprintln!("the probe has no real-time priority, and may look late: {error:#}");
    }
}

/// Asks the kernel, again and again, whether flows go over a live way.
pub struct Prober {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<Option<Instant>>>>,
}

impl Prober {
    /// Starts to ask; `live` are the indexes of the interfaces that are as good as any.
    pub fn start(mut kernel: Kernel, flows: Vec<Question>, live: BTreeSet<u32>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let (ready, begins) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            go_first();
            drop(ready);
            let start = Instant::now();
            let mut left = vec![None; flows.len()];
            let mut open: VecDeque<usize> = (0..flows.len()).collect();
            let mut at_a_time = FEW;
            while !open.is_empty() && !told.load(Ordering::Relaxed) {
                let asked: Vec<usize> = open.drain(..open.len().min(at_a_time)).collect();
                let questions: Vec<Question> = asked.iter().filter_map(|number| flows.get(*number)).copied().collect();
                let (at, ways) = kernel.ways(&questions)?;
                let before = open.len();
                for (number, way) in asked.iter().zip(ways) {
                    match left.get_mut(*number) {
                        Some(left) if way.is_some_and(|way| live.contains(&way)) => *left = Some(at),
                        _ => open.push_back(*number),
                    }
                }
                let stayed = open.len() > before;
                at_a_time = if stayed { FEW } else { MANY };
                if stayed {
                    thread::sleep(if start.elapsed() < SHARP_FOR { SHARP } else { BLUNT });
                }
            }
            Ok(left)
        });
        let _ = begins.recv(); // an error: that is when it begins
        Self { stop, thread }
    }

    /// When each flow was first seen on a live way.
    pub fn stop(self) -> Result<Vec<Option<Instant>>> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(found) => found,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
