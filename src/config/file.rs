//! The file as it was written: each value with its place. The rules judge it, and `build` makes settings of it.

use std::{
    net::{IpAddr, SocketAddr},
    ops::Range,
    path::PathBuf,
    time::Duration,
};

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::{
    Drain, Hash, Health, OnStop, Weights, election, health,
    policy::{self, Policy},
    raw::{At, Reader, Section, Wrong},
    session::{self, Session},
    twin, value,
};
use crate::gateway::Mode;
use crate::gateway::Profile;
use crate::types::Asn;
use crate::types::Name;
use crate::types::Prefix;
use crate::types::RouterId;

/// The whole of it. What is absent or wrong is `None`, and was reported.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) gateway: Option<Gateway>,
    pub(super) devices: Vec<Device>,
    pub(super) peers: Vec<PeerGateway>,
    pub(super) connections: Vec<Connection>,
    pub(super) routers: Vec<Outside>,
    pub(super) neighbors: Vec<Outside>,
    pub(super) policies: Vec<Policy>,
    pub(super) bgp: Session,
    pub(super) twin: twin::Words,
    pub(super) election: election::Words,
    pub(super) hooks: election::Commands,
    pub(super) damping: Damping,
    pub(super) health: Health,
    pub(super) drain: Drain,
    pub(super) ecmp: Ecmp,
    pub(super) kernel: Kernel,
    pub(super) socket: Option<At<PathBuf>>,
    pub(super) metrics: Option<At<SocketAddr>>,
}

#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) span: Range<usize>,
    pub(super) name: Option<At<Name>>,
    pub(super) mode: Option<At<Mode>>,
    pub(super) profile: Option<At<Profile>>,
    pub(super) asn: Option<At<Asn>>,
    pub(super) subnet: Option<At<Prefix>>,
    /// The shared address.
    pub(super) has_bgp_ip: bool,
    pub(super) bgp_ip: Option<At<IpAddr>>,
    pub(super) prefixes: Vec<At<Prefix>>,
    pub(super) transit: Option<At<bool>>,
    pub(super) max_tunnels: Option<At<usize>>,
    pub(super) instances: Vec<Instance>,
}

#[derive(Debug)]
pub(super) struct Instance {
    pub(super) span: Range<usize>,
    pub(super) name: Option<At<Name>>,
    pub(super) has_public_ip: bool,
    pub(super) public_ip: Option<At<IpAddr>>,
    pub(super) has_bgp_ip: bool,
    pub(super) bgp_ip: Option<At<IpAddr>>,
    pub(super) has_router_id: bool,
    pub(super) router_id: Option<At<RouterId>>,
    pub(super) twin_link: Option<twin::Link>,
    pub(super) network_interface: Option<At<String>>,
    pub(super) priority: Option<At<u8>>,
}

#[derive(Debug)]
pub(super) struct Device {
    pub(super) span: Range<usize>,
    pub(super) name: Option<At<Name>>,
    pub(super) public_ip: Option<At<IpAddr>>,
    pub(super) has_asn: bool,
    pub(super) asn: Option<At<Asn>>,
    pub(super) has_bgp_ip: bool,
    pub(super) bgp_ip: Option<At<IpAddr>>,
    /// True if some of them could not be read.
    pub(super) prefixes_wrong: bool,
    pub(super) prefixes: Vec<At<Prefix>>,
    pub(super) bgp: Session,
}

#[derive(Debug)]
pub(super) struct PeerGateway {
    pub(super) span: Range<usize>,
    pub(super) name: Option<At<Name>>,
    pub(super) has_asn: bool,
    pub(super) asn: Option<At<Asn>>,
    /// True if some of them could not be read.
    pub(super) prefixes_wrong: bool,
    pub(super) prefixes: Vec<At<Prefix>>,
    pub(super) instances: Vec<PeerInstance>,
    pub(super) bgp: Session,
}

