//! Rules about BGP sessions, as they come out of tunnels, network routers and other neighbors.

use std::{net::IpAddr, ops::Range};

use super::{AddressPlan, far_end};
use crate::config::{
    Ecmp, build, duration,
    file::{Connection, File, Gateway, Instance, Outside, Tunnel},
    raw::Reader,
    session::{self, Session},
};
use crate::gateway::Bgp;
use crate::gateway::Mode;
use crate::gateway::Profile;
use crate::gateway::Timers;
use crate::types::Name;

/// A session on one instance, as far as the file is right about it.
struct End<'f> {
    /// The session's name; a derived one if none is given.
    name: String,
    instance: &'f Name,
    local: Option<IpAddr>,
    remote: Option<IpAddr>,
    /// Where the far end's address stands, or what it comes from.
    at: Range<usize>,
    /// Where the name stands, or what it comes from.
    named_at: Range<usize>,
    /// The tables that say how it is run, the nearest first.
    tables: Vec<&'f Session>,
    /// True if it runs inside a tunnel.
    in_tunnel: bool,
}

pub(super) fn check(r: &mut Reader<'_>, file: &File) {
    let Some(gateway) = &file.gateway else { return };
    let ends = ends(file, gateway);
    names_differ(r, &ends);
    one_session_an_address(r, &ends);
    families_agree(r, &ends);
    keepalive_below_hold(r, &ends);
    waits_grow(r, &ends);
    hold_time_of_profile(r, gateway, &ends);
    local_address_of_one_host(r, file);
    buckets_hold_paths(r, file);
}

/// The names of all sessions, on both instances; one from each range for all of those.
pub(super) fn names(file: &File, gateway: &Gateway) -> Vec<String> {
    let first =
        |other: &Outside| Some(format!("{}:{}", other.name.as_ref()?.value, other.range.as_ref()?.value.addr()));
    let ranges = file.neighbors.iter().filter_map(first);
    ends(file, gateway).into_iter().map(|end| end.name).chain(ranges).collect()
}

fn ends<'f>(file: &'f File, gateway: &'f Gateway) -> Vec<End<'f>> {
    let plan = AddressPlan::of(gateway);
    let hosts: Vec<(&Name, Option<IpAddr>)> = gateway
        .instances
        .iter()
        .zip(plan.instances)
        .filter_map(|(i, ip)| Some((&i.name.as_ref()?.value, ip)))
        .collect();
    let mut ends = Vec::new();
    let shared = plan.shared.filter(|_| build::mode(gateway) == Mode::ActiveStandby);
    for connection in &file.connections {
        for tunnel in &connection.tunnels {
            ends.extend(inside(file, connection, tunnel, &hosts, shared));
        }
    }
    ends.extend(twins(file, gateway));
    for other in file.routers.iter().chain(&file.neighbors) {
        // What is in a range is not known yet, but how it is run is.
        let at = other.address.as_ref().map(|at| &at.span).or(other.range.as_ref().map(|at| &at.span));
        let (Some(name), Some(at)) = (&other.name, at) else { continue };
        let here = |instance: &Name| other.instances.is_empty() || other.instances.iter().any(|i| i.value == *instance);
        for (instance, bgp_ip) in hosts.iter().filter(|(instance, _)| here(instance)) {
            ends.push(End {
                name: name.value.to_string(),
                instance,
                local: other.local_address.as_ref().map_or(*bgp_ip, |at| Some(at.value)),
                remote: other.address.as_ref().map(|at| at.value),
                at: at.clone(),
                named_at: name.span.clone(),
                tables: vec![&other.bgp, &file.bgp],
                in_tunnel: false,
            });
        }
    }
    ends
}

/// The session of each instance with the other, named as that is.
fn twins<'f>(file: &'f File, gateway: &'f Gateway) -> Vec<End<'f>> {
    let [one, other] = gateway.instances.as_slice() else { return Vec::new() };
    let end = |own: &'f Instance, twin: &'f Instance| {
        let (name, far) = (twin.name.as_ref()?, twin.twin_link.as_ref()?);
        let far_address = far.address.as_ref();
        Some(End {
            name: name.value.to_string(),
            instance: &own.name.as_ref()?.value,
            local: own.twin_link.as_ref()?.address.as_ref().map(|at| at.value),
            remote: far_address.map(|at| at.value),
            at: far_address.map_or_else(|| far.span.clone(), |at| at.span.clone()),
            named_at: name.span.clone(),
            tables: vec![&file.twin.bgp, &file.bgp],
            in_tunnel: false,
        })
    };
    end(one, other).into_iter().chain(end(other, one)).collect()
}

