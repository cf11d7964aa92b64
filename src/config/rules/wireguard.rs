//! Rules about WireGuard interfaces, which let through only what is allowed for a peer, whatever the routes say.

use super::far_end;
use crate::config::{file::File, host::Host, raw::Reader};
use crate::types::Prefix;

/// `wireguard-allowed-ips`: the session, and what the far end teaches by it or the file says of it, must pass.
pub(super) fn check(r: &mut Reader<'_>, file: &File, host: &dyn Host) {
    let mut told = Vec::new();
    for connection in &file.connections {
        for tunnel in &connection.tunnels {
            let Some(interface) = &tunnel.interface else { continue };
            let Some(allowed) = host.allowed_ips(&interface.value).filter(|_| !told.contains(&&interface.value)) else {
                continue;
            };
            let far = far_end(file, connection, tunnel);
            let session = tunnel.remote_ip.as_ref().or_else(|| far.as_ref()?.bgp_ip).map(|at| at.value);
            let session = session.filter(|_| connection.uses_bgp);
            // Nobody knows yet what it will teach.
            let taught = session.and_then(|address| Prefix::truncated(address, 0).ok());
            let said = far.as_ref().filter(|_| !connection.uses_bgp).map_or(&[][..], |far| far.prefixes);
            let needed = session.map(Prefix::host).into_iter().chain(taught).chain(said.iter().map(|at| at.value));
            let missing: Vec<Prefix> = needed.filter(|prefix| !covered(prefix, &allowed)).collect();
            if missing.is_empty() {
                continue;
            }
            let what = match session {
                Some(address) if missing.contains(&Prefix::host(address)) => {
                    format!("the session with {address} cannot come up")
                }
                Some(_) => "what the far end teaches outside of them is dropped".to_owned(),
                None => {
                    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
                    format!("traffic to {} is dropped", missing.join(", "))
                }
            };
            let list: Vec<String> = allowed.iter().map(ToString::to_string).collect();
            let list = if list.is_empty() { "none".to_owned() } else { list.join(", ") };
            let message = format!("the allowed IPs of the WireGuard interface {} are {list}: {what}", interface.value);
            let way_out = "allow 0.0.0.0/0 and ::/0 for its one peer, with `Table = off` where wg-quick is used: routes decide then";
            r.warning("wireguard-allowed-ips", &interface.span, message, way_out);
            told.push(&interface.value);
        }
    }
}

/// True if these together hold all of that prefix.
fn covered(prefix: &Prefix, by: &[Prefix]) -> bool {
    if by.iter().any(|allowed| allowed.covers(prefix)) {
        return true;
    }
    // Only what lies inside can hold a part of it.
    let inside: Vec<Prefix> = by.iter().filter(|allowed| prefix.covers(allowed)).copied().collect();
    let half = |address| Prefix::truncated(address, prefix.len().checked_add(1)?).ok();
    !inside.is_empty()
        && [prefix.addr(), prefix.last()]
            .into_iter()
            .all(|address| half(address).is_some_and(|half| covered(&half, &inside)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_what_they_make_up_and_nothing_more() {
        let covers = |prefix: &str, by: &[&str]| {
            covered(&prefix.parse().unwrap(), &by.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>())
        };
        assert!(covers("0.0.0.0/0", &["0.0.0.0/1", "128.0.0.0/1"]));
        assert!(covers("0.0.0.0/0", &["128.0.0.0/1", "64.0.0.0/2", "0.0.0.0/2"]));
        assert!(
            !covers("0.0.0.0/0", &["0.0.0.0/1"]) && !covers("0.0.0.0/0", &[]) && !covers("10.0.0.0/8", &["10.0.0.0/9"])
        );
        assert!(covers("10.52.0.1/32", &["10.52.0.0/16"]) && !covers("10.52.0.1/32", &["10.52.0.2/32"]));
        assert!(covers("::/0", &["::/1", "8000::/1"]) && !covers("::/0", &["0.0.0.0/0"]));
    }
}
