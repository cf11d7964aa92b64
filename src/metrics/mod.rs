//! Counters and states as text for Prometheus (text format 0.0.4).
//!
//! Made of the answers of the control API, so that both say the same. A label has as many values as the file has tunnels
//! and neighbors, never a prefix. It never opens a socket: the control server hands the text out.

use std::fmt::{Display, Write};

use crate::control::api::{Fib, Gateway, Neighbors, SessionState, TunnelState, Tunnels, TwinState};

/// What an instance says of itself at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The gateway.
    pub gateway: &'a Gateway,
    /// Its tunnels.
    pub tunnels: &'a Tunnels,
    /// Its neighbors.
    pub neighbors: &'a Neighbors,
    /// The kernel's side.
    pub fib: &'a Fib,
}

/// Whether a number only grows.
#[derive(Clone, Copy)]
enum Kind {
    Gauge,
    Counter,
}

use Kind::{Counter, Gauge};

/// Every family of numbers: name, kind, help. `docs/operations.md` lists them, and a test holds it to this.
const FAMILIES: &[(&str, Kind, &str)] = &[
    ("twinspan_build_info", Gauge, "Always 1; its labels say which version and instance this is."),
    ("twinspan_start_timestamp_seconds", Gauge, "When the daemon started, since the Unix epoch."),
    ("twinspan_warnings", Gauge, "What `show gateway` warns of."),
    ("twinspan_sysctl_ok", Gauge, "1 if a kernel setting has the value that this instance needs."),
    ("twinspan_twin_present", Gauge, "1 if the other instance speaks over the twin-link."),
    ("twinspan_twin_same_file", Gauge, "1 if its file says what ours says; absent while that is not known."),
    ("twinspan_twin_restarts_total", Counter, "How often its daemon was seen to have been started anew."),
    ("twinspan_twin_hellos_lost_total", Counter, "How many of its hellos were lost on the way."),
    ("twinspan_bgp_session_up", Gauge, "1 if the session with a neighbor is Established."),
    (
        "twinspan_bgp_session_since_timestamp_seconds",
        Gauge,
        "Since when a session is in its state, since the Unix epoch.",
    ),
    ("twinspan_bgp_session_flaps_total", Counter, "How often a session was lost."),
    ("twinspan_bgp_prefixes", Gauge, "Prefixes of a session by kind: received, accepted, refused, advertised."),
    ("twinspan_routes", Gauge, "Prefixes and paths learned, by family."),
    ("twinspan_tunnel_up", Gauge, "1 if nothing objects to a tunnel of this instance."),
    ("twinspan_tunnel_flaps_total", Counter, "How often a tunnel went down."),
    ("twinspan_tunnel_routes", Gauge, "Routes whose packets may take a tunnel."),
    ("twinspan_tunnel_receive_bytes_total", Counter, "Octets received over a tunnel's interface."),
    ("twinspan_tunnel_transmit_bytes_total", Counter, "Octets sent over a tunnel's interface."),
    ("twinspan_fib_routes", Gauge, "Routes of ours by state: wanted, present, in_flight, failed."),
    ("twinspan_fib_groups", Gauge, "Nexthop groups of ours."),
    ("twinspan_fib_settled", Gauge, "1 if nothing is left to be told to the kernel."),
    ("twinspan_fib_operations_total", Counter, "Operations that the kernel was asked for."),
    ("twinspan_fib_failures_total", Counter, "Operations that the kernel refused."),
    ("twinspan_fib_repairs_total", Counter, "What others had changed in the kernel and was put back."),
    ("twinspan_fib_changes_lost_total", Counter, "How often changes by others came too fast to be read."),
    ("twinspan_fib_checks_total", Counter, "How often the kernel was read and compared with what is wanted."),
    ("twinspan_fib_check_timestamp_seconds", Gauge, "When that was last, since the Unix epoch."),
    ("twinspan_fib_check_routes", Gauge, "What it found: wanted, present, different, missing, waiting, unwanted."),
];

