//! `twinspan plan`: what a reload of a file would change on the running instance.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use super::{
    Failure, check,
    human::{counted, list},
    screen::{Screen, Tone},
    table::{Cell, Table},
    wait,
};
use crate::config::check_text;
use crate::control::api::{FileText, Plan, PlanClass, Request, SessionFate, indented};
use crate::control::io::Client;

/// Which file.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file as it shall be
    file: PathBuf,
    /// Write the daemon's JSON document instead
    #[arg(long)]
    json: bool,
}

/// Shows what would change. Fails if the file has faults, or if a reload of it would be refused.
pub fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let file = args.file.display().to_string();
    let text = fs::read_to_string(&args.file).map_err(|error| Failure::new(format!("cannot read {file}: {error}")))?;
    let report = check_text(&file, &text);
    if !report.ok {
        check::tell(&report.diagnostics, &text);
        return Err(Failure::new(report.summary()));
    }
    let plan: Plan = wait(async { Ok(client.ask(&Request::Plan(FileText { file, text })).await?) })?;
    let mut screen = Screen::stdout();
    if args.json {
        screen.text(&indented(&plan))?
    } else {
        write_plan(&plan, &mut screen)?
    }
    screen.flush()?;
    if plan.refused.is_empty() { Ok(()) } else { Err(Failure::told()) }
}

/// Writes a plan, or what became of one.
pub fn write_plan<W: Write>(plan: &Plan, screen: &mut Screen<W>) -> io::Result<()> {
    screen.toned(headline(plan), tone(plan.class))?;
    screen.text("\n")?;
    if !plan.peers.is_empty() {
        let mut table =
            Table::new(&["far end of", "instance", "device", "must have as neighbor", "with AS", "instead of"]);
        for peer in &plan.peers {
            let was = match (peer.was_address, peer.was_asn) {
                (Some(address), Some(asn)) => format!("{address}, AS {asn}"),
                (_, _) => "nothing".to_owned(),
            };
            let instance = peer.instance.as_ref().map_or("-", |instance| instance.as_str());
            let device = peer.device.as_ref().map_or("-", |device| device.as_str());
            let (address, asn) = (peer.address.to_string(), peer.asn.to_string());
            table.row([
                peer.neighbor.as_str().into(),
                instance.into(),
                device.into(),
                address.into(),
                asn.into(),
                was.into(),
            ]);
        }
        let when = if plan.applied { "" } else { ", which should be done before the reload" };
        screen.text("\n")?;
        screen.line(&format!("what people must change at the far ends{when}:"))?;
        table.write(screen)?;
    }
    if !plan.changes.is_empty() {
        let mut table = Table::new(&["what", "key", "from", "to", "class"]);
        for change in &plan.changes {
            let (from, to) = match &change.key {
                Some(_) => (change.from.clone().unwrap_or("-".into()), change.to.clone().unwrap_or("-".into())),
                None if change.to.is_some() => ("-".into(), "new".into()),
                None => ("there".into(), "gone".into()),
            };
            let key = change.key.clone().unwrap_or_else(|| "-".into());
            table.row([change.thing.clone().into(), key.into(), from.into(), to.into(), class(change.class)]);
        }
        screen.text("\n")?;
        table.write(screen)?;
    }
    let differs = |fate: SessionFate| fate != SessionFate::Kept;
    if plan.sessions.iter().chain(&plan.ranges).any(|session| differs(session.fate)) {
        let mut table = Table::new(&["session", "becomes", "because"]);
        for session in plan.sessions.iter().filter(|session| differs(session.fate)) {
            let was = session.was.as_ref().map(|was| format!("it was called {was}"));
            let because: Vec<_> = session.because.iter().cloned().chain(was).collect();
            table.row([session.name.as_str().into(), fate(session.fate), list(&because, ", ").into()]);
        }
        for range in plan.ranges.iter().filter(|range| differs(range.fate)) {
            table.row([format!("from {}", range.name).into(), fate(range.fate), list(&range.because, ", ").into()]);
        }
        screen.text("\n")?;
        table.write(screen)?;
    }
    let kept = plan.sessions.iter().filter(|session| !differs(session.fate)).count() as u64;
    screen.text("\n")?;
    screen.line(&format!("left as they are: {}", counted(kept, "session", "sessions")))?;
    let prefixes = plan.announced.iter().map(|prefix| format!("+{prefix}"));
    let prefixes: Vec<_> = prefixes.chain(plan.withdrawn.iter().map(|prefix| format!("-{prefix}"))).collect();
    if !prefixes.is_empty() {
        screen.line(&format!("prefixes told to neighbors: {}", list(&prefixes, " ")))?;
    }
    if !plan.spread.is_empty() {
        screen.line(&format!("for all routes: {}", list(&plan.spread, ", ")))?;
    }
    for refused in &plan.refused {
        screen.toned(&format!("{} takes a restart of the daemon: {}", refused.key, refused.reason), Tone::Bad)?;
        screen.text("\n")?;
    }
    Ok(())
}

fn headline(plan: &Plan) -> &'static str {
    match (plan.applied, plan.class) {
        (false, PlanClass::Restart) => "a reload is refused: something takes a restart of the daemon",
        (false, PlanClass::None) => "a reload would change nothing that anybody sees",
        (false, PlanClass::Soft) => "a reload would end no session: routes are looked through again",
        (false, _) => "a reload would end or begin sessions",
        (true, PlanClass::None) => "reloaded: nothing has changed that anybody sees",
        (true, PlanClass::Soft) => "reloaded: no session ends, routes are looked through again",
        (true, _) => "reloaded: sessions end or begin",
    }
}

fn tone(class: PlanClass) -> Tone {
    match class {
        PlanClass::None => Tone::Good,
        PlanClass::Soft => Tone::Plain,
        PlanClass::Session => Tone::Warn,
        PlanClass::Restart | PlanClass::Unknown => Tone::Bad,
    }
}

fn class(class: PlanClass) -> Cell {
    let word = match class {
        PlanClass::None => "none",
        PlanClass::Soft => "soft",
        PlanClass::Session => "session",
        PlanClass::Restart => "restart",
        PlanClass::Unknown => "unknown",
    };
    Cell::toned(word, tone(class))
}

fn fate(fate: SessionFate) -> Cell {
    match fate {
        SessionFate::Kept => Cell::toned("kept", Tone::Good),
        SessionFate::Soft => "soft".into(),
        SessionFate::Reset => Cell::toned("reset", Tone::Warn),
        SessionFate::Added => "added".into(),
        SessionFate::Removed => Cell::toned("removed", Tone::Warn),
        SessionFate::Unknown => "unknown".into(),
    }
}
