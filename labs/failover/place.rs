//! The lab while it runs: the gateway under test, the ways out of it, and who announces what over them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::event::Event;
use super::kernel::{self, Kernel, Question};
use super::outcome::{Load, Marks, Outcome, Traffic};
use super::settle::Prober;
use super::speaker::{Speaker, Usage};
use crate::flows::{self, STRAGGLERS, Sender, Trace};
use crate::player::mrt::Record;
use crate::player::rewrite::{Device, Rewriter};
use crate::player::{Options, Player, table};
use crate::runner::{self, Lab};

/// The node with the gateway under test.
pub const GATEWAY: &str = "in-0";

/// The interface through which the flows come in there.
const INSIDE: &str = "eth1";
/// The host that sends.
const HOST: Ipv4Addr = Ipv4Addr::new(10, 20, 255, 10);
/// The gateway's AS, and the twin's.
const OWN_AS: u32 = 65515;

/// Destinations of the flows, spread over the table as it is announced, the first and the last included.
const PROBES: usize = 32;

const PORT: u16 = 9000;
const FIRST_PORT: u16 = 20_000;

/// The flows run undisturbed for so long before an event and after a return.
const CALM: Duration = Duration::from_secs(1);

/// The hold time where it is not what is measured, in seconds.
const LONG_HOLD: u16 = 90;

/// A speaker that cleans up after a million routes takes minutes until it listens to a neighbor again.
const CONNECT_LIMIT: Duration = Duration::from_secs(600);

/// How many sessions a speaker may end while the table is sent again.
const SESSIONS: u32 = 5;

/// One way out of the gateway: tunnels 1 to 4, and the link to the twin.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Way(u8);

impl Way {
    /// The link to the twin.
    pub const TWIN: Self = Self(5);

    /// A tunnel by its number, from 1.
    pub const fn tunnel(number: u8) -> Self {
        Self(number)
    }

    /// All four.
    pub fn tunnels() -> impl Iterator<Item = Self> {
        (1..=4).map(Self)
    }

    fn all() -> impl Iterator<Item = Self> {
        Self::tunnels().chain([Self::TWIN])
    }

    fn is_twin(self) -> bool {
        self == Self::TWIN
    }

    /// The gateway's interface.
    fn near(self) -> String {
        if self.is_twin() { "twin".to_owned() } else { format!("tun{}", self.0) }
    }

    /// The node at the far end.
    fn far(self) -> String {
        if self.is_twin() { "in-1".to_owned() } else { format!("hq-{}", self.0) }
    }

    /// The port of the wires to the far end, to the gateway, and the bridge between them.
    fn wire(self) -> [String; 3] {
        [format!("w{}-far", self.0), format!("w{}-in", self.0), format!("br{}", self.0)]
    }

    /// The gateway's address and the far end's.
    fn addresses(self) -> [Ipv4Addr; 2] {
        if self.is_twin() {
            return [Ipv4Addr::new(192, 168, 255, 1), Ipv4Addr::new(192, 168, 255, 2)];
        }
        [Ipv4Addr::new(169, 254, self.0, 2), Ipv4Addr::new(169, 254, self.0, 1)]
    }

    fn asn(self) -> u32 {
        if self.is_twin() { OWN_AS } else { 65010 + u32::from(self.0) }
    }
}

/// How to measure.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder with the `twinspan` to measure.
    pub programs: PathBuf,
    /// The lab's folder.
    pub folder: PathBuf,
    /// Seed of the table.
    pub seed: u64,
    /// How many flows.
    pub flows: u16,
    /// Packets a second, of all flows together.
    pub rate: u32,
    /// The hold time on the tunnel without BFD.
    pub hold: Duration,
    /// Between two BFD packets; three missed are a failure.
    pub bfd: Duration,
    /// Without a packet for so long, what a flow used is free for others, where a speaker keeps flows on their ways.
    pub idle: Duration,
    /// The flows stop for so long between two events.
    pub rest: Duration,
}

/// The table that everyone announces.
pub struct Table {
    records: Vec<Record>,
    prefixes: usize,
    /// An address in each of the probed prefixes; no longer prefix covers it.
    pub(super) probes: Vec<Ipv4Addr>,
}

