//! What an image stands for where there are no images: the system's own daemons, started as the image would.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::lab::Lab;
use super::wait::wait_until;

/// How long a daemon may take to open its control socket.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Where Debian puts FRR's daemons.
const FRR: &str = "/usr/lib/frr";

/// Starts what the node's image (or its own command) starts.
pub fn start(lab: &mut Lab, node: &str) -> Result<()> {
    let described = lab.topology.nodes.get(node).with_context(|| format!("there is no node {node}"))?;
    let (image, command) = (described.image.clone(), described.command.clone());
    if !command.is_empty() {
        if command.first().is_some_and(|program| program == "sleep") {
            return Ok(()); // the node is held by its holder
        }
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        return lab.spawn(node, &words);
    }
    start_as(lab, node, image.rsplit('/').next().unwrap_or_default().split(':').next().unwrap_or_default())
}

/// Starts what an image of that name (without its tag) would, whatever the node's own image is.
pub fn start_as(lab: &mut Lab, node: &str, repository: &str) -> Result<()> {
    match repository {
        "frr" => start_frr(lab, node),
        name if name == "bird" || name.ends_with("-bird") => {
            lab.shell(node, "mkdir -p /run/bird")?;
            lab.spawn(node, &["/usr/sbin/bird", "-f", "-c", "/etc/bird/bird.conf", "-s", "/run/bird/bird.ctl"])?;
            listens(lab, node, "bird", "/run/bird/bird.ctl")
        }
        name if name == "gobgp" || name.ends_with("-gobgp") => {
            lab.spawn(node, &["/usr/bin/gobgpd", "-t", "toml", "-f", "/etc/gobgp/gobgpd.toml"])?;
            answers(lab, node, "gobgpd", &["gobgp", "global"])
        }
        name if name == "exabgp" || name.ends_with("-exabgp") => {
            lab.shell(node, "mkdir -p /run/exabgp")?;
            lab.spawn(node, &["/usr/sbin/exabgp", "--env", "/etc/exabgp/exabgp.env", "/etc/exabgp/exabgp.conf"])
        }
        name if name == "openbgpd" || name.ends_with("-openbgpd") => {
            lab.shell(node, "mkdir -p /run/openbgpd; chmod 0600 /etc/openbgpd/bgpd.conf")?;
            lab.spawn(node, &["/usr/sbin/bgpd", "-d", "-f", "/etc/openbgpd/bgpd.conf"])?;
            answers(lab, node, "bgpd", &["bgpctl", "show", "summary"])
        }
        _ => Ok(()),
    }
}

/// Zebra first, then what the `daemons` file asks for, then the one configuration file through vtysh.
fn start_frr(lab: &mut Lab, node: &str) -> Result<()> {
    lab.shell(node, "install -d -o frr -g frr -m 0755 /run/frr /var/tmp/frr; chown -R frr:frr /etc/frr")?;
    let described = &lab.topology.nodes[node];
    let daemons = described.binds.iter().find(|bind| bind.target == Path::new("/etc/frr/daemons"));
    let daemons = match daemons {
        Some(bind) => fs::read_to_string(&bind.source)?,
        None => String::new(),
    };
    let value = |key: &str| {
        let line = daemons.lines().filter_map(|line| line.trim().split_once('=')).find(|(name, _)| *name == key);
        line.map(|(_, value)| value.trim_matches('"').to_owned())
    };
    for daemon in ["zebra", "staticd", "bgpd", "bfdd"] {
        let always = matches!(daemon, "zebra" | "staticd"); // as FRR's own start script has it
        if !always && value(daemon).as_deref() != Some("yes") {
            continue;
        }
        let program = format!("{FRR}/{daemon}");
        let options = value(&format!("{daemon}_options")).unwrap_or_default();
        let mut words = vec![program.as_str(), "--log", "stdout"];
        words.extend(options.split_whitespace());
        lab.spawn(node, &words)?;
        listens(lab, node, daemon, &format!("/run/frr/{daemon}.vty"))?;
        if daemon == "zebra" {
            listens(lab, node, daemon, "/run/frr/zserv.api")?;
        }
    }
    lab.shell(node, "vtysh -b").map(drop)
}

/// Waits for a control socket, for as long as the program lives.
fn listens(lab: &mut Lab, node: &str, program: &str, socket: &str) -> Result<()> {
    answers(lab, node, program, &["test", "-S", socket])
}

/// Waits until a question is answered with success, for as long as the program lives.
fn answers(lab: &mut Lab, node: &str, program: &str, question: &[&str]) -> Result<()> {
    wait_until(START_LIMIT, || {
        if let Err(error) = lab.pid(node, program) {
            return Ok(Err(error.context(lab.log(node, program))));
        }
        match lab.exec(node, question) {
            Ok(done) if done.status.success() => Ok(Ok(())),
            Ok(_) => Err(format!("{node}: {} fails", question.join(" "))),
            Err(error) => Err(format!("{error:#}")),
        }
    })?
}
