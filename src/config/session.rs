//! Reads what a `bgp` table says, wherever it stands.

use std::{ops::Range, path::PathBuf, time::Duration};

use toml::de::DeValue;

use super::{
    file, limit, policy,
    raw::{At, Reader, Section, Wrong},
    value, watch,
};
use crate::gateway::AoKey;
use crate::gateway::Auth;
use crate::gateway::Bfd;
use crate::gateway::Bgp;
use crate::gateway::ProbeWords;
use crate::gateway::Restart;
use crate::gateway::Ttl;
use crate::gateway::Word;
use crate::gateway::Words;
use crate::types::AoAlgorithm;
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
    /// The policies of `import`, each with its place.
    pub(super) import: Vec<At<Word>>,
    /// The policies of `export`, each with its place.
    pub(super) export: Vec<At<Word>>,
    /// The files of keys.
    pub(super) keys: Vec<At<PathBuf>>,
    /// Where keys of TCP-AO stand.
    pub(super) ao_at: Option<Range<usize>>,
}

/// The `bgp`, the `bfd` and the `probe` table of that section; empty if there is none.
pub(super) fn table(r: &mut Reader<'_>, section: &Section<'_>) -> Session {
    let mut session = bgp(r, section);
    session.bgp.bfd = watch::table(r, section);
    session.bgp.probe = watch::probe(r, section);
    session
}

fn bgp(r: &mut Reader<'_>, section: &Section<'_>) -> Session {
    r.table(section, "bgp", "bgp").map(|s| read(r, &s)).unwrap_or_default()
}

/// The `bgp` of a connection: a word or a table.
pub(super) fn switch(r: &mut Reader<'_>, section: &Section<'_>) -> (bool, Session) {
    let word = r.value_with(section, "bgp", |v| match v {
        DeValue::Table(_) => Ok(None),
        _ => value::boolean(v).map(Some),
    });
    let (uses_bgp, mut session) = match word {
        Some(At { value: None, .. }) => (true, bgp(r, section)),
        Some(At { value: Some(false), .. }) => (false, Session::default()),
        Some(At { value: Some(true), .. }) | None => (true, Session::default()),
    };
    session.bgp.bfd = watch::table(r, section);
    session.bgp.probe = watch::probe(r, section);
    (uses_bgp, session)
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
    let both = [("import", &mut bgp.import, &mut session.import), ("export", &mut bgp.export, &mut session.export)];
    for (name, place, spans) in both {
        let Some(list) = words(r, section, name) else { continue };
        if place.replace(plain(&list)).is_some() {
            twice(r, name);
        }
        *spans = list;
    }
}

fn read(r: &mut Reader<'_>, s: &Section<'_>) -> Session {
    let waits = |v: &DeValue<'_>| value::span_of_time(v, Duration::from_millis(10), Duration::from_secs(3600));
    let hold_time = r.value(s, "hold-time", hold_time);
    let keepalive = r.value_with(s, "keepalive-time", |v| {
        value::span_of_time(v, Duration::from_millis(100), Duration::from_secs(65_534))
    });
    let send_hold = r.value(s, "send-hold-time", send_hold_time);
    let connect_retry = r.value_with(s, "connect-retry", waits);
    let idle_hold_max = r.value_with(s, "idle-hold-max", waits);
    let (import, export) = (words(r, s, "import"), words(r, s, "export"));
    let secrets = secrets(r, s);
    Session {
        keys: secrets.keys,
        ao_at: secrets.ao_at,
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
            restart: restart(r, s),
            max_prefixes: limit::max_prefixes(r, s),
            shutdown: limit::shutdown(r, s),
            auth: secrets.auth,
            families: families(r, s),
            bfd: Bfd::default(),          // of a table of its own
            probe: ProbeWords::default(), // the same
            import: import.as_deref().map(plain),
            export: export.as_deref().map(plain),
            weight: r.value(s, "weight", policy::weight).map(|at| at.value),
            graceful_shutdown: r.value(s, "graceful-shutdown", value::boolean).map(|at| at.value),
            allow_as_sets: r.value(s, "allow-as-sets", value::boolean).map(|at| at.value),
        },
        import: import.unwrap_or_default(),
        export: export.unwrap_or_default(),
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

/// `graceful-restart`: a word or a table.
fn restart(r: &mut Reader<'_>, s: &Section<'_>) -> Option<Restart> {
    let word = r.value_with(s, "graceful-restart", |v| match v {
        DeValue::Table(_) => Ok(true),
        _ => value::boolean(v),
    })?;
    let mut restart = Restart { enabled: word.value, ..Restart::default() };
    let table =
        s.has_table("graceful-restart").then(|| r.table(s, "graceful-restart", "bgp.graceful-restart")).flatten();
    if let Some(table) = table {
        let seconds = |v: &DeValue<'_>, least: u64, most: u64| {
            let time = value::span_of_time(v, Duration::from_secs(least), Duration::from_secs(most))?;
            if time.subsec_millis() == 0 { Ok(time) } else { Err(Wrong::value("it is in whole seconds (RFC 4724)")) }
        };
        if let Some(time) = r.value_with(&table, "restart-time", |v| seconds(v, 0, 4095)) {
            restart.restart_time = time.value;
        }
        if let Some(time) = r.value_with(&table, "stale-time", |v| seconds(v, 1, 86_400)) {
            restart.stale_time = time.value;
        }
    }
    Some(restart)
}

