//! `twinspan show tunnels`.

use std::io::{self, Write};

use crate::cli::{
    human::{count, duration, millis, octets, or_dash},
    screen::{Screen, Tone},
    table::{Cell, Table},
};
use crate::control::api::{TunnelState, Tunnels};

use super::neighbors::{bfd, session};

/// Where the column of BFD stands, if anything is watched by it.
const BFD_COLUMN: usize = 7;

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
        let (state, tone) = match tunnel.state {
            TunnelState::Up => ("up", Tone::Good),
            TunnelState::Down => ("down", Tone::Bad),
            TunnelState::Unknown => ("unknown", Tone::Dim),
        };
        let mut row: Vec<Cell> = vec![
            tunnel.name.to_string().into(),
            tunnel.device.as_ref().unwrap_or(&tunnel.connection).to_string().into(),
            tunnel.instance.to_string().into(),
            tunnel.interface.clone().into(),
            Cell::toned(state, tone),
            or_dash(tunnel.state_seconds.map(duration)).into(),
            tunnel.session.map_or_else(|| "-".into(), session),
            or_dash(tunnel.detection.within_ms.map(millis)).into(),
            or_dash(tunnel.detection.by).into(),
            count(tunnel.routes).into(),
            or_dash(tunnel.counters.map(|counters| octets(counters.rx_bytes))).into(),
            or_dash(tunnel.counters.map(|counters| octets(counters.tx_bytes))).into(),
            tunnel.reason.clone().unwrap_or_default().into(),
        ];
        if watched {
            row.insert(BFD_COLUMN, bfd(tunnel.bfd.as_ref()));
        }
        table.row(row);
    }
    table.write(screen)
}