#[derive(Debug)]
pub(super) struct PeerInstance {
    pub(super) span: Range<usize>,
    pub(super) name: Option<At<Name>>,
    pub(super) public_ip: Option<At<IpAddr>>,
    pub(super) has_bgp_ip: bool,
    pub(super) bgp_ip: Option<At<IpAddr>>,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) span: Range<usize>,
    pub(super) name: Option<At<Name>>,
    pub(super) device: Option<At<Name>>,
    pub(super) peer_gateway: Option<At<Name>>,
    pub(super) uses_bgp: bool,
    pub(super) tunnels: Vec<Tunnel>,
    pub(super) bgp: Session,
}

#[derive(Debug)]
pub(super) struct Tunnel {
    pub(super) span: Range<usize>,
    pub(super) name: Option<At<Name>>,
    pub(super) instance: Option<At<Name>>,
    pub(super) has_peer_instance: bool,
    pub(super) peer_instance: Option<At<Name>>,
    pub(super) has_interface: bool,
    pub(super) interface: Option<At<String>>,
    pub(super) has_local_ip: bool,
    pub(super) local_ip: Option<At<IpAddr>>,
    pub(super) has_remote_ip: bool,
    pub(super) remote_ip: Option<At<IpAddr>>,
    pub(super) bgp: Session,
}

/// A network router or another neighbor.
#[derive(Debug)]
pub(super) struct Outside {
    pub(super) name: Option<At<Name>>,
    pub(super) address: Option<At<IpAddr>>,
    pub(super) asn: Option<At<Asn>>,
    pub(super) interface: Option<At<String>>,
    pub(super) local_address: Option<At<IpAddr>>,
    pub(super) instances: Vec<At<Name>>,
    pub(super) bgp: Session,
    /// In place of `address`: of other neighbors only.
    pub(super) range: Option<At<Prefix>>,
    pub(super) limit: Option<At<usize>>,
    pub(super) asns: Vec<At<Asn>>,
}

#[derive(Debug, Default)]
pub(super) struct Damping {
    pub(super) first: Option<At<Duration>>,
    pub(super) max: Option<At<Duration>>,
    pub(super) decay: Option<At<Duration>>,
}

#[derive(Debug, Default)]
pub(super) struct Ecmp {
    pub(super) max_paths: Option<At<usize>>,
    pub(super) as_path_relax: Option<At<bool>>,
    pub(super) weights: Option<At<Weights>>,
    pub(super) hash: Option<At<Hash>>,
    pub(super) buckets: Option<At<u16>>,
    pub(super) idle_timer: Option<At<Duration>>,
}

#[derive(Debug, Default)]
pub(super) struct Kernel {
    pub(super) table: Option<At<u32>>,
    pub(super) protocol: Option<At<u8>>,
    pub(super) metric: Option<At<u32>>,
    pub(super) on_stop: Option<At<OnStop>>,
}

/// The widest group: the kernel takes more, and nobody has that many tunnels.
const MOST_PATHS: u64 = 256;

impl File {
    /// Reads all of it; what is wrong with single values is in the reader afterwards.
    pub(super) fn read(r: &mut Reader<'_>, document: &Spanned<DeTable<'_>>) -> Self {
        let top = r.top(document);
        r.must_have(&top, "gateway");
        let gateway = r.table(&top, "gateway", "gateway").map(|s| gateway(r, &s));
        let devices = r.tables(&top, "device", "device").iter().map(|s| device(r, s)).collect();
        let peers = r.tables(&top, "peer-gateway", "peer-gateway").iter().map(|s| peer_gateway(r, s)).collect();
        let connections = r.tables(&top, "connection", "connection").iter().map(|s| connection(r, s)).collect();
        let routers = r.tables(&top, "network-router", "network-router").iter().map(|s| router(r, s)).collect();
        let neighbors = r.tables(&top, "neighbor", "neighbor").iter().map(|s| neighbor(r, s)).collect();
        let policies = r.tables(&top, "policy", "policy").iter().map(|s| policy::read(r, s)).collect();
        let bgp = session::table(r, &top);
        let twin = twin::table(r, &top);
        let election = election::table(r, &top);
        let hooks = election::commands(r, &top);
        let damping = r.table(&top, "tunnel", "tunnel").map(|s| damping(r, &s)).unwrap_or_default();
        let health = r.table(&top, "health", "health").map(|s| health::health(r, &s)).unwrap_or_default();
        let drain = r.table(&top, "drain", "drain").map(|s| health::drain(r, &s)).unwrap_or_default();
        let ecmp = r.table(&top, "ecmp", "ecmp").map(|s| ecmp(r, &s)).unwrap_or_default();
        let kernel = r.table(&top, "kernel", "kernel").map(|s| kernel(r, &s)).unwrap_or_default();
        let control = r.table(&top, "control", "control");
        let socket = control.as_ref().and_then(|s| r.value(s, "socket", value::socket));
        let metrics = control.as_ref().and_then(|s| r.value(s, "metrics", value::endpoint));
        Self {
            gateway,
            devices,
            peers,
            connections,
            routers,
            neighbors,
            policies,
            bgp,
            twin,
            election,
            hooks,
            damping,
            health,
            drain,
            ecmp,
            kernel,
            socket,
            metrics,
        }
    }
}

