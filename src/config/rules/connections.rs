//! Rules about connections and their tunnels.

use super::{far_end, known_name, peer_of, place, unique_names};
use crate::config::{
    build,
    file::{Connection, File, Tunnel},
    raw::{At, Reader},
};
use crate::types::Name;

pub(super) fn check(r: &mut Reader<'_>, file: &File) {
    let names: Vec<&At<Name>> = file.connections.iter().filter_map(name).collect();
    unique_names(r, "connections", &names);
    names_are_known(r, file);
    tunnel_count(r, file);
    interface_given(r, file);
    one_interface_each(r, file);
    whole_pairs(r, file);
    bgp_address_known(r, file);
    peer_instances(r, file);
    mesh_is_whole(r, file);
    for connection in &file.connections {
        survives_maintenance(r, connection);
    }
}

/// What a connection is called: by its far end unless it has a name.
fn name(connection: &Connection) -> Option<&At<Name>> {
    connection.name.as_ref().or(connection.device.as_ref()).or(connection.peer_gateway.as_ref())
}

fn tunnels(file: &File) -> impl Iterator<Item = &Tunnel> {
    file.connections.iter().flat_map(|c| &c.tunnels)
}

/// `unknown-name`: devices, peer gateways and instances that the file does not have.
fn names_are_known(r: &mut Reader<'_>, file: &File) {
    let devices: Vec<&Name> = file.devices.iter().filter_map(|d| Some(&d.name.as_ref()?.value)).collect();
    let instances: Vec<&Name> =
        file.gateway.iter().flat_map(|g| &g.instances).filter_map(|i| Some(&i.name.as_ref()?.value)).collect();
    for device in file.connections.iter().filter_map(|c| c.device.as_ref()) {
        known_name(r, "device", device, &devices);
    }
    let peers: Vec<&Name> = file.peers.iter().filter_map(|p| Some(&p.name.as_ref()?.value)).collect();
    for connection in &file.connections {
        let Some(name) = &connection.peer_gateway else { continue };
        known_name(r, "peer gateway", name, &peers);
        let Some(peer) = peer_of(file, connection) else { continue };
        let hosts: Vec<&Name> = peer.instances.iter().filter_map(|i| Some(&i.name.as_ref()?.value)).collect();
        for host in connection.tunnels.iter().filter_map(|t| t.peer_instance.as_ref()) {
            known_name(r, "instance of that peer gateway", host, &hosts);
        }
    }
    for instance in tunnels(file).filter_map(|t| t.instance.as_ref()) {
        known_name(r, "instance", instance, &instances);
    }
    for instance in file.routers.iter().chain(&file.neighbors).flat_map(|n| &n.instances) {
        known_name(r, "instance", instance, &instances);
    }
}

/// `too-many-tunnels`: each tunnel counts, on both instances together.
fn tunnel_count(r: &mut Reader<'_>, file: &File) {
    let limit = file.gateway.as_ref().and_then(|g| g.max_tunnels.as_ref());
    let most = limit.map_or(build::MAX_TUNNELS, |at| at.value);
    if let Some(first_over) = tunnels(file).nth(most) {
        let message = format!("there are {} tunnels, and `max-tunnels` is {most}", tunnels(file).count());
        r.error("too-many-tunnels", &first_over.span, message, "leave tunnels out, or raise `max-tunnels`");
    }
}

/// `tunnel-without-interface`: routes need something to point at.
fn interface_given(r: &mut Reader<'_>, file: &File) {
    for tunnel in tunnels(file).filter(|t| !t.has_interface) {
        let message =
            "the tunnel has no interface; a policy-based tunnel cannot serve, because no route can point at it";
        let way_out = "make the tunnel route-based and name its interface, such as `interface = \"xfrm10\"`";
        r.error("tunnel-without-interface", &tunnel.span, message, way_out);
    }
}

/// `interface-used-twice`: an interface has one far end.
fn one_interface_each(r: &mut Reader<'_>, file: &File) {
    let mut seen: Vec<(&Name, &At<String>)> = Vec::new();
    for tunnel in tunnels(file) {
        let (Some(instance), Some(interface)) = (&tunnel.instance, &tunnel.interface) else { continue };
        let same = |(name, first): &&(&Name, &At<String>)| **name == instance.value && first.value == interface.value;
        if let Some((_, first)) = seen.iter().find(same) {
            let message = format!(
                "two tunnels of \"{}\" are on the interface {}; an interface has one far end",
                instance.value, interface.value
            );
            let also = (&first.span, "first here");
            r.error_also("interface-used-twice", &interface.span, message, "give each tunnel its own interface", also);
        }
        seen.push((&instance.value, interface));
    }
}

