//! Reads what a `bfd` and a `probe` table say, wherever they stand.

use std::time::Duration;

use super::{
    file,
    raw::{Reader, Section, Wrong},
    value,
};
use crate::gateway::Bfd;
use crate::gateway::BfdKey;
use crate::gateway::ProbeWords;

/// What BFD could prove with, as far as we do.
const ALGORITHMS: [(&str, bool); 2] = [("keyed-sha1", false), ("meticulous-keyed-sha1", true)];

/// The `bfd` table of that section; empty if there is none.
pub(super) fn table(r: &mut Reader<'_>, section: &Section<'_>) -> Bfd {
    r.table(section, "bfd", "bfd").map(|s| read(r, &s)).unwrap_or_default()
}

/// The `probe` table of that section; empty if there is none.
pub(super) fn probe(r: &mut Reader<'_>, section: &Section<'_>) -> ProbeWords {
    let Some(s) = r.table(section, "probe", "probe") else { return ProbeWords::default() };
    let (least, most) = (Duration::from_millis(100), Duration::from_secs(60));
    ProbeWords {
        enabled: r.value(&s, "enabled", value::boolean).map(|at| at.value),
        interval: r.value_with(&s, "interval", |v| value::span_of_time(v, least, most)).map(|at| at.value),
        count: r.value(&s, "count", |v| file::narrow::<u8>(v, 1, 100)).map(|at| at.value),
    }
}

fn read(r: &mut Reader<'_>, s: &Section<'_>) -> Bfd {
    let (least, most) = (Duration::from_millis(10), Duration::from_secs(60));
    Bfd {
        enabled: r.value(s, "enabled", value::boolean).map(|at| at.value),
        interval: r.value_with(s, "interval", |v| value::span_of_time(v, least, most)).map(|at| at.value),
        multiplier: r.value(s, "multiplier", |v| file::narrow::<u8>(v, 1, 255)).map(|at| at.value),
        strict: r.value(s, "strict", value::boolean).map(|at| at.value),
        multihop: r.value(s, "multihop", |v| file::narrow::<u8>(v, 2, 255)).map(|at| at.value),
        key: r.table(s, "key", "bfd.key").and_then(|s| key(r, &s)),
    }
}

fn key(r: &mut Reader<'_>, s: &Section<'_>) -> Option<BfdKey> {
    let id = r.required(s, "id", |v| file::narrow::<u8>(v, 0, 255));
    let algorithm = r.value(s, "algorithm", |v| match v.as_str() {
        Some(weak @ ("simple" | "password" | "keyed-md5" | "meticulous-keyed-md5")) => {
            Err(Wrong::value(format!("\"{weak}\" proves too little and is not there"))
                .with("write \"meticulous-keyed-sha1\", and set the other end to the same"))
        }
        _ => value::word(v, &ALGORITHMS),
    });
    let file = r.required(s, "file", |v| match value::key_file(v)? {
        Some(file) => Ok(file),
        None => Err(Wrong::value("a key is in a file").with("leave out `key`, and packets prove nothing")),
    });
    Some(BfdKey { id: id?.value, meticulous: algorithm.is_none_or(|at| at.value), file: file?.value })
}
