//! `twinspan show gateway`: one page that says whether all is well.

use std::io::{self, Write};

use crate::cli::{
    human::{count, counted, duration, list},
    screen::{Screen, Tone},
    table::{Cell, Facts},
};
use crate::control::api::{
    ConfigState, DrainStep, FibTotals, Gateway, GatewayState, Mode, OnDisk, RoleState, StandingState, Sysctl, Twin,
    TwinState,
};

/// Writes the page; what is wrong comes last, where the eye is.
pub fn write_gateway<W: Write>(gateway: &Gateway, screen: &mut Screen<W>) -> io::Result<()> {
    let mut facts = Facts::default();
    let mode = match gateway.mode {
        Mode::ActiveActive => "active-active",
        Mode::ActiveStandby => "active-standby",
        Mode::Unknown => "unknown mode",
    };
    facts.add("gateway", format!("{} ({mode}), AS {}", gateway.name, gateway.asn));
    let who = format!("{}, router id {}, twinspan {}", gateway.instance, gateway.router_id, gateway.version);
    facts.add("instance", who);
    let (state, tone) = match gateway.state {
        GatewayState::Running => ("running", Tone::Good),
        GatewayState::Starting => ("starting", Tone::Warn),
        GatewayState::Stopping => ("stopping", Tone::Warn),
        GatewayState::Unknown => ("unknown", Tone::Warn),
    };
    let why = gateway.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    facts.add("state", Cell::toned(format!("{state}{why}"), tone));
    let standing = &gateway.standing;
    let (word, tone) = match standing.state {
        StandingState::Serving => ("serving", Tone::Good),
        StandingState::Standby => ("standby", Tone::Plain),
        StandingState::Unfit => ("unfit", Tone::Bad),
        StandingState::Draining => ("draining", Tone::Warn),
        StandingState::Drained => ("drained", Tone::Warn),
        StandingState::Unknown => ("unknown", Tone::Warn),
    };
    let why = if standing.reasons.is_empty() { String::new() } else { format!(": {}", standing.reasons.join("; ")) };
    facts.add("standing", Cell::toned(format!("{word}{why}"), tone));
    let under_way = gateway.drains.iter().filter(|drain| drain.step != DrainStep::Returned);
    facts.add_all("drains", under_way.map(|drain| Cell::toned(drain.text.clone(), Tone::Warn)));
    if let Some(role) = &gateway.role {
        let tone = match role.role {
            RoleState::Active => Tone::Good,
            RoleState::Standby => Tone::Plain,
            _ => Tone::Warn,
        };
        let text = format!("{} for {}: {}", role.role.as_str(), duration(role.since_seconds), role.reason);
        facts.add("role", Cell::toned(text, tone));
        if let (Some(address), Some(interface)) = (role.shared_address, &role.shared_interface) {
            let who = role.answers.as_ref().map_or_else(String::new, |mac| format!("; {mac} answers for it"));
            facts.add("shared", format!("{address} on {interface}, by {} (term {}){who}", role.election, role.term));
        }
    }
    facts.add("started", format!("{} ({} ago)", gateway.started_at, duration(gateway.uptime_seconds)));
    facts.add("file", config(&gateway.config));
    facts.add("prefixes", if gateway.prefixes.is_empty() { "none".into() } else { list(&gateway.prefixes, ", ") });
    let tunnels = gateway.tunnels;
    let text = format!(
        "{} of {} up; {} of at most {} in the gateway",
        tunnels.up, tunnels.configured, tunnels.gateway, tunnels.limit
    );
    facts.add("tunnels", Cell::toned(text, share(tunnels.up, tunnels.configured)));
    let sessions = gateway.sessions;
    let text = format!("{} of {} Established", sessions.established, sessions.configured);
    facts.add("sessions", Cell::toned(text, share(sessions.established, sessions.configured)));
    if let Some(known) = &gateway.twin {
        facts.add_all("twin", twin(known));
    }
    facts.add_all(
        "routes",
        gateway.routes.iter().map(|totals| {
            let (prefixes, paths) =
                (counted(totals.prefixes, "prefix", "prefixes"), counted(totals.paths, "path", "paths"));
            format!("{}: {prefixes}, {paths}, {} refused", totals.family, count(totals.refused)).into()
        }),
    );
    facts.add("kernel", fib_totals(gateway.fib));
    facts.add_all("sysctls", gateway.sysctls.iter().map(sysctl));
    if gateway.warnings.is_empty() {
        facts.add("warnings", "none");
    }
    let warnings = gateway.warnings.iter().flat_map(|warning| {
        let hint = warning.hint.as_ref().map(|hint| Cell::from(format!("  {hint}")));
        std::iter::once(Cell::toned(warning.message.clone(), Tone::Warn)).chain(hint)
    });
    facts.add_all("warnings", warnings);
    facts.write(0, screen)
}

