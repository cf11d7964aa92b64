//! What is measured: one row each.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::place::{Place, SOON, Site};
use super::runner::wait_until;
use super::traffic::{Paths, Ways};

const INSTANCES: [&str; 2] = ["in-0", "in-1"];
const SITE: [Ipv4Addr; 1] = [Ipv4Addr::new(10, 52, 1, 10)];
/// What the reference product says of itself.
const PLANNED: &str = "10 to 15 s";
const UNPLANNED: &str = "60 to 180 s";
const UNSAID: &str = "none given";
/// After all is as it shall be the flows run on for so long.
const REST: Duration = Duration::from_secs(1);

/// One thing that happens.
pub struct Row {
    /// In words for people.
    pub name: &'static str,
    /// What is wanted, in words.
    pub words: &'static str,
    /// The same as a question.
    pub wanted: fn(&Figure) -> bool,
    /// Has it happen in a lab of its own.
    pub measure: fn(&Place) -> Result<Figure>,
    /// What the reference product says of it.
    pub reference: &'static str,
    /// Rounds that are enough.
    pub most: u32,
}

/// What it cost.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Packets lost to the sites, and to the cloud.
    pub lost: [u64; 2],
    /// Packets sent each way.
    pub sent: u64,
    /// What the flow that lost most has lost, as a time.
    pub away: Duration,
    /// Until the command had ended, or the other instance had the role.
    pub after: Duration,
}

impl Figure {
    /// The worse of both in each place.
    pub fn worse(self, other: Self) -> Self {
        Self {
            lost: [self.lost[0].max(other.lost[0]), self.lost[1].max(other.lost[1])],
            sent: self.sent.max(other.sent),
            away: self.away.max(other.away),
            after: self.after.max(other.after),
        }
    }

    fn nothing_lost(&self) -> bool {
        self.lost == [0, 0]
    }

    fn within_1_s(&self) -> bool {
        self.away < Duration::from_secs(1)
    }

    fn within_3_s(&self) -> bool {
        self.away < Duration::from_secs(3)
    }

    fn within_90_s(&self) -> bool {
        self.away < Duration::from_secs(90)
    }
}

/// All rows, in the order of the table.
pub const ALL: &[Row] = &[
    row("active-active: drain of an instance", "0 lost", Figure::nothing_lost, |p| planned(p, "drain"), PLANNED),
    row("active-active: undrain", "0 lost", Figure::nothing_lost, |p| planned(p, "undrain"), PLANNED),
    row("active-standby: planned takeover", "under 1 s", Figure::within_1_s, takeover, PLANNED),
    row("active-standby: drain of the active", "under 1 s", Figure::within_1_s, standby_drain, PLANNED),
    row("BFD: active killed (SIGKILL)", "under 3 s", Figure::within_3_s, |p| unplanned(p, true, kill), UNPLANNED),
    row("BFD: host gone", "under 3 s", Figure::within_3_s, |p| unplanned(p, true, gone), UNPLANNED),
    row("BFD: active stopped (SIGSTOP)", "under 3 s", Figure::within_3_s, |p| unplanned(p, true, stop), UNPLANNED),
    row("BFD: VPN daemon dead", "under 3 s", Figure::within_3_s, |p| unplanned(p, true, vpn), UNPLANNED),
    late("default timers: active killed", |p| unplanned(p, false, kill)),
    late("default timers: host gone", |p| unplanned(p, false, gone)),
    late("default timers: active stopped", |p| unplanned(p, false, stop)),
    late("default timers: VPN daemon dead", |p| unplanned(p, false, vpn)),
    row("mode change there and back, link-local pairs", "0 lost", Figure::nothing_lost, modes, UNSAID),
    row("reset of one instance, the other's traffic", "0 lost", Figure::nothing_lost, reset, UNSAID),
];

const fn row(
    name: &'static str,
    words: &'static str,
    wanted: fn(&Figure) -> bool,
    measure: fn(&Place) -> Result<Figure>,
    reference: &'static str,
) -> Row {
    Row { name, words, wanted, measure, reference, most: u32::MAX }
}

/// One without BFD, which takes minutes.
const fn late(name: &'static str, measure: fn(&Place) -> Result<Figure>) -> Row {
    Row { name, words: "under 90 s", wanted: Figure::within_90_s, measure, reference: UNPLANNED, most: 1 }
}