/// How long a tunnel that failed waits.
fn damping(r: &mut Reader<'_>, s: &Section<'_>) -> Damping {
    let (second, hour) = (Duration::from_secs(1), Duration::from_secs(3600));
    Damping {
        first: r.value_with(s, "damping-first", |v| value::span_of_time(v, Duration::ZERO, hour)),
        max: r.value_with(s, "damping-max", |v| value::span_of_time(v, Duration::ZERO, hour)),
        decay: r.value_with(s, "damping-decay", |v| value::span_of_time(v, second, hour * 24)),
    }
}

fn items<T>(list: Option<At<Vec<At<T>>>>) -> Vec<At<T>> {
    list.map(|list| list.value).unwrap_or_default()
}

fn size(v: &DeValue<'_>, least: u64, most: u64) -> Result<usize, Wrong> {
    let number = value::number(v, least, most)?;
    usize::try_from(number).map_err(|_| Wrong::value(format!("{number} is too much for this machine")))
}

fn gateway(r: &mut Reader<'_>, s: &Section<'_>) -> Gateway {
    let modes = [("active-active", Mode::ActiveActive), ("active-standby", Mode::ActiveStandby)];
    let profiles = [("azure", Profile::Azure), ("aws", Profile::Aws), ("gcp", Profile::Gcp)];
    r.must_have(s, "prefixes");
    r.must_have(s, "instance");
    Gateway {
        span: s.span.clone(),
        name: r.required(s, "name", value::name),
        mode: r.value_with(s, "mode", |v| value::word(v, &modes)),
        profile: r.value_with(s, "profile", |v| value::word(v, &profiles)),
        asn: r.required(s, "asn", value::asn),
        subnet: r.required(s, "subnet", value::prefix),
        has_bgp_ip: s.has("bgp-ip"),
        bgp_ip: r.value(s, "bgp-ip", value::address),
        prefixes: items(r.list(s, "prefixes", value::prefix)),
        transit: r.value(s, "transit", value::boolean),
        max_tunnels: r.value(s, "max-tunnels", |v| size(v, 1, 100_000)),
        instances: r.tables(s, "instance", "gateway.instance").iter().map(|s| instance(r, s)).collect(),
    }
}

fn instance(r: &mut Reader<'_>, s: &Section<'_>) -> Instance {
    Instance {
        span: s.span.clone(),
        name: r.required(s, "name", value::name),
        has_public_ip: s.has("public-ip"),
        public_ip: r.value(s, "public-ip", value::address),
        has_bgp_ip: s.has("bgp-ip"),
        bgp_ip: r.value(s, "bgp-ip", value::address),
        has_router_id: s.has("router-id"),
        router_id: r.value(s, "router-id", value::router_id),
        twin_link: twin::link(r, s),
        network_interface: r.value(s, "network-interface", value::interface),
        priority: r.value(s, "priority", |v| narrow(v, 0, 255)),
    }
}

fn device(r: &mut Reader<'_>, s: &Section<'_>) -> Device {
    let (prefixes, prefixes_wrong) = prefixes(r, s);
    Device {
        span: s.span.clone(),
        name: r.required(s, "name", value::name),
        public_ip: r.value(s, "public-ip", value::address),
        has_asn: s.has("asn"),
        asn: r.value(s, "asn", value::asn),
        has_bgp_ip: s.has("bgp-ip"),
        bgp_ip: r.value(s, "bgp-ip", value::address),
        prefixes_wrong,
        prefixes,
        bgp: session::table(r, s),
    }
}

