//! What happens in the demo, in order, and what is expected of it.

mod maintenance;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::enclosure::rootless;
use super::kernel::Kernel;
use super::lab::{Lab, Place, TUNNELS};
use super::ledger::{Before, Measured, measure};
use super::report::{Phase, Report, Span};
use super::screen::Screen;
use super::speakers::{Speaker, sessions, stop_all, until};
use super::stream::{FLOWS, MORE, RATE, Stream, dropped_by_sink};

/// How long a phase runs after its event.
const PHASE: Duration = Duration::from_millis(2_000);
/// How long a packet may be on its way before it counts as lost.
const SETTLE: Duration = Duration::from_millis(150);
/// How long anything expected may take before the demo says that it did not happen.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often a kernel is looked at: the resolution of the times to the kernel.
const KERNEL_POLL: Duration = Duration::from_micros(500);
/// How often the speakers are asked for their sessions.
const SESSION_POLL: Duration = Duration::from_millis(20);
/// The acceptance limit for a stop to be known everywhere.
const BY_MESSAGE: Duration = Duration::from_secs(1);
/// The tunnel that is lost: hq-1/in-0.
const CUT: usize = 0;

/// Builds the lab, runs the phases and measures them.
pub fn tell(screen: &Screen, dir: &Path, wiring_only: bool) -> anyhow::Result<Report> {
    screen.drawing();
    let lab = Lab::build()?;
    screen.step("seven hosts, each in a network namespace of its own, wired");
    let mut story = Story::new(screen, &lab)?;
    if wiring_only {
        lab.routes_by_hand()?;
        screen.step("routes by hand, no speakers");
        story.steady()?;
    } else {
        let mut speakers = story.start(dir)?;
        story.steady()?;
        story.tunnel_down()?;
        story.tunnel_up()?;
        story.drain(&speakers)?;
        story.undrain(&speakers)?;
        story.instance_stops(&mut speakers)?;
        story.check(&mut speakers)?;
        screen.step("all speakers stop");
        stop_all(&mut speakers, PATIENCE)?;
    }
    story.end()
}

struct Story<'a> {
    screen: &'a Screen,
    lab: &'a Lab,
    kernels: Vec<(Place, Kernel)>,
    stream: Option<Stream>,
    /// Where the next phase begins.
    from: u32,
    report: Report,
}

