//! Network namespaces that tests live in.

use std::{
    fs::File,
    panic,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use nix::sched::{CloneFlags, setns};
use twinspan::types::LinkIndex;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A namespace of our own, removed when dropped.
pub struct Space {
    name: String,
    /// Another value removes it.
    borrowed: bool,
}

impl Drop for Space {
    fn drop(&mut self) {
        if self.borrowed {
            return;
        }
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

/// A new namespace, which nobody is in.
fn new() -> Space {
    let name = format!("ts-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let status = Command::new("ip").args(["netns", "add", &name]).status().expect("these tests need iproute2");
    assert!(status.success(), "these tests need root: they make network namespaces");
    Space { name, borrowed: false }
}

/// Runs a test on a thread of its own in a new namespace.
pub fn within(test: impl FnOnce(&Space) + Send + 'static) {
    let space = new();
    let run = move || {
        let file = File::open(format!("/run/netns/{}", space.name)).unwrap();
        setns(file, CloneFlags::CLONE_NEWNET).unwrap();
        space.ip("link set lo up");
        test(&space);
    };
    if let Err(cause) = thread::spawn(run).join() {
        panic::resume_unwind(cause);
    }
}

impl Space {
    /// The same, to be kept elsewhere while this one is there.
    pub fn same(other: &Self) -> Self {
        Self { name: other.name.clone(), borrowed: true }
    }

    /// Another one, in which nobody is.
    pub fn beside(_: &Self) -> Self {
        new()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `ip` with these words; what it prints.
    pub fn ip(&self, words: &str) -> String {
        let output = Command::new("ip").args(["-n", &self.name]).args(words.split_whitespace()).output().unwrap();
        assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A pair of interfaces, `d1` and `p1` for 1: the second is the far end.
    pub fn pair(&self, number: u32) -> LinkIndex {
        self.ip(&format!("link add d{number} type veth peer name p{number}"));
        self.ip(&format!("link set p{number} up"));
        self.ip(&format!("link set d{number} up"));
        self.index(&format!("d{number}"))
    }

    /// The index of an interface.
    pub fn index(&self, name: &str) -> LinkIndex {
        let line = self.ip(&format!("-o link show {name}"));
        LinkIndex::new(line.split(':').next().unwrap().trim().parse().unwrap()).unwrap()
    }
}
