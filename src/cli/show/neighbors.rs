//! `twinspan show neighbors`: which session is down, why, and when it is tried again.

use std::io::{self, Write};

use super::{Json, show};
use crate::cli::{
    Failure,
    human::{count, counted, duration, list, or_dash},
    screen::{Screen, Tone},
    table::{Cell, Facts, Table},
};
use crate::control::api::{
    Bfd, BfdState, Capability, Down, DownReason, FamilyPrefixes, Faults, KeptDown, MessageCounts, Neighbor,
    NeighborDetail, NeighborKind, Neighbors, Range, Request, SessionState,
};
use crate::control::io::Client;
use crate::types::Name;

/// All, or one.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One neighbor, with all that is known of it
    name: Option<Name>,
    #[command(flatten)]
    json: Json,
}

/// Asks and shows.
pub fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    match &args.name {
        None => show(client, &Request::Neighbors, &args.json, write_neighbors),
        Some(name) => show(client, &Request::Neighbor(name.clone()), &args.json, write_neighbor),
    }
}

/// Writes one row a neighbor; the last column says what is wrong with it.
pub fn write_neighbors<W: Write>(reply: &Neighbors, screen: &mut Screen<W>) -> io::Result<()> {
    if reply.neighbors.is_empty() && reply.ranges.is_empty() {
        return screen.line("no neighbors: the file gives this instance none");
    }
    let mut titles = vec!["NAME", ">AS", "ADDRESS", "STATE", ">FOR", ">ACCEPTED", ">REFUSED", ">ADVERTISED", "WHY"];
    let watched = reply.neighbors.iter().any(|neighbor| neighbor.bfd.is_some());
    if watched {
        titles.insert(BFD_COLUMN, "BFD");
    }
    let mut table = Table::new(&titles);
    for neighbor in &reply.neighbors {
        let sum = |of: fn(&FamilyPrefixes) -> u64| count(neighbor.prefixes.iter().map(of).sum());
        let mut row: Vec<Cell> = vec![
            neighbor.name.to_string().into(),
            neighbor.asn.to_string().into(),
            neighbor.address.to_string().into(),
            session(neighbor.state),
            duration(neighbor.state_seconds).into(),
            sum(|prefixes| prefixes.accepted).into(),
            sum(|prefixes| prefixes.refused).into(),
            sum(|prefixes| prefixes.advertised).into(),
            why(neighbor).into(),
        ];
        if watched {
            row.insert(BFD_COLUMN, bfd(neighbor.bfd.as_ref()));
        }
        table.row(row);
    }
    table.write(screen)?;
    for (at, range) in reply.ranges.iter().enumerate() {
        if at == 0 {
            screen.text("\n")?;
        }
        let Range { name, prefix, limit, neighbors } = range;
        screen.line(&format!("range {name} ({prefix}): {} of {} neighbors", count(*neighbors), count(*limit)))?;
    }
    Ok(())
}

/// Where the column of BFD stands, if anything is watched by it.
const BFD_COLUMN: usize = 5;

/// The state of BFD in its tone; a dash without it.
pub fn bfd(bfd: Option<&Bfd>) -> Cell {
    match bfd.map(|bfd| bfd.state) {
        None => "-".into(),
        Some(None) => Cell::toned("unknown", Tone::Warn),
        Some(Some(BfdState::Up)) => Cell::toned(BfdState::Up.to_string(), Tone::Good),
        Some(Some(state)) => Cell::toned(state.to_string(), Tone::Bad),
    }
}

/// All that is known of BFD, a line a fact.
fn bfd_facts(watch: &Bfd, facts: &mut Facts) {
    let mut state = watch.state.map_or_else(|| "unknown: its process does not answer".to_owned(), |s| s.to_string());
    if let (Some(seconds), Some(since)) = (watch.state_seconds, watch.since) {
        state = format!("{state} for {}, since {since}", duration(seconds));
    }
    let kind = match (watch.multihop, watch.strict) {
        (false, false) => "",
        (true, false) => " (multihop)",
        (false, true) => " (strict)",
        (true, true) => " (multihop, strict)",
    };
    facts.add("bfd", bfd(Some(watch)).with(format!("{state}{kind}")));
    if let (Some(send), Some(receive), Some(detect)) =
        (watch.transmit_interval_ms, watch.receive_interval_ms, watch.detection_time_ms)
    {
        let text = format!("a packet every {send} ms, one expected every {receive} ms, dead after {detect} ms");
        facts.add("bfd timers", text);
    }
    if let Some(remote) = watch.remote_state {
        let why = watch.remote_diagnostic.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
        facts.add("bfd remote", format!("{remote}{why}"));
    }
    let last = watch.last_failure.as_ref().map_or_else(String::new, |last| {
        format!(", last {} ago, {}: {}", duration(last.ago_seconds), last.at, last.text)
    });
    facts.add("bfd flaps", format!("{}, {} of them failures{last}", count(watch.flaps), count(watch.failures)));
}

