//! Reads what a `bgp` table says, wherever it stands.

use std::{ops::Range, time::Duration};

use toml::de::DeValue;

use super::{
    file,
    raw::{At, Reader, Section, Wrong},
    value,
};
use crate::gateway::Bgp;
use crate::gateway::Ttl;
use crate::gateway::Words;
use crate::types::Family;
use crate::types::HoldTime;

/// Places in [`Session::timers`].
pub(super) const HOLD: usize = 0;
pub(super) const KEEPALIVE: usize = 1;
pub(super) const RETRY: usize = 2;
pub(super) const IDLE_HOLD: usize = 3;

/// What a `bgp` table says, and where it says what a rule may have to point at.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    pub(super) bgp: Bgp,
    /// Where the timers stand.
    pub(super) timers: [Option<Range<usize>>; 4],
}

/// The `bgp` table of that section; empty if there is none.
pub(super) fn table(r: &mut Reader<'_>, section: &Section<'_>) -> Session {
    r.table(section, "bgp", "bgp").map(|s| read(r, &s)).unwrap_or_default()
}

/// The `bgp` of a connection: a word or a table.
pub(super) fn switch(r: &mut Reader<'_>, section: &Section<'_>) -> (bool, Session) {
    let word = r.value_with(section, "bgp", |v| match v {
        DeValue::Table(_) => Ok(None),
        _ => value::boolean(v).map(Some),
    });
    match word {
        Some(At { value: None, .. }) => (true, table(r, section)),
        Some(At { value: Some(false), span }) => {
            let message = "not yet: connections without BGP, which would use the device's static prefixes";
            r.error("not-yet", &span, message, "write `bgp = true`");
            (false, Session::default())
        }
        Some(At { value: Some(true), .. }) | None => (true, Session::default()),
    }
}

/// What a neighbor may say without a `bgp` table: `families`, `import` and `export`.
pub(super) fn inline(r: &mut Reader<'_>, section: &Section<'_>, session: &mut Session) {
    let twice = |r: &mut Reader<'_>, name: &str| {
        if let Some(span) = r.key_span(section, name) {
            let message = format!("`{name}` stands here and in the `bgp` table");
            r.error("given-twice", &span, message, "leave out one of the two");
        }
    };
    let bgp = &mut session.bgp;
    if let Some(families) = families(r, section)
        && bgp.families.replace(families).is_some()
    {
        twice(r, "families");
    }
    for (name, place) in [("import", &mut bgp.import), ("export", &mut bgp.export)] {
        if let Some(words) = words(r, section, name)
            && place.replace(words).is_some()
        {
            twice(r, name);
        }
    }
}

fn read(r: &mut Reader<'_>, s: &Section<'_>) -> Session {
    r.not_yet(s, "password-file", "TCP MD5 passwords");
    if let Some(At { value: 1.., span }) = r.value(s, "max-prefixes", |v| value::number(v, 0, u64::from(u32::MAX))) {
        r.error("not-yet", &span, "not yet: limits on prefixes", "write `max-prefixes = 0`, which is no limit");
    }
    let waits = |v: &DeValue<'_>| value::span_of_time(v, Duration::from_millis(10), Duration::from_secs(3600));
    let hold_time = r.value(s, "hold-time", hold_time);
    let keepalive = r.value_with(s, "keepalive-time", |v| {
        value::span_of_time(v, Duration::from_millis(100), Duration::from_secs(65_534))
    });
    let send_hold = r.value(s, "send-hold-time", send_hold_time);
    let connect_retry = r.value_with(s, "connect-retry", waits);
    let idle_hold_max = r.value_with(s, "idle-hold-max", waits);
    Session {
        timers: [
            hold_time.as_ref().map(|at| at.span.clone()),
            keepalive.as_ref().map(|at| at.span.clone()),
            connect_retry.as_ref().map(|at| at.span.clone()),
            idle_hold_max.as_ref().map(|at| at.span.clone()),
        ],
        bgp: Bgp {
            hold_time: hold_time.map(|at| at.value),
            keepalive: keepalive.map(|at| at.value),
            send_hold: send_hold.map(|at| at.value),
            connect_retry: connect_retry.map(|at| at.value),
            idle_hold_max: idle_hold_max.map(|at| at.value),
            passive: r.value(s, "passive", value::boolean).map(|at| at.value),
            ttl: ttl(r, s),
            families: families(r, s),
            import: words(r, s, "import"),
            export: words(r, s, "export"),
        },
    }
}

fn hold_time(v: &DeValue<'_>) -> Result<HoldTime, Wrong> {
    let time = value::span_of_time(v, Duration::ZERO, Duration::from_secs(u64::from(u16::MAX)))?;
    if time.subsec_millis() != 0 {
        return Err(Wrong::value("a hold time is in whole seconds (RFC 4271)"));
    }
    u16::try_from(time.as_secs())
        .ok()
        .and_then(HoldTime::from_secs)
        .ok_or_else(|| Wrong::value("a hold time is \"0s\", which is off, or at least \"3s\" (RFC 4271)"))
}

fn send_hold_time(v: &DeValue<'_>) -> Result<Duration, Wrong> {
    let time = value::span_of_time(v, Duration::ZERO, Duration::from_secs(u64::from(u16::MAX)))?;
    if time.is_zero() || time >= Duration::from_secs(1) {
        Ok(time)
    } else {
        Err(Wrong::value("a send hold time is \"0s\", which is off, or at least \"1s\""))
    }
}

/// `multihop` says how far; without it `ttl-security` says whether the neighbor must prove to be on the link.
fn ttl(r: &mut Reader<'_>, s: &Section<'_>) -> Option<Ttl> {
    let security = r.value(s, "ttl-security", value::boolean);
    let multihop = r.value(s, "multihop", |v| file::narrow::<u8>(v, 1, 255));
    match (security, multihop) {
        (Some(At { value: true, span }), Some(hops)) => {
            let message = "`ttl-security` proves that the neighbor is on the link, and `multihop` says that it is not";
            r.error_also("ttl-conflict", &span, message, "leave out one of the two", (&hops.span, "and here"));
            None
        }
        (_, Some(hops)) => Some(Ttl::Hops(hops.value)),
        (Some(At { value: true, .. }), None) => Some(Ttl::Security),
        (Some(At { value: false, .. }), None) => Some(Ttl::Hops(1)),
        (None, None) => None,
    }
}

fn families(r: &mut Reader<'_>, s: &Section<'_>) -> Option<Vec<Family>> {
    let list = r.list(s, "families", value::family)?;
    if list.value.is_empty() {
        let message = "`families`: a session without a family exchanges nothing";
        r.error("bad-value", &list.span, message, "write for example `families = [\"ipv4\"]`, or leave it out");
    }
    Some(list.value.into_iter().map(|at| at.value).collect())
}

fn words(r: &mut Reader<'_>, s: &Section<'_>, name: &str) -> Option<Words> {
    Some(Words(r.list(s, name, value::policy)?.value.into_iter().map(|at| at.value).collect()))
}