/// One word of a drain in `labs/maintenance`.
fn planned(place: &Place, word: &str) -> Result<Figure> {
    let site = place.up("maintenance", &SITE, &[])?;
    if word == "undrain" {
        site.lab.must("in-1", &["twinspan", "drain", "--wait"])?;
    }
    let stream = site.stream()?;
    let began = Instant::now();
    site.lab.must("in-1", &["twinspan", word, "--wait"])?;
    let after = began.elapsed();
    site.check()?;
    Ok(stream.stop(after))
}

/// The role is handed over and back.
fn takeover(place: &Place) -> Result<Figure> {
    let site = place.standby(&[])?;
    let mut figure: Option<Figure> = None;
    for [from, to] in [INSTANCES, ["in-1", "in-0"]] {
        let stream = site.stream()?;
        let began = Instant::now();
        site.lab.must(from, &["twinspan", "role", "standby"])?;
        site.is_active(to)?;
        let after = began.elapsed();
        site.serves(to)?;
        stream.run_for(REST);
        let now = stream.stop(after);
        figure = Some(figure.map_or(now.clone(), |before| before.worse(now)));
    }
    figure.ok_or_else(|| anyhow::anyhow!("nothing was done"))
}

fn standby_drain(place: &Place) -> Result<Figure> {
    let site = place.standby(&[])?;
    let stream = site.stream()?;
    let began = Instant::now();
    site.lab.must("in-0", &["twinspan", "drain", "--wait"])?;
    let after = began.elapsed();
    site.serves("in-1")?;
    site.lab.must("in-0", &["twinspan", "undrain", "--wait"])?;
    stream.run_for(REST);
    Ok(stream.stop(after))
}