/// The other instance: who and how it is, then what it runs.
fn twin(twin: &Twin) -> Vec<Cell> {
    let (word, tone) = match twin.state {
        TwinState::Present if twin.hears_us => ("present", Tone::Good),
        TwinState::Present => ("present, does not hear this instance", Tone::Warn),
        TwinState::Slow => ("slow", Tone::Warn),
        TwinState::Silent => ("silent", Tone::Bad),
        TwinState::Left => ("stopped", Tone::Warn),
        TwinState::NeverSeen => ("not seen yet", Tone::Warn),
        TwinState::Unknown => ("unknown", Tone::Warn),
    };
    let since = duration(twin.state_seconds);
    let mut cells = vec![Cell::toned(format!("{}: {word} for {since}", twin.name), tone)];
    let (Some(version), Some(ms)) = (&twin.version, twin.heard_ms) else { return cells };
    let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "unknown".to_owned());
    let why = if twin.reasons.is_empty() { String::new() } else { format!(" ({})", twin.reasons.join("; ")) };
    let ready = if twin.ready == Some(true) { "has all routes" } else { "has not all routes" };
    let heard = if ms < 10_000 { format!("{ms} ms") } else { duration(ms / 1_000) };
    let says = format!("{}, {}{why}, {ready}; heard {heard} ago", word(&twin.role), word(&twin.standing));
    cells.push(says.into());
    let (file, tone) = match twin.same_file {
        Some(true) => ("the same file", Tone::Plain),
        Some(false) => ("another version of the file", Tone::Warn),
        None => ("a file that nobody can compare", Tone::Plain),
    };
    let restarts = counted(twin.restarts, "restart", "restarts");
    cells.push(Cell::toned(
        format!("twinspan {version}, {file}; {restarts} seen, {} hellos lost", count(twin.lost)),
        tone,
    ));
    cells
}

/// The kernel's totals in one line.
pub fn fib_totals(totals: FibTotals) -> Cell {
    let text = format!(
        "{} wanted: {} present, {} in flight, {} failed",
        counted(totals.wanted, "route", "routes"),
        count(totals.present),
        count(totals.in_flight),
        count(totals.failed)
    );
    Cell::toned(text, if totals.failed > 0 { Tone::Bad } else { Tone::Plain })
}

/// Where the configuration came from, and whether a reload would find another.
fn config(config: &ConfigState) -> Cell {
    let Some(file) = &config.file else { return "none".into() };
    let (disk, tone) = match config.on_disk {
        OnDisk::Same => ("it is what runs", Tone::Plain),
        OnDisk::Differs => ("what is on disk differs: see twinspan plan", Tone::Warn),
        OnDisk::Unreadable => ("it cannot be read any more", Tone::Warn),
        OnDisk::Unknown => ("nobody can tell whether it is what runs", Tone::Plain),
    };
    let text = format!("{file}, read {}: {disk}", config.loaded_at);
    match config.unconfirmed_seconds {
        Some(left) => Cell::toned(format!("{text}; goes back in {} unless confirmed", duration(left)), Tone::Warn),
        None => Cell::toned(text, tone),
    }
}

fn sysctl(sysctl: &Sysctl) -> Cell {
    let Sysctl { name, wanted, actual, ok } = sysctl;
    let text = match (actual, wanted) {
        (None, _) => format!("{name} cannot be read"),
        (Some(actual), Some(wanted)) if !ok => format!("{name} = {actual}, should be {wanted}"),
        (Some(actual), _) => format!("{name} = {actual}"),
    };
    Cell::toned(text, if *ok { Tone::Plain } else { Tone::Bad })
}

/// All is good, some is a warning, none is bad.
fn share(have: u32, of: u32) -> Tone {
    match have {
        _ if have >= of => Tone::Good,
        0 => Tone::Bad,
        _ => Tone::Warn,
    }
}
