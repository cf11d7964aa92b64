//! One instance, and one host at the other end of its three tunnels, which is three devices of one site.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::runner::{Lab, Options};

/// How many tunnels there are: `tun1` to `tun3`, the far end of `tunN` at 169.254.N.1.
pub(crate) const TUNNELS: usize = 3;
/// How many prefixes the site announces.
pub(crate) const PREFIXES: usize = 30;
/// The gateway is in a table of its own.
pub(crate) const TABLE: &str = "100";

/// The lab, and the folder of its files.
pub(crate) struct Site {
    pub(crate) lab: Lab,
    _files: tempfile::TempDir,
}

fn gateway(more: &str) -> String {
    let mut text = format!(
        "[gateway]\nname = \"hub\"\nmode = \"active-active\"\nasn = 65515\nsubnet = \"10.20.255.0/27\"\nprefixes = [\"10.20.0.0/16\"]\n\
         [[gateway.instance]]\nname = \"in-0\"\npublic-ip = \"203.0.113.10\"\nbgp-ip = \"10.20.255.4\"\n\
         [[gateway.instance]]\nname = \"in-1\"\npublic-ip = \"203.0.113.11\"\nbgp-ip = \"10.20.255.5\"\n\
         [bgp]\nconnect-retry = \"500ms\"\nidle-hold-max = \"2s\"\n[kernel]\ntable = {TABLE}\n\
         [tunnel]\ndamping-first = \"0s\"\n{more}"
    );
    for n in 1..=TUNNELS {
        let _ = write!(
            text,
            "\n[[device]]\nname = \"hq-{n}\"\npublic-ip = \"198.51.100.{n}\"\nasn = 65010\nbgp-ip = \"172.16.{n}.1\"\n\
             [[connection]]\ndevice = \"hq-{n}\"\ntunnels = [\n\
             {{ instance = \"in-0\", interface = \"tun{n}\", local-ip = \"169.254.{n}.2\", remote-ip = \"169.254.{n}.1\" }},\n\
             {{ instance = \"in-1\", interface = \"tun{n}\", local-ip = \"169.254.{n}.6\", remote-ip = \"169.254.{n}.5\" }},\n]\n"
        );
    }
    text
}

fn site(more: &str) -> String {
    let prefixes: Vec<String> = (0..PREFIXES).map(|n| format!("\"10.52.{n}.0/24\"")).collect();
    let mut text = format!(
        "[gateway]\nname = \"site\"\nmode = \"active-active\"\nasn = 65010\nsubnet = \"172.16.0.0/27\"\nprefixes = [{}]\n\
         [[gateway.instance]]\nname = \"one\"\npublic-ip = \"198.51.100.1\"\nbgp-ip = \"172.16.0.4\"\n\
         [[gateway.instance]]\nname = \"two\"\npublic-ip = \"198.51.100.2\"\nbgp-ip = \"172.16.0.5\"\n\
         [bgp]\nconnect-retry = \"500ms\"\nidle-hold-max = \"2s\"\n{more}",
        prefixes.join(", ")
    );
    for n in 1..=TUNNELS {
        let _ = write!(
            text,
            "\n[[neighbor]]\nname = \"hub-{n}\"\naddress = \"169.254.{n}.2\"\nlocal-address = \"169.254.{n}.1\"\n\
             interface = \"tun{n}\"\nasn = 65515\nimport = [\"accept\"]\nexport = [\"accept\"]\n"
        );
    }
    text
}

impl Site {
    /// Up, with `more` in both files; `idle` nodes run nothing.
    pub(crate) fn up(more: &str, idle: &[&str]) -> Result<Self> {
        let files = tempfile::tempdir()?;
        let node = |name: &str, instance: &str, end: u8| {
            let mut text = format!(
                "    {name}:\n      cmd: twinspan run -c /etc/twinspan/{name}.toml --instance {instance}\n      binds:\n        - {name}.toml:/etc/twinspan/{name}.toml\n      exec:\n        - ip link add lan type veth peer name lan0\n        - ip link set lan0 up\n        - ip link set lan up\n"
            );
            for n in 1..=TUNNELS {
                let _ = writeln!(text, "        - ip address add 169.254.{n}.{end}/30 dev tun{n}");
            }
            text
        };
        let links: String =
            (1..=TUNNELS).map(|n| format!("    - endpoints: [\"gw:tun{n}\", \"hq:tun{n}\"]\n")).collect();
        let topology = format!(
            "name: chaos\ntopology:\n  defaults:\n    kind: linux\n    image: twinspan:lab\n    network-mode: none\n  nodes:\n{}{}  links:\n{links}",
            node("gw", "in-0", 2),
            node("hq", "one", 1)
        );
        fs::write(files.path().join("gw.toml"), gateway(more))?;
        fs::write(files.path().join("hq.toml"), site(more))?;
        let path = files.path().join("chaos.clab.yml");
        fs::write(&path, topology)?;
        let programs = Path::new(env!("CARGO_BIN_EXE_twinspan")).parent().context("a program is in a folder")?;
        let idle = idle.iter().map(ToString::to_string).collect();
        let lab = Lab::up(&path, &Options { idle, ..Options::new(programs) })?;
        Ok(Self { lab, _files: files })
    }

