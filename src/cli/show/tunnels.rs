//! `twinspan show tunnels`.

use std::io::{self, Write};

use super::{
    Json,
    neighbors::{bfd, session},
    show,
};
use crate::cli::{
    Failure,
    human::{count, counted, duration, millis, octets, or_dash},
    screen::{Screen, Tone},
    table::{Cell, Facts, Table},
};
use crate::control::api::{Objection, ProbeState, Request, Tunnel, TunnelChange, TunnelDetail, TunnelState, Tunnels};
use crate::control::io::Client;
use crate::types::Name;

/// All, or one.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One tunnel, with all that is known of it and what became of it
    name: Option<Name>,
    #[command(flatten)]
    json: Json,
}

/// Where the column of BFD stands, if anything is watched by it.
const BFD_COLUMN: usize = 7;

/// Asks and shows.
pub fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    match &args.name {
        None => show(client, &Request::Tunnels, &args.json, write_tunnels),
        Some(name) => show(client, &Request::Tunnel(name.clone()), &args.json, write_tunnel),
    }
}

/// Writes one row a tunnel, the reason of its state last.
pub fn write_tunnels<W: Write>(reply: &Tunnels, screen: &mut Screen<W>) -> io::Result<()> {
    if reply.tunnels.is_empty() {
        return screen.line("no tunnels: the file gives this instance none");
    }
    let mut titles = vec![
        "NAME",
        "DEVICE",
        "INSTANCE",
        "INTERFACE",
        "STATE",
        ">FOR",
        "SESSION",
        ">SILENCE",
        "SEEN BY",
        ">ROUTES",
        ">RECEIVED",
        ">SENT",
        "WHY",
    ];
    let watched = reply.tunnels.iter().any(|tunnel| tunnel.bfd.is_some());
    if watched {
        titles.insert(BFD_COLUMN, "BFD");
    }
    let mut table = Table::new(&titles);
    for tunnel in &reply.tunnels {
        let mut row: Vec<Cell> = vec![
            tunnel.name.to_string().into(),
            tunnel.device.as_ref().unwrap_or(&tunnel.connection).to_string().into(),
            tunnel.instance.to_string().into(),
            tunnel.interface.clone().into(),
            state(tunnel),
            or_dash(tunnel.state_seconds.map(duration)).into(),
            tunnel.session.map_or_else(|| "-".into(), session),
            or_dash(tunnel.detection.within_ms.map(millis)).into(),
            or_dash(tunnel.detection.by).into(),
            count(tunnel.routes).into(),
            or_dash(tunnel.counters.map(|counters| octets(counters.rx_bytes))).into(),
            or_dash(tunnel.counters.map(|counters| octets(counters.tx_bytes))).into(),
            why(tunnel).into(),
        ];
        if watched {
            row.insert(BFD_COLUMN, bfd(tunnel.bfd.as_ref()));
        }
        table.row(row);
    }
    table.write(screen)
}

/// The state in its tone.
fn state(tunnel: &Tunnel) -> Cell {
    match tunnel.state {
        TunnelState::Up => Cell::toned("up", Tone::Good),
        TunnelState::Down if tunnel.damped_until.is_some() => Cell::toned("damped", Tone::Warn),
        TunnelState::Down => Cell::toned("down", Tone::Bad),
        TunnelState::Unknown => Cell::toned("unknown", Tone::Dim),
    }
}

/// Why it is as it is, in one line; empty for one that was never down.
fn why(tunnel: &Tunnel) -> String {
    match &tunnel.reason {
        Some(reason) => reason.clone(),
        None if tunnel.flaps > 0 => format!("was down {}", counted(tunnel.flaps, "time", "times")),
        None => String::new(),
    }
}