/// Something happens to the active instance of `labs/active-standby`: with BFD on every tunnel too, or with the times that
/// hold by themselves and no BFD at all.
fn unplanned(place: &Place, bfd: bool, happens: fn(&mut Site<'_>) -> Result<()>) -> Result<Figure> {
    const FILE: [&str; 2] = ["in-0:/etc/twinspan/twinspan.toml", "in-1:/etc/twinspan/twinspan.toml"];
    const FRR: &str = "hq-1:/etc/frr/frr.conf";
    const BIRD: &str = "hq-2:/etc/bird/bird.conf";
    let often = "\n[health]\nvpn-command = [\"test\", \"!\", \"-e\", \"/run/vpn-dead\"]\n";
    let watched = format!("{often}interval = \"500ms\"\nfall = 2\n\n[bfd]\nenabled = true\n");
    let line = " neighbor 10.20.255.30 ttl-security hops 1\n";
    let asks = format!("{line} neighbor 10.20.255.30 bfd profile fast\n");
    let fast =
        "bfd\n profile fast\n  transmit-interval 100\n  receive-interval 100\n exit\nexit\n!\nrouter bgp 65010\n";
    let bird = "protocol bfd {\n  interface \"tun*\" { interval 100 ms; multiplier 3; };\n}\n\ntemplate bgp to_gateway {\n  bfd on;\n";
    let with = [
        (FILE[0], "", watched.as_str()),
        (FILE[1], "", watched.as_str()),
        ("hq-1:/etc/frr/daemons", "bfdd=no", "bfdd=yes"),
        (FRR, line, asks.as_str()),
        (FRR, "router bgp 65010\n", fast),
        (BIRD, "template bgp to_gateway {\n", bird),
    ];
    let mut site = if bfd {
        place.standby(&with)?
    } else {
        let site = place.standby(&[(FILE[0], "", often), (FILE[1], "", often)])?;
        without_bfd(&site)?;
        site
    };
    // BFD on the tunnels is up when it is up on both sides.
    wait_until(SOON, || {
        let shown = site.show("in-0", &["neighbors"])?;
        let all = shown["neighbors"].as_array().cloned().unwrap_or_default();
        let up = all.iter().filter(|one| one["bfd"]["state"] == "up").count();
        let wanted = if bfd { 3 } else { 0 };
        if up == wanted { Ok(()) } else { Err(format!("{up} of {wanted} BFD sessions are up")) }
    })?;
    let stream = site.stream()?;
    let began = Instant::now();
    happens(&mut site)?;
    site.is_active("in-1")?;
    let after = began.elapsed();
    site.serves("in-1")?;
    stream.run_for(REST);
    Ok(stream.stop(after))
}

/// Nothing of BFD passes the twin-link any more, and the instances have known no other than that.
fn without_bfd(site: &Site<'_>) -> Result<()> {
    for instance in INSTANCES {
        site.lab.must(instance, &["ip", "rule", "add", "pref", "5", "lookup", "local"])?;
        site.lab.must(instance, &["ip", "rule", "del", "pref", "0"])?;
        let rule = ["ip", "rule", "add", "pref", "1", "iif", "twin", "ipproto", "udp", "dport", "3784", "blackhole"];
        site.lab.must(instance, &rule)?;
    }
    Ok(())
}

/// Packets that leave by this interface are lost, and its carrier stays.
fn mute(site: &Site<'_>, node: &str, interface: &str) -> Result<()> {
    let words = ["root", "tbf", "rate", "8bit", "burst", "10", "latency", "1ms"];
    site.lab.must(node, &[&["tc", "qdisc", "add", "dev", interface], &words[..]].concat())?;
    Ok(())
}

fn kill(site: &mut Site<'_>) -> Result<()> {
    site.lab.stop("in-0", "twinspan", Signal::SIGKILL, SOON)?;
    Ok(())
}

fn stop(site: &mut Site<'_>) -> Result<()> {
    site.lab.signal("in-0", "twinspan", Signal::SIGSTOP)
}

/// Everything of the host falls silent at once, and no carrier tells of it.
fn gone(site: &mut Site<'_>) -> Result<()> {
    for interface in ["eth1", "twin", "tun-hq1", "tun-hq2"] {
        mute(site, "in-0", interface)?;
    }
    for (node, interface) in [("core", "eth2"), ("internet", "eth1"), ("hq-2", "tun-in0"), ("in-1", "twin")] {
        mute(site, node, interface)?;
    }
    Ok(())
}

/// The tunnels carry nothing any more, their interfaces stay, and who asks for the daemon gets no answer.
fn vpn(site: &mut Site<'_>) -> Result<()> {
    site.lab.must("in-0", &["touch", "/run/vpn-dead"])?;
    for (node, interface) in [("in-0", "tun-hq1"), ("in-0", "tun-hq2"), ("internet", "eth1"), ("hq-2", "tun-in0")] {
        mute(site, node, interface)?;
    }
    Ok(())
}

/// `labs/multiple-devices` goes over to active-standby and back.
fn modes(place: &Place) -> Result<Figure> {
    const THERE: &str = "sed -i 's/^mode = \"active-active\"/mode = \"active-standby\"/' /etc/twinspan/twinspan.toml";
    const BACK: &str = "sed -i 's/^mode = \"active-standby\"/mode = \"active-active\"/' /etc/twinspan/twinspan.toml";
    let site = place.up("multiple-devices", &SITE, &[])?;
    let stream = site.stream()?;
    let began = Instant::now();
    for (edit, role) in [(THERE, true), (BACK, false)] {
        for instance in INSTANCES {
            site.lab.shell(instance, edit)?;
        }
        for instance in INSTANCES {
            site.lab.must(instance, &["twinspan", "reload"])?;
        }
        if role {
            wait_until(SOON, || {
                let shown = site.show("in-1", &["gateway"])?;
                let standby = shown["standing"]["state"] == "standby" && shown["sessions"]["established"] == 1;
                if standby { Ok(()) } else { Err(shown.to_string()) }
            })?;
            stream.run_for(REST);
        }
    }
    site.check()?;
    let after = began.elapsed();
    Ok(stream.stop(after))
}

/// One instance of `labs/maintenance` is reset; of the other's flows.
fn reset(place: &Place) -> Result<Figure> {
    let site = place.up("maintenance", &SITE, &[])?;
    let paths = Paths::watch(&site.lab)?;
    let stream = site.stream()?;
    let (down, up) = paths.stop();
    let by_other = |ways: &Ways, words: &str| -> BTreeSet<u16> {
        let other = ways.iter().filter(|(_, through)| through.iter().all(|way| way.contains(words)));
        other.map(|(flow, _)| flow.port).collect()
    };
    let others = [by_other(&down, "tun-in1"), by_other(&up, "in-1 ")];
    ensure!(others.iter().all(|flows| !flows.is_empty()), "no flow is the other's");
    let began = Instant::now();
    site.lab.must("in-0", &["twinspan", "reset", "instance"])?;
    site.check()?;
    let after = began.elapsed();
    stream.run_for(REST);
    Ok(stream.stop_of(after, |way, port| others[way].contains(&port)))
}