/// The text. Families without a number are left out.
#[must_use]
pub fn text(facts: &Facts<'_>) -> String {
    let mut out = Text::default();
    let Facts { gateway, tunnels, neighbors, fib } = facts;
    out.one(
        "twinspan_build_info",
        &[("version", &gateway.version), ("gateway", &gateway.name), ("instance", &gateway.instance)],
        1,
    );
    out.one("twinspan_start_timestamp_seconds", &[], Seconds(gateway.started_at.since_epoch()));
    out.one("twinspan_warnings", &[], gateway.warnings.len());
    for sysctl in &gateway.sysctls {
        out.one("twinspan_sysctl_ok", &[("name", &sysctl.name)], u8::from(sysctl.ok));
    }
    if let Some(twin) = &gateway.twin {
        let label: [(&str, &dyn Display); 1] = [("twin", &twin.name)];
        let present = matches!(twin.state, TwinState::Present | TwinState::Slow);
        out.one("twinspan_twin_present", &label, u8::from(present));
        if let Some(same) = twin.same_file {
            out.one("twinspan_twin_same_file", &label, u8::from(same));
        }
        out.one("twinspan_twin_restarts_total", &label, twin.restarts);
        out.one("twinspan_twin_hellos_lost_total", &label, twin.lost);
    }
    for one in &neighbors.neighbors {
        let up = one.state == SessionState::Established;
        out.one("twinspan_bgp_session_up", &[("neighbor", &one.name)], u8::from(up));
    }
    for one in &neighbors.neighbors {
        let since = Seconds(one.since.since_epoch());
        out.one("twinspan_bgp_session_since_timestamp_seconds", &[("neighbor", &one.name)], since);
    }
    for one in &neighbors.neighbors {
        out.one("twinspan_bgp_session_flaps_total", &[("neighbor", &one.name)], one.flaps);
    }
    for one in &neighbors.neighbors {
        for prefixes in &one.prefixes {
            let kinds = [
                ("received", prefixes.received),
                ("accepted", prefixes.accepted),
                ("refused", prefixes.refused),
                ("advertised", prefixes.advertised),
            ];
            for (kind, number) in kinds {
                let labels: [(&str, &dyn Display); 3] =
                    [("neighbor", &one.name), ("family", &prefixes.family), ("kind", &kind)];
                out.one("twinspan_bgp_prefixes", &labels, number);
            }
        }
    }
    for totals in &gateway.routes {
        for (kind, number) in [("prefixes", totals.prefixes), ("paths", totals.paths)] {
            out.one("twinspan_routes", &[("family", &totals.family), ("kind", &kind)], number);
        }
    }
    let own = || tunnels.tunnels.iter().filter(|tunnel| tunnel.instance == gateway.instance);
    for one in own() {
        let labels: [(&str, &dyn Display); 2] = [("tunnel", &one.name), ("connection", &one.connection)];
        out.one("twinspan_tunnel_up", &labels, u8::from(one.state == TunnelState::Up));
    }
    for one in own() {
        out.one("twinspan_tunnel_flaps_total", &[("tunnel", &one.name)], one.flaps);
    }
    for one in own() {
        out.one("twinspan_tunnel_routes", &[("tunnel", &one.name)], one.routes);
    }
    for (one, counters) in own().filter_map(|one| Some((one, one.counters?))) {
        out.one("twinspan_tunnel_receive_bytes_total", &[("tunnel", &one.name)], counters.rx_bytes);
    }
    for (one, counters) in own().filter_map(|one| Some((one, one.counters?))) {
        out.one("twinspan_tunnel_transmit_bytes_total", &[("tunnel", &one.name)], counters.tx_bytes);
    }
    let totals = &fib.totals;
    let states = [
        ("wanted", totals.wanted),
        ("present", totals.present),
        ("in_flight", totals.in_flight),
        ("failed", totals.failed),
    ];
    for (state, number) in states {
        out.one("twinspan_fib_routes", &[("state", &state)], number);
    }
    out.one("twinspan_fib_groups", &[], fib.groups.len());
    out.one("twinspan_fib_settled", &[], u8::from(fib.settled));
    out.one("twinspan_fib_operations_total", &[], fib.counters.operations);
    out.one("twinspan_fib_failures_total", &[], fib.counters.failures);
    out.one("twinspan_fib_repairs_total", &[], fib.counters.repairs);
    out.one("twinspan_fib_changes_lost_total", &[], fib.counters.changes_lost);
    out.one("twinspan_fib_checks_total", &[], fib.counters.checks);
    if let Some(check) = &fib.last_check {
        out.one("twinspan_fib_check_timestamp_seconds", &[], Seconds(check.at.since_epoch()));
        let found = [
            ("wanted", check.wanted),
            ("present", check.present),
            ("different", check.different),
            ("missing", check.missing),
            ("waiting", check.waiting),
            ("unwanted", check.unwanted),
        ];
        for (state, number) in found {
            out.one("twinspan_fib_check_routes", &[("state", &state)], number);
        }
    }
    out.octets
}