/// Writes all that is known of one tunnel.
pub fn write_tunnel<W: Write>(detail: &TunnelDetail, screen: &mut Screen<W>) -> io::Result<()> {
    let tunnel = &detail.tunnel;
    let mut facts = Facts::default();
    facts.add("tunnel", tunnel.name.to_string());
    let device = tunnel.device.as_ref().map_or_else(String::new, |device| format!(", device {device}"));
    facts.add("connection", format!("{}{device}", tunnel.connection));
    let since = match (tunnel.state_seconds, tunnel.since) {
        (Some(seconds), Some(since)) => format!(" for {}, since {since}", duration(seconds)),
        _ => " since the daemon started".to_owned(),
    };
    let now = state(tunnel);
    let text = format!("{}{since}", now.text());
    facts.add("state", now.with(text));
    if let Some(reason) = &tunnel.reason {
        facts.add("why", Cell::toned(reason.clone(), Tone::Warn));
    }
    facts.add_all(
        "objections",
        tunnel.objections.iter().map(|objection| {
            let Objection { source, neighbor: _, reason, since, since_seconds } = objection;
            format!("{source}: {reason} (for {}, since {since})", duration(*since_seconds)).into()
        }),
    );
    if let (Some(until), Some(seconds)) = (tunnel.damped_until, tunnel.damped_seconds) {
        facts.add("damped", format!("for {} more, until {until}", duration(seconds)));
    }
    let remembered = match detail.remembered_flaps {
        0 => String::new(),
        flaps => format!(", {} not forgotten", count(flaps)),
    };
    facts.add("flaps", format!("{}{remembered}", count(tunnel.flaps)));
    let index = tunnel.interface_index.map_or_else(|| ", not there".to_owned(), |index| format!(", index {index}"));
    facts.add("interface", format!("{}{index}", tunnel.interface));
    facts.add("addresses", format!("{} to {}", or_dash(tunnel.local_address), or_dash(tunnel.remote_address)));
    if let (Some(neighbor), Some(state)) = (&tunnel.neighbor, tunnel.session) {
        let cell = session(state);
        let text = format!("{} with {neighbor}", cell.text());
        facts.add("session", cell.with(text));
    }
    if tunnel.bfd.is_some() {
        facts.add("bfd", bfd(tunnel.bfd.as_ref()));
    }
    if let Some(probe) = &tunnel.probe {
        let state = match probe.state {
            ProbeState::Answers => Cell::toned("answers", Tone::Good),
            ProbeState::Silent => Cell::toned("silent", Tone::Bad),
            ProbeState::Unknown => Cell::toned("has never answered", Tone::Dim),
        };
        let every = format!(", asked every {}, {} failures", millis(probe.interval_ms), count(probe.failures));
        let text = format!("{}{every}", state.text());
        facts.add("probe", state.with(text));
    }
    facts.add_all(
        "silence",
        tunnel.detection.ways.iter().map(|way| {
            let within = or_dash(way.within_ms.map(millis));
            match way.active {
                true => format!("noticed within {within} by {}", way.by).into(),
                false => Cell::toned(format!("not by {} now (it would be {within})", way.by), Tone::Dim),
            }
        }),
    );
    facts.add("routes", count(tunnel.routes));
    if let Some(counters) = tunnel.counters {
        let [received, sent] = [counters.rx_bytes, counters.tx_bytes].map(octets);
        facts.add("traffic", format!("{received} received, {sent} sent"));
    }
    facts.write(0, screen)?;
    screen.text("\n")?;
    if detail.history.is_empty() {
        return screen.line("nothing has become of it yet");
    }
    let mut table = Table::new(&["AT", ">AGO", "CHANGE", "SOURCE", "WHY"]);
    for change in &detail.history {
        let TunnelChange { at, ago_seconds, change: word, source, neighbor: _, reason, repeats, last_at } = change;
        let tone = match word.as_str() {
            "up" => Tone::Good,
            "down" | "objected" => Tone::Bad,
            _ => Tone::Warn,
        };
        let again = match repeats {
            0 => String::new(),
            more => format!(" ({} more until {last_at})", count(*more)),
        };
        table.row([
            at.to_string().into(),
            duration(*ago_seconds).into(),
            Cell::toned(word.clone(), tone),
            source.clone().unwrap_or_else(|| "-".to_owned()).into(),
            format!("{reason}{again}").into(),
        ]);
    }
    table.write(screen)
}