/// What `password-file` and `ao-keys` say.
#[derive(Default)]
struct Secrets {
    auth: Option<Auth>,
    keys: Vec<At<PathBuf>>,
    ao_at: Option<Range<usize>>,
}

/// `""` is no password, and `[]` no keys: what a table around this one says is not meant for this one then.
fn secrets(r: &mut Reader<'_>, s: &Section<'_>) -> Secrets {
    let password = r.value(s, "password-file", value::key_file);
    let given = r.key_span(s, "ao-keys");
    let keys = ao_keys(r, s);
    match (password, given) {
        (Some(password), Some(at)) => {
            let message =
                "`password-file` is for TCP MD5, and `ao-keys` for TCP-AO: a session is signed by one of them";
            r.error_also("auth-conflict", &at, message, "leave out one of the two", (&password.span, "and here"));
            Secrets::default()
        }
        (Some(At { value: None, .. }), None) => Secrets { auth: Some(Auth::None), ..Secrets::default() },
        (Some(At { value: Some(path), span }), None) => {
            Secrets { auth: Some(Auth::Md5(path.clone())), keys: vec![At { value: path, span }], ao_at: None }
        }
        (None, Some(_)) if keys.is_empty() => Secrets { auth: Some(Auth::None), ..Secrets::default() },
        (None, Some(at)) => Secrets {
            keys: keys.iter().map(|(key, span)| At { value: key.file.clone(), span: span.clone() }).collect(),
            auth: Some(Auth::Ao(keys.into_iter().map(|(key, _)| key).collect())),
            ao_at: Some(at),
        },
        (None, None) => Secrets::default(),
    }
}

/// The keys of TCP-AO, each with the place of its file.
fn ao_keys(r: &mut Reader<'_>, s: &Section<'_>) -> Vec<(AoKey, Range<usize>)> {
    let mut keys: Vec<(AoKey, Range<usize>)> = Vec::new();
    for section in r.tables(s, "ao-keys", "bgp.ao-keys") {
        let algorithms = [("hmac-sha-1-96", AoAlgorithm::HmacSha1), ("aes-128-cmac-96", AoAlgorithm::AesCmac)];
        let id = r.required(&section, "id", |v| file::narrow::<u8>(v, 0, 255));
        let receive_id = r.value(&section, "receive-id", |v| file::narrow::<u8>(v, 0, 255));
        let algorithm = r.value_with(&section, "algorithm", |v| value::word(v, &algorithms));
        r.must_have(&section, "file");
        let file = r.value(&section, "file", value::key_file);
        if let Some(At { value: None, span }) = &file {
            r.error("bad-value", span, "`file`: a key needs a file", "name the file that holds it");
        }
        let (Some(id), Some(At { value: Some(file), span })) = (id, file) else { continue };
        let receive_id = receive_id.map_or(id.value, |at| at.value);
        if keys.iter().any(|(key, _)| key.id == id.value || key.receive_id == receive_id) {
            let message = format!("two keys have the id {} or the receive id {receive_id}", id.value);
            r.error("equal-key-ids", &id.span, message, "give each key ids of its own (RFC 5925 section 3.1)");
        }
        let algorithm = algorithm.map_or(AoAlgorithm::HmacSha1, |at| at.value);
        keys.push((AoKey { id: id.value, receive_id, algorithm, file }, span));
    }
    keys
}

fn families(r: &mut Reader<'_>, s: &Section<'_>) -> Option<Vec<Family>> {
    let list = r.list(s, "families", value::family)?;
    if list.value.is_empty() {
        let message = "`families`: a session without a family exchanges nothing";
        r.error("bad-value", &list.span, message, "write for example `families = [\"ipv4\"]`, or leave it out");
    }
    Some(list.value.into_iter().map(|at| at.value).collect())
}

fn words(r: &mut Reader<'_>, s: &Section<'_>, name: &str) -> Option<Vec<At<Word>>> {
    Some(r.list(s, name, value::policy)?.value)
}

fn plain(words: &[At<Word>]) -> Words {
    Words(words.iter().map(|at| at.value.clone()).collect())
}