impl Table {
    /// One seed, one table.
    pub fn new(prefixes: usize, seed: u64) -> Self {
        let records: Vec<Record> = table::records(prefixes, seed).collect();
        let found: Vec<Ipv4Addr> = records.iter().flat_map(|record| longest(&record.octets)).collect();
        let last = found.len().saturating_sub(1);
        let at = |n: usize| found.get(n * last / (PROBES - 1)).copied();
        let probes: BTreeSet<Ipv4Addr> = (0..PROBES).filter_map(at).collect();
        Self { records, prefixes, probes: probes.into_iter().collect() }
    }
}

/// A record as who announces it has it: the twin has heard it from a device of its own.
fn heard(way: Way, record: &Record) -> Record {
    if !way.is_twin() {
        return record.clone();
    }
    let first = Way::tunnel(1);
    let [_, address] = first.addresses();
    let device = Device { asn: first.asn(), address, four_octet: true, internal: false };
    let mut octets = Vec::new();
    Rewriter::new(device).rewrite(record, &mut octets);
    Record { octets, peer_asn: first.asn(), ..record.clone() }
}

/// The prefixes of 24 bits, the longest of the table, in an UPDATE: an address in each.
fn longest(update: &[u8]) -> Vec<Ipv4Addr> {
    const BODY: usize = 19; // behind the header there are no withdrawn routes
    let read = || {
        let length = usize::from(u16::from_be_bytes(update.get(BODY + 2..BODY + 4)?.try_into().ok()?));
        let mut nlri = update.get(BODY + 4 + length..)?;
        let mut out = Vec::new();
        while let Some((bits, rest)) = nlri.split_first() {
            let (prefix, rest) = rest.split_at_checked(usize::from(bits.div_ceil(8)))?;
            if let (24, [a, b, c]) = (*bits, prefix) {
                out.push(Ipv4Addr::new(*a, *b, *c, 10));
            }
            nlri = rest;
        }
        Some(out)
    };
    read().unwrap_or_default()
}

/// The lab, with one speaker in it.
pub struct Place<'a> {
    pub(super) lab: Lab,
    pub(super) table: &'a Table,
    pub(super) settings: &'a Settings,
    /// In the gateway's node.
    pub(super) kernel: Kernel,
    speaker: Speaker,
    /// In the node with the wires.
    wires: Kernel,
    players: BTreeMap<Way, Player>,
    /// The source port of the next event's first flow.
    next_port: u16,
    /// Configuration with other intervals than the files have.
    _changed: tempfile::TempDir,
}

impl<'a> Place<'a> {
    /// Makes the lab and starts the speaker.
    pub fn up(speaker: Speaker, table: &'a Table, settings: &'a Settings) -> Result<Self> {
        let changed = tempfile::tempdir()?;
        let options = runner::Options {
            replaced: replaced(settings, changed.path())?,
            ..runner::Options::new(&settings.programs)
        };
        let mut lab = Lab::up(&settings.folder.join("failover.clab.yml"), &options)?;
        if speaker == Speaker::Frr {
            // As FRR's own documentation has it; it makes FRR faster here.
            lab.shell(GATEWAY, "sysctl -qw net.ipv4.nexthop_compat_mode=0")?;
        }
        for node in ["hq-1", "hq-2", "hq-3", "in-1"] {
            prefer(&mut lab, node)?;
        }
        speaker.start(&mut lab)?;
        let kernel = lab.inside(GATEWAY, Kernel::open)??;
        let wires = lab.inside("wires", Kernel::open)??;
        let (players, next_port) = (BTreeMap::new(), FIRST_PORT);
        Ok(Self { lab, table, settings, kernel, speaker, wires, players, next_port, _changed: changed })
    }

    /// Opens the sessions of the four tunnels and plays the table over all of them at once: that is what is told. Then
    /// the twin's.
    pub fn load(&mut self, round: u32) -> Result<Load> {
        let load = self.load_from(&Way::tunnels().collect::<Vec<_>>(), round)?;
        self.load_from(&[Way::TWIN], round)?;
        Ok(load)
    }

