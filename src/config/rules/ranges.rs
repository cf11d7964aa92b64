//! Rules about ranges of neighbors.

use std::net::IpAddr;

use super::super::{
    file::{File, Outside},
    raw::{At, Reader},
};
use super::bgp_ips;
use crate::gateway::Auth;
use crate::gateway::Bgp;
use crate::types::Name;
use crate::types::Prefix;

pub(super) fn check(r: &mut Reader<'_>, file: &File) {
    ranges_differ(r, file);
    families_agree(r, file);
    names_have_room(r, file);
    signed_alike(r, file);
}

/// The ranges of the file.
fn ranges(file: &File) -> impl Iterator<Item = (&Outside, &At<Prefix>)> {
    file.neighbors.iter().filter_map(|other| Some((other, other.range.as_ref()?)))
}

/// True if both are on one instance at least.
fn meet(a: &Outside, b: &Outside) -> bool {
    let all = |other: &Outside| other.instances.is_empty();
    all(a) || all(b) || a.instances.iter().any(|name| b.instances.iter().any(|other| other.value == name.value))
}

/// `equal-ranges`: nobody could say which one a neighbor is from.
fn ranges_differ(r: &mut Reader<'_>, file: &File) {
    let found: Vec<_> = ranges(file).collect();
    for (at, (other, range)) in found.iter().enumerate() {
        let same = |first: &&(&Outside, &At<Prefix>)| first.1.value == range.value && meet(first.0, other);
        if let Some((_, first)) = found.iter().take(at).find(same) {
            let message = format!("there are two ranges {}", range.value);
            let way_out = "leave out one of the two, or make one narrower: the longest that holds an address counts";
            r.error_also("equal-ranges", &range.span, message, way_out, (&first.span, "first here"));
        }
    }
}

/// `address-families-differ`, of ranges.
fn families_agree(r: &mut Reader<'_>, file: &File) {
    let Some(gateway) = &file.gateway else { return };
    let ours = bgp_ips(gateway);
    for (other, range) in ranges(file) {
        let here = |name: Option<&At<Name>>| {
            other.instances.is_empty() || name.is_some_and(|n| other.instances.iter().any(|i| i.value == n.value))
        };
        let hosts = gateway.instances.iter().zip(&ours).filter(|(instance, _)| here(instance.name.as_ref()));
        let local = match &other.local_address {
            Some(at) => Some(at.value),
            None => hosts.filter_map(|(_, ip)| *ip).find(|ip| ip.is_ipv4() != range.value.addr().is_ipv4()),
        };
        if let Some(local) = local.filter(|local: &IpAddr| local.is_ipv4() != range.value.addr().is_ipv4()) {
            let message = format!("neighbors from {} would dial {local}, of another family", range.value);
            r.error("address-families-differ", &range.span, message, "give a `local-address` of the range's family");
        }
    }
}

/// `name-too-long`, of ranges: a neighbor is named as its range and its address.
fn names_have_room(r: &mut Reader<'_>, file: &File) {
    for (other, range) in ranges(file) {
        let longest =
            if range.value.addr().is_ipv4() { "255.255.255.255" } else { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" };
        let Some(name) = &other.name else { continue };
        if Name::new(&format!("{}:{longest}", name.value)).is_err() {
            let message = format!("neighbors are named \"{}:ADDRESS\", which gets too long for a name", name.value);
            r.error("name-too-long", &name.span, message, "give the range a shorter `name`");
        }
    }
}

/// How the neighbors of a table are signed.
fn auth(file: &File, other: &Outside) -> Auth {
    let merged: Bgp = other.bgp.bgp.or(&file.bgp.bgp);
    merged.auth.unwrap_or_default()
}

/// `signed-otherwise-in-range`: the kernel asks everyone from a range for a signature of the range's kind, unless there
/// is another key for the address.
fn signed_alike(r: &mut Reader<'_>, file: &File) {
    for (other, range) in ranges(file) {
        let outer = auth(file, other);
        let inside = |prefix: Prefix| range.value.covers(&prefix) && range.value != prefix;
        let fixed = file.routers.iter().chain(&file.neighbors).filter_map(|inner| {
            let prefix = match (&inner.address, &inner.range) {
                (Some(address), _) => At { value: Prefix::host(address.value), span: address.span.clone() },
                (None, Some(range)) => range.clone(),
                (None, None) => return None,
            };
            (meet(inner, other) && inside(prefix.value)).then_some((inner, prefix))
        });
        for (inner, prefix) in fixed {
            let own = auth(file, inner);
            let fits =
                matches!((&outer, &own), (Auth::None, _) | (Auth::Md5(_), Auth::Md5(_)) | (Auth::Ao(_), Auth::Ao(_)));
            if !fits {
                let message = format!(
                    "{} is inside of the range {}, which is signed with {outer}, and is signed with {own} itself",
                    prefix.value, range.value
                );
                let way_out = "sign both with the same, each with a key of its own if you like";
                r.error_also("signed-otherwise-in-range", &prefix.span, message, way_out, (&range.span, "the range"));
            }
        }
    }
}