fn inside<'f>(
    file: &'f File,
    connection: &'f Connection,
    tunnel: &'f Tunnel,
    hosts: &[(&Name, Option<IpAddr>)],
    shared: Option<IpAddr>,
) -> Option<End<'f>> {
    let instance = &tunnel.instance.as_ref()?.value;
    let (_, bgp_ip) = hosts.iter().find(|(name, _)| *name == instance)?;
    let far = far_end(file, connection, tunnel);
    let has_pair = tunnel.has_local_ip || tunnel.has_remote_ip;
    let (local, remote) = if !connection.uses_bgp {
        (None, None)
    } else if has_pair {
        (tunnel.local_ip.as_ref().map(|at| at.value), tunnel.remote_ip.as_ref().map(|at| at.value))
    } else {
        (shared.or(*bgp_ip), far.as_ref().and_then(|far| Some(far.bgp_ip?.value)))
    };
    let mut tables = vec![&tunnel.bgp, &connection.bgp];
    tables.extend(far.map(|far| far.bgp));
    tables.push(&file.bgp);
    let named = tunnel.name.as_ref().map(|name| (name.value.to_string(), name.span.clone()));
    let (name, named_at) = match named {
        Some(named) => named,
        None => (derived_name(connection, tunnel)?, tunnel.span.clone()),
    };
    let at = tunnel.remote_ip.as_ref().map_or_else(|| tunnel.span.clone(), |at| at.span.clone());
    Some(End { name, instance, local, remote, at, named_at, tables, in_tunnel: connection.uses_bgp })
}

/// As `gateway::Connection::tunnel_name` makes it.
fn derived_name(connection: &Connection, tunnel: &Tunnel) -> Option<String> {
    let far = &connection.device.as_ref().or(connection.peer_gateway.as_ref())?.value;
    let plain = |tunnel: &Tunnel| {
        let host = tunnel.peer_instance.as_ref().map(|at| format!(":{}", at.value)).unwrap_or_default();
        Some(format!("{far}{host}/{}", tunnel.instance.as_ref()?.value))
    };
    let name = plain(tunnel)?;
    if connection.tunnels.iter().filter(|other| plain(other).as_ref() == Some(&name)).count() > 1 {
        Some(format!("{name}:{}", tunnel.interface.as_ref()?.value))
    } else {
        Some(name)
    }
}

/// `duplicate-name` and `name-too-long`, of sessions: they are shown, reset and drained by name.
fn names_differ(r: &mut Reader<'_>, ends: &[End<'_>]) {
    for (at, end) in ends.iter().enumerate() {
        if Name::new(&end.name).is_err() {
            let message = format!("the name that the tunnel gets, \"{}\", is too long or odd for a name", end.name);
            r.error("name-too-long", &end.named_at, message, "give the tunnel a `name` of its own");
        }
        let same = |first: &&End<'_>| first.name == end.name && first.named_at != end.named_at;
        if let Some(first) = ends.iter().take(at).find(same) {
            let message = format!("there are two sessions named \"{}\"", end.name);
            let also = (&first.named_at, "first here");
            r.error_also("duplicate-name", &end.named_at, message, "give each a name of its own", also);
        }
    }
}

/// `equal-neighbor-addresses`: a host has one route to an address, and one session with it.
fn one_session_an_address(r: &mut Reader<'_>, ends: &[End<'_>]) {
    for (at, end) in ends.iter().enumerate() {
        let Some(remote) = end.remote else { continue };
        let same = |first: &&End<'_>| first.remote == end.remote && first.instance == end.instance;
        if let Some(first) = ends.iter().take(at).find(same) {
            let message = format!(
                "\"{}\" and \"{}\" both go to {remote} from \"{}\", which can reach it one way only",
                first.name, end.name, end.instance
            );
            let way_out = "give each tunnel a pair of its own with `local-ip` and `remote-ip`";
            r.error_also("equal-neighbor-addresses", &end.at, message, way_out, (&first.at, "first here"));
        }
    }
}

/// `address-families-differ` and `neighbor-is-ourselves`.
fn families_agree(r: &mut Reader<'_>, ends: &[End<'_>]) {
    for end in ends {
        let (Some(local), Some(remote)) = (end.local, end.remote) else { continue };
        if local == remote {
            let message = format!("the session \"{}\" goes from {local} to itself", end.name);
            r.error("neighbor-is-ourselves", &end.at, message, "write the far end's address");
        } else if local.is_ipv4() != remote.is_ipv4() {
            let message = format!("the session \"{}\" would go from {local} to {remote}, of another family", end.name);
            let way_out = "use two addresses of one family, such as a pair on the tunnel";
            r.error("address-families-differ", &end.at, message, way_out);
        }
    }
}

