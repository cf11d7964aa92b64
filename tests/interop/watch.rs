//! What the kernels of some nodes say and count while packets run: read only when a packet was lost, to tell why.

use std::collections::BTreeMap;

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};

use crate::runner::Lab;

/// What was said so long before or after a packet was lost may have to do with it.
const NEAR: SignedDuration = SignedDuration::from_millis(300);

/// The name of the program that watches: it only sets the time zone for `ip`.
const PROGRAM: &str = "env";

/// Of each node, what its kernel had counted when the watch began.
pub(crate) struct Watch(Vec<(String, BTreeMap<String, u64>)>);

impl Watch {
    /// Begins to keep what the kernels of these nodes say of routes, neighbors, next hops, links and addresses.
    pub(crate) fn start(lab: &mut Lab, nodes: &[&str]) -> Result<Self> {
        let mut began = Vec::new();
        for node in nodes {
            let objects = ["route", "neigh", "nexthop", "link", "address"];
            lab.spawn(node, &[&[PROGRAM, "TZ=UTC0", "ip", "-ts", "monitor"], &objects[..]].concat())?;
            began.push(((*node).to_owned(), counters(lab, node)?));
        }
        Ok(Self(began))
    }

    /// What was counted that may be a lost packet, and what was said around these times, in words.
    pub(crate) fn tell(&self, lab: &Lab, times: &[Timestamp]) -> String {
        let mut out = String::new();
        for (node, began) in &self.0 {
            out.push_str(&format!("--- the kernel of {node}\n"));
            for (name, count) in counters(lab, node).unwrap_or_default() {
                let before = began.get(&name).copied().unwrap_or_default();
                if count != before {
                    out.push_str(&format!("{name}: {} more\n", count.saturating_sub(before)));
                }
            }
            let log = lab.log(node, PROGRAM);
            // A line without a time goes with the one before it.
            let mut near = false;
            for line in log.lines() {
                near = said_at(line).map_or(near, |at| times.iter().any(|time| at.duration_since(*time).abs() < NEAR));
                if near {
                    out.push_str(&format!("{line}\n"));
                }
            }
        }
        out
    }
}

/// The time at the begin of a line of `ip -ts monitor`.
fn said_at(line: &str) -> Option<Timestamp> {
    let (time, _) = line.strip_prefix('[')?.split_once(']')?;
    format!("{time}Z").parse().ok()
}

/// What a node's kernel counts of packets that went nowhere (`/proc/net/snmp`, `/proc/net/snmp6`).
fn counters(lab: &Lab, node: &str) -> Result<BTreeMap<String, u64>> {
    let mut out = BTreeMap::new();
    let mut keep = |name: String, value: &str| {
        let lost = ["Discard", "NoRoute", "Error", "NoPort", "Unreach"];
        if let (true, Ok(value)) = (lost.iter().any(|word| name.contains(word)), value.parse()) {
            out.insert(name, value);
        }
    };
    let text = lab.must(node, &["cat", "/proc/net/snmp6", "/proc/net/snmp", "/proc/net/netstat"])?;
    // IPv6 has a name and a number a line; IPv4 a line of names, then one of numbers.
    let mut names = "";
    for line in text.lines() {
        match line.split_once(": ") {
            None => _ = line.split_once(char::is_whitespace).map(|(name, value)| keep(name.to_owned(), value.trim())),
            Some((layer, rest)) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                names.split(' ').zip(rest.split(' ')).for_each(|(name, value)| keep(format!("{layer}{name}"), value));
            }
            Some((_, rest)) => names = rest,
        }
    }
    Ok(out)
}
