//! The rules that values of the file must keep among each other. Each rule is one function with one code, reports
//! every place that breaks it, and bears with values that are missing because they were wrong by themselves.

mod connections;
mod devices;
mod instances;
mod policies;
mod ranges;
mod secrets;
mod sessions;
mod twin;

use std::{fmt::Display, net::IpAddr, ops::Range};

use super::{
    file::{File, Gateway},
    host::Host,
    keys,
    raw::{At, Reader},
};
use crate::gateway::first_free;
use crate::types::Name;

/// Holds the file against every rule.
pub(super) fn check(r: &mut Reader<'_>, file: &File, host: &dyn Host) {
    if let Some(gateway) = &file.gateway {
        instances::check(r, gateway);
    }
    devices::check(r, file);
    connections::check(r, file);
    sessions::check(r, file);
    twin::check(r, file);
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

/// The BGP address of each instance: as given, else the first of the subnet that is free, in the order of the file.
pub(super) fn bgp_ips(gateway: &Gateway) -> Vec<Option<IpAddr>> {
    let mut taken: Vec<IpAddr> = gateway.instances.iter().filter_map(|i| Some(i.bgp_ip.as_ref()?.value)).collect();
    let subnet = gateway.subnet.as_ref().map(|s| s.value);
    gateway
        .instances
        .iter()
        .map(|instance| {
            if instance.has_bgp_ip {
                return instance.bgp_ip.as_ref().map(|at| at.value);
            }
            let free = first_free(&subnet?, &taken)?;
            taken.push(free);
            Some(free)
        })
        .collect()
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