    fn load_from(&mut self, ways: &[Way], round: u32) -> Result<Load> {
        for way in ways {
            let player = self.connect(*way)?;
            self.players.insert(*way, player);
        }
        let start = Instant::now();
        self.play(ways)?;
        let wanted = self.near(Way::tunnels())?;
        let settled = self.settle(&wanted)?;
        if let Some(differs) = settled.differs(self, &wanted)? {
            bail!("the kernel never held all four tunnels: {differs}\n{}", self.said());
        }
        let usage = Usage::of(&self.lab, GATEWAY)?;
        Ok(Load {
            speaker: self.speaker,
            prefixes: self.table.prefixes,
            round,
            seconds: (settled.at - start).as_secs_f64(),
            cpu_seconds: usage.cpu.as_secs_f64(),
            peak_octets: usage.peak,
        })
    }

    /// Lets one event happen while the flows run, and counts.
    pub fn measure(&mut self, event: Event, round: u32) -> Result<Outcome> {
        let way = event.way();
        let (before, after) = (self.near(event.before())?, self.near(event.after())?);
        for other in Way::tunnels().filter(|other| !event.before().contains(other)) {
            let index = self.index(other)?;
            self.kernel.set(index, false)?;
        }
        let ready = self.settle(&before)?;
        if let Some(differs) = ready.differs(self, &before)? {
            bail!("before the event {differs}\n{}", self.said());
        }
        thread::sleep(self.settings.rest); // so that the kernel deals the ways anew, where busy flows kept theirs until now
        let trace = self.lab.inside("sink", || Trace::open(PORT))??.start();
        let first_port = self.fresh_ports();
        let plan = flows::Plan {
            to: self.table.probes.clone(),
            port: PORT,
            first_port,
            flows: self.settings.flows,
            rate: self.settings.rate,
            duration: None,
        };
        let sender = self.lab.inside("host", || Sender::open(plan))??.start_logged();
        thread::sleep(CALM); // the flows at rest are part of what is measured
        let failed = self.lab.inside("sink", || kernel::index(&format!("eth{}", way.0)))??;
        let (told, probes) = self.ask(way, first_port)?;
        let probed = probes.len();
        let prober = Prober::start(self.lab.inside(GATEWAY, Kernel::open)??, probes, after.clone());

        let start = Instant::now();
        self.fail(event)?;
        let settled = self.settle(&after)?;
        if let Some(differs) = settled.differs(self, &after)? {
            eprintln!("{}: after {event:?} {differs}\n{}", self.speaker.name(), self.said());
        }
        let left = prober.stop()?;
        let back = (event != Event::LastTunnel).then(Instant::now);
        let mut returned = None;
        let mut return_seconds = None;
        if let Some(back) = back {
            self.restore(event)?;
            let wanted = self.near(Way::tunnels())?;
            let settled = self.settle(&wanted)?;
            if let Some(differs) = settled.differs(self, &wanted)? {
                eprintln!("{}: after the return from {event:?} {differs}\n{}", self.speaker.name(), self.said());
            }
            returned = Some(settled.done);
            return_seconds = settled.done.then(|| (settled.at - back).as_secs_f64());
            thread::sleep(CALM);
        }
        let log = sender.stop();
        thread::sleep(STRAGGLERS);
        let packets = trace.stop();

        let after =
            |left: &Option<Instant>| left.map(|at| (at.saturating_duration_since(start)).as_secs_f64() * 1000.0);
        let times: Option<Vec<f64>> = left.iter().map(after).collect();
        Ok(Outcome {
            speaker: self.speaker,
            prefixes: self.table.prefixes,
            round,
            event,
            kernel_first_ms: left.iter().filter_map(after).reduce(f64::min),
            kernel_last_ms: times.into_iter().flatten().reduce(f64::max),
            probed,
            cpu_seconds: settled.cpu.as_secs_f64(),
            settled: settled.done,
            returned,
            return_seconds,
            traffic: Traffic::count(&log, &packets, &Marks { event: start, back, failed }, &told),
        })
    }

    /// Flows that were not there before: those of an event before it sit where that left them, and a way that has come back
    /// since would carry none of them.
    fn fresh_ports(&mut self) -> u16 {
        let first = if self.next_port.checked_add(self.settings.flows).is_some() { self.next_port } else { FIRST_PORT };
        self.next_port = first.saturating_add(self.settings.flows);
        first
    }

