//! The rules that values of the file must keep among each other. Each rule is one function with one code, reports
//! every place that breaks it, and bears with values that are missing because they were wrong by themselves.

mod connections;
mod devices;
mod election;
mod instances;
mod policies;
mod ranges;
mod secrets;
mod sessions;
mod statics;
mod twin;

use std::{fmt::Display, net::IpAddr, ops::Range};

use super::{
    build,
    file::{Connection, Device, File, Gateway, Instance, PeerGateway, PeerInstance, Tunnel},
    host::Host,
    keys,
    raw::{At, Reader},
    session::Session,
};
use crate::gateway::Mode;
use crate::gateway::first_free;
use crate::gateway::last_usable;
use crate::types::Asn;
use crate::types::Name;
use crate::types::Prefix;

/// Holds the file against every rule.
pub(super) fn check(r: &mut Reader<'_>, file: &File, host: &dyn Host) {
    if let Some(gateway) = &file.gateway {
        instances::check(r, gateway);
    }
    devices::check(r, file);
    statics::check(r, file);
    connections::check(r, file);
    sessions::check(r, file);
    twin::check(r, file);
    if let Some(gateway) = &file.gateway {
        election::check(r, file, build::mode(gateway));
    }
    ranges::check(r, file);
    policies::check(r, file);
    secrets::check(r, file, host);
    damping(r, file);
}

/// The longest wait of a tunnel is not shorter than its first one.
fn damping(r: &mut Reader<'_>, file: &File) {
    let (Some(first), Some(max)) = (&file.damping.first, &file.damping.max) else { return };
    if max.value < first.value {
        let message = "`damping-max` is shorter than `damping-first`, the shortest wait";
        let way_out = "make it as long at least; `damping-first = \"0s\"` is no damping";
        r.error_also("bad-value", &max.span, message, way_out, (&first.span, "and here"));
    }
}

/// The BGP addresses of the gateway: as given, else out of its subnet.
pub(super) struct AddressPlan {
    /// The one of the active instance: the last usable one of the subnet unless given.
    pub(super) shared: Option<IpAddr>,
    /// Each instance's own: the first of the subnet that is free unless given, in the order of the file.
    pub(super) instances: Vec<Option<IpAddr>>,
}

impl AddressPlan {
    pub(super) fn of(gateway: &Gateway) -> Self {
        let subnet = gateway.subnet.as_ref().map(|s| s.value);
        let mut taken: Vec<IpAddr> = gateway.instances.iter().filter_map(|i| Some(i.bgp_ip.as_ref()?.value)).collect();
        let shared = match &gateway.bgp_ip {
            Some(at) => Some(at.value),
            None if gateway.has_bgp_ip => None,
            None => subnet.map(|subnet| last_usable(&subnet)),
        };
        // In active-active nobody has the one that was not given.
        if gateway.has_bgp_ip || build::mode(gateway) == Mode::ActiveStandby {
            taken.extend(shared);
        }
        let own = |instance: &Instance| {
            if instance.has_bgp_ip {
                return instance.bgp_ip.as_ref().map(|at| at.value);
            }
            let free = first_free(&subnet?, &taken)?;
            taken.push(free);
            Some(free)
        };
        Self { shared, instances: gateway.instances.iter().map(own).collect() }
    }

    /// All that the gateway answers to in its mode.
    fn ours(&self, gateway: &Gateway) -> Vec<IpAddr> {
        let shared = self.shared.filter(|_| build::mode(gateway) == Mode::ActiveStandby);
        self.instances.iter().copied().chain([shared]).flatten().collect()
    }
}

/// The BGP address of each instance.
fn bgp_ips(gateway: &Gateway) -> Vec<Option<IpAddr>> {
    AddressPlan::of(gateway).instances
}

/// What is at the far end of a tunnel, as far as the file is right about it.
struct FarEnd<'f> {
    /// Its name: a device's or a peer gateway's.
    name: &'f Name,
    /// Where it stands.
    span: &'f Range<usize>,
    has_bgp_ip: bool,
    bgp_ip: Option<&'f At<IpAddr>>,
    /// What holds for its sessions.
    bgp: &'f Session,
}

/// The device, or the instance of a peer gateway, that a tunnel leads to; `None` if the file has no such.
fn far_end<'f>(file: &'f File, connection: &'f Connection, tunnel: &Tunnel) -> Option<FarEnd<'f>> {
    if let Some(device) = device_of(file, connection) {
        let Device { span, has_bgp_ip, bgp_ip, bgp, .. } = device;
        let name = &connection.device.as_ref()?.value;
        return Some(FarEnd { name, span, has_bgp_ip: *has_bgp_ip, bgp_ip: bgp_ip.as_ref(), bgp });
    }
    let peer = peer_of(file, connection)?;
    let name = &connection.peer_gateway.as_ref()?.value;
    let host = tunnel.peer_instance.as_ref()?;
    let host = peer.instances.iter().find(|i| i.name.as_ref().is_some_and(|n| n.value == host.value))?;
    let PeerInstance { span, has_bgp_ip, bgp_ip, .. } = host;
    Some(FarEnd { name, span, has_bgp_ip: *has_bgp_ip, bgp_ip: bgp_ip.as_ref(), bgp: &peer.bgp })
}

/// The device of a connection.
fn device_of<'f>(file: &'f File, connection: &Connection) -> Option<&'f Device> {
    let name = connection.device.as_ref()?;
    file.devices.iter().find(|d| d.name.as_ref().is_some_and(|n| n.value == name.value))
}

