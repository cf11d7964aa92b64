//! Reads single values: what each kind of value may be, and the sentence for what it may not.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use toml::de::DeValue;

use super::duration;
use super::raw::Wrong;
use crate::gateway::Word;
use crate::types::Asn;
use crate::types::Family;
use crate::types::Name;
use crate::types::Prefix;
use crate::types::PrefixError;
use crate::types::RouterId;

pub(super) fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, Wrong> {
    value.as_str().ok_or_else(|| Wrong::kind(value))
}

/// A number within bounds, in words if it is not.
pub(super) fn number(value: &DeValue<'_>, least: u64, most: u64) -> Result<u64, Wrong> {
    let integer = value.as_integer().ok_or_else(|| Wrong::kind(value))?;
    let number = i128::from_str_radix(integer.as_str(), integer.radix()).ok().and_then(|n| u64::try_from(n).ok());
    number
        .filter(|n| (least..=most).contains(n))
        .ok_or_else(|| Wrong::value(format!("{} is not within {least} to {most}", integer.as_str())))
}

pub(super) fn boolean(value: &DeValue<'_>) -> Result<bool, Wrong> {
    value.as_bool().ok_or_else(|| Wrong::kind(value))
}

pub(super) fn name(value: &DeValue<'_>) -> Result<Name, Wrong> {
    Name::new(text(value)?).map_err(|fault| Wrong::value(fault.to_string()))
}

/// An AS number that someone may really use.
pub(super) fn asn(value: &DeValue<'_>) -> Result<Asn, Wrong> {
    let wide = number(value, 0, u64::from(u32::MAX))?;
    let asn = Asn::new(u32::try_from(wide).map_err(|_| Wrong::kind(value))?);
    match asn.reserved() {
        None => Ok(asn),
        Some(why) => Err(Wrong::value(format!("{asn} can be nobody's AS number: {why}"))
            .with("use the AS number that was assigned, or a private one: 64512 to 65534, or 4200000000 to 4294967294")
            .coded("reserved-asn")),
    }
}

/// An address that one host can have.
pub(super) fn address(value: &DeValue<'_>) -> Result<IpAddr, Wrong> {
    let text = text(value)?;
    let address: IpAddr = text.parse().map_err(|_| match text.split_once('/') {
        Some((address, _)) if address.parse::<IpAddr>().is_ok() => {
            Wrong::value(format!("\"{text}\" is a prefix; an address is wanted")).with(format!("write \"{address}\""))
        }
        _ => Wrong::value(format!("\"{text}\" is not an IP address")),
    })?;
    let broadcast = matches!(address, IpAddr::V4(a) if a.is_broadcast());
    if address.is_unspecified() || address.is_multicast() || address.is_loopback() || broadcast {
        return Err(Wrong::value(format!("{address} is no address that another host can reach")));
    }
    Ok(address)
}

pub(super) fn router_id(value: &DeValue<'_>) -> Result<RouterId, Wrong> {
    let text = text(value)?;
    let address: Option<Ipv4Addr> = text.parse().ok();
    address.and_then(RouterId::new).ok_or_else(|| {
        Wrong::value(format!("\"{text}\" is not a BGP Identifier: four octets that are not all zero (RFC 6286)"))
    })
}

pub(super) fn prefix(value: &DeValue<'_>) -> Result<Prefix, Wrong> {
    text(value)?.parse().map_err(|fault: PrefixError| Wrong::value(fault.to_string()))
}

/// The name of a kernel interface.
pub(super) fn interface(value: &DeValue<'_>) -> Result<String, Wrong> {
    let text = text(value)?;
    let odd = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    if text.is_empty() || text.len() > 15 || text.contains(odd) || text == "." || text == ".." {
        return Err(Wrong::value(format!(
            "\"{}\" cannot be an interface: 1 to 15 octets without '/', ':' or spaces",
            text.escape_debug()
        )));
    }
    Ok(text.to_owned())
}

pub(super) fn family(value: &DeValue<'_>) -> Result<Family, Wrong> {
    word(value, &[("ipv4", Family::Ipv4), ("ipv6", Family::Ipv6)])
}

/// One of some words.
pub(super) fn word<T: Copy>(value: &DeValue<'_>, words: &[(&str, T)]) -> Result<T, Wrong> {
    let text = text(value)?;
    words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let all: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        Wrong::value(format!("\"{}\" is none of {}", text.escape_debug(), all.join(", ")))
    })
}

/// A policy by its name.
pub(super) fn policy(value: &DeValue<'_>) -> Result<Word, Wrong> {
    match text(value)? {
        "accept" => Ok(Word::Accept),
        "reject" => Ok(Word::Reject),
        other => Name::new(other).map(Word::Named).map_err(|fault| Wrong::value(fault.to_string())),
    }
}

/// A duration within bounds.
pub(super) fn span_of_time(value: &DeValue<'_>, least: Duration, most: Duration) -> Result<Duration, Wrong> {
    let Some(text) = value.as_str() else {
        return Err(match value.as_integer() {
            Some(number) => Wrong::value("a duration needs its unit: \"ms\", \"s\", \"m\" or \"h\"")
                .with(format!("if seconds are meant, write \"{}s\"", number.as_str())),
            None => Wrong::kind(value),
        });
    };
    let Some(duration) = duration::parse(text) else {
        return Err(Wrong::value(format!(
            "\"{}\" is not a duration such as \"90s\", \"300ms\" or \"1m30s\"",
            text.escape_debug()
        )));
    };
    if duration < least || duration > most {
        return Err(Wrong::value(format!(
            "{} is not within {} to {}",
            duration::show(duration),
            duration::show(least),
            duration::show(most)
        )));
    }
    Ok(duration)
}

/// The path of a file that holds a key; the empty text is no key.
pub(super) fn key_file(value: &DeValue<'_>) -> Result<Option<PathBuf>, Wrong> {
    let text = text(value)?;
    if text.is_empty() {
        return Ok(None);
    }
    if !text.starts_with('/') || text.len() > 4095 || text.contains('\0') {
        return Err(Wrong::value("a key is in a file of its own, named with its whole path, which starts with '/'"));
    }
    Ok(Some(PathBuf::from(text)))
}

/// An absolute path that fits a unix socket's address.
/// An address and a port to listen on.
pub(super) fn endpoint(value: &DeValue<'_>) -> Result<SocketAddr, Wrong> {
    let text = text(value)?;
    let read: Option<SocketAddr> = text.parse().ok();
    read.filter(|read| read.port() != 0).ok_or_else(|| {
        Wrong::value(format!("\"{text}\" is not an address and a port")).with("write for example `\"127.0.0.1:9179\"`")
    })
}

pub(super) fn socket(value: &DeValue<'_>) -> Result<PathBuf, Wrong> {
    let text = text(value)?;
    if !text.starts_with('/') || text.len() > 107 || text.contains('\0') {
        return Err(Wrong::value("a socket's path starts with '/' and has at most 107 octets"));
    }
    Ok(PathBuf::from(text))
}
