//! `show routes`.

use super::fib::families;
use super::neighbors::hex;
use crate::control::api::{
    ApiError, AsPathItem, Origin, OtherAttribute, Path, PathSource, PathState, Route, RouteQuery, Routes, Select, Told,
    community, extended_community, large_community,
};
use crate::rib;
use crate::speaker::Speaker;
use crate::types::{PeerId, Weight};
use crate::wire;
use crate::wire::{Attributes, SegmentKind};

impl Speaker {
    pub(super) fn show_routes(&self, query: &RouteQuery) -> Result<Routes, ApiError> {
        let peer = match &query.neighbor {
            None => None,
            Some(name) => {
                let found = self.neighbors.named(name).map(|neighbor| neighbor.id);
                let found = found.or_else(|| self.statics.named(name));
                Some(found.ok_or_else(|| ApiError::no_neighbor(name))?)
            }
        };
        let (entries, next) = match query.select {
            Select::Prefix(prefix) => (self.rib.entry(&prefix).into_iter().collect(), None),
            Select::Address(address) => (self.rib.longest(address).into_iter().collect(), None),
            Select::All => self.page(query, peer),
        };
        let one = !matches!(query.select, Select::All);
        let entries = entries.into_iter().filter(|entry: &rib::Entry| peer.is_none_or(|peer| teaches(entry, peer)));
        let routes = entries.map(|entry| Route {
            prefix: entry.prefix,
            paths: entry
                .paths
                .iter()
                .filter(|path| peer.is_none() || path.peer == peer)
                .map(|p| self.path(p))
                .collect(),
            kernel: if one { self.fib.route(&entry.prefix).map(|view| self.fib_route(view)) } else { None },
            told: if one { self.told(&entry, peer) } else { Vec::new() },
        });
        Ok(Routes { totals: self.route_totals(), routes: routes.collect(), next })
    }

    /// The next entries in the order of prefixes, and where to go on behind them.
    fn page(&self, query: &RouteQuery, peer: Option<PeerId>) -> (Vec<rib::Entry>, Option<crate::types::Prefix>) {
        let mut entries: Vec<rib::Entry> = Vec::new();
        for family in families(query.family, query.after) {
            let room = query.limit.saturating_sub(entries.len());
            let after = query.after.filter(|after| after.family() == family);
            entries.extend(self.rib.page(family, after, room, peer));
        }
        let next = entries.last().map(|entry| entry.prefix).filter(|_| entries.len() == query.limit);
        (entries, next)
    }

    /// What every neighbor with a session, or that one, is told of a prefix.
    fn told(&self, entry: &rib::Entry, only: Option<PeerId>) -> Vec<Told> {
        if !entry.paths.iter().any(|path| path.state == rib::PathState::Best) {
            return Vec::new();
        }
        let up = self.neighbors.iter().filter(|n| n.conn.is_some() && only.is_none_or(|only| only == n.id));
        let told = up.map(|neighbor| {
            let none = || "not told yet: it takes its turn".to_owned();
            let (said, why) = match self.rib.advertised(neighbor.id, &entry.prefix) {
                Some(said) => (Some(said), None),
                None => {
                    (None, Some(self.rib.withheld(neighbor.id, &entry.prefix).map_or_else(none, |w| w.to_string())))
                }
            };
            let attributes = said.as_ref().map(|(attributes, _)| attributes);
            Told {
                neighbor: neighbor.plan.name.clone(),
                next_hop: said.as_ref().map(|(_, next_hop)| next_hop.addr()),
                as_path: attributes.map(|attributes| as_path(&attributes.as_path)).unwrap_or_default(),
                med: attributes.and_then(|attributes| attributes.med),
                communities: attributes
                    .map(|attributes| attributes.communities.iter().map(|one| community(one.0)).collect())
                    .unwrap_or_default(),
                why,
            }
        });
        told.collect()
    }

    fn path(&self, view: &rib::PathView) -> Path {
        let attributes = &view.attributes;
        let (state, why) = match &view.state {
            rib::PathState::Best => (PathState::Best, None),
            rib::PathState::Multipath => (PathState::Multipath, None),
            rib::PathState::NotBest { why, .. } => (PathState::NotBest, Some(why.clone())),
            rib::PathState::Refused(why) => (PathState::Refused, Some(why.to_string())),
        };
        let of = view.peer.and_then(|peer| self.neighbors.get(peer));
        let kept = of.and_then(|neighbor| neighbor.awaited.kept).filter(|_| view.lost);
        Path {
            neighbor: view.peer.and_then(|peer| self.name(peer)),
            // A tunnel may have no address at its far end, and need none.
            next_hop: view.next_hop.map(|next_hop| next_hop.addr()).filter(|address| !address.is_unspecified()),
            source: match view.peer {
                None => PathSource::Own,
                Some(peer) if self.statics.name(peer).is_some() => PathSource::Static,
                Some(_) => PathSource::Bgp,
            },
            as_path: as_path(&attributes.as_path),
            origin: match attributes.origin {
                wire::Origin::Igp => Origin::Igp,
                wire::Origin::Egp => Origin::Egp,
                wire::Origin::Incomplete => Origin::Incomplete,
            },
            med: attributes.med,
            local_pref: attributes.local_pref,
            communities: attributes.communities.iter().map(|one| community(one.0)).collect(),
            extended_communities: attributes.extended_communities.iter().map(|one| extended_community(one.0)).collect(),
            large_communities: attributes
                .large_communities
                .iter()
                .map(|one| large_community(one.global, one.local1, one.local2))
                .collect(),
            other_attributes: others(attributes),
            state,
            weight: view.weight.map(Weight::get),
            stale: view.stale,
            stale_since: kept.map(|kept| self.moment(kept.since)),
            stale_until: kept.map(|kept| self.moment(kept.until)),
            why,
        }
    }
}

fn teaches(entry: &rib::Entry, peer: PeerId) -> bool {
    entry.paths.iter().any(|path| path.peer == Some(peer))
}

fn as_path(path: &wire::AsPath) -> Vec<AsPathItem> {
    let mut items = Vec::new();
    for segment in &path.segments {
        let asns = segment.asns.to_vec();
        match segment.kind {
            SegmentKind::Sequence => items.extend(asns.into_iter().map(AsPathItem::Asn)),
            SegmentKind::Set => items.push(AsPathItem::Set { set: asns }),
            SegmentKind::ConfedSequence => items.push(AsPathItem::ConfedSequence { confed_sequence: asns }),
            SegmentKind::ConfedSet => items.push(AsPathItem::ConfedSet { confed_set: asns }),
        }
    }
    items
}

/// The attributes that the API has no field for.
fn others(attributes: &Attributes) -> Vec<OtherAttribute> {
    let mut found = Vec::new();
    let mut other = |code, name: &str, value| found.push(OtherAttribute { code, name: name.to_owned(), value });
    if attributes.atomic_aggregate {
        other(6, "atomic_aggregate", String::new());
    }
    if let Some(aggregator) = attributes.aggregator {
        other(7, "aggregator", format!("{} {}", aggregator.asn, aggregator.router_id));
    }
    if let Some(id) = attributes.originator_id {
        other(9, "originator_id", id.to_string());
    }
    if !attributes.cluster_list.is_empty() {
        let ids: Vec<_> = attributes.cluster_list.iter().map(|id| id.0.to_string()).collect();
        other(10, "cluster_list", ids.join(" "));
    }
    for unknown in &attributes.unknown {
        other(unknown.code, "unknown", hex(&unknown.value));
    }
    found
}
