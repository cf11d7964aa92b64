//! What differs between two configurations, and what that costs a running instance.
//!
//! Two looks at the same thing: [`Change`]s are what the files say differently, key by key, for people; [`Fate`]s are what
//! becomes of each session, out of what this instance must do. A reload does what [`Plan`] says and nothing else.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use super::classes::Class;
use super::keys::{Key, find};
use super::{Config, Control, Ecmp, Kernel, Policies};
use crate::gateway;
use crate::gateway::{Auth, Desired, NeighborKind, PrefixLimit, Range, Restart, Timers, Watch};
use crate::policy::Policy;
use crate::types::{Asn, Name, Prefix};

/// What a reload would do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plan {
    /// What the files say differently.
    pub changes: Vec<Change>,
    /// What cannot be changed on a running instance; if there is any, nothing is done at all.
    pub refused: Vec<Refused>,
    /// Every session of before and after, in the order of the new file; those that go are last.
    pub sessions: Vec<SessionPlan>,
    /// Every range of before and after, by its name, in the same order: what becomes of the neighbors that came from it.
    pub ranges: Vec<SessionPlan>,
    /// Prefixes of the gateway that are new.
    pub announced: Vec<Prefix>,
    /// Prefixes of the gateway that go.
    pub withdrawn: Vec<Prefix>,
    /// What the far ends of sessions must be told by their people, of both instances: of this one first.
    pub peers: Vec<PeerChange>,
    /// Settings of all routes that differ: decisions, groups or how flows are spread change.
    pub spread: Vec<&'static Key>,
}

/// One key that the files say differently, or one thing that only one of them has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// What it is about, such as `device hq-1` or `[ecmp]`.
    pub thing: String,
    /// Which key; `None` if the whole thing is new or gone.
    pub key: Option<&'static Key>,
    /// As written before; `None` if it was not there.
    pub from: Option<String>,
    /// As written now; `None` if it is not there.
    pub to: Option<String>,
    /// What it costs.
    pub class: Class,
}

/// A key that takes a restart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// Which.
    pub key: &'static Key,
    /// What it is about, in one sentence without a full stop.
    pub reason: String,
}

/// What becomes of one session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionPlan {
    /// The neighbor, as it is called after.
    pub name: Name,
    /// As it was called before, if that was different.
    pub was: Option<Name>,
    /// What becomes of it.
    pub fate: Fate,
    /// The keys that differ for it, wherever in the file they stand.
    pub because: Vec<&'static Key>,
}

/// What becomes of a session.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Fate {
    /// Nothing that anybody sees.
    Kept,
    /// It goes on; what it taught or was told is looked through again.
    Soft,
    /// It ends and is opened anew.
    Reset,
    /// It is new.
    Added,
    /// It goes.
    Removed,
}

/// What people must change at the far end of a session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PeerChange {
    /// The neighbor, as it is called after.
    pub neighbor: Name,
    /// The instance that has the session.
    pub instance: Name,
    /// The device, or the peer gateway, if it is one.
    pub device: Option<Name>,
    /// The address that the far end must have as its neighbor, and as it was.
    pub address: (Option<IpAddr>, IpAddr),
    /// The AS that the far end must have for that neighbor, and as it was.
    pub asn: (Option<Asn>, Asn),
}

impl Plan {
    /// From one configuration to another, for the instance of that name. If the new one has no such instance, that is
    /// refused.
    #[must_use]
    pub fn between(old: &Config, new: &Config, instance: &Name) -> Self {
        let mut plan = Self { changes: changes(old, new), ..Self::default() };
        plan.globals(old, new);
        let Some(was) = gateway::desired(&old.model, instance) else { return plan };
        let Some(will) = gateway::desired(&new.model, instance) else {
            plan.refuse("gateway.instance", "name", format!("the file has no instance \"{instance}\", which this is"));
            return plan;
        };
        plan.announced = will.prefixes.iter().filter(|prefix| !was.prefixes.contains(prefix)).copied().collect();
        plan.withdrawn = was.prefixes.iter().filter(|prefix| !will.prefixes.contains(prefix)).copied().collect();
        // The far ends know one gateway: what they must be told is the same whichever instance is asked.
        let twin = new.model.instances.iter().map(|other| &other.name).filter(|other| *other != instance);
        for name in [instance].into_iter().chain(twin) {
            if let (Some(was), Some(will)) = (gateway::desired(&old.model, name), gateway::desired(&new.model, name)) {
                plan.peers.extend(peer_changes(name, &was, &will));
            }
        }
        let was = Side { desired: &was, policies: &old.policies };
        let will = Side { desired: &will, policies: &new.policies };
        plan.sessions(&was, &will);
        plan.ranges(&was, &will);
        plan
    }

