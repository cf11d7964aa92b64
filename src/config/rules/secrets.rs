//! Rules about keys, which are in files of their own.

use super::super::{file::File, host::Host, raw::Reader, session::Session};

/// What the host says about every key of the file.
pub(super) fn check(r: &mut Reader<'_>, file: &File, host: &dyn Host) {
    for session in tables(file) {
        for key in &session.keys {
            if let Some(fault) = host.key(&key.value) {
                r.host(&key.span, fault);
            }
        }
        if let Some(fault) = session.ao_at.as_ref().and_then(|_| host.no_tcp_ao())
            && let Some(at) = &session.ao_at
        {
            r.host(at, fault);
        }
    }
}

/// Every `bgp` table of the file.
fn tables(file: &File) -> impl Iterator<Item = &Session> {
    let connections = file.connections.iter();
    let inside = connections.flat_map(|c| [&c.bgp].into_iter().chain(c.tunnels.iter().map(|tunnel| &tunnel.bgp)));
    let outside = file.routers.iter().chain(&file.neighbors).map(|other| &other.bgp);
    [&file.bgp, &file.twin.bgp]
        .into_iter()
        .chain(file.devices.iter().map(|device| &device.bgp))
        .chain(inside)
        .chain(outside)
}
