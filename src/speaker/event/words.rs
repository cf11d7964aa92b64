//! What people read of an event: one line with cause and effect.

use std::{fmt, time::Duration};

use super::Event;
use crate::config::{Fate, Plan};
use crate::drain::{Step, Target};
use crate::fib::Harm;
use crate::gateway::LimitAction;
use crate::types::{Family, Name, Prefix};
use crate::vpn::{Source, Word};
use crate::wire::FaultAction;

/// A line names so many prefixes of a faulty UPDATE; the message in it holds them all.
const PREFIXES_SHOWN: usize = 20;

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionUp { neighbor, asn, hold_time, families } => {
                let families: Vec<_> = families.iter().map(Family::to_string).collect();
                write!(f, "{neighbor} (AS {asn}) is Established: {}, hold time {hold_time}", families.join(" and "))
            }
            Self::SessionDown { neighbor, reason, message } => {
                write!(f, "{neighbor} is down: {reason}")?;
                message.iter().try_for_each(|message| write!(f, "; the message was {message:x}"))
            }
            Self::SessionFailed { neighbor, reason } => write!(f, "no session with {neighbor}: {reason}"),
            Self::EndOfRib { neighbor, family, received } => {
                write!(f, "{neighbor} has sent all of {family}: {received} prefixes")
            }
            Self::Softened { neighbor, fault, update, silent } => {
                write!(f, "{neighbor} sent a faulty UPDATE: {}", fault.reason)?;
                if let Some(code) = fault.attribute {
                    write!(f, " (attribute {code})")?;
                }
                f.write_str(match fault.action {
                    FaultAction::AttributeDiscard => "; the attribute is left out",
                    FaultAction::TreatAsWithdraw => "; its routes are taken as withdrawn",
                })?;
                if let Some((prefixes, message)) = update {
                    let shown: Vec<_> = prefixes.iter().take(PREFIXES_SHOWN).map(Prefix::to_string).collect();
                    write!(
                        f,
                        "; it was about {}",
                        if shown.is_empty() { "no prefix".into() } else { shown.join(" ") }
                    )?;
                    if prefixes.len() > PREFIXES_SHOWN {
                        write!(f, " and {} more", prefixes.len() - PREFIXES_SHOWN)?;
                    }
                    write!(f, "; the message was {message:x}")?;
                }
                more(*silent, f)
            }
            Self::Unfit { instance, reasons } => {
                write!(f, "{instance} cannot do its work: {}; it withdraws what it cannot do", reasons.join("; "))
            }
            Self::Fit { instance } => write!(f, "{instance} does its work again: it offers its routes"),
            Self::DrainBegins { instance, target, reason, against } => {
                write!(f, "{} is to be drained", named(instance, target))?;
                reason.iter().try_for_each(|reason| write!(f, " ({reason})"))?;
                if against.is_empty() { Ok(()) } else { write!(f, ", although {}", against.join("; ")) }
            }
            Self::DrainStep { instance, target, step, moved, took, lost } => {
                let what = named(instance, target);
                let seconds = || took.map_or_else(String::new, |took| format!(" after {:.1} s", took.as_secs_f64()));
                let lost = || match lost {
                    Some(0) => ": no packet was lost here".to_owned(),
                    Some(lost) => format!(": {lost} packets were lost here"),
                    None => String::new(),
                };
                match (step, moved) {
                    (Step::Moving, _) => write!(f, "{what}: its neighbors are told that every route is about to go"),
                    (Step::Withdrawing, Some(false)) => {
                        write!(f, "{what}: not all traffic has moved within the limit; all routes are withdrawn")
                    }
                    (Step::Withdrawing, _) => write!(f, "{what}: traffic has moved; all routes are withdrawn"),
                    (Step::Closing, _) => write!(f, "{what}: sessions are ended"),
                    (Step::Drained, _) => write!(f, "{what} is drained{}{}", seconds(), lost()),
                    (Step::Returning, _) => {
                        write!(f, "{what}: sessions come back, and routes go into the kernel first")
                    }
                    (Step::Returned, _) => write!(f, "{what} is back in service{}{}", seconds(), lost()),
                }
            }
            Self::DrainYields { instance, twin } => {
                write!(f, "{instance} is not drained: {twin} is, and never both are")
            }
            Self::RoutesKept { neighbor, routes, limit } => {
                write!(
                    f,
                    "{neighbor} may be restarting: its {routes} routes are kept, for {}s at most",
                    limit.as_secs()
                )
            }
            Self::RoutesDropped { neighbor, routes, why } => {
                write!(f, "{routes} routes that were kept of {neighbor} are used no longer: {why}")
            }
            Self::PrefixesNear { neighbor, family, received, limit } => {
                write!(f, "{neighbor} teaches {received} {family} prefixes, and may teach {limit}")
            }
            Self::PrefixesOver { neighbor, family, received, limit, action, restart } => {
                write!(f, "{neighbor} teaches {received} {family} prefixes, more than the {limit} that it may: ")?;
                match (action, restart) {
                    (LimitAction::Warn, _) => f.write_str("all are taken"),
                    (LimitAction::Trim, _) => f.write_str("those above are refused"),
                    (LimitAction::Drop, Some(wait)) => {
                        write!(f, "dropped, and may come back after {} s", wait.as_secs())
                    }
                    (LimitAction::Drop, None) => {
                        write!(f, "dropped; it comes back by `twinspan reset neighbor {neighbor}`")
                    }
                }
            }
            Self::Refreshed { neighbor, family, gone: 0 } => write!(f, "{neighbor} has sent all of {family} again"),
            Self::Refreshed { neighbor, family, gone } => {
                write!(f, "{neighbor} has sent all of {family} again, without {gone} of its routes: they go")
            }
            Self::RefreshLate { neighbor, family, limit } => {
                write!(f, "{neighbor} began to send all of {family} again and did not end within {}s", limit.as_secs())
            }
            Self::RefreshIgnored { neighbor, why, silent } => {
                write!(f, "{neighbor} sent a ROUTE-REFRESH that is ignored: {why}")?;
                more(*silent, f)
            }
            Self::Tunnel { tunnel, interface, change, down_for } => {
                let (reason, source) = (&change.reason, change.source.map_or("damping", Source::as_str));
                match (change.word, down_for) {
                    (Word::Up, Some(time)) => {
                        write!(f, "tunnel {tunnel} is up again after {}: {reason} ({source})", seconds(*time))
                    }
                    (Word::Up, None) => write!(f, "tunnel {tunnel} is up: interface {interface} is up"),
                    (Word::Down, _) => write!(f, "tunnel {tunnel} is down: {reason} ({source})"),
                    (Word::Objected, _) => {
                        write!(f, "tunnel {tunnel} is down for one more reason: {reason} ({source})")
                    }
                    (Word::Agreed, _) => write!(f, "tunnel {tunnel} is still down, but {reason} ({source})"),
                    (Word::Damped, _) => write!(f, "tunnel {tunnel} has flapped: {reason} ({source})"),
                }
            }
            Self::InterfaceUp { neighbor, interface } => write!(f, "{neighbor}: interface {interface} is up"),
            Self::InterfaceDown { neighbor, interface, what } => {
                write!(f, "{neighbor}: interface {interface} {what}; its session waits for it")
            }
            Self::Stranger { remote, local, silent } => {
                write!(f, "{remote} dialled {local} and is no neighbor of ours: closed")?;
                more(*silent, f)
            }
            Self::WrongInterface { neighbor, remote, came_by, silent } => {
                let came_by = came_by.as_deref().unwrap_or("another interface");
                write!(
                    f,
                    "{remote} has the address of {neighbor} and came by {came_by}, not by its interface: closed"
                )?;
                more(*silent, f)
            }
            Self::RangeFull { range, remote, limit, silent } => {
                write!(f, "{remote} is one too many in the range {range}, which may have {limit}: rejected")?;
                more(*silent, f)
            }
            Self::KernelRefused { refused, first, error, silent } => {
                write!(f, "the kernel refused {first}: {error}")?;
                if *refused > 1 {
                    write!(f, " (and {} more)", refused - 1)?;
                }
                more(*silent, f)
            }
            Self::KernelFull { error, waiting, objects, present } => {
                write!(f, "the kernel has no room: {error}; it has {present} of our routes, {waiting} wait")?;
                if *objects > 0 {
                    write!(f, ", and {objects} groups, next hops or host routes")?;
                }
                f.write_str("; they are tried again from time to time, and all else goes on")
            }
            Self::KernelRoom { refused, lasted } => {
                let lasted = lasted.as_secs();
                write!(f, "the kernel has room again after {lasted} s in which it refused {refused} operations")
            }
            Self::Leftovers { routes, objects, one } => {
                write!(f, "an earlier run has left {routes} routes where none of ours go now")?;
                if let Some((table, protocol, metric)) = one {
                    write!(f, ", such as in table {table} under protocol {protocol} and metric {metric}")?;
                }
                if *objects > 0 {
                    write!(f, ", and {objects} groups and next hops")?;
                }
                f.write_str(": they stay until what is wanted is in the kernel")
            }
            Self::LeftoversGone => f.write_str("what an earlier run had left elsewhere in the kernel is gone"),
            Self::Tampered { what, harm, by, silent } => {
                match harm {
                    Harm::Deleted => write!(f, "{by} deleted {what}: put back")?,
                    Harm::Changed => write!(f, "{by} changed {what}: put right")?,
                    Harm::Added => write!(f, "{by} added {what} under our protocol number: taken out")?,
                    Harm::Replaced => write!(f, "{by} put a {what} of its own in the place of ours: left alone")?,
                }
                more(*silent, f)
            }
            Self::Repaired { found } => {
                write!(f, "{found} routes, next hops or groups in the kernel were not as we had left them: put right")
            }
            Self::ForeignMissed => {
                f.write_str("others changed routes or next hops faster than could be read: all of ours are compared")
            }
            Self::Compared { routes } => {
                write!(f, "news was lost: the {routes} routes in the kernel were compared with the wanted")
            }
            Self::Unread { reason } => write!(f, "cannot read the kernel's routes, trying again: {reason}"),
            Self::Adopted { routes, groups } => {
                write!(
                    f,
                    "found {routes} routes and {groups} groups of an earlier run: kept until the neighbors are back"
                )
            }
            Self::Converged { missing } if missing.is_empty() => {
                f.write_str("all neighbors have sent their routes: the kernel follows the RIB now")
            }
            Self::Converged { missing } => {
                let names: Vec<_> = missing.iter().map(Name::as_str).collect();
                write!(f, "the limit has passed without {}: the kernel follows the RIB now", names.join(", "))
            }
            Self::NotListening { family, reason } => {
                write!(f, "cannot accept connections over {family}: {reason}; neighbors there are still dialled")
            }
            Self::BfdUp { neighbor, detection } => {
                write!(f, "BFD with {neighbor} is up: a silence of {} ms is a failure", detection.as_millis())
            }
            Self::BfdDown { neighbor, diag, silent, .. } if !silent.is_zero() => {
                write!(f, "BFD with {neighbor} is down: {diag} ({} ms): no route leads over it", silent.as_millis())
            }
            Self::BfdDown { neighbor, diag, remote, .. } => {
                write!(f, "BFD with {neighbor} is down: {diag} (it says: {remote}): no route leads over it")
            }
            Self::ProbeAnswered { tunnel } => write!(f, "the far end of tunnel {tunnel} answers"),
            Self::ProbeSilent { tunnel, remote, count, silent } => write!(
                f,
                "the far end of tunnel {tunnel}, {remote}, does not answer: {count} requests in a row, silent for {:.1} s \
                 at most",
                silent.as_secs_f64()
            ),
            Self::BfdSilent { neighbor, what } => write!(f, "BFD with {neighbor} says nothing any more: {what}"),
            Self::BfdAgentLost { reason } => {
                write!(f, "the BFD agent is lost: {reason}; it is started again, and until then nothing is concluded")
            }
            Self::Role { active: true, why, term } => write!(f, "this instance is active (term {term}): {why}"),
            Self::Role { active: false, why, .. } => write!(f, "this instance is no longer active: {why}"),
            Self::StaysStandby { who } => write!(
                f,
                "the twin is silent, but {who} answers for the shared address: this instance stays standby as long as \
                 that is so"
            ),
            Self::RoleNotTaken => f.write_str("the twin did not take over; this instance stays active"),
            Self::AddressRefused { reason } => write!(f, "the shared address: {reason}"),
            Self::HookFailed { hook, about, ran } => {
                write!(f, "the hook {hook}{}{about}: {ran}", if about.is_empty() { "" } else { " of " })
            }
            Self::Twin { twin, news, silent } => {
                write!(f, "the twin, {twin}, {news}")?;
                more(*silent, f)
            }
            Self::Reloaded { plan, confirm_within } => {
                write!(f, "reloaded: {}", summary(plan))?;
                match confirm_within {
                    Some(seconds) => write!(f, "; goes back in {seconds} s unless it is confirmed"),
                    None => Ok(()),
                }
            }
            Self::ReloadRefused { reason, faults } => {
                write!(f, "not reloaded: {reason}")?;
                faults.iter().try_for_each(|fault| write!(f, "; {fault}"))
            }
            Self::Reverted { plan } => write!(f, "the reload was not confirmed and has gone back: {}", summary(plan)),
            Self::Confirmed => f.write_str("the last reload was confirmed"),
            Self::InstanceReset { sessions, by } => {
                let whom = by.as_ref().map_or("a person".to_owned(), |twin| format!("the twin, {twin},"));
                write!(f, "{whom} has this instance reset: {sessions} sessions end and are opened anew")
            }
            Self::Stopping => f.write_str("stopping: every neighbor is told"),
        }
    }
}

