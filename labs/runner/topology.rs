//! What a containerlab file says, and whether it can be made: the part of the format that our labs use.
//!
//! Unknown keys are errors: a key that containerlab obeys and this runner does not would make two different labs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// The longest interface name that Linux takes (IFNAMSIZ without its NUL).
const INTERFACE_NAME_MAX: usize = 15;

/// Where a file of the lab may be bound to: only these folders are a node's own.
const OWN_FOLDERS: [&str; 2] = ["/etc/", "/run/"];

/// A checked lab file.
#[derive(Clone, Debug)]
pub struct Topology {
    /// The lab's name.
    pub name: String,
    /// Its nodes, by name.
    pub nodes: BTreeMap<String, Node>,
    /// Its links, in file order.
    pub links: Vec<[Endpoint; 2]>,
}

/// One node: kind `linux`, all defaults filled in.
#[derive(Clone, Debug)]
pub struct Node {
    /// `repository:tag`.
    pub image: String,
    /// The program and its arguments, where the image's own is not wanted.
    pub command: Vec<String>,
    /// Commands to run inside, before anything is started, each split into words.
    pub exec: Vec<Vec<String>>,
    /// Files and folders made visible inside.
    pub binds: Vec<Bind>,
    /// Environment of everything that runs inside.
    pub env: BTreeMap<String, String>,
    /// Kernel settings of the namespace.
    pub sysctls: BTreeMap<String, String>,
    /// The node whose network this one shares (`network-mode: container:NODE`).
    pub network_of: Option<String>,
}

/// A file or folder of the lab seen at a path inside a node.
#[derive(Clone, Debug)]
pub struct Bind {
    /// Outside, absolute.
    pub source: PathBuf,
    /// Inside, absolute.
    pub target: PathBuf,
}

/// One end of a link.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Endpoint {
    /// The node's name.
    pub node: String,
    /// The interface's name inside it.
    pub interface: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(rename = "prefix")]
    _prefix: Option<String>,
    topology: Parts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    #[serde(default)]
    defaults: RawNode,
    #[serde(default)]
    kinds: BTreeMap<String, RawNode>,
    nodes: BTreeMap<String, RawNode>,
    #[serde(default)]
    links: Vec<RawLink>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawNode {
    kind: Option<String>,
    image: Option<String>,
    entrypoint: Option<String>,
    cmd: Option<String>,
    #[serde(default)]
    exec: Vec<String>,
    #[serde(default)]
    binds: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    sysctls: BTreeMap<String, String>,
    network_mode: Option<String>,
    /// For drawings; nothing here depends on it.
    #[serde(default, rename = "labels")]
    _labels: BTreeMap<String, String>,
    #[serde(rename = "group")]
    _group: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLink {
    endpoints: Vec<String>,
}

impl Topology {
    /// Reads and checks a `*.clab.yml`; paths in it are relative to it.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let folder = path.canonicalize()?.parent().map(Path::to_path_buf).unwrap_or_default();
        Self::parse(&text, &folder).with_context(|| format!("{} is not a lab", path.display()))
    }

    /// As [`Topology::read`], from text; `folder` is where relative paths start.
    pub fn parse(text: &str, folder: &Path) -> Result<Self> {
        let file: File = serde_saphyr::from_str(text)?;
        let Parts { defaults, kinds, nodes, links } = file.topology;
        let mut faults = Vec::new();
        let nodes: BTreeMap<String, Node> = nodes
            .into_iter()
            .filter_map(|(name, raw)| match node(&raw, &kinds, &defaults, folder) {
                Ok(node) => Some((name, node)),
                Err(fault) => {
                    faults.push(format!("node {name}: {fault:#}"));
                    None
                }
            })
            .collect();
        let links = check_links(&links, &nodes, &mut faults);
        for (name, node) in &nodes {
            let Some(other) = &node.network_of else { continue };
            match nodes.get(other) {
                None => faults.push(format!("node {name}: network-mode names {other}, which does not exist")),
                Some(owner) if owner.network_of.is_some() => {
                    faults.push(format!("node {name}: {other} has no network of its own"));
                }
                Some(_) => {}
            }
        }
        if !faults.is_empty() {
            bail!("{}", faults.join("; "));
        }
        Ok(Self { name: file.name, nodes, links })
    }
}

