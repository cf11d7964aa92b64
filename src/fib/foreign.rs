//! What others did to our routes, next hops and groups: noted at once, and put back with the next batch.
//!
//! An operation of ours may have been under way at that moment, and which came first is not known. Then the object is
//! looked at again when that operation is done.

use std::fmt;

use crate::types::LinkIndex;
use crate::types::Prefix;

use super::Fib;
use super::Group;
use super::NextHop;
use super::Target;
use super::objects::Held;
use super::objects::Members;
use super::objects::Phase;
use super::routes::FAILED;
use super::routes::FLYING;
use super::routes::MOVED;
use super::routes::Ref;
use super::routes::TOUCHED;

/// A change to a route of our table and metric, or to an id of our range, that we did not make.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// There is a route now, or it leads elsewhere.
    RouteSet {
        /// Its prefix.
        prefix: Prefix,
        /// Whose it is now.
        protocol: u8,
        /// Where it leads.
        target: Target,
    },
    /// A route is gone.
    RouteDeleted {
        /// Its prefix.
        prefix: Prefix,
        /// Whose it was.
        protocol: u8,
    },
    /// A next hop is there, or is another one.
    HopSet(NextHop),
    /// A group is there, or has other members.
    GroupSet(Group),
    /// An id is used for what none of ours can be, or under another protocol number.
    IdTaken {
        /// The id.
        id: u32,
        /// The interface of what it is used for.
        link: Option<LinkIndex>,
    },
    /// A next hop or group is gone.
    IdDeleted(u32),
}

/// A change, and who made it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Foreign {
    /// What was done.
    pub change: Change,
    /// By whom.
    pub by: Author,
}

/// Who changed something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Author {
    /// The port number of its netlink socket, usually its process id; 0 is the kernel by itself.
    pub port: u32,
    /// The name of the process with that id, if there was one when we looked.
    pub program: Option<String>,
}

impl Author {
    /// True for what the kernel did by itself, such as taking routes out of a link that was set down.
    #[must_use]
    pub fn is_kernel(&self) -> bool {
        self.port == 0
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RouteSet { prefix, .. } | Self::RouteDeleted { prefix, .. } => write!(f, "route {prefix}"),
            Self::HopSet(hop) => write!(f, "next hop {}", hop.id),
            Self::GroupSet(group) => write!(f, "group {}", group.id),
            Self::IdTaken { id, .. } | Self::IdDeleted(id) => write!(f, "the next hop or group {id}"),
        }
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.port, &self.program) {
            (0, _) => f.write_str("the kernel"),
            (port, Some(program)) => write!(f, "{program} (process {port})"),
            (port, None) => write!(f, "another program (netlink port {port})"),
        }
    }
}

/// What a change meant for us.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Harm {
    /// What is wanted is gone; it is put back.
    Deleted,
    /// What is wanted is not as it should be; it is put right.
    Changed,
    /// A route of another protocol has taken the place of ours, and stays: it is not ours to touch.
    Replaced,
    /// Something that nobody wants carries our protocol number; it is taken out.
    Added,
}

impl Fib {
    /// Takes note of one change; what it meant, if it touched what is ours. [`Fib::next_batch`] puts it right.
    pub fn foreign(&mut self, foreign: &Foreign) -> Option<Harm> {
        let harm = self.change(&foreign.change);
        let counts = matches!(harm, Some(Harm::Deleted | Harm::Changed | Harm::Added)) && !foreign.by.is_kernel();
        self.repairs += u64::from(counts);
        harm
    }

    pub(super) fn change(&mut self, change: &Change) -> Option<Harm> {
        match change {
            Change::RouteDeleted { prefix, protocol } if *protocol != self.settings.protocol => {
                self.way_is_free(prefix);
                None
            }
            Change::RouteDeleted { prefix, .. } => self.route_became(prefix, Ref::NONE),
            Change::RouteSet { prefix, protocol, target } if *protocol == self.settings.protocol => {
                let to = self.found(*target);
                self.route_became(prefix, to)
            }
            Change::RouteSet { prefix, .. } => self.route_became(prefix, Ref::NONE).map(|_| Harm::Replaced),
            Change::HopSet(hop) => self.hop_became(hop.id, Some(hop.link), Some(hop)),
            Change::GroupSet(group) => self.group_became(group),
            Change::IdTaken { id, link } => self.hop_became(*id, *link, None).or_else(|| self.group_unsure(*id)),
            Change::IdDeleted(id) => self.hop_vanished(*id).or_else(|| self.group_vanished(*id)),
        }
    }

    fn offset(&self, id: u32) -> Option<u32> {
        self.settings.owns(id).then(|| id - self.settings.first_id)
    }

    /// Where a route that was found leads.
    pub(super) fn found(&mut self, target: Target) -> Ref {
        match target {
            Target::Group(id) => match self.offset(id).filter(|id| *id < Ref::LINKS) {
                Some(id) if self.objects.groups.contains_key(&id) => Ref::group(id),
                Some(_) | None => Ref::OTHER,
            },
            Target::Link(link) => self.links.slot(link),
            Target::Other => Ref::OTHER,
        }
    }