/// How many went untold.
fn more(silent: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if silent > 0 { write!(f, " ({silent} more like it since the last line)") } else { Ok(()) }
}

/// A time for a sentence.
fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} s", time.as_secs())
    }
}

/// What is drained, for a sentence.
fn named(instance: &Name, target: &Target) -> String {
    match target {
        Target::Instance => instance.to_string(),
        Target::Tunnel(_) | Target::Device(_) => target.to_string(),
    }
}

/// What a plan does, in one line.
fn summary(plan: &Plan) -> String {
    if plan.is_empty() {
        return "nothing differs for anybody".to_owned();
    }
    let count = |fate: Fate| plan.sessions.iter().filter(|session| session.fate == fate).count();
    let words = [("kept", Fate::Kept), ("soft", Fate::Soft), ("reset", Fate::Reset), ("added", Fate::Added)];
    let counts = words.into_iter().chain([("removed", Fate::Removed)]).map(|(word, fate)| (count(fate), word));
    let counts: Vec<_> =
        counts.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let prefixes = match (plan.announced.len(), plan.withdrawn.len()) {
        (0, 0) => String::new(),
        (new, gone) => format!("; {new} prefixes new, {gone} gone"),
    };
    format!("sessions: {}{prefixes}", counts.join(", "))
}
