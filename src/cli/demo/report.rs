//! The measured result: a table for people, one JSON document for programs.

use std::time::Duration;

use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;

use super::lab::TUNNELS;
use super::ledger::{Group, Measured};
use super::screen::Screen;

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
    pub fn new(name: &'static str, what: impl Into<String>, span: Span, measured: &Measured) -> Self {
        let flows = |group: Group| Flows { flows: group.flows, moved: group.moved, lost: group.lost };
        let shares = TUNNELS.iter().zip(measured.shares).zip(measured.new_on);
        Self {
            name,
            what: what.into(),
            duration_seconds: f64::from(span.to - span.from) / 1e6,
            kernel_seconds: span.kernel.map(|took| took.as_secs_f64()),
            sent: measured.sent,
            lost: measured.lost(),
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

    fn losses(&self) -> String {
        let head = ["phase", "sent", "lost", "hit flows", "moved", "lost", "other flows", "moved", "lost", "kernel"];
        let rows = self.phases.iter().map(|phase| {
            let others = [
                phase.spared.flows + phase.new.flows,
                phase.spared.moved + phase.new.moved,
                phase.spared.lost + phase.new.lost,
            ];
            let numbers = [phase.sent, phase.lost, phase.hit.flows, phase.hit.moved, phase.hit.lost];
            let mut row = vec![phase.name.to_owned()];
            row.extend(numbers.into_iter().chain(others).map(|number| number.to_string()));
            row.push(phase.kernel_seconds.map_or_else(|| "-".to_owned(), |took| format!("{:.1} ms", took * 1e3)));
            row
        });
        table(std::iter::once(head.map(str::to_owned).to_vec()).chain(rows))
    }

    fn shares(&self) -> String {
        let mut head = vec!["phase".to_owned()];
        head.extend(TUNNELS.iter().map(|tunnel| tunnel.name.to_owned()));
        let rows = self.phases.iter().map(|phase| {
            let seen: u32 = phase.tunnels.iter().map(|tunnel| tunnel.packets).sum();
            let mut row = vec![phase.name.to_owned()];
            let share = |tunnel: &TunnelShare| format!("{} %, {} flows", percent(tunnel.packets, seen), tunnel.flows);
            row.extend(phase.tunnels.iter().map(share));
            row
        });
        table(std::iter::once(head).chain(rows))
    }

    /// The tables and the verdict.
    pub fn print(&self, screen: &Screen) {
        screen.line("");
        screen.line(&self.losses());
        screen.line("");
        screen.line(&self.shares());
        screen.line("");
        for phase in &self.phases {
            screen.line(&format!("{:>8}: {}", phase.name, phase.what));
        }
        screen.line("  kernel: from the event until a dump of the kernel shows the routes as they must be");
        screen.line(
            "  hit: flows that lose their tunnel or (up) had lost it; %: share of the packets seen to come out of the tunnel",
        );
        screen.line("");
        if self.ok {
            screen.line(&format!(
                "Everything expected happened, in {:.1} s on Linux {}.",
                self.total_seconds, self.kernel
            ));
        } else {
            screen.line("Not everything expected happened:");
            for text in &self.unmet {
                screen.line(&format!("  - {text}"));
            }
        }
    }
}

/// Phases as rows; names to the left, numbers to the right.
fn table(rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for row in rows {
        table.add_row(row.into_iter().enumerate().map(|(at, text)| cell(at, text)));
    }
    table.to_string()
}

fn cell(column: usize, text: String) -> Cell {
    Cell::new(text).set_alignment(if column == 0 { CellAlignment::Left } else { CellAlignment::Right })
}

fn percent(part: u32, whole: u32) -> u32 {
    (part * 100 + whole / 2).checked_div(whole).unwrap_or(0)
}