/// The state of a session in its tone.
pub fn session(state: SessionState) -> Cell {
    let tone = match state {
        SessionState::Established => Tone::Good,
        SessionState::OpenSent | SessionState::OpenConfirm => Tone::Warn,
        _ => Tone::Bad,
    };
    Cell::toned(state.to_string(), tone)
}

/// What went wrong and what happens next, in one line; empty for a session that never had a fault.
fn why(neighbor: &Neighbor) -> String {
    let last = neighbor.last_down.as_ref();
    if neighbor.state == SessionState::Established {
        return match last {
            Some(down) if neighbor.flaps > 0 => {
                let times = counted(neighbor.flaps, "time", "times");
                format!("was down {times}, last {} ago: {}", duration(down.ago_seconds), down.text)
            }
            _ => String::new(),
        };
    }
    let ago = |down: &Down| format!("{} ({} ago)", down.text, duration(down.ago_seconds));
    let kept = neighbor.stale.as_ref().map(|stale| {
        let routes = counted(stale.prefixes, "route is", "routes are");
        format!("{routes} kept, for {} at most", duration(stale.until_seconds))
    });
    // What it said when it went is the reason, and that it cannot be reached since is not.
    fault_before(neighbor)
        .map(ago)
        .into_iter()
        .chain(last.map(ago))
        .chain(kept)
        .chain(next(neighbor))
        .collect::<Vec<_>>()
        .join("; ")
}

/// What the neighbor said when it went, if something else has gone wrong since.
fn fault_before(neighbor: &Neighbor) -> Option<&Down> {
    let (down, told) = (neighbor.last_down.as_ref()?, neighbor.last_told.as_ref()?);
    let later = matches!(down.reason, DownReason::ConnectFailed | DownReason::ConnectionLost);
    (neighbor.state != SessionState::Established && later && told.at >= neighbor.since).then_some(told)
}

/// What happens next with a session that is not up.
fn next(neighbor: &Neighbor) -> Option<String> {
    match neighbor.kept_down {
        Some(KeptDown::Shutdown) => return Some("stays down until the file says otherwise".into()),
        Some(KeptDown::MaxPrefixes) => {
            let reset = format!("twinspan reset neighbor {}", neighbor.name);
            return Some(match neighbor.next_retry_seconds {
                Some(seconds) => format!("may come back in {}, or by: {reset}", duration(seconds)),
                None => format!("stays down until: {reset}"),
            });
        }
        Some(KeptDown::Standing) => {
            return Some("stays down as long as this instance does: twinspan show gateway".into());
        }
        Some(KeptDown::Unknown) | None => {}
    }
    if let Some(seconds) = neighbor.leaves_seconds {
        return Some(format!("forgotten in {} unless it dials", duration(seconds)));
    }
    match (neighbor.next_retry_seconds, neighbor.state) {
        (_, SessionState::Established) => None,
        (Some(0), _) => Some("next try now".into()),
        (Some(seconds), _) => Some(format!("next try in {}", duration(seconds))),
        (None, SessionState::Connect) => Some("dialling now".into()),
        (None, SessionState::OpenSent | SessionState::OpenConfirm) => Some("opening now".into()),
        (None, _) if neighbor.passive => Some("waits for the neighbor to connect (passive)".into()),
        (None, _) => None,
    }
}

