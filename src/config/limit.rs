//! Reads `max-prefixes` and `shutdown`: a word, or what stands behind it.

use std::time::Duration;

use toml::de::DeValue;

use super::{
    file::narrow,
    raw::{At, Reader, Section, Wrong},
    value,
};
use crate::gateway::LimitAction;
use crate::gateway::PrefixLimit;
use crate::gateway::Shutdown;

/// The most octets of a text that a peer is told (RFC 9003 §2).
const TEXT_MAX: usize = 255;

/// `max-prefixes`: one number for each family, or a table.
pub(super) fn max_prefixes(r: &mut Reader<'_>, s: &Section<'_>) -> Option<PrefixLimit> {
    let number = r.value_with(s, "max-prefixes", |v| match v {
        DeValue::Table(_) => Ok(None),
        _ => narrow(v, 0, u64::from(u32::MAX)).map(Some),
    })?;
    match number.value {
        Some(number) => Some(PrefixLimit { ipv4: number, ipv6: number, ..PrefixLimit::NONE }),
        None => r.table(s, "max-prefixes", "bgp.max-prefixes").map(|s| table(r, &s)),
    }
}

fn table(r: &mut Reader<'_>, s: &Section<'_>) -> PrefixLimit {
    let words = [("warn", LimitAction::Warn), ("trim", LimitAction::Trim), ("drop", LimitAction::Drop)];
    let family = |r: &mut Reader<'_>, name| r.value(s, name, |v| narrow(v, 0, u64::from(u32::MAX)));
    let (ipv4, ipv6) = (family(r, "ipv4"), family(r, "ipv6"));
    let action = r.value_with(s, "action", |v| value::word(v, &words));
    let warn_at = r.value(s, "warn-at", |v| narrow(v, 1, 100));
    let restart =
        r.value(s, "restart", |v| value::span_of_time(v, Duration::from_secs(1), Duration::from_secs(7 * 24 * 3600)));
    if !s.has("ipv4") && !s.has("ipv6") {
        let message = "`max-prefixes` limits nothing: it names no family";
        r.error("bad-value", &s.span, message, "write for example `max-prefixes = { ipv4 = 4000, ipv6 = 1000 }`");
    }
    let limit = PrefixLimit {
        ipv4: ipv4.map_or(0, |at| at.value),
        ipv6: ipv6.map_or(0, |at| at.value),
        action: action.as_ref().map_or(PrefixLimit::NONE.action, |at| at.value),
        warn_at: warn_at.map_or(PrefixLimit::NONE.warn_at, |at| at.value),
        restart: restart.as_ref().map(|at| at.value),
    };
    if let (Some(restart), Some(action)) = (restart, action.filter(|at| at.value != LimitAction::Drop)) {
        let message = "`restart` says how long a session stays down, and this `action` ends none";
        r.error_also("restart-without-drop", &restart.span, message, "leave out `restart`", (&action.span, "and here"));
    }
    limit
}

/// `shutdown`: a word, or the text for the operator at the other end.
pub(super) fn shutdown(r: &mut Reader<'_>, s: &Section<'_>) -> Option<Shutdown> {
    let read = |v: &DeValue<'_>| match v.as_str() {
        Some(text) if text.len() > TEXT_MAX => {
            Err(Wrong::value(format!("the text has {} octets, and a peer takes at most {TEXT_MAX}", text.len()))
                .with("write a shorter one"))
        }
        Some("") => Err(Wrong::value("an empty text says nothing").with("write `shutdown = true`")),
        Some(text) => Ok(Shutdown::Yes(text.to_owned())),
        None => value::boolean(v).map(|yes| if yes { Shutdown::Yes(String::new()) } else { Shutdown::No }),
    };
    r.value(s, "shutdown", read).map(|At { value, .. }| value)
}
