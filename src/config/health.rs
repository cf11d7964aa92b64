//! Reads `[health]` and `[drain]`.

use std::time::Duration;

use toml::de::DeValue;

use super::{
    file::narrow,
    raw::{Reader, Section, Wrong},
    settings::{Drain, Health},
    value,
};
use crate::hook::Command;

/// `[health]`, with its defaults.
pub(super) fn health(r: &mut Reader<'_>, s: &Section<'_>) -> Health {
    let defaults = Health::default();
    let (least, most) = (Duration::from_millis(100), Duration::from_secs(3600));
    let time = |v: &DeValue<'_>| value::span_of_time(v, least, most);
    let interval = r.value_with(s, "interval", time);
    let limit = r.value_with(s, "limit", time);
    let fall = r.value(s, "fall", |v| narrow(v, 1, 100));
    let rise = r.value(s, "rise", |v| narrow(v, 1, 100));
    let health = Health {
        vpn_command: r.value(s, "vpn-command", command).map(|at| at.value),
        command: r.value(s, "command", command).map(|at| at.value),
        interval: interval.map_or(defaults.interval, |at| at.value),
        limit: limit.map_or(defaults.limit, |at| at.value),
        fall: fall.map_or(defaults.fall, |at| at.value),
        rise: rise.map_or(defaults.rise, |at| at.value),
    };
    if health.vpn_command.is_none() && health.command.is_none() {
        for name in ["interval", "limit", "fall", "rise"] {
            if let Some(span) = r.key_span(s, name) {
                let message = format!("`{name}` is about commands, and `[health]` names none");
                r.warning("health-without-command", &span, message, "write `command`, `vpn-command`, or neither");
            }
        }
    }
    health
}

/// `[drain]`, with its defaults.
pub(super) fn drain(r: &mut Reader<'_>, s: &Section<'_>) -> Drain {
    let defaults = Drain::default();
    let (none, hour) = (Duration::ZERO, Duration::from_secs(3600));
    let limit = r.value_with(s, "limit", |v| value::span_of_time(v, none, hour));
    let back = r.value_with(s, "return-limit", |v| value::span_of_time(v, Duration::from_secs(1), hour));
    let quiet = r.value(s, "quiet", |v| value::number(v, 0, 1_000_000_000));
    Drain {
        limit: limit.map_or(defaults.limit, |at| at.value),
        quiet: quiet.map_or(defaults.quiet, |at| at.value),
        return_limit: back.map_or(defaults.return_limit, |at| at.value),
    }
}

/// A program and its arguments, as a list of words.
pub(super) fn command(v: &DeValue<'_>) -> Result<Command, Wrong> {
    if let Some(text) = v.as_str() {
        let words: Vec<String> = text.split_whitespace().map(|word| format!("\"{}\"", word.escape_default())).collect();
        return Err(Wrong::value("a command is a list of words: no shell reads it")
            .with(format!("write [{}]", words.join(", "))));
    }
    let words = v.as_array().ok_or_else(|| Wrong::kind(v))?;
    let words = words.iter().map(|word| value::text(word.get_ref()).map(str::to_owned)).collect::<Result<_, _>>()?;
    Command::new(words).ok_or_else(|| {
        Wrong::value("a command begins with a program, and no word holds a NUL")
            .with("write for example [\"/usr/lib/twinspan/healthy\", \"--quick\"]")
    })
}
