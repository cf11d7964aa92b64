//! What a node's kernel holds, as `ip` says it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::gateway::Gateway;

/// The protocol number that marks what is ours (`kernel.protocol` of the file, its default).
const OURS: &str = "179";

/// Our next hops, groups and routes in one kernel.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Kernel {
    /// Interface and gateway, by id.
    pub(crate) next_hops: BTreeMap<u64, (String, String)>,
    /// Members by id, of resilient groups.
    pub(crate) groups: BTreeMap<u64, Vec<u64>>,
    /// Groups of ours that are not resilient: there must be none.
    pub(crate) plain_groups: Vec<u64>,
    /// The group or next hop of each prefix.
    pub(crate) routes: BTreeMap<String, u64>,
    /// Routes without a nexthop id, as `ip` says them: host routes to the far ends of tunnels.
    pub(crate) direct: Vec<String>,
}

impl Kernel {
    /// The interfaces that a prefix's resilient group has, sorted; `None` without such a route.
    pub(crate) fn members(&self, prefix: &str) -> Option<Vec<String>> {
        self.ways(*self.routes.get(prefix)?)
    }

    /// The interfaces that a resilient group has, sorted.
    pub(crate) fn ways(&self, group: u64) -> Option<Vec<String>> {
        let members = self.groups.get(&group)?;
        let mut out: Vec<_> = members.iter().filter_map(|id| Some(self.next_hops.get(id)?.0.clone())).collect();
        out.sort();
        Some(out)
    }

    /// True if there is nothing of ours.
    pub(crate) fn is_empty(&self) -> bool {
        let objects = self.next_hops.len() + self.groups.len() + self.plain_groups.len();
        objects + self.routes.len() + self.direct.len() == 0
    }
}

impl Gateway {
    /// What is ours in an instance's kernel, all tables.
    pub(crate) fn kernel(&self, instance: &str) -> Result<Kernel> {
        let mut kernel = Kernel {
            next_hops: BTreeMap::new(),
            groups: BTreeMap::new(),
            plain_groups: Vec::new(),
            routes: BTreeMap::new(),
            direct: Vec::new(),
        };
        let objects = self.lab.must(instance, &["ip", "-j", "nexthop", "show"])?;
        for object in json(&objects)?.iter().filter(|object| object["protocol"] == OURS) {
            let id = object["id"].as_u64().context("a next hop without an id")?;
            let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
            match object["group"].as_array() {
                None => {
                    kernel.next_hops.insert(id, (text("dev"), text("gateway")));
                }
                Some(members) if object["type"] == "resilient" => {
                    // Beside such shares, the last one has no bucket: it keeps the group when the others go.
                    let kept = members.iter().any(|member| member["weight"].as_u64().is_some_and(|share| share >= 256));
                    let carrying = members.len() - usize::from(kept);
                    let members = members.iter().take(carrying).filter_map(|member| member["id"].as_u64());
                    kernel.groups.insert(id, members.collect());
                }
                Some(_) => kernel.plain_groups.push(id),
            }
        }
        for line in self.our_routes(instance)?.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (Some(prefix), Some(at)) = (words.first(), words.iter().position(|word| *word == "nhid")) else {
                kernel.direct.push(line.trim_end().to_owned());
                continue;
            };
            let id = words.get(at + 1).and_then(|id| id.parse().ok()).context("an nhid that is no number")?;
            // `ip` has a word for the default route, and leaves the length of a host route out.
            let prefix = match *prefix {
                "default" => "0.0.0.0/0".to_owned(),
                network if network.contains('/') => network.to_owned(),
                host => format!("{host}/32"),
            };
            kernel.routes.insert(prefix, id);
        }
        Ok(kernel)
    }

    /// Our routes, one a line: text, because a full table as JSON is a hundred megabytes.
    fn our_routes(&self, instance: &str) -> Result<String> {
        // In compatibility mode the members of a group follow on lines of their own.
        let text = self.lab.must(instance, &["ip", "route", "show", "table", "all", "proto", OURS])?;
        Ok(text.lines().filter(|line| !line.starts_with(char::is_whitespace)).collect::<Vec<_>>().join("\n"))
    }

    /// All in an instance's kernel that is not ours: routes, next hops, and the settings that we change.
    pub(crate) fn foreign(&self, instance: &str) -> Result<Vec<String>> {
        let mut out = Vec::new();
        for words in [&["ip", "route", "show", "table", "all"][..], &["ip", "nexthop", "show"]] {
            let text = self.lab.must(instance, words)?;
            let mut ours = false;
            for line in text.lines() {
                // The lines of a route's members belong to the route.
                ours =
                    if line.starts_with(char::is_whitespace) { ours } else { line.contains(&format!("proto {OURS}")) };
                if !ours {
                    out.push(line.trim_end().to_owned());
                }
            }
        }
        out.sort();
        Ok(out)
    }

    /// A kernel setting of a node.
    pub(crate) fn sysctl(&self, node: &str, key: &str) -> Result<String> {
        Ok(self.lab.must(node, &["sysctl", "-n", key])?.trim().to_owned())
    }
}

fn json(text: &str) -> Result<Vec<Value>> {
    Ok(serde_json::from_str::<Value>(text)?.as_array().cloned().unwrap_or_default())
}