    /// For each flow the sink's interface that the kernel's choice comes to; and one flow a prefix that goes this way.
    fn ask(&mut self, way: Way, first_port: u16) -> Result<(Vec<u32>, Vec<Question>)> {
        let through = self.lab.inside(GATEWAY, || kernel::index(INSIDE))??;
        let mut ends = BTreeMap::new();
        for way in Way::all() {
            let name = format!("eth{}", way.0);
            ends.insert(self.index(way)?, self.lab.inside("sink", || kernel::index(&name))??);
        }
        let near = self.index(way)?;
        let (mut told, mut probes) = (Vec::new(), BTreeMap::new());
        let turns = (first_port..).zip(self.table.probes.iter().cycle()).take(self.settings.flows.into());
        for (source_port, destination) in turns {
            let (source, destination) = (HOST, *destination);
            let question = Question { source, destination, source_port, destination_port: PORT, through };
            let chosen = self.kernel.way(&question)?.unwrap_or_default();
            told.push(ends.get(&chosen).copied().unwrap_or_default());
            if chosen == near {
                probes.entry(destination).or_insert(question);
            }
        }
        Ok((told, probes.into_values().collect()))
    }

    fn fail(&mut self, event: Event) -> Result<()> {
        let way = event.way();
        match event {
            Event::Down | Event::LastTunnel => {
                let index = self.index(way)?;
                self.kernel.set(index, false)
            }
            Event::Deleted => {
                let index = self.index(way)?;
                self.kernel.delete(index)
            }
            Event::Carrier => self.set_port(way, false),
            Event::Silent | Event::SilentNoBfd | Event::TwinLost => {
                let [far, ..] = way.wire();
                let port = self.lab.inside("wires", || kernel::index(&far))??;
                self.wires.master(port, None)
            }
            Event::Killed => {
                let player = self.players.remove(&way).context("a session stands on every way")?;
                player.kill();
                Ok(())
            }
        }
    }

    /// Gives the way back, opens its session again, and plays the table over it.
    fn restore(&mut self, event: Event) -> Result<()> {
        let way = event.way();
        if let Some(player) = self.players.remove(&way) {
            player.vanish();
        }
        let [far, near, bridge] = way.wire();
        let put = |port: &str, place: &mut Self| -> Result<()> {
            let of = |name: &str| place.lab.inside("wires", || kernel::index(name));
            let (port, bridge) = (of(port)??, of(&bridge)??);
            place.wires.master(port, Some(bridge))
        };
        match event {
            Event::Down | Event::LastTunnel => {
                let index = self.index(way)?;
                self.kernel.set(index, true)?;
            }
            Event::Deleted => {
                let name = way.near();
                let is = |end: &runner::topology::Endpoint| end.node == GATEWAY && end.interface == name;
                let link = self.lab.topology.links.iter().find(|[a, _]| is(a)).context("every way is a link")?.clone();
                self.lab.make_link(&link)?;
                put(&near, self)?;
                let [address, _] = way.addresses();
                self.lab.shell(GATEWAY, &format!("ip address add {address}/30 dev {name}"))?;
            }
            Event::Carrier => self.set_port(way, true)?,
            Event::Silent | Event::SilentNoBfd | Event::TwinLost => put(&far, self)?,
            Event::Killed => {}
        }
        // A speaker that takes a session and drops it again at once is dialled again, as a device would.
        for _ in 1..SESSIONS {
            let player = self.connect(way)?;
            self.players.insert(way, player);
            match self.play(&[way]) {
                Ok(()) => return Ok(()),
                Err(_) => self.players.remove(&way).map(Player::kill),
            };
        }
        let player = self.connect(way)?;
        self.players.insert(way, player);
        self.play(&[way])
    }

    /// The far side of the gateway's own interface, which so has a carrier or has none.
    fn set_port(&mut self, way: Way, up: bool) -> Result<()> {
        let [_, near, _] = way.wire();
        let port = self.lab.inside("wires", || kernel::index(&near))??;
        self.wires.set(port, up)
    }