/// `half-a-pair`: addresses inside of a tunnel come in twos.
fn whole_pairs(r: &mut Reader<'_>, file: &File) {
    for tunnel in tunnels(file) {
        let missing = match (tunnel.has_local_ip, tunnel.has_remote_ip) {
            (true, false) => "remote-ip",
            (false, true) => "local-ip",
            _ => continue,
        };
        let at = place(tunnel.local_ip.as_ref().or(tunnel.remote_ip.as_ref()), &tunnel.span);
        let message = format!("the tunnel's pair of addresses lacks `{missing}`");
        r.error("half-a-pair", at, message, format!("add `{missing}`, or leave both out to use the BGP addresses"));
    }
}

/// `no-bgp-address`: a tunnel without a pair needs the far end's BGP address.
fn bgp_address_known(r: &mut Reader<'_>, file: &File) {
    for connection in file.connections.iter().filter(|c| c.uses_bgp) {
        for tunnel in connection.tunnels.iter().filter(|t| !t.has_local_ip && !t.has_remote_ip) {
            let Some(far) = far_end(file, connection, tunnel).filter(|far| !far.has_bgp_ip) else { continue };
            let message = format!(
                "nothing says where the session inside of this tunnel goes: \"{}\" has no `bgp-ip`, the tunnel no pair",
                far.name
            );
            let way_out = "give the far end its `bgp-ip`, or the tunnel its `local-ip` and `remote-ip`";
            r.error_also("no-bgp-address", &tunnel.span, message, way_out, (far.span, "the far end"));
        }
    }
}

/// `peer-instance-needed` and `peer-instance-of-device`: a peer gateway has two hosts, a device is one.
fn peer_instances(r: &mut Reader<'_>, file: &File) {
    for connection in &file.connections {
        for tunnel in &connection.tunnels {
            if connection.peer_gateway.is_some() && connection.device.is_none() && !tunnel.has_peer_instance {
                let message = "nothing says which instance of the peer gateway is at the far end of this tunnel";
                r.error(
                    "peer-instance-needed",
                    &tunnel.span,
                    message,
                    "write for example `peer-instance = \"east-0\"`",
                );
            }
            if let (Some(host), Some(_)) = (&tunnel.peer_instance, &connection.device) {
                let message = "the connection leads to a device, which has no instances";
                r.error("peer-instance-of-device", &host.span, message, "leave out `peer-instance`");
            }
        }
    }
}

/// `incomplete-mesh`: each instance here has a tunnel to each instance there, so that any one of the four can be away.
fn mesh_is_whole(r: &mut Reader<'_>, file: &File) {
    let ours: Vec<&Name> =
        file.gateway.iter().flat_map(|g| &g.instances).filter_map(|i| Some(&i.name.as_ref()?.value)).collect();
    for connection in &file.connections {
        let (Some(name), Some(peer)) = (&connection.peer_gateway, peer_of(file, connection)) else { continue };
        let theirs: Vec<&Name> = peer.instances.iter().filter_map(|i| Some(&i.name.as_ref()?.value)).collect();
        let there = |here: &Name, there: &Name| {
            let ends = |t: &Tunnel| {
                t.instance.as_ref().is_some_and(|i| i.value == *here)
                    && t.peer_instance.as_ref().is_some_and(|i| i.value == *there)
            };
            connection.tunnels.iter().any(ends)
        };
        let missing: Vec<String> = ours
            .iter()
            .flat_map(|one| theirs.iter().map(move |other| (*one, *other)))
            .filter(|(one, other)| !there(one, other))
            .map(|(one, other)| format!("\"{one}\" to \"{other}\""))
            .collect();
        // With none or one there is another warning, or a fault.
        if !missing.is_empty() && connection.tunnels.len() > 1 && connection.tunnels.iter().all(|t| t.has_peer_instance)
        {
            let message = format!("no tunnel leads from {}", missing.join(", and none from "));
            let way_out = "add it: with all of them the maintenance of any one instance leaves two tunnels";
            r.warning("incomplete-mesh", &name.span, message, way_out);
        }
    }
}

/// `single-tunnel` and `tunnels-on-one-instance`: the connection goes down when its instance is serviced.
fn survives_maintenance(r: &mut Reader<'_>, connection: &Connection) {
    let way_out = "add a tunnel on the other instance";
    let at = place(connection.device.as_ref().or(connection.peer_gateway.as_ref()), &connection.span);
    match connection.tunnels.as_slice() {
        [] => {
            let message = "the connection has no tunnel, so nothing reaches its far end";
            r.warning("no-tunnel", at, message, "add a tunnel on each instance");
        }
        [_] => {
            let message = "the connection has one tunnel; it goes down when that tunnel's instance is serviced";
            r.warning("single-tunnel", at, message, way_out);
        }
        [first, rest @ ..] => {
            let Some(instance) = &first.instance else { return };
            let same = |t: &Tunnel| t.instance.as_ref().is_some_and(|i| i.value == instance.value);
            if rest.iter().all(same) {
                let message = format!(
                    "all tunnels of the connection are on \"{}\"; it goes down when that instance is serviced",
                    instance.value
                );
                r.warning("tunnels-on-one-instance", at, message, way_out);
            }
        }
    }
}