fn node(raw: &RawNode, kinds: &BTreeMap<String, RawNode>, defaults: &RawNode, folder: &Path) -> Result<Node> {
    let kind = raw.kind.as_deref().or(defaults.kind.as_deref()).context("no kind")?;
    if kind != "linux" {
        bail!("kind {kind} cannot be made with namespaces, only linux can");
    }
    // A node's own value wins over its kind's, and that over the defaults: lists and maps are joined.
    let layers = [Some(defaults), kinds.get(kind), Some(raw)];
    let layers = || layers.iter().copied().flatten();
    let last = |value: fn(&RawNode) -> Option<&String>| layers().filter_map(value).next_back();
    let image = last(|layer| layer.image.as_ref()).context("no image")?;
    if !image.rsplit('/').next().is_some_and(|end| end.contains(':')) || image.ends_with(":latest") {
        bail!("image {image} is not pinned to a tag");
    }
    let mut command = Vec::new();
    for part in [last(|layer| layer.entrypoint.as_ref()), last(|layer| layer.cmd.as_ref())].into_iter().flatten() {
        command.extend(words(part)?);
    }
    let network_of = match last(|layer| layer.network_mode.as_ref()).map(String::as_str) {
        None | Some("none" | "bridge") => None,
        Some(mode) => {
            let other = mode.strip_prefix("container:").with_context(|| format!("network-mode {mode} is not known"))?;
            Some(other.to_owned())
        }
    };
    Ok(Node {
        image: image.clone(),
        command,
        exec: layers().flat_map(|layer| &layer.exec).map(|line| words(line)).collect::<Result<_>>()?,
        binds: layers().flat_map(|layer| &layer.binds).map(|text| bind(text, folder)).collect::<Result<_>>()?,
        env: layers().flat_map(|layer| layer.env.clone()).collect(),
        sysctls: layers().flat_map(|layer| layer.sysctls.clone()).collect(),
        network_of,
    })
}

fn check_links(links: &[RawLink], nodes: &BTreeMap<String, Node>, faults: &mut Vec<String>) -> Vec<[Endpoint; 2]> {
    let mut seen = BTreeSet::new();
    let mut checked = Vec::new();
    for link in links {
        let ends: Vec<Endpoint> = link
            .endpoints
            .iter()
            .filter_map(|text| match endpoint(text, nodes) {
                Ok(end) => Some(end),
                Err(fault) => {
                    faults.push(format!("link {:?}: {fault:#}", link.endpoints));
                    None
                }
            })
            .collect();
        for end in &ends {
            if !seen.insert(end.clone()) {
                faults.push(format!("endpoint {}:{} is used twice", end.node, end.interface));
            }
        }
        match <[Endpoint; 2]>::try_from(ends) {
            Ok(ends) => checked.push(ends),
            Err(ends) if link.endpoints.len() == ends.len() => {
                faults.push(format!("link {:?}: a link has two ends", link.endpoints));
            }
            Err(_) => {} // said above
        }
    }
    checked
}

fn endpoint(text: &str, nodes: &BTreeMap<String, Node>) -> Result<Endpoint> {
    let (node, interface) = text.split_once(':').with_context(|| format!("{text} is not NODE:INTERFACE"))?;
    match nodes.get(node) {
        None => bail!("there is no node {node}"),
        Some(found) if found.network_of.is_some() => bail!("node {node} has no network of its own"),
        Some(_) => {}
    }
    if interface.is_empty()
        || interface.len() > INTERFACE_NAME_MAX
        || interface.contains(|c: char| c == '/' || c == ':' || c.is_whitespace())
    {
        bail!("{interface:?} is not an interface name of 1 to {INTERFACE_NAME_MAX} characters");
    }
    Ok(Endpoint { node: node.to_owned(), interface: interface.to_owned() })
}

