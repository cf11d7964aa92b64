//! The paths that neighbors taught, one list a prefix, in one pool of small nodes.
//!
//! A node is 16 octets, so that four million paths take 64 MB.

use std::num::NonZeroU32;

use super::attrs::AttrsId;
use super::sessions::SessionId;

/// Where a list of paths begins.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Head(Option<NonZeroU32>);

impl Head {
    /// True if there are no paths.
    pub(super) const fn is_empty(self) -> bool {
        self.0.is_none()
    }
}

/// One path to a prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    /// The session that taught it, which may be over; [`SessionId::LOCAL`] for our own.
    pub(super) session: SessionId,
    /// The number of its next hop within the session.
    pub(super) next_hop: u16,
    /// As it came.
    pub(super) received: AttrsId,
    accepted: u32,
}

impl Path {
    /// The last decision chose it.
    pub(super) const CHOSEN: u32 = 1 << 31;
    /// The last decision called it the best.
    pub(super) const BEST: u32 = 1 << 30;
    /// It changed since the last decision.
    pub(super) const TOUCHED: u32 = 1 << 29;
    /// The last decision named it as what is left if the chosen ones go.
    pub(super) const BACKUP: u32 = 1 << 26;
    /// The last decision made use of it in one way or the other.
    pub(super) const USED: u32 = Self::CHOSEN | Self::BACKUP;
    /// In which round of the session it was said last.
    const ROUND: u32 = 3 << Self::ROUND_AT;
    const ROUND_AT: u32 = 27;
    /// More attribute sets than this do not fit in memory.
    const ID: u32 = Self::BACKUP - 1;

    /// A path; `accepted` is `None` if it was refused.
    pub(super) fn new(session: SessionId, next_hop: u16, received: AttrsId, accepted: Option<AttrsId>) -> Self {
        Self { session, next_hop, received, accepted: accepted.map_or(0, AttrsId::get) | Self::TOUCHED }
    }

    /// The same, said in that round of its session, 0 to 3.
    pub(super) fn in_round(mut self, round: u8) -> Self {
        self.accepted = (self.accepted & !Self::ROUND) | u32::from(round & 3) << Self::ROUND_AT;
        self
    }

    /// The round of its session in which it was said last.
    pub(super) fn round(&self) -> u8 {
        ((self.accepted & Self::ROUND) >> Self::ROUND_AT) as u8
    }

    /// Its attributes after import; `None` if it was refused.
    pub(super) fn accepted(&self) -> Option<AttrsId> {
        let id = self.accepted & Self::ID;
        (id != 0).then(|| AttrsId::from_raw(id))
    }

    /// True if one of the flags is set.
    pub(super) const fn is(&self, flags: u32) -> bool {
        self.accepted & flags != 0
    }

    /// It says again what it said before.
    pub(super) fn untouch(&mut self) {
        self.accepted &= !Self::TOUCHED;
    }

    /// What it means has changed, though it says the same.
    pub(super) fn touch(&mut self) {
        self.accepted |= Self::TOUCHED;
    }

    /// Says what the last decision made of it.
    pub(super) fn decided(&mut self, flags: u32) {
        self.accepted = (self.accepted & (Self::ID | Self::ROUND)) | flags;
    }

    /// Takes the place of `old`: what was decided of that stays known until the next decision.
    pub(super) fn succeeds(mut self, old: &Self) -> Self {
        self.accepted |= old.accepted & (Self::USED | Self::BEST);
        self
    }
}

struct Node {
    path: Path,
    next: Head,
}

/// All paths of all prefixes.
#[derive(Default)]
pub(super) struct Paths {
    nodes: Vec<Node>,
    free: Head,
    len: usize,
}

impl Paths {
    /// The paths of a list.
    pub(super) fn iter(&self, head: Head) -> impl Iterator<Item = &Path> + '_ {
        let mut at = head;
        std::iter::from_fn(move || {
            let node = self.node(at)?;
            at = node.next;
            Some(&node.path)
        })
    }

    /// Calls `f` with each path of a list.
    pub(super) fn for_each_mut(&mut self, head: Head, mut f: impl FnMut(&mut Path)) {
        let mut at = head;
        while let Some(node) = self.node_mut(at) {
            f(&mut node.path);
            at = node.next;
        }
    }

    /// The path of a session in a list.
    pub(super) fn find_mut(&mut self, head: Head, session: SessionId) -> Option<&mut Path> {
        let mut at = head;
        while let Some(node) = self.node(at) {
            if node.path.session == session {
                return self.node_mut(at).map(|node| &mut node.path);
            }
            at = node.next;
        }
        None
    }

    /// Puts a path in front of a list.
    pub(super) fn push(&mut self, head: &mut Head, path: Path) {
        let node = Node { path, next: *head };
        let reused = self.free;
        if let Some(slot) = self.node_mut(reused) {
            let rest = std::mem::replace(slot, node).next;
            self.free = rest;
            *head = reused;
        } else {
            self.nodes.push(node);
            *head = Head(u32::try_from(self.nodes.len()).ok().and_then(NonZeroU32::new));
            assert!(!head.is_empty(), "four billion paths do not fit in memory");
        }
        self.len += 1;
    }

    /// Takes the paths that `which` names out of a list.
    pub(super) fn remove(&mut self, head: &mut Head, mut which: impl FnMut(&Path) -> bool, mut gone: impl FnMut(Path)) {
        let mut before: Option<Head> = None;
        let mut at = *head;
        while let Some(node) = self.node(at) {
            let (path, next) = (node.path, node.next);
            if which(&path) {
                match before.and_then(|before| self.node_mut(before)) {
                    Some(previous) => previous.next = next,
                    None => *head = next,
                }
                let free = std::mem::replace(&mut self.free, at);
                if let Some(node) = self.node_mut(at) {
                    node.next = free;
                }
                self.len -= 1;
                gone(path);
            } else {
                before = Some(at);
            }
            at = next;
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn node(&self, at: Head) -> Option<&Node> {
        self.nodes.get(at.0?.get() as usize - 1)
    }

    fn node_mut(&mut self, at: Head) -> Option<&mut Node> {
        self.nodes.get_mut(at.0?.get() as usize - 1)
    }
}
