//! Rules about the path between the instances, and how they speak over it. The session that it makes is judged with all
//! others.

use crate::config::{
    duration,
    file::{File, Gateway},
    raw::Reader,
};
use crate::types::Name;

pub(super) fn check(r: &mut Reader<'_>, file: &File) {
    let Some(gateway) = &file.gateway else { return };
    both_or_none(r, gateway);
    is_no_tunnel(r, file, gateway);
    silence_is_longer(r, file);
    words_without_link(r, file, gateway);
}

/// `twin-link-alone`: a path has two ends.
fn both_or_none(r: &mut Reader<'_>, gateway: &Gateway) {
    let [one, other] = gateway.instances.as_slice() else { return };
    let (Some(link), without) = (match (&one.twin_link, &other.twin_link) {
        (Some(_), None) => (&one.twin_link, other),
        (None, Some(_)) => (&other.twin_link, one),
        (Some(_), Some(_)) | (None, None) => return,
    }) else {
        return;
    };
    let message = "only this instance has a `twin-link`; the path between the two has two ends";
    let also = (&without.span, "this one has none");
    let way_out =
        "give the other instance its end: `twin-link = { interface = \"eth1\", address = \"192.168.255.2\" }`";
    r.error_also("twin-link-alone", &link.span, message, way_out, also);
}

/// `twin-link-is-tunnel`: an interface has one far end.
fn is_no_tunnel(r: &mut Reader<'_>, file: &File, gateway: &Gateway) {
    for instance in &gateway.instances {
        let Some(at) = instance.twin_link.as_ref().and_then(|link| link.interface.as_ref()) else { continue };
        let here = |name: &Name| instance.name.as_ref().is_some_and(|own| own.value == *name);
        let tunnels = file.connections.iter().flat_map(|connection| &connection.tunnels);
        let mut same = tunnels
            .filter(|tunnel| tunnel.instance.as_ref().is_some_and(|instance| here(&instance.value)))
            .filter_map(|tunnel| tunnel.interface.as_ref())
            .filter(|interface| interface.value == at.value);
        if let Some(tunnel) = same.next() {
            let message = format!("{} is the interface of a tunnel, whose far end is a device", at.value);
            let way_out = "name the interface that leads to the other instance";
            r.error_also("twin-link-is-tunnel", &at.span, message, way_out, (&tunnel.span, "the tunnel"));
        }
    }
}

/// `twin-silent-too-soon`: one lost datagram is no silence.
fn silence_is_longer(r: &mut Reader<'_>, file: &File) {
    let words = file.twin.made();
    let at = file.twin.silent_after.as_ref().map(|at| &at.span);
    let Some(at) = at.filter(|_| words.silent_after < words.hello * 2) else { return };
    let (silence, hello) = (duration::show(words.silent_after), duration::show(words.hello));
    let message = format!("a twin would be called silent after {silence}, and it speaks every {hello}");
    let way_out = format!("make it {} at least, or leave `silent-after` out", duration::show(words.hello * 2));
    r.error("twin-silent-too-soon", at, message, way_out);
}

/// `twin-without-link`: there is no way for what the table is about.
fn words_without_link(r: &mut Reader<'_>, file: &File, gateway: &Gateway) {
    if file.twin.span.is_empty() || gateway.instances.iter().any(|instance| instance.twin_link.is_some()) {
        return;
    }
    let message = "the instances have no `twin-link`, so nothing of this table is used";
    r.warning("twin-without-link", &file.twin.span, message, "give both instances their `twin-link`");
}