fn bind(text: &str, folder: &Path) -> Result<Bind> {
    let mut parts = text.split(':');
    let (Some(source), Some(target), mode) = (parts.next(), parts.next(), parts.next()) else {
        bail!("bind {text} is not SOURCE:TARGET");
    };
    if !matches!(mode, None | Some("ro" | "rw")) || parts.next().is_some() {
        bail!("bind {text} is not SOURCE:TARGET[:ro]");
    }
    let source = folder.join(source);
    if !source.exists() {
        bail!("bind source {} does not exist", source.display());
    }
    if !OWN_FOLDERS.iter().any(|own| target.starts_with(own)) || target.contains("..") {
        bail!("bind target {target} is outside of {}", OWN_FOLDERS.join(" and "));
    }
    Ok(Bind { source, target: PathBuf::from(target) })
}

/// Splits a command line as a shell would: by blanks, with both kinds of quotes, and nothing else.
pub fn words(line: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        bail!("a quote is not closed in: {line}");
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(nodes_and_links: &str) -> String {
        let text = format!("name: x\ntopology:\n{nodes_and_links}");
        format!("{:#}", Topology::parse(&text, Path::new("/")).unwrap_err())
    }

    const TWO: &str = "  nodes:\n    a: {kind: linux, image: 'x:1'}\n    b: {kind: linux, image: 'x:1'}\n";

    #[test]
    fn a_command_line_is_split_as_a_shell_would() {
        assert_eq!(words(r#"sh -c "a  'b'" '' c"#).unwrap(), ["sh", "-c", "a  'b'", "", "c"]);
        assert!(words("sh 'a").is_err());
    }

    #[test]
    fn a_link_to_a_node_that_does_not_exist_is_refused() {
        let said = fault(&format!("{TWO}  links:\n    - endpoints: ['a:eth1', 'c:eth1']\n"));
        assert!(said.contains("there is no node c"), "{said}");
    }

    #[test]
    fn an_endpoint_used_twice_is_refused() {
        let twice = "    - endpoints: ['a:eth1', 'b:eth1']\n    - endpoints: ['a:eth1', 'b:eth2']\n";
        let said = fault(&format!("{TWO}  links:\n{twice}"));
        assert!(said.contains("endpoint a:eth1 is used twice"), "{said}");
    }

    #[test]
    fn a_long_interface_name_a_missing_bind_and_a_floating_image_are_all_told_at_once() {
        let said = fault(
            "  nodes:\n    a: {kind: linux, image: 'x:1', binds: ['nowhere:/etc/x']}\n    b: {kind: linux, image: x}\n    \
             c: {kind: linux, image: 'x:1'}\n  links:\n    - endpoints: ['c:eth1', 'c:sixteen-letters-']\n",
        );
        for part in ["/nowhere does not exist", "image x is not pinned", "\"sixteen-letters-\" is not an interface"] {
            assert!(said.contains(part), "{part} is not in: {said}");
        }
    }

    #[test]
    fn a_key_that_the_runner_does_not_know_is_refused() {
        let said = fault("  nodes:\n    a: {kind: linux, image: 'x:1', bind: ['x:/etc/x']}\n");
        assert!(said.contains("bind"), "{said}");
    }

    #[test]
    fn defaults_are_filled_in_and_a_nodes_own_value_wins() {
        let text = "name: x\ntopology:\n  defaults: {kind: linux, image: 'x:1', env: {A: '1', B: '1'}}\n  nodes:\n    \
                    a: {env: {B: '2'}}\n    b: {image: 'y:2', network-mode: 'container:a'}\n";
        let lab = Topology::parse(text, Path::new("/")).unwrap();
        let (a, b) = (&lab.nodes["a"], &lab.nodes["b"]);
        assert_eq!((a.image.as_str(), b.image.as_str()), ("x:1", "y:2"));
        assert_eq!((a.env["A"].as_str(), a.env["B"].as_str(), b.env["B"].as_str()), ("1", "2", "1"));
        assert_eq!(b.network_of.as_deref(), Some("a"));
    }
}
