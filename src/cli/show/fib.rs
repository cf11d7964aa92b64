//! `twinspan show fib`: what is in the kernel, and what is not yet.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::{
    Json, Stdout, family,
    gateway::fib_totals,
    pages::{as_json, pages},
    routes::install,
    show,
};
use crate::cli::{
    Failure,
    human::{count, duration, or_dash},
    screen::{self, Screen, Tone},
    table::{Cell, Facts, Table},
    wait,
};
use crate::control::api::{
    DifferenceKind, Fib, FibCheck, FibGroup, FibMember, FibRoute, FibRouteQuery, FibRoutes, LIMIT_DEFAULT, Request,
};
use crate::control::io::Client;
use crate::types::Family;

/// Groups, or routes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Have the kernel read now and compared with what is wanted; the exit status is 1 if they differ
    #[arg(long, conflicts_with = "routes")]
    check: bool,
    /// Show the routes instead of the groups
    #[arg(long)]
    routes: bool,
    /// Only the routes of ipv4, or of ipv6
    #[arg(long, value_parser = family, requires = "routes")]
    family: Option<Family>,
    /// Show at most so many routes
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT, requires = "routes")]
    limit: usize,
    /// Show all routes
    #[arg(long, requires = "routes", conflicts_with = "limit")]
    all: bool,
    #[command(flatten)]
    json: Json,
}

/// Asks and shows.
pub fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    if args.check {
        return check(args, client);
    }
    if !args.routes {
        return show(client, &Request::Fib, &args.json, write_groups);
    }
    let limit = if args.all { usize::MAX } else { args.limit };
    let query = FibRouteQuery { family: args.family, ..FibRouteQuery::default() };
    let mut screen = Screen::stdout();
    if args.json.json {
        wait(as_json::<FibRoutes>(client, limit, |limit, after| query.page(limit, after), &mut screen))?;
    } else {
        wait(pages_as_table(query, limit, client, &mut screen))?;
    }
    Ok(screen.flush()?)
}

fn check(args: &Args, client: &Client) -> Result<(), Failure> {
    let document = wait(async { Ok(client.fetch(&Request::FibCheck).await?) })?;
    let found: FibCheck = serde_json::from_slice(&document)
        .map_err(|error| Failure::new(format!("the daemon's answer cannot be read: {error}")))?;
    let mut screen = Screen::stdout();
    if args.json.json {
        screen.octets(&document)?;
    } else {
        write_check(&found, &mut screen)?;
    }
    screen.flush()?;
    if found.ok { Ok(()) } else { Err(Failure::told()) }
}

/// Writes what a comparison of the kernel with what is wanted came to.
pub fn write_check<W: Write>(found: &FibCheck, screen: &mut Screen<W>) -> io::Result<()> {
    let mut facts = Facts::default();
    facts.add("wanted", count(found.wanted));
    facts.add("present", count(found.present));
    for (word, number) in [
        ("different", found.different),
        ("missing", found.missing),
        ("unwanted", found.unwanted),
        ("groups, next hops", found.objects),
    ] {
        facts.add(word, if number == 0 { Cell::from("0") } else { Cell::toned(count(number), Tone::Bad) });
    }
    facts.add("without a tunnel", count(found.waiting));
    if found.moving > 0 {
        facts.add("on the move", Cell::toned(format!("{}: not judged", count(found.moving)), Tone::Warn));
    }
    if found.repaired > 0 {
        let text = format!("{} are put right now, as others must have changed them", count(found.repaired));
        facts.add("repairs", Cell::toned(text, Tone::Warn));
    }
    facts.write(0, screen)?;
    screen.text("\n")?;
    if found.ok {
        return screen.line("the kernel holds what is wanted");
    }
    let mut table = Table::new(&["WHAT", "IS", "WHY"]);
    for one in &found.differences {
        let what = match (one.prefix, one.id) {
            (Some(prefix), _) => format!("route {prefix}"),
            (None, id) => format!("group or next hop {}", or_dash(id)),
        };
        let is = match one.kind {
            DifferenceKind::Missing => "missing",
            DifferenceKind::Different => "different",
            DifferenceKind::Unwanted => "unwanted",
            DifferenceKind::Unknown => "unknown",
        };
        let why = one.fault.as_ref().map(|fault| fault.text.clone()).unwrap_or_default();
        table.row([what.into(), Cell::toned(is, Tone::Bad), why.into()]);
    }
    table.write(screen)
}