/// Writes all that is known of one neighbor.
pub fn write_neighbor<W: Write>(detail: &NeighborDetail, screen: &mut Screen<W>) -> io::Result<()> {
    let neighbor = &detail.neighbor;
    let mut facts = Facts::default();
    facts.add("neighbor", neighbor.name.to_string());
    let kind = match neighbor.kind {
        NeighborKind::Device => "device",
        NeighborKind::Twin => "the twin",
        NeighborKind::NetworkRouter => "network router",
        NeighborKind::Other | NeighborKind::Unknown => "other",
    };
    let of = |word, name: &Option<Name>| name.as_ref().map_or_else(String::new, |name| format!("{word}{name}"));
    let (device, connection) = (of(" ", &detail.device), of(", connection ", &detail.connection));
    facts.add("kind", format!("{kind}{device}{connection}{}", of(", tunnel ", &detail.tunnel)));
    let state = format!("{} for {}, since {}", neighbor.state, duration(neighbor.state_seconds), neighbor.since);
    facts.add("state", session(neighbor.state).with(state));
    if let Some(next) = next(neighbor) {
        let at = neighbor.next_retry_at.map_or_else(String::new, |at| format!(", at {at}"));
        facts.add("next", format!("{next}{at}"));
    }
    match &neighbor.last_down {
        Some(down) => facts.add("last down", Cell::toned(last_down(down), Tone::Warn)),
        None => facts.add("last down", "never"),
    }
    if let Some(told) = fault_before(neighbor) {
        facts.add("it said", Cell::toned(last_down(told), Tone::Warn));
    }
    if let Some(stale) = &neighbor.stale {
        let routes = counted(stale.prefixes, "route", "routes");
        let text = format!("{routes} since {}, until {} at the latest", stale.since, stale.until);
        facts.add("stale", Cell::toned(text, Tone::Warn));
    }
    facts.add("flaps", count(neighbor.flaps));
    if let Some(watch) = &neighbor.bfd {
        bfd_facts(watch, &mut facts);
    }
    let id = detail.router_id.map_or_else(String::new, |id| format!(", router id {id}"));
    facts.add("remote", format!("{} AS {}{id}", neighbor.address, neighbor.asn));
    let interface = neighbor.interface.as_ref().map_or_else(String::new, |name| format!(" on {name}"));
    if !matches!(neighbor.authentication.as_str(), "" | "none") {
        facts.add("signed", neighbor.authentication.clone());
    }
    if let Some(range) = &neighbor.range {
        facts.add("range", range.to_string());
    }
    facts.add("local", format!("{}{interface}", or_dash(neighbor.local_address)));
    if let (Some(local), Some(remote)) = (detail.local_endpoint, detail.remote_endpoint) {
        facts.add("tcp", format!("{local} to {remote}, {} octets queued", count(detail.queued_octets)));
    }
    let agreed = match (detail.hold_time_seconds, detail.keepalive_seconds) {
        (Some(0), _) => "off".to_owned(),
        (Some(hold), keepalive) => format!("{hold}s, keepalive {}", or_dash(keepalive.map(|time| format!("{time}s")))),
        (None, _) => "not agreed".to_owned(),
    };
    facts.add("hold time", format!("{agreed} (we propose {}s)", detail.configured_hold_time_seconds));
    facts.add("families", if detail.families.is_empty() { "none agreed".into() } else { list(&detail.families, ", ") });
    facts.add_all(
        "prefixes",
        neighbor.prefixes.iter().map(|prefixes| {
            let FamilyPrefixes { family, received, accepted, refused, advertised, limit, trimmed, stale } = *prefixes;
            let [received, accepted, refused, advertised] = [received, accepted, refused, advertised].map(count);
            let limit = limit.map_or_else(String::new, |limit| format!(" of at most {}", count(limit)));
            let trimmed = if trimmed > 0 { format!(" ({} above the limit)", count(trimmed)) } else { String::new() };
            let stale = if stale > 0 { format!(", {} stale", count(stale)) } else { String::new() };
            format!("{family}: {received}{limit} received, {accepted} accepted, {refused} refused{trimmed}, {advertised} advertised{stale}")
                .into()
        }),
    );
    let Faults { withdrawn, discarded } = detail.faults;
    if withdrawn + discarded > 0 {
        let [withdrawn, discarded] = [withdrawn, discarded].map(count);
        let text = format!("{withdrawn} taken as withdrawals, {discarded} cost an attribute: see the log");
        facts.add("faults", Cell::toned(text, Tone::Warn));
    }
    facts.add("announced", capabilities(&detail.capabilities.sent));
    facts.add("received", capabilities(&detail.capabilities.received));
    facts.write(0, screen)?;
    screen.text("\n")?;
    let mut table = Table::new(&["MESSAGES", ">OPEN", ">UPDATE", ">NOTIFICATION", ">KEEPALIVE", ">ROUTE-REFRESH"]);
    for (word, counts) in [("received", detail.messages.received), ("sent", detail.messages.sent)] {
        let MessageCounts { open, update, notification, keepalive, route_refresh } = counts;
        let [open, update, notification, keepalive, refresh] =
            [open, update, notification, keepalive, route_refresh].map(|number| Cell::from(count(number)));
        table.row([word.into(), open, update, notification, keepalive, refresh]);
    }
    table.write(screen)
}

fn last_down(down: &Down) -> String {
    let numbers = match (down.code, down.subcode) {
        (Some(code), subcode) => format!(" [{code}/{}]", subcode.unwrap_or(0)),
        (None, _) => String::new(),
    };
    format!("{} ago, {}: {}{numbers}", duration(down.ago_seconds), down.at, down.text)
}

fn capabilities(capabilities: &[Capability]) -> String {
    if capabilities.is_empty() {
        return "nothing yet".into();
    }
    let texts: Vec<_> = capabilities
        .iter()
        .map(|capability| {
            let number = if capability.name == "unknown" { format!(" {}", capability.code) } else { String::new() };
            let value = capability.value.as_ref().filter(|value| !value.is_empty());
            let value = value.map_or_else(String::new, |value| format!(" {value}"));
            format!("{}{number}{value}", capability.name)
        })
        .collect();
    texts.join(", ")
}
