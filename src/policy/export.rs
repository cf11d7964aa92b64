//! What a neighbor is told.

use std::net::IpAddr;

use crate::types::{Asn, Family, PeerId, Prefix};
use crate::wire::{AttributeFlags, Attributes, Community, Origin};

use super::{Chain, Edits, NextHopEdit, Rejected, Route, Verdict};

/// Which routes a neighbor may hear of at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// The gateway's own only.
    LocalOnly,
    /// Also what external neighbors taught, but no default route.
    Transit,
    /// What others taught, without the gateway's own: for a router inside the cloud network.
    Learned,
    /// All that BGP passes on.
    Everything,
}

/// Where a route came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// The gateway itself.
    Local,
    /// A neighbor of another AS.
    External(PeerId),
    /// A neighbor of our own AS.
    Internal(PeerId),
}

/// Why a neighbor is not told of a route.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Withheld {
    /// It taught us the route itself.
    #[error("it came from this neighbor")]
    CameFrom,
    /// Outside its scope.
    #[error("this neighbor gets the gateway's own routes only: transit is off")]
    NoTransit,
    /// The gateway's own prefixes are where this neighbor is.
    #[error("this neighbor is inside the gateway's own network")]
    Inside,
    /// A learned default route is never passed on in transit.
    #[error("a default route is not passed on in transit")]
    Default,
    /// Internal to internal needs a route reflector (RFC 4271 §9.2).
    #[error("learned from an internal neighbor, not told to another")]
    Internal,
    /// A well-known community (RFC 1997).
    #[error("it carries the community {0}")]
    Community(&'static str),
    /// This instance is not to be used by the neighbor now.
    #[error("this instance offers it nothing now: see twinspan show gateway")]
    Standing,
    /// A segment of its path is a set, AS_SET or AS_CONFED_SET (RFC 9774 §3).
    #[error("a set of ASes in AS_PATH, which is deprecated (RFC 9774): allow-as-sets = true passes it on")]
    AsSet,
    /// No policy for a neighbor of another AS.
    #[error("no export policy for this neighbor (RFC 8212): export = [\"accept\"] passes all")]
    NoPolicy,
    /// A policy says no.
    #[error("{0}")]
    Policy(Rejected),
    /// We have no address of the family to name as next hop.
    #[error("no address of ours to be its next hop")]
    NoNextHop,
}

/// What a neighbor is told of a route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Told {
    /// Its attributes.
    pub attributes: Attributes,
    /// Its next hop.
    pub next_hop: NextHopOut,
}

/// The next hop that a neighbor is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NextHopOut {
    /// Our own address in the session.
    Own,
    /// As it was learned.
    Kept,
    /// What a policy says.
    Address(IpAddr),
}

/// The rules for routes that go out to one neighbor: safety first, then its policies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Export {
    /// Our AS.
    pub local_asn: Asn,
    /// The neighbor's AS; equal to ours for an internal one.
    pub peer_asn: Asn,
    /// Which routes at all.
    pub scope: Scope,
    /// An internal neighbor is told our own address for learned routes too; for an external one that is always so.
    pub next_hop_self: bool,
    /// The neighbor's policies.
    pub chain: Chain,
    /// Paths with sets are passed on, against RFC 9774 §3.
    pub allow_as_sets: bool,
    /// Every route is told as one that is about to go (GRACEFUL_SHUTDOWN, RFC 8326 §4.1).
    pub graceful_shutdown: bool,
    /// What the instance may offer it at this time.
    pub manner: Manner,
}

/// How far a neighbor may rely on this instance at this time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Manner {
    /// As the rules say.
    #[default]
    Open,
    /// It is told all, so that any other way is better: GRACEFUL_SHUTDOWN (RFC 8326 §4.1), and for those that do not
    /// heed it the highest MED and a longer AS_PATH.
    Leaving,
    /// It is told nothing: what it was told is withdrawn.
    Withheld,
}

/// The MED of a path that another host of our AS can deliver, not this one: who hears both takes that one's.
const SECOND_MED: u32 = 100;
/// How often our AS is in front of a path that is about to go, beside the one time that it must be.
const LEAVING_PREPENDS: usize = 3;
/// The MED of a path that is about to go. Above it there is only a value that some take for none at all.
const LEAVING_MED: u32 = u32::MAX - 1;

impl Export {
    /// The rules; the next hop of learned routes is left as it is towards an internal neighbor, and sets do not pass.
    #[must_use]
    pub fn new(local_asn: Asn, peer_asn: Asn, scope: Scope, chain: Chain) -> Self {
        let (next_hop_self, graceful_shutdown, allow_as_sets) = (false, false, false);
        let manner = Manner::Open;
        Self { local_asn, peer_asn, scope, next_hop_self, chain, allow_as_sets, graceful_shutdown, manner }
    }