    /// True if nobody outside would notice.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.class() == Class::None
    }

    /// The worst that it does.
    #[must_use]
    pub fn class(&self) -> Class {
        let sessions = self.sessions.iter().chain(&self.ranges).map(|session| match session.fate {
            Fate::Kept => Class::None,
            Fate::Soft => Class::Soft,
            Fate::Reset | Fate::Added | Fate::Removed => Class::Session,
        });
        let prefixes = self.announced.iter().chain(&self.withdrawn).map(|_| Class::Soft);
        let keys = self.spread.iter().map(|key| key.class()).chain(self.refused.iter().map(|_| Class::Restart));
        sessions.chain(prefixes).chain(keys).max().unwrap_or(Class::None)
    }

    fn refuse(&mut self, table: &str, name: &str, reason: String) {
        self.refused.push(Refused { key: key(table, name), reason });
    }

    /// What is not about one session. Every field is named, so that a new one is not forgotten.
    fn globals(&mut self, old: &Config, new: &Config) {
        let Config { model: _, policies: _, damping: _, health: _, drain: _, ecmp, kernel, control, written: _ } = old;
        let Ecmp { max_paths, as_path_relax, weights, hash, buckets, idle_timer } = ecmp;
        let spread = [
            ("max-paths", *max_paths != new.ecmp.max_paths),
            ("as-path-relax", *as_path_relax != new.ecmp.as_path_relax),
            ("weights", *weights != new.ecmp.weights),
            ("hash", *hash != new.ecmp.hash),
            ("buckets", *buckets != new.ecmp.buckets),
            ("idle-timer", *idle_timer != new.ecmp.idle_timer),
        ];
        self.spread = spread.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| key("ecmp", name)).collect();
        let Kernel { table, protocol, metric, on_stop: _ } = kernel;
        let numbers = [
            ("table", *table, new.kernel.table),
            ("protocol", (*protocol).into(), new.kernel.protocol.into()),
            ("metric", *metric, new.kernel.metric),
        ];
        for (name, from, to) in numbers.into_iter().filter(|(_, from, to)| from != to) {
            self.refuse("kernel", name, format!("the routes that are in the kernel have {from}, and would have {to}"));
        }
        let Control { socket, metrics } = control;
        if *metrics != new.control.metrics {
            self.refuse("control", "metrics", "the address is opened at the start".to_owned());
        }
        if *socket != new.control.socket {
            let (from, to) = (socket.display(), new.control.socket.display());
            self.refuse("control", "socket", format!("the socket is {from}, and would be {to}"));
        }
    }

    /// Ranges are known by their names: who came from one is named so.
    fn ranges(&mut self, was: &Side<'_>, will: &Side<'_>) {
        for new in &will.desired.ranges {
            let old = was.desired.ranges.iter().find(|old| old.name() == new.name());
            let (fate, because) = old.map_or((Fate::Added, Vec::new()), |old| range_fate(was, old, will, new));
            self.ranges.push(SessionPlan { name: new.name().clone(), was: None, fate, because });
        }
        for old in &was.desired.ranges {
            if !will.desired.ranges.iter().any(|new| new.name() == old.name()) {
                let name = old.name().clone();
                self.ranges.push(SessionPlan { name, was: None, fate: Fate::Removed, because: Vec::new() });
            }
        }
    }

    /// Finds each session of before among those of after: by its ends, which are what it is to its peer; else by its name.
    fn sessions(&mut self, was: &Side<'_>, will: &Side<'_>) {
        let (found, left) = matched(was.desired, will.desired);
        for (new, old) in will.desired.neighbors.iter().zip(found) {
            let (fate, because) = match old {
                None => (Fate::Added, Vec::new()),
                Some(old) => fate(was, old, will, new),
            };
            self.sessions.push(SessionPlan {
                name: new.name.clone(),
                was: old.map(|old| old.name.clone()).filter(|name| *name != new.name),
                fate,
                because,
            });
        }
        for gone in left {
            let name = gone.name.clone();
            self.sessions.push(SessionPlan { name, was: None, fate: Fate::Removed, because: Vec::new() });
        }
    }
}

