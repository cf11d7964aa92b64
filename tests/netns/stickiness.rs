//! 4,000 flows over four tunnels and 100,000 prefixes: who moves when a tunnel or its session goes and returns (R11).

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::flows::{Flow, Plan, Running, Sender, Sent, Watch};
use crate::gateway::{Gateway, SOON};
use crate::player::{Options, Player, table};
use crate::runner::wait_until;

const LAB: &str = "labs/stickiness/stickiness.clab.yml";
const DEVICES: [&str; 4] = ["hq-1", "hq-2", "hq-3", "hq-4"];

/// Prefixes of the table: /24s, one behind the other.
const PREFIXES: u32 = 100_000;
const FIRST: Ipv4Addr = Ipv4Addr::new(11, 0, 0, 0);

const FLOWS: u16 = 4_000;
/// Packets a second, of all flows together: two of each flow.
const RATE: u32 = 8_000;
const PORT: u16 = 9000;
/// How long flows are looked at: the time is part of what is measured.
const LOOK: Duration = Duration::from_secs(2);

/// The most messages about next hops and groups that a table may cost which returns.
const A_HANDFUL: usize = 20;

/// The device that each flow reaches.
type Ways = BTreeMap<Flow, BTreeSet<&'static str>>;

struct Scene {
    gateway: Gateway,
    players: BTreeMap<&'static str, Player>,
    _sender: Option<Running<Sent>>,
}

/// A prefix of the table by its place.
fn network(place: u32) -> u32 {
    u32::from(FIRST) + (place << 8)
}

/// True for the tenth that a device may leave out: spread over the whole table.
fn left_out(place: u32) -> bool {
    place.is_multiple_of(10)
}

impl Scene {
    fn begin() -> Result<Self> {
        let gateway = Gateway::of(LAB)?;
        let mut scene = Self { gateway, players: BTreeMap::new(), _sender: None };
        for device in DEVICES {
            scene.connect(device)?;
        }
        for device in DEVICES {
            scene.say(device, |_| true)?;
        }
        scene.wait_for(|_| DEVICES.into())?;
        // Forty destinations far from each other, four of them among the tenth.
        let to = (0..40).map(|step| Ipv4Addr::from(network(step * (PREFIXES / 40 - 1)) + 1)).collect();
        let plan = Plan { to, port: PORT, first_port: 20_000, flows: FLOWS, rate: RATE, duration: None };
        scene._sender = Some(scene.gateway.lab.inside("cloud-host", || Sender::open(plan))??.start());
        Ok(scene)
    }

    fn connect(&mut self, device: &'static str) -> Result<()> {
        let number = DEVICES.iter().zip(1_u8..).find(|(known, _)| **known == device).map_or(1, |(_, number)| number);
        let options = Options {
            local: [169, 254, 21, 4 * number - 3].into(),
            remote: ([169, 254, 21, 4 * number - 2], 179).into(),
            asn: 65010 + u32::from(number),
            hold_time: 90,
            four_octet: true,
            limit: SOON,
        };
        let player = self.gateway.lab.inside(device, || Player::connect(&options))?;
        self.players.insert(device, player.map_err(|why| anyhow!("{device}: {why}\n{}", self.gateway.tail("in-0")))?);
        Ok(())
    }

    /// The device says its table, without the prefixes that it does not have, and End-of-RIB.
    fn say(&mut self, device: &'static str, has: impl Fn(u32) -> bool) -> Result<()> {
        let player = self.players.get_mut(device).ok_or_else(|| anyhow!("no player for {device}"))?;
        let prefixes = (0..PREFIXES).filter(|place| has(*place)).map(|place| (network(place), 24));
        player.play(table::plain(prefixes)).map(drop).map_err(|why| anyhow!("{device}: {why}"))
    }

    /// Waits until the kernel leads every prefix over those devices and there is nothing left to do.
    fn wait_for(&self, ways: impl Fn(u32) -> BTreeSet<&'static str>) -> Result<()> {
        wait_until(SOON, || {
            let fib = self.gateway.show("in-0", &["fib"])?;
            if fib["settled"] != true {
                return Err(format!("not settled: {}\n{}", fib["totals"], self.gateway.tail("in-0")));
            }
            let kernel = self.gateway.kernel("in-0").map_err(|error| format!("{error:#}"))?;
            let groups: BTreeMap<u64, BTreeSet<String>> = kernel
                .groups
                .keys()
                .map(|id| {
                    (*id, kernel.ways(*id).unwrap_or_default().iter().map(|way| way.replace("tun-hq", "hq-")).collect())
                })
                .collect();
            for place in 0..PREFIXES {
                let prefix = format!("{}/24", Ipv4Addr::from(network(place)));
                let found = kernel.routes.get(&prefix).and_then(|id| groups.get(id));
                let wanted = ways(place);
                if !found.is_some_and(|found| found.iter().map(String::as_str).eq(wanted.iter().copied())) {
                    return Err(format!("{prefix} leads over {found:?}, not {wanted:?}; {fib}"));
                }
            }
            Ok(())
        })
    }