    /// True for a neighbor of our own AS.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.local_asn == self.peer_asn
    }

    /// True if our own address goes out as the route's next hop.
    #[must_use]
    pub fn names_itself(&self, source: Source) -> bool {
        !self.is_internal() || self.next_hop_self || source == Source::Local
    }

    /// What goes out to the neighbor `to`, or why nothing does.
    pub fn check(&self, to: PeerId, source: Source, route: &Route<'_>) -> Result<Told, Withheld> {
        self.passes(to, route.prefix, source)?;
        self.communities(route.attributes)?;
        if !self.allow_as_sets && route.attributes.as_path.has_sets() {
            return Err(Withheld::AsSet);
        }
        let edits = match self.chain.judge(route, self.prepender()) {
            Verdict::Accept { edits, .. } => edits,
            Verdict::Reject(by) => return Err(Withheld::Policy(by)),
            Verdict::NoPolicy if self.is_internal() => Edits::default(),
            Verdict::NoPolicy => return Err(Withheld::NoPolicy),
        };
        let family = route.prefix.family();
        let next_hop = match edits.next_hop() {
            Some(NextHopEdit::Own) => NextHopOut::Own,
            Some(NextHopEdit::Address(address)) if Family::of(address) == family => NextHopOut::Address(address),
            Some(NextHopEdit::Address(_) | NextHopEdit::Peer) | None if self.names_itself(source) => NextHopOut::Own,
            Some(NextHopEdit::Address(_) | NextHopEdit::Peer) | None => NextHopOut::Kept,
        };
        let mut attributes = self.rewrite(source, route.attributes, &edits);
        if self.graceful_shutdown || self.manner == Manner::Leaving {
            self.leave(&mut attributes);
        }
        if self.manner == Manner::Leaving {
            attributes.med = Some(LEAVING_MED);
            if !self.is_internal() {
                attributes.as_path.prepend(self.local_asn, LEAVING_PREPENDS);
            }
        }
        Ok(Told { attributes, next_hop })
    }

    /// Marks a route that goes out as one that is about to go: any other is better (RFC 8326 §4.1).
    fn leave(&self, attributes: &mut Attributes) {
        if !attributes.communities.contains(&Community::GRACEFUL_SHUTDOWN) {
            attributes.communities.push(Community::GRACEFUL_SHUTDOWN);
        }
        if self.is_internal() {
            attributes.local_pref = Some(0);
        }
    }

    /// The AS that a policy repeats in front of a path. To an internal neighbor it would be a loop.
    fn prepender(&self) -> Option<Asn> {
        (!self.is_internal()).then_some(self.local_asn)
    }

    /// True if the policies may say different things of prefixes with the same attributes.
    #[must_use]
    pub fn differs_by_prefix(&self) -> bool {
        self.chain.differs_by_prefix()
    }

    /// The part of [`Export::check`] that does not depend on the attributes.
    pub fn passes(&self, to: PeerId, prefix: &Prefix, source: Source) -> Result<(), Withheld> {
        if self.manner == Manner::Withheld {
            return Err(Withheld::Standing);
        }
        match source {
            Source::Local if self.scope == Scope::Learned => Err(Withheld::Inside),
            Source::Local => Ok(()),
            Source::External(peer) | Source::Internal(peer) if peer == to => Err(Withheld::CameFrom),
            Source::Internal(_) if self.is_internal() => Err(Withheld::Internal),
            Source::External(_) | Source::Internal(_) => match (self.scope, source) {
                (Scope::LocalOnly, _) | (Scope::Transit, Source::Internal(_)) => Err(Withheld::NoTransit),
                (Scope::Transit, _) if prefix.is_default() => Err(Withheld::Default),
                (Scope::Transit | Scope::Learned | Scope::Everything, _) => Ok(()),
            },
        }
    }

    fn communities(&self, attributes: &Attributes) -> Result<(), Withheld> {
        for community in &attributes.communities {
            match *community {
                Community::NO_ADVERTISE => return Err(Withheld::Community("no-advertise")),
                Community::NO_EXPORT if !self.is_internal() => return Err(Withheld::Community("no-export")),
                Community::NO_EXPORT_SUBCONFED if !self.is_internal() => {
                    return Err(Withheld::Community("no-export-subconfed"));
                }
                Community::BLACKHOLE if !self.is_internal() => return Err(Withheld::Community("blackhole")),
                _ => {}
            }
        }
        Ok(())
    }

    /// What leaves this AS, and what stays in it, first; then the policies' changes, so that these do leave.
    fn rewrite(&self, source: Source, attributes: &Attributes, edits: &Edits) -> Attributes {
        let mut out = attributes.clone();
        for unknown in &mut out.unknown {
            unknown.flags = AttributeFlags(unknown.flags.0 | AttributeFlags::PARTIAL.0);
        }
        if source == Source::Local {
            out.origin = Origin::Igp;
        }
        if self.is_internal() {
            out.local_pref = Some(out.local_pref.unwrap_or(100));
            edits.apply(&mut out, self.prepender());
            return out;
        }
        out.originator_id = None;
        out.cluster_list.clear();
        out.unknown.retain(|attribute| !attribute.stays_inside());
        // Others are in no confederation with us (RFC 5065 §4).
        if out.as_path.segments.iter().any(|segment| segment.kind.is_confed()) {
            out.as_path = out.as_path.without_confed();
        }
        if source != Source::Local {
            out.med = None; // RFC 4271 §5.1.4
            if self.scope == Scope::Learned && matches!(source, Source::Internal(_)) {
                out.med = Some(SECOND_MED);
            }
            // RFC 4360 §6: the T bit keeps a community inside its AS.
            out.extended_communities.retain(|community| community.is_transitive());
        }
        edits.apply(&mut out, self.prepender());
        out.as_path.prepend(self.local_asn, 1);
        out.local_pref = None; // means nothing to others
        out
    }
}