/// Those that are right, and whether there are others.
fn prefixes(r: &mut Reader<'_>, s: &Section<'_>) -> (Vec<At<Prefix>>, bool) {
    let before = r.errors();
    let right = items(r.list(s, "prefixes", value::prefix));
    (right, r.errors() > before)
}

fn peer_gateway(r: &mut Reader<'_>, s: &Section<'_>) -> PeerGateway {
    let (prefixes, prefixes_wrong) = prefixes(r, s);
    r.must_have(s, "instance");
    PeerGateway {
        span: s.span.clone(),
        name: r.required(s, "name", value::name),
        has_asn: s.has("asn"),
        asn: r.value(s, "asn", value::asn),
        prefixes_wrong,
        prefixes,
        instances: r.tables(s, "instance", "peer-gateway.instance").iter().map(|s| peer_instance(r, s)).collect(),
        bgp: session::table(r, s),
    }
}

fn peer_instance(r: &mut Reader<'_>, s: &Section<'_>) -> PeerInstance {
    PeerInstance {
        span: s.span.clone(),
        name: r.required(s, "name", value::name),
        public_ip: r.value(s, "public-ip", value::address),
        has_bgp_ip: s.has("bgp-ip"),
        bgp_ip: r.value(s, "bgp-ip", value::address),
    }
}

fn connection(r: &mut Reader<'_>, s: &Section<'_>) -> Connection {
    match (r.key_span(s, "device"), r.key_span(s, "peer-gateway")) {
        (None, None) => r.must_have(s, "device"),
        (Some(device), Some(peer)) => {
            let message = "a connection leads to a device or to another gateway, and this one to both";
            let way_out = "write one [[connection]] for each of the two";
            r.error_also("device-or-peer-gateway", &peer, message, way_out, (&device, "and here"));
        }
        (Some(_), None) | (None, Some(_)) => {}
    }
    r.must_have(s, "tunnels");
    let (uses_bgp, bgp) = session::switch(r, s);
    Connection {
        span: s.span.clone(),
        name: r.value(s, "name", value::name),
        device: r.value(s, "device", value::name),
        peer_gateway: r.value(s, "peer-gateway", value::name),
        uses_bgp,
        tunnels: r.tables(s, "tunnels", "connection.tunnels").iter().map(|s| tunnel(r, s)).collect(),
        bgp,
    }
}

fn tunnel(r: &mut Reader<'_>, s: &Section<'_>) -> Tunnel {
    Tunnel {
        span: s.span.clone(),
        name: r.value(s, "name", value::name),
        instance: r.required(s, "instance", value::name),
        has_peer_instance: s.has("peer-instance"),
        peer_instance: r.value(s, "peer-instance", value::name),
        has_interface: s.has("interface"),
        interface: r.value(s, "interface", value::interface),
        has_local_ip: s.has("local-ip"),
        local_ip: r.value(s, "local-ip", value::address),
        has_remote_ip: s.has("remote-ip"),
        remote_ip: r.value(s, "remote-ip", value::address),
        bgp: session::table(r, s),
    }
}

fn outside(r: &mut Reader<'_>, s: &Section<'_>) -> Outside {
    let mut bgp = session::table(r, s);
    session::inline(r, s, &mut bgp);
    Outside {
        name: r.required(s, "name", value::name),
        address: r.value(s, "address", value::address),
        asn: r.value(s, "asn", value::asn),
        interface: r.value(s, "interface", value::interface),
        local_address: r.value(s, "local-address", value::address),
        instances: items(r.list(s, "instances", value::name)),
        bgp,
        range: None,
        limit: None,
        asns: Vec::new(),
    }
}

fn router(r: &mut Reader<'_>, s: &Section<'_>) -> Outside {
    r.must_have(s, "address");
    r.must_have(s, "asn");
    outside(r, s)
}

