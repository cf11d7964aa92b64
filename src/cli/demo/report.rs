//! The measured result: a table for people, one JSON document for programs.

use std::time::Duration;

use serde::Serialize;

use super::lab::TUNNELS;
use super::ledger::{Group, Measured};
use super::screen::Screen;
use crate::cli::human;
use crate::cli::screen::Tone;
use crate::cli::table::{Cell, Table};

/// The tunnels over columns of numbers.
const TUNNEL_TITLES: [&str; TUNNELS.len()] = [">hq-1/in-0", ">hq-2/in-0", ">hq-1/in-1", ">hq-2/in-1"];

/// What the demo found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The version of this shape; it is only ever added to.
    pub version: u32,
    /// Whether everything expected happened.
    pub ok: bool,
    /// What did not, one sentence each.
    pub unmet: Vec<String>,
    /// The kernel's release.
    pub kernel: String,
    /// Whether it ran without root's rights on the host.
    pub rootless: bool,
    /// How long it all took.
    pub total_seconds: f64,
    /// From the start of the speakers to all routes in all kernels.
    pub ready_seconds: Option<f64>,
    /// Packets that the sink's own buffers dropped; they count as lost below.
    pub sink_dropped: u64,
    /// What happened, in order.
    pub phases: Vec<Phase>,
}

/// One phase.
#[derive(Debug, Serialize)]
pub struct Phase {
    /// A stable name.
    pub name: &'static str,
    /// Its row in the tables.
    #[serde(skip)]
    pub title: &'static str,
    /// One sentence for people.
    pub what: String,
    /// Its length.
    pub duration_seconds: f64,
    /// From the event to the kernel's routes being as they must, all nodes concerned; `null` without an event.
    pub kernel_seconds: Option<f64>,
    /// Packets sent.
    pub sent: u32,
    /// Packets lost.
    pub lost: u32,
    /// Packets that arrived and whose answer was lost on the way back.
    pub lost_back: u32,
    /// From the event to the sending of the last packet lost; `null` if none was lost.
    pub last_loss_seconds: Option<f64>,
    /// Packets that arrived unseen by the taps, so that their tunnel is unknown.
    pub unseen: u32,
    /// Flows that the event is about: whose tunnel it took away, or (`up`) that had left the tunnel which comes back.
    pub hit: Flows,
    /// All other flows that existed before.
    pub spared: Flows,
    /// Flows that began in this phase.
    pub new: Flows,
    /// Per tunnel.
    pub tunnels: Vec<TunnelShare>,
}

/// When a phase was, in microseconds since the stream began.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Its beginning: the end of the phase before.
    pub from: u32,
    /// The event; the beginning if there is none.
    pub event: u32,
    /// Its end.
    pub to: u32,
    /// From the event until the kernels were as they must be.
    pub kernel: Option<Duration>,
}

/// A set of flows.
#[derive(Debug, Serialize)]
pub struct Flows {
    /// How many.
    pub flows: u32,
    /// Of those, seen on another tunnel than their own.
    pub moved: u32,
    /// Packets of theirs lost.
    pub lost: u32,
}

/// What a tunnel carried.
#[derive(Debug, Serialize)]
pub struct TunnelShare {
    /// Its name.
    pub name: &'static str,
    /// Packets seen at its far end.
    pub packets: u32,
    /// Flows on it at the end of the phase.
    pub flows: u32,
    /// Of those, begun in this phase.
    pub new_flows: u32,
}

impl Phase {
    /// From what was measured.
    pub fn new(
        (name, title): (&'static str, &'static str),
        what: impl Into<String>,
        span: Span,
        measured: &Measured,
    ) -> Self {
        let flows = |group: Group| Flows { flows: group.flows, moved: group.moved, lost: group.lost };
        let shares = TUNNELS.iter().zip(measured.shares).zip(measured.new_on);
        Self {
            name,
            title,
            what: what.into(),
            duration_seconds: f64::from(span.to - span.from) / 1e6,
            kernel_seconds: span.kernel.map(|took| took.as_secs_f64()),
            sent: measured.sent,
            lost: measured.lost(),
            lost_back: measured.lost_back,
            last_loss_seconds: measured.last_loss.map(|sent| f64::from(sent.saturating_sub(span.event)) / 1e6),
            unseen: measured.unseen,
            hit: flows(measured.hit),
            spared: flows(measured.spared),
            new: flows(measured.new),
            tunnels: shares
                .map(|((tunnel, share), new_flows)| TunnelShare {
                    name: tunnel.name,
                    packets: share.packets,
                    flows: share.flows,
                    new_flows,
                })
                .collect(),
        }
    }
}