/// Writes the totals and one row a group.
pub fn write_groups<W: Write>(fib: &Fib, screen: &mut Screen<W>) -> io::Result<()> {
    let mut facts = Facts::default();
    facts.add("table", format!("{}, protocol {}, metric {}", fib.table, fib.protocol, fib.metric));
    facts.add("totals", fib_totals(fib.totals));
    facts.add(
        "settled",
        match (fib.settled, fib.totals.failed) {
            (false, _) => Cell::toned("no, at work", Tone::Warn),
            (true, 0) => Cell::from("yes"),
            (true, failed) => Cell::toned(format!("all but {}: tried again in a while", count(failed)), Tone::Warn),
        },
    );
    if let Some(full) = &fib.no_room {
        let next = full.retry.map_or_else(String::new, |at| format!(", next try {at}"));
        let text = format!("none since {}: {}; {} routes wait{next}", full.since, full.text, count(full.routes));
        facts.add("room", Cell::toned(text, Tone::Bad));
    }
    for sysctl in fib.sysctls.iter().filter(|sysctl| !sysctl.ok) {
        let is = or_dash(sysctl.actual.as_ref());
        let text = format!("{} is {is}, {} is wanted", sysctl.name, or_dash(sysctl.wanted.as_ref()));
        facts.add("sysctl", Cell::toned(text, Tone::Warn));
    }
    if let Some(fault) = &fib.last_fault {
        let at = fault.at.map_or_else(String::new, |at| format!("{at} "));
        let of = fault.operation.as_ref().map_or_else(String::new, |operation| format!("{operation}: "));
        facts.add("last fault", Cell::toned(format!("{at}{of}{} (errno {})", fault.text, fault.errno), Tone::Warn));
    }
    facts.write(0, screen)?;
    screen.text("\n")?;
    if fib.groups.is_empty() {
        return screen.line("no nexthop groups");
    }
    let mut table = Table::new(&[">GROUP", "FAMILY", ">ROUTES", ">BUCKETS", ">IDLE", "STATE", "MEMBERS"]);
    for group in &fib.groups {
        let (state, tone) = install(group.state);
        table.row([
            group.id.to_string().into(),
            group.family.to_string().into(),
            count(group.routes).into(),
            group.buckets.to_string().into(),
            duration(group.idle_timer_seconds).into(),
            Cell::toned(state, tone),
            members(group).into(),
        ]);
    }
    table.write(screen)
}

/// The ways out of a group, each with what is out of the ordinary about it.
fn members(group: &FibGroup) -> String {
    let one = |member: &FibMember| {
        let interface = interface(member);
        let gateway = member.gateway.map_or_else(String::new, |address| format!(" via {address}"));
        let weight = if member.weight == 1 { String::new() } else { format!(" weight {}", member.weight) };
        let tunnel = member.tunnel.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
        format!("{interface}{gateway}{weight}{tunnel}")
    };
    let list = |members: &[FibMember]| members.iter().map(one).collect::<Vec<_>>().join(", ");
    let carry = if group.members.is_empty() { "none".to_owned() } else { list(&group.members) };
    match (group.backups.as_slice(), group.on_backups) {
        ([], _) => carry,
        (backups, false) => format!("{carry}; else {}", list(backups)),
        (backups, true) => format!("{}, for {carry}", list(backups)),
    }
}

/// The interface's name, or what is left of it.
fn interface(member: &FibMember) -> String {
    member.interface.clone().unwrap_or_else(|| format!("gone interface {}", member.interface_index))
}

/// How a route leaves, in a table of many: `group 7: xfrm10, xfrm11` or `dev eth1`.
fn via_short(route: &FibRoute, groups: &BTreeMap<u32, &FibGroup>) -> String {
    let Some((id, group)) = route.group.and_then(|id| Some((id, groups.get(&id)?))) else { return via(route, groups) };
    format!("group {id}: {}", group.members.iter().map(interface).collect::<Vec<_>>().join(", "))
}

/// How a route leaves, in full: `group 7: xfrm10 via 169.254.21.1 (hq-1/in-0), ...` or `dev eth1`.
pub fn via(route: &FibRoute, groups: &BTreeMap<u32, &FibGroup>) -> String {
    match (route.group, &route.interface) {
        (Some(id), _) => match groups.get(&id) {
            Some(group) => format!("group {id}: {}", members(group)),
            None => format!("group {id}"),
        },
        (None, interface) => format!("dev {}", or_dash(interface.as_ref())),
    }
}

async fn pages_as_table(
    query: FibRouteQuery,
    limit: usize,
    client: &Client,
    screen: &mut Stdout,
) -> Result<(), Failure> {
    let fib: Fib = client.ask(&Request::Fib).await?;
    let groups = fib.groups.iter().map(|group| (group.id, group)).collect();
    let mut table = Table::new(&["PREFIX", "STATE", "VIA", "FAULT"]);
    let (mut shown, mut of, mut more) = (0_u64, 0, false);
    pages(
        client,
        limit,
        |limit, after| query.page(limit, after),
        |page: &FibRoutes| {
            (of, more) = (page.totals.wanted, page.next.is_some());
            shown += page.routes.len() as u64;
            for route in &page.routes {
                let (state, tone) = install(route.state);
                let fault = route.fault.as_ref().map(|fault| fault.text.clone()).unwrap_or_default();
                table.row([
                    route.prefix.to_string().into(),
                    Cell::toned(state, tone),
                    via_short(route, &groups).into(),
                    Cell::toned(fault, Tone::Bad),
                ]);
            }
            if shown == 0 { Ok(()) } else { table.write(screen) }
        },
    )
    .await?;
    if shown == 0 && !more {
        screen.line("no routes of ours in the kernel")?;
    }
    screen.flush()?;
    if more {
        screen::note(&format!("shown are the first {} of {} routes; add --all to see all", count(shown), count(of)));
    }
    Ok(())
}