/// The peer gateway of a connection.
fn peer_of<'f>(file: &'f File, connection: &Connection) -> Option<&'f PeerGateway> {
    let name = connection.peer_gateway.as_ref()?;
    file.peers.iter().find(|p| p.name.as_ref().is_some_and(|n| n.value == name.value))
}

/// A device, or a peer gateway as a whole.
struct Party<'f> {
    /// `device` or `peer gateway`.
    what: &'static str,
    name: Option<&'f At<Name>>,
    span: &'f Range<usize>,
    has_asn: bool,
    asn: Option<&'f At<Asn>>,
    prefixes_wrong: bool,
    prefixes: &'f [At<Prefix>],
    /// Whether each connection that leads to it uses BGP.
    connections: Vec<bool>,
}

impl Party<'_> {
    /// True if something says what is behind it; what nobody leads to may yet get a connection with BGP.
    fn uses_bgp(&self) -> bool {
        self.connections.is_empty() || self.connections.contains(&true)
    }
}

/// All devices and peer gateways.
fn parties(file: &File) -> Vec<Party<'_>> {
    let leads = |of: fn(&Connection) -> Option<&At<Name>>, name: Option<&At<Name>>| {
        let Some(name) = name else { return Vec::new() };
        let here = |c: &&Connection| of(c).is_some_and(|n| n.value == name.value);
        file.connections.iter().filter(here).map(|c| c.uses_bgp).collect()
    };
    let devices = file.devices.iter().map(|device| Party {
        what: "device",
        name: device.name.as_ref(),
        span: &device.span,
        has_asn: device.has_asn,
        asn: device.asn.as_ref(),
        prefixes_wrong: device.prefixes_wrong,
        prefixes: &device.prefixes,
        connections: leads(|c| c.device.as_ref(), device.name.as_ref()),
    });
    let peers = file.peers.iter().map(|peer| Party {
        what: "peer gateway",
        name: peer.name.as_ref(),
        span: &peer.span,
        has_asn: peer.has_asn,
        asn: peer.asn.as_ref(),
        prefixes_wrong: peer.prefixes_wrong,
        prefixes: &peer.prefixes,
        connections: leads(|c| c.peer_gateway.as_ref(), peer.name.as_ref()),
    });
    devices.chain(peers).collect()
}

/// A host that tunnels lead to: a device, or an instance of a peer gateway.
struct FarHost<'f> {
    /// Its name for a sentence.
    called: String,
    public_ip: Option<&'f At<IpAddr>>,
    bgp_ip: Option<&'f At<IpAddr>>,
}

/// All of them.
fn far_hosts(file: &File) -> Vec<FarHost<'_>> {
    let devices = file.devices.iter().enumerate().map(|(at, device)| FarHost {
        called: called(device.name.as_ref(), "device", at),
        public_ip: device.public_ip.as_ref(),
        bgp_ip: device.bgp_ip.as_ref(),
    });
    let peers = file.peers.iter().flat_map(|peer| peer.instances.iter().enumerate()).map(|(at, host)| FarHost {
        called: called(host.name.as_ref(), "peer instance", at),
        public_ip: host.public_ip.as_ref(),
        bgp_ip: host.bgp_ip.as_ref(),
    });
    devices.chain(peers).collect()
}

/// The name of a thing for a sentence: as given, else where it stands in its list.
fn called(name: Option<&At<Name>>, what: &str, at: usize) -> String {
    name.map_or_else(|| format!("{what} {}", at + 1), |name| format!("\"{}\"", name.value))
}

/// Reports every value that an earlier one equals.
fn no_equals<T: PartialEq + Display>(
    r: &mut Reader<'_>,
    code: &'static str,
    values: &[(&At<T>, String)],
    message: impl Fn(&T, &str, &str) -> String,
    way_out: &str,
) {
    for (at, (value, owner)) in values.iter().enumerate() {
        if let Some((first, holder)) = values.iter().take(at).find(|(first, _)| first.value == value.value) {
            let message = message(&value.value, owner, holder);
            r.error_also(code, &value.span, message, way_out, (&first.span, "first here"));
        }
    }
}

/// Reports names that an earlier thing has.
fn unique_names(r: &mut Reader<'_>, what: &str, names: &[&At<Name>]) {
    let named: Vec<(&At<Name>, String)> = names.iter().map(|name| (*name, String::new())).collect();
    let message = |name: &Name, _: &str, _: &str| format!("there are two {what} named \"{name}\"");
    no_equals(r, "duplicate-name", &named, message, "give each a name of its own");
}

/// Reports a name that nothing has.
fn known_name(r: &mut Reader<'_>, what: &str, name: &At<Name>, known: &[&Name]) {
    if known.contains(&&name.value) {
        return;
    }
    let way_out = match keys::nearest(name.value.as_str(), known.iter().map(|n| n.as_str())) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if known.is_empty() => format!("there is no {what} in this file: add it"),
        None => {
            let all: Vec<String> = known.iter().map(|n| format!("\"{n}\"")).collect();
            format!("use one of {}", all.join(", "))
        }
    };
    r.error("unknown-name", &name.span, format!("there is no {what} named \"{}\"", name.value), way_out);
}

/// What to point at: the value, or what holds it.
fn place<'a, T>(value: Option<&'a At<T>>, around: &'a Range<usize>) -> &'a Range<usize> {
    value.map_or(around, |at| &at.span)
}