impl Report {
    /// As one JSON document.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain numbers and strings are JSON")
    }

    /// Notes whether something expected happened, and shows it.
    pub fn expect(&mut self, screen: &Screen, met: bool, text: impl Into<String>) {
        let text = text.into();
        if met {
            screen.good(&text);
        } else {
            screen.bad(&text);
            self.unmet.push(text);
        }
    }

    /// What each event did: to the flows that it is about, and to all others.
    fn losses(&self) -> Table {
        let mut table = Table::new(&[
            "what happened",
            ">sent",
            ">lost",
            ">answers lost",
            ">hit: moved",
            ">lost",
            ">others: moved",
            ">lost",
            ">kernel",
        ]);
        for phase in &self.phases {
            let others = phase.spared.flows + phase.new.flows;
            let moved = phase.spared.moved + phase.new.moved;
            let lost = phase.spared.lost + phase.new.lost;
            let count = |number: u32| human::count(number.into());
            let fault = |number: u32, text: String| match number {
                0 => Cell::toned(text, Tone::Good),
                _ => Cell::toned(text, Tone::Bad),
            };
            table.row([
                phase.title.into(),
                count(phase.sent).into(),
                count(phase.lost).into(),
                count(phase.lost_back).into(),
                if phase.hit.flows == 0 {
                    "-".into()
                } else {
                    format!("{} of {}", phase.hit.moved, phase.hit.flows).into()
                },
                if phase.hit.flows == 0 { "-".into() } else { count(phase.hit.lost).into() },
                fault(moved, format!("{moved} of {others}")),
                fault(lost, count(lost)),
                phase.kernel_seconds.map_or_else(|| "-".to_owned(), |took| format!("{:.1} ms", took * 1e3)).into(),
            ]);
        }
        table
    }

    /// Where the flows were when a phase ended.
    fn shares(&self) -> Table {
        let [a, b, c, d] = TUNNEL_TITLES;
        let mut table = Table::new(&["flows at its end on", a, b, c, d]);
        let row = |title: &str, number: &dyn Fn(usize) -> u32| {
            let cell = |tunnel| Cell::from(human::count(number(tunnel).into()));
            [title.into(), cell(0), cell(1), cell(2), cell(3)]
        };
        for phase in &self.phases {
            table.row(row(phase.title, &|at| phase.tunnels.get(at).map_or(0, |tunnel| tunnel.flows)));
        }
        let packets = |at: usize| {
            self.phases
                .iter()
                .filter_map(|phase| phase.tunnels.get(at))
                .map(|tunnel: &TunnelShare| tunnel.packets)
                .sum()
        };
        table.row(row("packets in all", &packets));
        table
    }

    /// The tables and the verdict.
    pub fn print(&self, screen: &Screen) {
        screen.line("");
        screen.table(&mut self.losses());
        screen.line("");
        screen.table(&mut self.shares());
        screen.line("");
        screen.line("answers lost: packets that arrived, and whose answer did not come back");
        screen.line("hit     flows that lose their tunnel, or had left the one that comes back");
        screen.line("kernel  from the event until the kernels' tables are as they must be");
        screen.line("");
        if self.ok {
            screen.verdict(
                Tone::Good,
                &format!("Everything expected happened, in {:.1} s on Linux {}.", self.total_seconds, self.kernel),
            );
        } else {
            screen.verdict(Tone::Bad, "Not everything expected happened:");
            for text in &self.unmet {
                screen.line(&format!("  - {text}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_the_tunnels_are_titled_with_their_names() {
        for (title, tunnel) in TUNNEL_TITLES.iter().zip(&TUNNELS) {
            assert_eq!(title.strip_prefix('>'), Some(tunnel.name));
        }
    }
}