/// What all tables of a session come to, and where one of these timers is said, in the nearest table that says one.
fn timers(end: &End<'_>, which: [usize; 2]) -> (Timers, Option<Range<usize>>) {
    let merged = end.tables.iter().fold(Bgp::default(), |inner, outer| inner.or(&outer.bgp));
    let said = |table: &&Session| which.iter().find_map(|timer| table.timers.get(*timer).cloned().flatten());
    (merged.timers(), end.tables.iter().find_map(said))
}

/// `keepalive-not-below-hold`: a peer would give us up between two keepalives.
fn keepalive_below_hold(r: &mut Reader<'_>, ends: &[End<'_>]) {
    let mut told = Vec::new();
    for end in ends {
        let (timers, at) = timers(end, [session::KEEPALIVE, session::HOLD]);
        let hold = timers.hold_time.duration().filter(|hold| timers.keepalive >= *hold);
        let (Some(hold), Some(at)) = (hold, at) else { continue };
        if !told.contains(&at) {
            let (keepalive, hold) = (duration::show(timers.keepalive), duration::show(hold));
            let message = format!(
                "a keepalive every {keepalive} cannot keep a hold time of {hold} alive, for \"{}\" at least",
                end.name
            );
            let way_out = "leave `keepalive-time` out: it is a third of the hold time then";
            r.error("keepalive-not-below-hold", &at, message, way_out);
            told.push(at);
        }
    }
}

/// `hold-below-profile`: the gateways of some clouds send keepalives as they always do, whatever was agreed. Half an
/// interval is left for one that is late.
fn hold_time_of_profile(r: &mut Reader<'_>, gateway: &Gateway, ends: &[End<'_>]) {
    let Some(profile) = &gateway.profile else { return };
    let (cloud, every) = match profile.value {
        Profile::Azure => ("Azure VPN Gateway", 60),
        Profile::Aws => ("AWS Site-to-Site VPN", 10),
        Profile::Gcp => ("Google Cloud Router", 20),
    };
    let mut told = Vec::new();
    for end in ends.iter().filter(|end| end.in_tunnel) {
        let (timers, at) = timers(end, [session::HOLD, session::HOLD]);
        let short = timers.hold_time.duration().filter(|hold| hold.as_secs() < every + every / 2);
        let (Some(hold), Some(at)) = (short, at) else { continue };
        if !told.contains(&at) {
            let message = format!(
                "a peer with the timers of {cloud} says something every {every}s, and a hold time of {} gives it up between",
                duration::show(hold)
            );
            let way_out = format!("write \"{}s\" or more; BFD notices a dead way sooner", every * 3);
            r.warning_also("hold-below-profile", &at, message, way_out, (&profile.span, "the profile"));
            told.push(at);
        }
    }
}

/// `idle-hold-below-retry`: waits grow from the one to the other.
fn waits_grow(r: &mut Reader<'_>, ends: &[End<'_>]) {
    let mut told = Vec::new();
    for end in ends {
        let (timers, at) = timers(end, [session::IDLE_HOLD, session::RETRY]);
        let Some(at) = at.filter(|_| timers.idle_hold_max < timers.connect_retry) else { continue };
        if !told.contains(&at) {
            let (longest, first) = (duration::show(timers.idle_hold_max), duration::show(timers.connect_retry));
            let message = format!("the longest wait, {longest}, is shorter than the first, {first}");
            r.error("idle-hold-below-retry", &at, message, "raise `idle-hold-max`, or lower `connect-retry`");
            told.push(at);
        }
    }
}

/// `local-address-of-both`: an address is on one host, as a rule.
fn local_address_of_one_host(r: &mut Reader<'_>, file: &File) {
    for other in file.routers.iter().chain(&file.neighbors) {
        if let (Some(address), true) = (&other.local_address, other.instances.len() != 1) {
            let message =
                format!("both instances would use the local address {}, which is mostly one host's", address.value);
            let way_out = "name the instance that has it, such as `instances = [\"in-0\"]`";
            r.warning("local-address-of-both", &address.span, message, way_out);
        }
    }
}

/// `buckets-below-paths`: a path without a bucket carries nothing.
fn buckets_hold_paths(r: &mut Reader<'_>, file: &File) {
    let defaults = Ecmp::default();
    let paths = file.ecmp.max_paths.as_ref().map_or(defaults.max_paths, |at| at.value);
    // Those that are not given are enough for 256 paths, and no file has more.
    let Some(given) = &file.ecmp.buckets else { return };
    let (buckets, at) = (given.value, &given.span);
    if usize::from(buckets) < paths {
        let message = format!("{buckets} buckets cannot serve {paths} paths; a path without a bucket carries nothing");
        r.error("buckets-below-paths", at, message, "give `buckets` a few times as many as `max-paths`, such as 256");
    }
}