    /// Where the flows go for a while.
    fn look(&self) -> Result<Ways> {
        let mut watches = Vec::new();
        for device in DEVICES {
            watches.push((device, self.gateway.lab.inside(device, || Watch::open(PORT))??.start()));
        }
        thread::sleep(LOOK);
        let mut ways = Ways::new();
        for (device, watch) in watches {
            watch.stop().into_keys().for_each(|flow| {
                ways.entry(flow).or_default().insert(device);
            });
        }
        assert_eq!(ways.len(), usize::from(FLOWS), "flows that arrive somewhere");
        for (flow, devices) in &ways {
            assert_eq!(devices.len(), 1, "{flow:?} is in two places while nothing happens: {devices:?}");
        }
        Ok(ways)
    }

    fn hear_messages(&mut self) -> Result<()> {
        // What was told before is not to be counted.
        self.gateway.lab.spawn("in-0", &["ip", "-o", "monitor", "nexthop", "route"])
    }
}

/// Flows that are not where they were.
fn moved<'a>(before: &'a Ways, after: &'a Ways) -> BTreeMap<Flow, (&'static str, &'static str)> {
    let first = |devices: &BTreeSet<&'static str>| devices.first().copied().unwrap_or_default();
    let pairs = before.iter().filter_map(|(flow, was)| Some((*flow, (first(was), first(after.get(flow)?)))));
    pairs.filter(|(_, (was, is))| was != is).collect()
}

fn without(device: &'static str) -> BTreeSet<&'static str> {
    DEVICES.into_iter().filter(|other| *other != device).collect()
}

fn only_flows_of(device: &str, before: &Ways, after: &Ways) {
    let others: Vec<_> = moved(before, after).into_iter().filter(|(_, (was, _))| *was != device).collect();
    assert!(others.is_empty(), "{} flows of live tunnels moved: {:?}", others.len(), others.first());
    assert!(before.values().any(|ways| ways.contains(device)), "{device} carried nothing");
    assert!(!after.values().any(|ways| ways.contains(device)), "{device} carries still");
}

#[test]
fn r11_no_flow_of_a_live_tunnel_moves_when_another_goes_is_reset_and_returns_and_a_table_is_a_handful_of_messages()
-> Result<()> {
    let mut scene = Scene::begin()?;
    let start = scene.look()?;
    for device in DEVICES {
        let share = start.values().filter(|ways| ways.contains(device)).count();
        assert!(share > usize::from(FLOWS) / 8, "{device} carries {share} of {FLOWS} flows");
    }

    // A tunnel dies.
    scene.gateway.lab.shell("hq-1", "ip link set eth1 down")?;
    scene.wait_for(|_| without("hq-1"))?;
    let dead = scene.look()?;
    only_flows_of("hq-1", &start, &dead);

    // It returns, and says everything again.
    scene.players.remove("hq-1");
    scene.gateway.lab.shell("hq-1", "ip link set eth1 up")?;
    scene.connect("hq-1")?;
    scene.hear_messages()?;
    scene.say("hq-1", |_| true)?;
    scene.wait_for(|_| DEVICES.into())?;
    let back = scene.look()?;
    assert_eq!(moved(&dead, &back), BTreeMap::new(), "a tunnel returned");
    let told = scene.gateway.lab.log("in-0", "ip");
    let (groups, routes): (Vec<&str>, Vec<&str>) =
        told.lines().partition(|line| line.contains("[NEXTHOP]") || line.contains("group"));
    eprintln!(
        "a table that returned: {} messages about next hops and groups, {} about routes",
        groups.len(),
        routes.len()
    );
    assert!(
        told.lines().count() <= A_HANDFUL,
        "{} messages: {:?}",
        told.lines().count(),
        told.lines().take(30).collect::<Vec<_>>()
    );

    // A session is reset, with its link up all the time.
    scene.players.remove("hq-2");
    scene.wait_for(|_| without("hq-2"))?;
    let reset = scene.look()?;
    only_flows_of("hq-2", &back, &reset);
    scene.connect("hq-2")?;
    scene.say("hq-2", |_| true)?;
    scene.wait_for(|_| DEVICES.into())?;
    let back = scene.look()?;
    assert_eq!(moved(&reset, &back), BTreeMap::new(), "a session returned");

    // Another, which returns with a tenth of its prefixes gone: only their flows may change.
    scene.players.remove("hq-3");
    scene.wait_for(|_| without("hq-3"))?;
    let reset = scene.look()?;
    only_flows_of("hq-3", &back, &reset);
    scene.connect("hq-3")?;
    scene.say("hq-3", |place| !left_out(place))?;
    scene.wait_for(|place| if left_out(place) { without("hq-3") } else { DEVICES.into() })?;
    let fewer = scene.look()?;
    let place = |flow: &Flow| (u32::from(flow.to) - u32::from(FIRST)) >> 8;
    let changed: Vec<_> = moved(&reset, &fewer).into_iter().filter(|(flow, _)| !left_out(place(flow))).collect();
    assert!(changed.is_empty(), "{} flows to prefixes that came back moved: {:?}", changed.len(), changed.first());
    Ok(())
}