    pub(super) fn route_became(&mut self, prefix: &Prefix, to: Ref) -> Option<Harm> {
        let cell = self.routes.get(prefix).copied();
        let (want, have) = cell.map_or((Ref::NONE, Ref::NONE), |cell| (cell.want, self.effective(&cell)));
        if cell.is_some_and(|cell| cell.is(FLYING)) {
            self.routes.change(prefix, |cell| cell.set(TOUCHED, true));
            return (want != to).then_some(if to == Ref::NONE { Harm::Deleted } else { Harm::Changed });
        }
        if have == to {
            return None;
        }
        self.set_have(prefix, to);
        if self.audit.is_some() {
            self.routes.change(prefix, |cell| cell.set(MOVED, true));
        }
        // What nobody wants so far stays until the sweep.
        if want != Ref::NONE || self.swept {
            self.queue.push(prefix);
        }
        match (want, to) {
            (Ref::NONE, Ref::NONE) => None, // it was to go anyway
            (Ref::NONE, _) if have == Ref::NONE => Some(Harm::Added),
            (want, to) if want == to => None,
            (_, Ref::NONE) => Some(Harm::Deleted),
            _ => Some(Harm::Changed),
        }
    }

    /// Somebody else's route is gone: if it was in the way of ours, ours is tried at once.
    fn way_is_free(&mut self, prefix: &Prefix) {
        if self.routes.get(prefix).is_some_and(|cell| cell.is(FAILED)) {
            self.forgive(prefix);
            self.queue.push(prefix);
        }
    }

    /// A next hop of ours is this now, or nothing that could be ours.
    fn hop_became(&mut self, id: u32, link: Option<LinkIndex>, found: Option<&NextHop>) -> Option<Harm> {
        let offset = self.offset(id)?;
        let hop = self.objects.hops.get_mut(&offset)?;
        let as_wanted = found == Some(&hop.object(id));
        if as_wanted && hop.phase == Phase::Present {
            return None;
        }
        self.events += 1;
        hop.dropped_at = self.events;
        if matches!(hop.phase, Phase::Present | Phase::Absent) {
            hop.phase = Phase::Unsure;
        }
        hop.trouble = None;
        hop.strange = !as_wanted;
        let used = !hop.users.is_empty();
        if link.is_some_and(|link| link != hop.key.link) {
            // That other link may have gone down since, and taken it along.
            self.drop_members(offset);
            self.doubt_users(offset); // or it has not: then it is in its groups still
        }
        self.objects.touch_users(offset);
        self.objects.dirty_hops.insert(offset);
        (used && !as_wanted).then_some(Harm::Changed)
    }

    /// A next hop of ours was deleted: the kernel has taken it out of its groups, and deleted those that it left empty.
    fn hop_vanished(&mut self, id: u32) -> Option<Harm> {
        let offset = self.offset(id)?;
        let hop = self.objects.hops.get_mut(&offset)?;
        let known = hop.phase != Phase::Absent;
        let used = !hop.users.is_empty();
        self.events += 1;
        hop.dropped_at = self.events;
        if hop.phase == Phase::Present {
            hop.phase = Phase::Unsure;
        }
        self.drop_members(offset);
        self.objects.dirty_hops.insert(offset);
        (known && used).then_some(Harm::Deleted)
    }

    fn group_became(&mut self, found: &Group) -> Option<Harm> {
        let offset = self.offset(found.id)?;
        let first = self.settings.first_id;
        let idle = self.as_set(found.idle_timer);
        let group = self.objects.groups.get_mut(&offset)?;
        let mut members: Members =
            found.members.iter().map(|(hop, weight)| (hop.saturating_sub(first), *weight)).collect();
        let known = group.have.as_ref().is_some_and(|held| held.members == members && held.idle == idle);
        if known && !group.busy {
            return None;
        }
        self.events += 1;
        group.touched_at = self.events;
        let used = group.wanted > 0;
        // Members that the kernel has dropped since: without them it may be empty, and then it is gone.
        let hops = &self.objects.hops;
        members.retain(|(hop, _)| hops.get(hop).is_none_or(|hop| hop.phase == Phase::Present));
        if members.is_empty() {
            group.vanished = true;
            group.vanished_at = self.events;
        }
        group.have = Some(Held { members, idle, sure: false });
        self.objects.dirty_groups.insert(offset);
        (used && !known).then_some(Harm::Changed)
    }

    /// A group of ours is not what it was, and nothing that we can read.
    fn group_unsure(&mut self, id: u32) -> Option<Harm> {
        let offset = self.offset(id)?;
        let group = self.objects.groups.get_mut(&offset)?;
        self.events += 1;
        group.touched_at = self.events;
        if let Some(held) = &mut group.have {
            held.sure = false;
        }
        self.objects.dirty_groups.insert(offset);
        (group.wanted > 0).then_some(Harm::Changed)
    }

    /// A group of ours was deleted, and its routes with it.
    fn group_vanished(&mut self, id: u32) -> Option<Harm> {
        let offset = self.offset(id)?;
        let group = self.objects.groups.get_mut(&offset)?;
        if group.vanished && !group.busy {
            return None; // with its last member, as we know
        }
        self.events += 1;
        group.vanished_at = self.events;
        let known = group.busy || group.have.is_some();
        group.vanished = known;
        if let Some(held) = &mut group.have {
            held.members.clear();
            held.sure = false;
        }
        self.objects.dirty_groups.insert(offset);
        (known && group.wanted > 0).then_some(Harm::Deleted)
    }
}