    /// What a JSON command of the gateway's says.
    pub(crate) fn show(&self, words: &[&str]) -> Result<Value, String> {
        let all: Vec<&str> = ["twinspan", "show"].iter().chain(words).chain(&["--json"]).copied().collect();
        let said = self.lab.must("gw", &all).map_err(|error| format!("{error:#}"))?;
        serde_json::from_str(&said).map_err(|error| format!("{error}: {said}"))
    }

    /// By prefix, the tunnels of its paths in use.
    fn wanted(&self) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
        let shown = self.show(&["routes"])?;
        let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for route in shown["routes"].as_array().into_iter().flatten() {
            for path in route["paths"].as_array().into_iter().flatten() {
                let (state, next_hop) = (path["state"].as_str(), path["next_hop"].as_str());
                if let (Some("best" | "multipath"), Some(next_hop)) = (state, next_hop) {
                    let tunnel = next_hop.split('.').nth(2).unwrap_or_default();
                    let prefix = route["prefix"].as_str().unwrap_or_default().to_owned();
                    wanted.entry(prefix).or_default().insert(format!("tun{tunnel}"));
                }
            }
        }
        Ok(wanted)
    }

    fn ip(&self, words: &str) -> Result<Vec<Value>, String> {
        let all: Vec<&str> = ["ip", "-j"].into_iter().chain(words.split_whitespace()).collect();
        let done = self.lab.exec("gw", &all).map_err(|error| format!("{error:#}"))?;
        // A table without a route does not exist.
        Ok(serde_json::from_slice(&done.stdout).unwrap_or_default())
    }

    /// What is wrong in the kernel; nothing if it is as wanted, with nothing left over.
    pub(crate) fn wrong(&self) -> Result<(), String> {
        let wanted = self.wanted()?;
        let objects = self.ip("nexthop show proto 179")?;
        let id = |value: &Value| value["id"].as_u64().unwrap_or_default();
        let mut hops = BTreeMap::new();
        let mut groups: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for object in &objects {
            match object["group"].as_array() {
                Some(members) => drop(groups.insert(id(object), members.iter().map(id).collect())),
                None => drop(hops.insert(id(object), object["dev"].as_str().unwrap_or_default().to_owned())),
            }
        }
        let mut held: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut used = BTreeSet::new();
        for route in self.ip(&format!("route show table {TABLE} proto 179"))? {
            let prefix = route["dst"].as_str().unwrap_or_default().to_owned();
            match route["nhid"].as_u64() {
                Some(group) => {
                    used.insert(group);
                    let members = groups.get(&group).map_or(&[][..], Vec::as_slice);
                    held.insert(prefix, members.iter().filter_map(|id| hops.get(id).cloned()).collect());
                }
                None if prefix.starts_with("169.254.") => {} // the host route to a far end
                None => drop(held.insert(prefix, BTreeSet::from([format!("{route}")]))),
            }
        }
        let prefixes: BTreeSet<&String> = wanted.keys().chain(held.keys()).collect();
        let other = prefixes.into_iter().find(|prefix| wanted.get(*prefix) != held.get(*prefix));
        if let Some(prefix) = other {
            return Err(format!("{prefix}: wanted {:?}, held {:?}", wanted.get(prefix), held.get(prefix)));
        }
        if let Some(group) = groups.keys().find(|id| !used.contains(id)) {
            return Err(format!("group {group} is left"));
        }
        let members: BTreeSet<u64> = groups.values().flatten().copied().collect();
        // A copy of one that is in a group is kept for that.
        let ways: BTreeSet<&String> = members.iter().filter_map(|id| hops.get(id)).collect();
        match hops.iter().find(|(id, way)| !members.contains(id) && !ways.contains(way)).map(|(id, _)| id) {
            Some(hop) => Err(format!("next hop {hop} is left")),
            None => Ok(()),
        }
    }

    /// As it shall be in the end: every prefix over every tunnel.
    pub(crate) fn at_rest(&self) -> Result<(), String> {
        let wanted = self.wanted()?;
        let full = wanted.values().filter(|tunnels| tunnels.len() == TUNNELS).count();
        if full != PREFIXES {
            return Err(format!("{full} of {PREFIXES} prefixes lead over all tunnels"));
        }
        self.wrong()
    }

    /// The end of the gateway's log.
    pub(crate) fn log(&self) -> String {
        let log = self.lab.log("gw", "twinspan");
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

/// How long a lab may take to come to rest, on a machine that does much else.
pub(crate) const SOON: Duration = Duration::from_secs(90);