/// Which session of before each of those after was, if it was there, and those that are left: by its ends, which are what
/// it is to its peer; else by its name.
fn matched<'a>(was: &'a Desired, will: &Desired) -> (Vec<Option<&'a gateway::Neighbor>>, Vec<&'a gateway::Neighbor>) {
    let mut left: Vec<&gateway::Neighbor> = was.neighbors.iter().collect();
    let mut found = vec![None; will.neighbors.len()];
    let by_name = |old: &gateway::Neighbor, new: &gateway::Neighbor| old.name == new.name;
    let rules: [fn(&gateway::Neighbor, &gateway::Neighbor) -> bool; 2] = [same_ends, by_name];
    for same in rules {
        for (new, place) in will.neighbors.iter().zip(&mut found).filter(|(_, place)| place.is_none()) {
            *place = left.iter().position(|old| same(old, new)).map(|at| left.remove(at));
        }
    }
    (found, left)
}

/// What the far ends of an instance's sessions must have, where that differs.
fn peer_changes(instance: &Name, was: &Desired, will: &Desired) -> Vec<PeerChange> {
    let (found, _) = matched(was, will);
    let mut changes = Vec::new();
    for (new, old) in will.neighbors.iter().zip(found) {
        let before = old.map(|old| (old.local_address, was.asn));
        // The twin's people have the same file.
        if new.kind == NeighborKind::Twin || before == Some((new.local_address, will.asn)) {
            continue;
        }
        changes.push(PeerChange {
            neighbor: new.name.clone(),
            instance: instance.clone(),
            device: match &new.kind {
                NeighborKind::Device { device, .. } => Some(device.clone()),
                NeighborKind::Twin | NeighborKind::NetworkRouter | NeighborKind::Other => None,
            },
            address: (before.map(|(address, _)| address), new.local_address),
            asn: (before.map(|(_, asn)| asn), will.asn),
        });
    }
    changes
}

/// True if a connection of the one can be one of the other: what does not hold of a session that only has the same name.
#[must_use]
pub fn same_ends(old: &gateway::Neighbor, new: &gateway::Neighbor) -> bool {
    old.local_address == new.local_address
        && old.remote_address == new.remote_address
        && old.interface == new.interface
        && std::mem::discriminant(&old.kind) == std::mem::discriminant(&new.kind)
}

/// One of the two configurations, as far as it is about sessions.
struct Side<'a> {
    desired: &'a Desired,
    policies: &'a Policies,
}

impl Side<'_> {
    /// What the names of policies stand for.
    fn meaning(&self, words: &gateway::Words) -> Vec<Option<&Arc<Policy>>> {
        let named = |word: &gateway::Word| match word {
            gateway::Word::Accept | gateway::Word::Reject => None,
            gateway::Word::Named(name) => self.policies.get(name),
        };
        words.0.iter().map(named).collect()
    }
}

/// What becomes of a session that is there before and after, and the keys that differ for it.
fn fate(
    was: &Side<'_>,
    old: &gateway::Neighbor,
    will: &Side<'_>,
    new: &gateway::Neighbor,
) -> (Fate, Vec<&'static Key>) {
    let because = differs(was, old, will, new);
    let fate = match because.iter().map(|key| key.class()).max().unwrap_or(Class::None) {
        _ if !same_ends(old, new) => Fate::Reset,
        Class::None => Fate::Kept,
        Class::Soft => Fate::Soft,
        Class::Session | Class::Restart => Fate::Reset,
    };
    (fate, because)
}