    fn connect(&self, way: Way) -> Result<Player> {
        let [remote, local] = way.addresses();
        let short = way == Event::SilentNoBfd.way();
        let options = Options {
            local,
            remote: SocketAddr::from((remote, 179)),
            asn: way.asn(),
            hold_time: if short { u16::try_from(self.settings.hold.as_secs())? } else { LONG_HOLD },
            four_octet: true,
            limit: CONNECT_LIMIT,
        };
        // A speaker may turn the first away: FRR does until it knows the address of an interface that has returned.
        let connected = runner::wait_until(CONNECT_LIMIT, || {
            let connected = self.lab.inside(&way.far(), || Player::connect(&options));
            connected.map_err(|error| error.to_string())?.map_err(|failure| failure.to_string())
        });
        connected.with_context(|| format!("no session on {}\n{}", way.near(), self.said()))
    }

    /// Plays the table over the sessions of these ways, at once.
    fn play(&mut self, ways: &[Way]) -> Result<()> {
        let records = &self.table.records;
        thread::scope(|scope| {
            let mut playing = Vec::new();
            for (way, player) in self.players.iter_mut().filter(|(way, _)| ways.contains(way)) {
                playing.push((way, scope.spawn(|| player.play(records.iter().map(|record| heard(*way, record))))));
            }
            for (way, thread) in playing {
                match thread.join() {
                    Ok(Ok(sent)) => ensure!(sent.prefixes == self.table.prefixes, "{sent:?}"),
                    Ok(Err(failure)) => bail!("the session on {} ended: {failure}", way.near()),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok(())
        })
    }

    fn index(&self, way: Way) -> Result<u32> {
        self.lab.inside(GATEWAY, || kernel::index(&way.near()))?
    }

    fn near(&self, ways: impl IntoIterator<Item = Way>) -> Result<BTreeSet<u32>> {
        ways.into_iter().map(|way| self.index(way)).collect()
    }

    /// The end of what the speaker's programs have written.
    fn said(&self) -> String {
        let mut out = String::new();
        for program in ["twinspan", "zebra", "bgpd", "bfdd", "bird"] {
            let log = self.lab.log(GATEWAY, program);
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines.len().saturating_sub(20);
            out += &lines.get(tail..).unwrap_or_default().join("\n");
        }
        out
    }
}

/// Lets the BFD of a far end go before others: it stands for a host of its own, and 300 ms are little on a busy machine.
fn prefer(lab: &mut Lab, node: &str) -> Result<()> {
    let pid = lab.pid(node, "bird")?.to_string();
    runner::node::run(Command::new("renice").args(["-n", "-15", "-p", &pid]))
}

/// The files with BFD in them, with another interval where that is wanted.
fn replaced(settings: &Settings, place: &Path) -> Result<Vec<(String, PathBuf, PathBuf)>> {
    let (milliseconds, idle) = (settings.bfd.as_millis(), settings.idle.as_millis());
    let mut out = Vec::new();
    for (node, file, target) in [
        (GATEWAY, "twinspan.toml", "/etc/twinspan/twinspan.toml"),
        (GATEWAY, "in-0/frr.conf", "/etc/frr/frr.conf"),
        (GATEWAY, "in-0/bird.conf", "/etc/bird/bird.conf"),
        ("hq-1", "far/hq-1.conf", "/etc/bird/bird.conf"),
        ("hq-2", "far/hq-2.conf", "/etc/bird/bird.conf"),
        ("hq-3", "far/hq-3.conf", "/etc/bird/bird.conf"),
        ("in-1", "far/in-1.conf", "/etc/bird/bird.conf"),
    ] {
        let text = fs::read_to_string(settings.folder.join(file)).with_context(|| format!("cannot read {file}"))?;
        let text = text
            .replace("idle-timer = \"2s\"", &format!("idle-timer = \"{idle}ms\""))
            .replace("interval = \"100ms\"", &format!("interval = \"{milliseconds}ms\""))
            .replace("interval 100", &format!("interval {milliseconds}"));
        let source = place.join(file.replace('/', "-"));
        fs::write(&source, text)?;
        out.push((node.to_owned(), PathBuf::from(target), source));
    }
    Ok(out)
}
