//! `twinspan show routes`: what was learned, and what the decision made of it.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::IpAddr,
    str::FromStr,
};

use super::{
    Json, Stdout, family,
    fib::via,
    pages::{as_json, pages},
};
use crate::cli::{
    Failure,
    human::{count, list, or_dash},
    screen::{self, Screen, Tone},
    table::{Cell, Facts, Table},
    wait,
};
use crate::control::api::{
    Fib, FibGroup, InstallState, LIMIT_DEFAULT, Origin, Path, PathSource, PathState, Request, Route, RouteQuery,
    Routes, Select, Told,
};
use crate::control::io::Client;
use crate::types::{Family, Name, Prefix};

/// Which routes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One prefix, or the address that packets go to: everything about that route
    #[arg(value_name = "PREFIX|ADDRESS")]
    place: Option<Place>,
    /// Only ipv4, or only ipv6
    #[arg(long, value_parser = family)]
    family: Option<Family>,
    /// Only what this neighbor teaches, refused or not
    #[arg(long, value_name = "NAME")]
    neighbor: Option<Name>,
    /// Show at most so many prefixes
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
    /// Show all of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    #[command(flatten)]
    json: Json,
}

/// A place in the table, as it is typed.
#[derive(Clone, Copy, Debug)]
enum Place {
    Prefix(Prefix),
    Address(IpAddr),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('/') {
            return text.parse().map(Self::Prefix).map_err(|error: crate::types::PrefixError| error.to_string());
        }
        let wrong = |_| format!("\"{text}\" is neither a prefix (10.52.0.0/24) nor an address (10.52.0.1)");
        text.parse().map(Self::Address).map_err(wrong)
    }
}

/// Asks, page by page, and shows each as it comes.
pub fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let limit = if args.all { usize::MAX } else { args.limit };
    let select = match args.place {
        None => Select::All,
        Some(Place::Prefix(prefix)) => Select::Prefix(prefix),
        Some(Place::Address(address)) => Select::Address(address),
    };
    let query = RouteQuery { select, family: args.family, neighbor: args.neighbor.clone(), ..RouteQuery::default() };
    let mut screen = Screen::stdout();
    if let (Some(place), false) = (args.place, args.json.json) {
        wait(one(place, query, client, &mut screen))?;
    } else if args.json.json {
        wait(as_json::<Routes>(client, limit, |limit, after| query.page(limit, after), &mut screen))?;
    } else {
        wait(pages_as_table(query, limit, client, &mut screen))?;
    }
    Ok(screen.flush()?)
}

async fn pages_as_table(query: RouteQuery, limit: usize, client: &Client, screen: &mut Stdout) -> Result<(), Failure> {
    let mut table = Table::new(&["PREFIX", "NEIGHBOR", "NEXT HOP", "STATE", ">PREF", ">MED", "AS PATH", "WHY"]);
    let (mut shown, mut of, mut more) = (0_u64, 0, false);
    let narrowed = query.family.is_some() || query.neighbor.is_some();
    pages(
        client,
        limit,
        |limit, after| query.page(limit, after),
        |page: &Routes| {
            of = page.totals.iter().map(|totals| totals.prefixes).sum();
            more = page.next.is_some();
            shown += page.routes.len() as u64;
            for (route, path) in page.routes.iter().flat_map(|route| route.paths.iter().map(move |path| (route, path)))
            {
                let (state, tone) = state(path.state);
                let state = if path.stale { format!("{state}, stale") } else { state.to_owned() };
                table.row([
                    route.prefix.to_string().into(),
                    path.neighbor.as_ref().map_or_else(|| "(own)".into(), |name| name.to_string().into()),
                    or_dash(path.next_hop).into(),
                    Cell::toned(state, tone),
                    or_dash(path.local_pref).into(),
                    or_dash(path.med).into(),
                    as_path(path).into(),
                    path.why.clone().unwrap_or_default().into(),
                ]);
            }
            if shown == 0 { Ok(()) } else { table.write(screen) }
        },
    )
    .await?;
    if shown == 0 && !more {
        screen.line(if narrowed { "no such routes" } else { "no routes" })?;
    }
    screen.flush()?;
    if more {
        let of = if narrowed { "more than that".to_owned() } else { format!("{} prefixes", count(of)) };
        screen::note(&format!("shown are the first {} of {of}; add --all to see all", count(shown)));
    }
    Ok(())
}

async fn one(place: Place, query: RouteQuery, client: &Client, screen: &mut Stdout) -> Result<(), Failure> {
    let page: Routes = client.ask(&Request::Routes(query)).await?;
    let Some(route) = page.routes.first() else {
        let line = match place {
            Place::Prefix(prefix) => {
                let address = prefix.addr();
                format!("no route to {prefix} itself; for the one that packets take: twinspan show routes {address}")
            }
            Place::Address(address) => format!("no route to {address}"),
        };
        return Ok(screen.line(&line)?);
    };
    let fib: Fib = client.ask(&Request::Fib).await?;
    let groups = fib.groups.iter().map(|group| (group.id, group)).collect();
    Ok(write_route(route, &groups, screen)?)
}