/// A time with its fraction.
struct Seconds(std::time::Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03}", self.0.as_secs(), self.0.subsec_millis())
    }
}

/// Lines, with a head before the first of each family.
#[derive(Default)]
struct Text {
    octets: String,
    family: &'static str,
}

impl Text {
    fn one(&mut self, name: &'static str, labels: &[(&str, &dyn Display)], number: impl Display) {
        let Self { octets, family } = self;
        // Writing to a string cannot fail.
        if *family != name {
            *family = name;
            let (_, kind, help) = FAMILIES
                .iter()
                .find(|(known, ..)| *known == name)
                .expect("every name below is of the list, which a test shows");
            let kind = match kind {
                Gauge => "gauge",
                Counter => "counter",
            };
            let _ = write!(octets, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        }
        octets.push_str(name);
        for (at, (label, value)) in labels.iter().enumerate() {
            let _ = write!(octets, "{}{label}=\"{}\"", if at == 0 { '{' } else { ',' }, escaped(&value.to_string()));
        }
        let _ = writeln!(octets, "{} {number}", if labels.is_empty() { "" } else { "}" });
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn sample() -> String {
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let gateway = serde_json::from_value(read(include_str!("../control/snapshots/gateway.json"))).unwrap();
        let tunnels = serde_json::from_value(read(include_str!("../control/snapshots/tunnels.json"))).unwrap();
        let neighbors = serde_json::from_value(read(include_str!("../control/snapshots/neighbors.json"))).unwrap();
        let fib = serde_json::from_value(read(include_str!("../control/snapshots/fib.json"))).unwrap();
        text(&Facts { gateway: &gateway, tunnels: &tunnels, neighbors: &neighbors, fib: &fib })
    }

    #[test]
    fn every_line_is_a_number_of_a_family_that_was_announced_once() {
        let text = sample();
        let mut announced = BTreeSet::new();
        let mut lines = BTreeSet::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let name = rest.split(' ').next().unwrap();
                assert!(announced.insert(name), "{name} is announced twice");
            } else if !line.starts_with('#') {
                let (name, number) = line.rsplit_once(' ').unwrap();
                assert!(number.parse::<f64>().is_ok(), "{line}");
                assert!(announced.contains(name.split('{').next().unwrap()), "{line}");
                assert!(lines.insert(name), "{line} stands there twice");
            }
        }
        let all: BTreeSet<_> = FAMILIES.iter().map(|(name, ..)| *name).collect();
        assert_eq!(announced, all, "the samples have a number of each family");
        assert!(text.contains("twinspan_bgp_session_up{neighbor=\"hq-1/in-0\"} 1\n"), "{text}");
    }

    #[test]
    fn the_page_for_operators_lists_every_family_and_no_other() {
        let page = include_str!("../../docs/operations.md");
        let told: BTreeSet<_> =
            page.split('`').filter(|word| word.starts_with("twinspan_") && !word.contains(['{', '*'])).collect();
        let all: BTreeSet<_> = FAMILIES.iter().map(|(name, ..)| *name).collect();
        assert_eq!(told, all);
    }

    #[test]
    fn counters_are_named_as_counters() {
        for (name, kind, _) in FAMILIES {
            assert_eq!(name.ends_with("_total"), matches!(kind, Counter), "{name}");
        }
    }

    #[test]
    fn a_value_with_quotes_stays_one_value() {
        assert_eq!(escaped("a\"b\\c\n"), "a\\\"b\\\\c\\n");
    }
}