/// `address` for one neighbor, or `range` for all that dial from there.
fn neighbor(r: &mut Reader<'_>, s: &Section<'_>) -> Outside {
    let range = r.value(s, "range", value::prefix);
    let limit = r.value(s, "limit", |v| size(v, 1, 10_000));
    let asns = r.list(s, "asns", value::asn);
    match r.key_span(s, "range") {
        None => {
            r.must_have(s, "address");
            r.must_have(s, "asn");
            for name in ["limit", "asns"] {
                if let Some(span) = r.key_span(s, name) {
                    let message = format!("`{name}` is about a range of neighbors, and this is one");
                    r.error("address-or-range", &span, message, format!("leave out `{name}`, or write `range`"));
                }
            }
        }
        Some(at) => {
            if let Some(address) = r.key_span(s, "address") {
                let message = "`range` is for neighbors that dial us, and `address` for one that both may dial";
                let way_out = "write one of the two; the same neighbor may stand in a table of its own";
                r.error_also("address-or-range", &at, message, way_out, (&address, "and here"));
            }
            match (r.key_span(s, "asn"), &asns) {
                (Some(asn), Some(asns)) => {
                    let message = "`asn` and `asns` say the same thing";
                    r.error_also("given-twice", &asn, message, "leave out one of the two", (&asns.span, "and here"));
                }
                (None, Some(asns)) if asns.value.is_empty() && !r.has_errors() => {
                    let message = "`asns`: nobody can be a neighbor without an AS number";
                    r.error("bad-value", &asns.span, message, "write for example `asns = [65020]`");
                }
                (None, None) => r.must_have(s, "asn"),
                _ => {}
            }
        }
    }
    Outside { range, limit, asns: items(asns), ..outside(r, s) }
}

fn ecmp(r: &mut Reader<'_>, s: &Section<'_>) -> Ecmp {
    let words = [("l4", Hash::L4), ("l3", Hash::L3), ("leave", Hash::Leave)];
    let (least, most) = (Duration::from_millis(10), Duration::from_secs(86_400));
    Ecmp {
        max_paths: r.value(s, "max-paths", |v| size(v, 1, MOST_PATHS)),
        as_path_relax: r.value(s, "as-path-relax", value::boolean),
        weights: r.value(s, "weights", |v| {
            let words = [
                ("configured", Weights::Configured),
                ("link-bandwidth", Weights::LinkBandwidth),
                ("equal", Weights::Equal),
            ];
            value::word(v, &words)
        }),
        hash: r.value_with(s, "hash", |v| value::word(v, &words)),
        buckets: r.value(s, "buckets", |v| narrow(v, 1, u64::from(u16::MAX))),
        idle_timer: r.value_with(s, "idle-timer", |v| {
            let timer = value::span_of_time(v, least, most)?;
            if timer.subsec_millis() % 10 == 0 {
                Ok(timer)
            } else {
                Err(Wrong::value("the kernel counts this timer in steps of 10ms"))
            }
        }),
    }
}

fn kernel(r: &mut Reader<'_>, s: &Section<'_>) -> Kernel {
    Kernel {
        table: r.value(s, "table", |v| match narrow::<u32>(v, 1, u64::from(u32::MAX))? {
            255 => Err(Wrong::value("table 255 is the kernel's own (local)").with("write for example `table = 254`")),
            table => Ok(table),
        }),
        protocol: r.value(s, "protocol", |v| match narrow::<u8>(v, 1, 255)? {
            own @ 1..=4 => Err(Wrong::value(format!("protocol {own} marks routes of the kernel or of administrators"))),
            protocol => Ok(protocol),
        }),
        metric: r.value(s, "metric", |v| narrow(v, 1, u64::from(u32::MAX))),
        on_stop: r.value(s, "on-stop", |v| value::word(v, &[("remove", OnStop::Remove), ("keep", OnStop::Keep)])),
    }
}

/// A number of a smaller type, which holds `most`.
pub(super) fn narrow<T: TryFrom<u64>>(v: &DeValue<'_>, least: u64, most: u64) -> Result<T, Wrong> {
    let number = value::number(v, least, most)?;
    T::try_from(number).map_err(|_| Wrong::value(format!("{number} is too much")))
}