/// What becomes of the neighbors from a range that is there before and after, and the keys that differ for it.
fn range_fate(was: &Side<'_>, old: &Range, will: &Side<'_>, new: &Range) -> (Fate, Vec<&'static Key>) {
    let Range { prefix, limit, asns, like } = old;
    // What a range is like has its first address, and its first AS.
    let own = [("range", *prefix != new.prefix), ("limit", *limit != new.limit), ("asns", *asns != new.asns)];
    let mut because: Vec<_> =
        own.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| key("neighbor", name)).collect();
    let from = gateway::Neighbor { asn: new.like.asn, remote_address: new.like.remote_address, ..like.clone() };
    because.extend(differs(was, &from, will, &new.like));
    let fate = match because.iter().map(|key| key.class()).max().unwrap_or(Class::None) {
        Class::None => Fate::Kept,
        Class::Soft => Fate::Soft,
        Class::Session | Class::Restart => Fate::Reset,
    };
    (fate, because)
}

/// The keys that say something else for a session than before. Every field is named, so that a new one is not forgotten:
/// name the key that it comes from, and its class follows.
fn differs(was: &Side<'_>, old: &gateway::Neighbor, will: &Side<'_>, new: &gateway::Neighbor) -> Vec<&'static Key> {
    let Desired { asn: our_asn, router_id, mode, prefixes, neighbors: _, ranges: _, host_routes: _, tunnels: _ } =
        was.desired;
    let will_be = will.desired;
    let gateway::Neighbor {
        name,
        kind: _,
        asn,
        local_address,
        remote_address,
        interface,
        timers,
        passive,
        ttl,
        auth,
        restart: restarts,
        families,
        import,
        export,
        offer,
        range: _,
        weight,
        graceful_shutdown,
        allow_as_sets,
        limit,
        shutdown,
        bfd,
        probe,
    } = old;
    let both = || bfd.as_ref().zip(new.bfd.as_ref());
    let watched = |of: fn(&Watch) -> u128| both().is_some_and(|(old, new)| of(old) != of(new));
    let probes = || probe.as_ref().zip(new.probe.as_ref());
    let keys = both().map(|(old, new)| (&old.key, &new.key));
    let PrefixLimit { ipv4, ipv6, action, warn_at, restart } = limit;
    let most = (*ipv4, *ipv6, *action) != (new.limit.ipv4, new.limit.ipv6, new.limit.action);
    let Timers { hold_time, keepalive, connect_retry, idle_hold_max, send_hold } = timers;
    let Restart { enabled, restart_time, stale_time } = restarts;
    let moved = *local_address != new.local_address;
    let tunnel = matches!(new.kind, NeighborKind::Device { .. });
    let (this, address, local, its_asn) = match new.kind {
        NeighborKind::Device { .. } => ("connection.tunnels", "remote-ip", "local-ip", ("device", "asn")),
        NeighborKind::Twin => ("gateway.instance.twin-link", "address", "address", ("gateway", "asn")),
        NeighborKind::NetworkRouter => ("network-router", "address", "local-address", ("network-router", "asn")),
        NeighborKind::Other => ("neighbor", "address", "local-address", ("neighbor", "asn")),
    };
    let named = (if new.kind == NeighborKind::Twin { "gateway.instance" } else { this }, "name");
    let found = [
        (("gateway", "asn"), *our_asn != will_be.asn),
        (("gateway.instance", "router-id"), *router_id != will_be.router_id),
        (("gateway", "prefixes"), *prefixes != will_be.prefixes),
        (named, *name != new.name),
        (its_asn, *asn != new.asn),
        ((this, local), moved && *mode == will_be.mode),
        (("gateway", "mode"), moved && *mode != will_be.mode),
        ((this, address), *remote_address != new.remote_address),
        ((this, "interface"), *interface != new.interface),
        (("bgp", "hold-time"), *hold_time != new.timers.hold_time),
        (("bgp", "keepalive-time"), *keepalive != new.timers.keepalive),
        (("bgp", "send-hold-time"), *send_hold != new.timers.send_hold),
        (("bgp", "connect-retry"), *connect_retry != new.timers.connect_retry),
        (("bgp", "idle-hold-max"), *idle_hold_max != new.timers.idle_hold_max),
        (("bgp", "passive"), *passive != new.passive),
        (("bgp", "multihop"), *ttl != new.ttl),
        (signing(auth, &new.auth), *auth != new.auth),
        (("bgp", "graceful-restart"), *enabled != new.restart.enabled),
        (("bgp.graceful-restart", "restart-time"), *restart_time != new.restart.restart_time),
        (("bgp.graceful-restart", "stale-time"), *stale_time != new.restart.stale_time),
        (("bgp", "max-prefixes"), most),
        (("bgp.max-prefixes", "warn-at"), *warn_at != new.limit.warn_at),
        (("bgp.max-prefixes", "restart"), *restart != new.limit.restart),
        (("bgp", "shutdown"), *shutdown != new.shutdown),
        (("bgp", "families"), *families != new.families),
        (("bfd", "enabled"), bfd.is_some() != new.bfd.is_some()),
        (("bfd", "interval"), watched(|watch| watch.interval.as_nanos())),
        (("bfd", "multiplier"), watched(|watch| watch.multiplier.into())),
        (("bfd", "strict"), watched(|watch| watch.strict.into())),
        (("bfd", "multihop"), watched(|watch| watch.multihop.map_or(0, u128::from))),
        (("bfd.key", "file"), keys.is_some_and(|(old, new)| old != new)),
        (("probe", "enabled"), probe.is_some() != new.probe.is_some()),
        (("probe", "interval"), probes().is_some_and(|(old, new)| old.interval != new.interval)),
        (("probe", "count"), probes().is_some_and(|(old, new)| old.count != new.count)),
        (("bgp", "import"), *import != new.import),
        (("bgp", "export"), *export != new.export),
        (("bgp", "weight"), *weight != new.weight),
        (("bgp", "graceful-shutdown"), *graceful_shutdown != new.graceful_shutdown),
        (("bgp", "allow-as-sets"), *allow_as_sets != new.allow_as_sets),
        (("policy", "rule"), *import == new.import && was.meaning(import) != will.meaning(&new.import)),
        (("policy", "rule"), *export == new.export && was.meaning(export) != will.meaning(&new.export)),
        (if tunnel { ("gateway", "transit") } else { ("bgp", "export") }, *offer != new.offer),
    ];
    let found = found.map(|((table, name), differs)| (key(table, name), differs));
    let mut found: Vec<_> = found.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect();
    found.dedup();
    found
}

