//! Rules about the election in active-standby.

use crate::config::{
    file::{File, Gateway},
    raw::Reader,
};
use crate::gateway::ElectedBy;
use crate::gateway::Mode;

pub(super) fn check(r: &mut Reader<'_>, file: &File, mode: Mode) {
    let Some(gateway) = &file.gateway else { return };
    if mode == Mode::ActiveActive {
        unused(r, file);
        return;
    }
    members(r, file);
    blind(r, file, gateway);
}

/// `election-unused`: both are active, so nobody is elected.
fn unused(r: &mut Reader<'_>, file: &File) {
    if !file.election.span.is_empty() {
        let message = "both instances are active, so nothing of this table is used";
        r.warning("election-unused", &file.election.span, message, "leave it out, or say `mode = \"active-standby\"`");
    }
}

/// `etcd-without-endpoints`: a lease is somewhere.
fn members(r: &mut Reader<'_>, file: &File) {
    let election = file.election.made();
    if let Some(by) = file.election.by.as_ref().filter(|by| by.value == ElectedBy::Etcd)
        && election.endpoints.is_empty()
    {
        let way_out = "name the members of the cluster: `endpoints = [\"http://10.20.0.7:2379\"]`";
        r.error("etcd-without-endpoints", &by.span, "no member of etcd is named to ask for the lease", way_out);
    }
}

/// `election-blind`: two that cannot hear each other both become active.
fn blind(r: &mut Reader<'_>, file: &File, gateway: &Gateway) {
    let election = file.election.made();
    if election.by != ElectedBy::Pair {
        return;
    }
    let linked = gateway.instances.iter().all(|instance| instance.twin_link.is_some());
    let network = gateway.instances.iter().all(|instance| instance.network_interface.is_some());
    let Some(first) = gateway.instances.first() else { return };
    if linked && !network && election.ask_network {
        let message = "an instance whose `twin-link` is silent has nobody else to ask whether the other lives";
        let way_out = "give both a `network-interface`, where the shared address is asked for; or have etcd decide";
        r.warning("election-blind", &first.span, message, way_out);
    } else if !linked {
        let message = "the instances have no `twin-link`, so neither hears whether the other is active";
        let way_out = "give both their `twin-link`; or have etcd or somebody outside decide: `[election] by`";
        r.warning("election-blind", &first.span, message, way_out);
    }
}