/// Writes everything about one route.
pub fn write_route<W: Write>(
    route: &Route,
    groups: &BTreeMap<u32, &FibGroup>,
    screen: &mut Screen<W>,
) -> io::Result<()> {
    screen.line(&route.prefix.to_string())?;
    let mut facts = Facts::default();
    facts.add(
        "kernel",
        match &route.kernel {
            None => Cell::toned("no route of ours", Tone::Dim),
            Some(kernel) => {
                let (state, tone) = install(kernel.state);
                let fault = kernel.fault.as_ref().map_or_else(String::new, |fault| format!(": {}", fault.text));
                Cell::toned(format!("{state}{fault}, {}", via(kernel, groups)), tone)
            }
        },
    );
    facts.write(2, screen)?;
    let all: u32 = route.paths.iter().filter_map(|path| path.weight).map(u32::from).sum();
    let shared = route.paths.iter().any(|path| path.weight.is_some_and(|weight| weight != 1));
    for path in &route.paths {
        let (state, tone) = state(path.state);
        let from = match (&path.neighbor, path.source) {
            (None, _) => "our own".to_owned(),
            (Some(tunnel), PathSource::Static) => format!("static through {tunnel}"),
            (Some(name), _) => format!("from {name}"),
        };
        screen.text("  ")?;
        let stale = match (path.stale, &path.stale_since, &path.stale_until) {
            (true, Some(since), Some(until)) => format!(", stale since {since}, until {until} at the latest"),
            (true, _, _) => ", stale".to_owned(),
            (false, _, _) => String::new(),
        };
        screen.toned(&format!("{from}: {state}{stale}"), tone)?;
        screen.line(&path.why.as_ref().map_or_else(String::new, |why| format!(", {why}")))?;
        let mut facts = Facts::default();
        if let Some(next_hop) = path.next_hop {
            facts.add("next hop", next_hop.to_string());
        }
        if let Some(weight) = path.weight.filter(|_| shared) {
            facts.add("weight", format!("{weight} of {all}"));
        }
        let empty = path.as_path.is_empty();
        facts.add("as path", if empty { "empty".into() } else { list(&path.as_path, " ") });
        let number = |word, value: Option<u32>| value.map_or_else(String::new, |value| format!(", {word} {value}"));
        let origin = match path.origin {
            _ if path.source == PathSource::Static => "static",
            Origin::Igp => "igp",
            Origin::Egp => "egp",
            Origin::Incomplete => "incomplete",
        };
        let rest = [number("local pref", path.local_pref), number("med", path.med)].concat();
        facts.add("origin", format!("{origin}{rest}"));
        let communities = [
            ("communities", &path.communities),
            ("extended", &path.extended_communities),
            ("large", &path.large_communities),
        ];
        for (key, texts) in communities.into_iter().filter(|(_, texts)| !texts.is_empty()) {
            facts.add(key, list(texts, " "));
        }
        let others = path.other_attributes.iter();
        facts.add_all("others", others.map(|other| format!("{} ({}) {}", other.name, other.code, other.value).into()));
        facts.write(4, screen)?;
    }
    write_told(&route.told, screen)
}

/// Writes who is told and who is not: those of whom the same is to be said together.
fn write_told<W: Write>(told: &[Told], screen: &mut Screen<W>) -> io::Result<()> {
    let mut said: Vec<(String, Tone, Vec<String>)> = Vec::new();
    for told in told {
        let (text, tone) = match (&told.why, told.next_hop) {
            (Some(why), _) => (why.clone(), Tone::Dim),
            (None, next_hop) => {
                let path = if told.as_path.is_empty() { "empty".to_owned() } else { list(&told.as_path, " ") };
                let med = told.med.map_or_else(String::new, |med| format!(", med {med}"));
                let communities = match told.communities.as_slice() {
                    [] => String::new(),
                    some => format!(", communities {}", list(some, " ")),
                };
                (format!("as path {path}{med}{communities}, next hop {}", or_dash(next_hop)), Tone::Plain)
            }
        };
        let name = told.neighbor.to_string();
        match said.iter_mut().find(|(known, seen, _)| *known == text && *seen == tone) {
            Some((_, _, names)) => names.push(name),
            None => said.push((text, tone, vec![name])),
        }
    }
    for (text, tone, names) in said {
        let word = if tone == Tone::Dim { "not told to" } else { "told to" };
        screen.text("  ")?;
        screen.toned(&format!("{word} {}: {text}", names.join(", ")), tone)?;
        screen.line("")?;
    }
    Ok(())
}

/// A path's state as word and tone.
fn state(state: PathState) -> (&'static str, Tone) {
    match state {
        PathState::Best => ("best", Tone::Good),
        PathState::Multipath => ("multipath", Tone::Good),
        PathState::NotBest => ("not best", Tone::Plain),
        PathState::Refused => ("refused", Tone::Warn),
        PathState::Unknown => ("unknown", Tone::Warn),
    }
}

/// Where something stands in the kernel, as word and tone.
pub fn install(state: InstallState) -> (&'static str, Tone) {
    match state {
        InstallState::Present => ("present", Tone::Good),
        InstallState::InFlight => ("in flight", Tone::Warn),
        InstallState::Failed => ("failed", Tone::Bad),
        InstallState::Unknown => ("unknown", Tone::Warn),
    }
}

/// The AS_PATH with ORIGIN's letter behind it, as other speakers show it.
fn as_path(path: &Path) -> String {
    let origin = match path.origin {
        _ if path.source == PathSource::Static => "static",
        Origin::Igp => "i",
        Origin::Egp => "e",
        Origin::Incomplete => "?",
    };
    if path.as_path.is_empty() { origin.to_owned() } else { format!("{} {origin}", list(&path.as_path, " ")) }
}