/// Where another way to sign comes from. The kernel takes other keys for a connection that is open, but not TCP-AO for one
/// that began without.
fn signing(old: &Auth, new: &Auth) -> (&'static str, &'static str) {
    match (old, new) {
        (Auth::None | Auth::Md5(_), Auth::None | Auth::Md5(_)) => ("bgp", "password-file"),
        (Auth::Ao(_), Auth::Ao(_)) => ("bgp.ao-keys", "file"),
        (Auth::Ao(_), _) | (_, Auth::Ao(_)) => ("bgp", "ao-keys"),
    }
}

/// What the files say differently, thing by thing.
fn changes(old: &Config, new: &Config) -> Vec<Change> {
    let (was, will) = (old.written.things(), new.written.things());
    let mut changes = Vec::new();
    let all: BTreeSet<_> = was.keys().chain(will.keys()).collect();
    for thing in all {
        let (before, after) = (was.get(thing), will.get(thing));
        let listed = before.or(after).and_then(|one| one.listed);
        if let Some(list) = listed.filter(|_| before.is_none() || after.is_none()) {
            let word = |there: bool| there.then(|| thing.clone());
            let (from, to) = (word(before.is_some()), word(after.is_some()));
            changes.push(Change { thing: thing.clone(), key: None, from, to, class: list.class() });
            continue;
        }
        let values = |one: Option<&super::written::Thing>| one.map(|one| one.values.clone()).unwrap_or_default();
        let (before, after) = (values(before), values(after));
        let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for at in keys {
            let (from, to) = (before.get(at).cloned(), after.get(at).cloned());
            if from != to {
                let key = key(at.0, at.1);
                changes.push(Change { thing: thing.clone(), key: Some(key), from, to, class: key.class() });
            }
        }
    }
    changes
}

/// A key that is known to be one.
fn key(table: &str, name: &str) -> &'static Key {
    find(table, name).expect("every pair that is written here is in the list of keys, and a test holds that")
}