impl<'a> Story<'a> {
    fn new(screen: &'a Screen, lab: &'a Lab) -> anyhow::Result<Self> {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let report = Report {
            version: 1,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            rootless: rootless(),
            ..Report::default()
        };
        let places = [Place::Router, Place::In0, Place::In1, Place::Hq1, Place::Hq2];
        let kernels = places
            .into_iter()
            .map(|place| Ok((place, Kernel::open(lab.node(place))?)))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { screen, lab, kernels, stream: None, from: 0, report })
    }

    fn expect(&mut self, met: bool, text: impl Into<String>) {
        self.report.expect(self.screen, met, text);
    }

    /// Starts the five speakers and waits for sessions and routes.
    fn start(&mut self, dir: &Path) -> anyhow::Result<Vec<Speaker>> {
        let began = Instant::now();
        let mut speakers = Vec::new();
        for place in [Place::Hq1, Place::Hq2, Place::Router, Place::In0, Place::In1] {
            speakers.push(Speaker::start(self.lab, place, dir)?);
        }
        self.screen.step("five speakers start: both instances, both devices, the cloud's router");
        let all_up = until(PATIENCE, SESSION_POLL, || {
            for speaker in &mut speakers {
                speaker.alive()?;
                if speaker.established(self.lab) < sessions(speaker.place()) {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        for speaker in &speakers {
            let (have, want) = (speaker.established(self.lab), sessions(speaker.place()));
            if have < want {
                return Err(speaker.failure(&format!("has {have} of {want} BGP sessions after {PATIENCE:?}")));
            }
        }
        self.expect(
            all_up.is_some(),
            "seven BGP sessions Established: four in tunnels, two with the router, one between the instances",
        );
        let wanted = self.whole()?;
        until(PATIENCE, KERNEL_POLL, || self.all(&wanted, |group, interfaces| group == interfaces))?;
        for (place, interfaces) in &wanted {
            let met = self.all(&[(*place, interfaces.clone())], |group, interfaces| group == interfaces)?;
            if !met {
                let speaker = speakers.iter().find(|speaker| speaker.place() == *place);
                let what =
                    format!("has no nexthop group of its two interfaces; its kernel has {:?}", self.groups(*place)?);
                return Err(speaker.context("every place with routes has a speaker")?.failure(&what));
            }
        }
        self.report.ready_seconds = Some(began.elapsed().as_secs_f64());
        let text = format!(
            "routes over two next hops in five kernels, {:.2} s after the start",
            began.elapsed().as_secs_f64()
        );
        self.expect(true, text);
        Ok(speakers)
    }

    fn steady(&mut self) -> anyhow::Result<()> {
        self.stream = Some(Stream::start(self.lab)?);
        self.screen
            .step(&format!("{FLOWS} UDP flows begin, host to site, {RATE} packets a second in all, each answered"));
        thread::sleep(PHASE);
        let measured = self.phase(("steady", "steady"), "nothing happens", None, |_| false)?;
        let (sent, lost, back) = (measured.sent, measured.lost(), measured.lost_back);
        self.expect(lost == 0 && back == 0, format!("{sent} packets sent, {lost} lost, {back} answers lost"));
        let moved = measured.new.moved;
        self.expect(
            moved == 0,
            format!("{} flows, each on one tunnel all the time, {moved} moved", measured.new.flows),
        );
        let spread: Vec<String> = measured.shares.iter().map(|share| share.flows.to_string()).collect();
        let all = measured.shares.iter().all(|share| share.flows > 0);
        self.expect(all, format!("all four tunnels carry flows: {}", spread.join(", ")));
        Ok(())
    }

    fn tunnel_down(&mut self) -> anyhow::Result<()> {
        let (tunnel, index) = self.cut_tunnel()?;
        self.screen.step(&format!("tunnel {} goes down (its interface at in-0)", tunnel));
        let event = self.now()?;
        let clock = Instant::now();
        self.lab.link_at(Place::In0, index, false)?;
        let gone =
            until(PATIENCE, KERNEL_POLL, || Ok(!self.groups(Place::In0)?.iter().any(|group| group.contains(&index))))?;
        let kernel = gone.map(|_| clock.elapsed());
        thread::sleep(PHASE);
        let what =
            format!("tunnel {tunnel} goes down; kernel: in-0's group is without it (the kernel sees to that itself)");
        let measured = self.phase(("down", "tunnel down"), &what, Some((event, kernel)), |flow| flow.home == CUT)?;
        self.expect(kernel.is_some(), format!("in-0's kernel routes without it {}", after(kernel)));
        let hit = measured.hit;
        let left = measured.shares.get(CUT).is_some_and(|share| share.flows == 0);
        self.expect(
            left && hit.moved == hit.flows,
            format!("{} of its {} flows moved to tunnels that live", hit.moved, hit.flows),
        );
        self.say_lost(&measured, event);
        self.spared(&measured);
        Ok(())
    }

    fn tunnel_up(&mut self) -> anyhow::Result<()> {
        let (tunnel, index) = self.cut_tunnel()?;
        let back = vec![
            (Place::In0, self.indexes(Place::In0, &["tun-hq1", "tun-hq2"])?),
            (Place::Hq1, self.indexes(Place::Hq1, &["tun-in0", "tun-in1"])?),
        ];
        self.screen.step(&format!("tunnel {tunnel} comes back"));
        let event = self.now()?;
        let clock = Instant::now();
        self.lab.link_at(Place::In0, index, true)?;
        let whole = until(PATIENCE, KERNEL_POLL, || self.all(&back, |group, interfaces| group == interfaces))?;
        let kernel = whole.map(|_| clock.elapsed());
        self.more_flows()?;
        let what = format!("tunnel {tunnel} comes back; kernel: both its ends use it again; then {MORE} flows more");
        let measured = self.phase(("up", "tunnel up"), &what, Some((event, kernel)), |flow| flow.first == CUT)?;
        self.expect(kernel.is_some(), format!("both its ends route over it again {}", after(kernel)));
        let left = measured.hit;
        self.expect(left.lost == 0, format!("the {} flows that had left it lost {} packets", left.flows, left.lost));
        self.expect(left.moved == 0, format!("{} of them went back to it", left.moved));
        self.spared(&measured);
        self.new_flows(&measured, |tunnel| tunnel == CUT);
        Ok(())
    }

    fn instance_stops(&mut self, speakers: &mut Vec<Speaker>) -> anyhow::Result<()> {
        let at = speakers.iter().position(|speaker| speaker.place() == Place::In0).context("in-0 runs")?;
        let mut in_0 = speakers.remove(at);
        let without = vec![
            (Place::Router, self.indexes(Place::Router, &["eth-in0"])?),
            (Place::Hq1, self.indexes(Place::Hq1, &["tun-in0"])?),
            (Place::Hq2, self.indexes(Place::Hq2, &["tun-in0"])?),
        ];
        self.screen.step("instance in-0 is told to stop (SIGTERM)");
        let event = self.now()?;
        let clock = Instant::now();
        in_0.terminate()?;
        let gone = until(PATIENCE, KERNEL_POLL, || self.none(&without))?;
        let kernel = gone.map(|_| clock.elapsed());
        let status = in_0.ended(PATIENCE)?;
        thread::sleep(PHASE);
        let on_it = |flow: Before| TUNNELS.get(flow.home).is_some_and(|tunnel| tunnel.instance == Place::In0);
        let what = "instance in-0 stops; kernel: router and both devices route without it";
        let measured = self.phase(("stop", "instance stops"), what, Some((event, kernel)), on_it)?;
        self.expect(
            kernel.is_some_and(|took| took < BY_MESSAGE),
            format!("router and devices without it {}, by message", after(kernel)),
        );
        self.expect(status.success(), format!("in-0 ended by itself with {status}"));
        let left = self.groups(Place::In0)?;
        self.expect(left.is_empty(), format!("in-0 left {} nexthop groups behind in its kernel", left.len()));
        let hit = measured.hit;
        self.expect(
            hit.moved == hit.flows,
            format!("{} of its {} flows moved to tunnels that live", hit.moved, hit.flows),
        );
        self.say_lost(&measured, event);
        self.spared(&measured);
        Ok(())
    }

    fn check(&self, speakers: &mut [Speaker]) -> anyhow::Result<()> {
        speakers.iter_mut().try_for_each(Speaker::alive)
    }

    fn end(mut self) -> anyhow::Result<Report> {
        if let Some(stream) = self.stream.take() {
            stream.finish()?;
        }
        let dropped = dropped_by_sink(self.lab)?;
        self.report.sink_dropped = dropped;
        if dropped > 0 {
            self.expect(
                false,
                format!("the sink itself dropped {dropped} packets: this machine is too busy to measure"),
            );
        }
        let unseen: u32 = self.report.phases.iter().map(|phase| phase.unseen).sum();
        if unseen > 0 {
            self.expect(false, format!("{unseen} packets passed the taps unseen: this machine is too busy to measure"));
        }
        self.report.total_seconds = self.screen.seconds();
        self.report.ok = self.report.unmet.is_empty();
        Ok(self.report)
    }

    /// Ends a phase here: what is sent from now on belongs to the next.
    fn phase(
        &mut self,
        name: (&'static str, &'static str),
        what: &str,
        event: Option<(u32, Option<Duration>)>,
        hit: impl Fn(Before) -> bool,
    ) -> anyhow::Result<Measured> {
        let to = self.now()?;
        thread::sleep(SETTLE);
        let packets = self.stream.as_ref().context("the stream runs")?.packets()?;
        let measured = measure(&packets, self.from, to, hit);
        let (event, kernel) = event.unwrap_or((self.from, None));
        self.report.phases.push(Phase::new(name, what, Span { from: self.from, event, to, kernel }, &measured));
        self.from = to;
        Ok(measured)
    }

    /// Lets more flows begin, and a phase's time pass.
    fn more_flows(&self) -> anyhow::Result<()> {
        self.screen.step(&format!("{MORE} more flows begin"));
        self.stream.as_ref().context("the stream runs")?.grow();
        thread::sleep(PHASE);
        Ok(())
    }

    /// New flows use what came back, and lose nothing.
    fn new_flows(&mut self, measured: &Measured, back: impl Fn(usize) -> bool) {
        let on_it: u32 = measured.new_on.iter().enumerate().filter(|(at, _)| back(*at)).map(|(_, flows)| flows).sum();
        let (new, lost) = (measured.new.flows, measured.new.lost);
        self.expect(on_it > 0, format!("of {new} new flows {on_it} take it"));
        self.expect(lost == 0, format!("new flows lost {lost} packets"));
    }

    /// Nothing was lost, there or back.
    fn lossless(&mut self, measured: &Measured) {
        let (lost, back) = (measured.lost(), measured.lost_back);
        self.expect(lost == 0 && back == 0, format!("{lost} packets lost, {back} answers lost"));
    }

    fn say_lost(&self, measured: &Measured, event: u32) {
        let lost = measured.hit.lost;
        let text = match measured.last_loss {
            Some(last) if lost > 0 => {
                let span = f64::from(last.saturating_sub(event)) / 1e3;
                format!("{lost} of their packets lost, the last sent {span:.1} ms after the event")
            }
            _ => "none of their packets lost".to_owned(),
        };
        self.screen.aside(&text);
        self.screen.aside(&match measured.lost_back {
            0 => "no answer lost".to_owned(),
            answers => format!("{answers} answers lost"),
        });
    }

    fn spared(&mut self, measured: &Measured) {
        let spared = measured.spared;
        self.expect(
            spared.moved == 0 && spared.lost == 0,
            format!("of {} other flows {} moved, {} packets lost", spared.flows, spared.moved, spared.lost),
        );
    }

    fn now(&self) -> anyhow::Result<u32> {
        Ok(self.stream.as_ref().context("the stream runs")?.now())
    }

    fn cut_tunnel(&self) -> anyhow::Result<(&'static str, u32)> {
        let Some(tunnel) = TUNNELS.get(CUT) else { bail!("there is no such tunnel") };
        Ok((tunnel.name, self.lab.node(tunnel.instance).index(tunnel.near)?))
    }

    fn indexes(&self, place: Place, interfaces: &[&str]) -> anyhow::Result<Vec<u32>> {
        let node = self.lab.node(place);
        let mut indexes = interfaces.iter().map(|name| node.index(name)).collect::<anyhow::Result<Vec<_>>>()?;
        indexes.sort_unstable();
        Ok(indexes)
    }

    /// The groups in a node's kernel; the interfaces of each in order.
    fn groups(&self, place: Place) -> anyhow::Result<Vec<Vec<u32>>> {
        let kernel = self.kernels.iter().find(|(known, _)| *known == place).context("a kernel that is watched")?;
        let mut groups = kernel.1.groups()?;
        for group in &mut groups {
            group.sort_unstable();
            group.dedup(); // several members may lead through one tunnel
        }
        Ok(groups)
    }

    /// Where routes with all their next hops are, in each kernel.
    fn whole(&self) -> anyhow::Result<Vec<(Place, Vec<u32>)>> {
        let spread: [(Place, &[&str]); 5] = [
            (Place::In0, &["tun-hq1", "tun-hq2"]),
            (Place::In1, &["tun-hq1", "tun-hq2"]),
            (Place::Router, &["eth-in0", "eth-in1"]),
            (Place::Hq1, &["tun-in0", "tun-in1"]),
            (Place::Hq2, &["tun-in0", "tun-in1"]),
        ];
        spread.iter().map(|(place, interfaces)| Ok((*place, self.indexes(*place, interfaces)?))).collect()
    }

    /// Whether in each place no group has any of the interfaces.
    fn none(&self, unwanted: &[(Place, Vec<u32>)]) -> anyhow::Result<bool> {
        for (place, interfaces) in unwanted {
            if self.groups(*place)?.iter().flatten().any(|interface| interfaces.contains(interface)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether in each place some group is as it must be.
    fn all(&self, wanted: &[(Place, Vec<u32>)], as_wanted: impl Fn(&[u32], &[u32]) -> bool) -> anyhow::Result<bool> {
        for (place, interfaces) in wanted {
            if !self.groups(*place)?.iter().any(|group| as_wanted(group, interfaces)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn after(took: Option<Duration>) -> String {
    took.map_or_else(
        || format!("not within {} s", PATIENCE.as_secs()),
        |took| format!("{:.1} ms after the event", took.as_secs_f64() * 1e3),
    )
}
