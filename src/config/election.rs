//! Reads what the file says of the election in active-standby, and of the commands that are run when the role changes.

use std::{ops::Range, time::Duration};

use toml::de::DeValue;

use super::{
    raw::{At, Reader, Section, Wrong},
    value,
};
use crate::gateway::ElectedBy;
use crate::gateway::Election;
use crate::gateway::Hooks;

/// The `[election]` table.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) span: Range<usize>,
    pub(super) by: Option<At<ElectedBy>>,
    lease: Option<At<Duration>>,
    preempt: Option<At<bool>>,
    pub(super) ask_network: Option<At<bool>>,
    pub(super) endpoints: Option<At<Vec<At<String>>>>,
    ttl: Option<At<Duration>>,
}

/// The `[hooks]` table.
#[derive(Debug, Default)]
pub(super) struct Commands {
    initiate: Vec<At<String>>,
    on_active: Vec<At<String>>,
    on_standby: Vec<At<String>>,
    limit: Option<At<Duration>>,
}

/// The `[election]` table; empty if there is none.
pub(super) fn table(r: &mut Reader<'_>, top: &Section<'_>) -> Words {
    let Some(s) = r.table(top, "election", "election") else { return Words::default() };
    let words = [("pair", ElectedBy::Pair), ("etcd", ElectedBy::Etcd), ("external", ElectedBy::External)];
    Words {
        span: s.span.clone(),
        by: r.value_with(&s, "by", |v| value::word(v, &words)),
        lease: r.value_with(&s, "lease", |v| whole_seconds(v, 2, 60)),
        preempt: r.value(&s, "preempt", value::boolean),
        ask_network: r.value(&s, "ask-network", value::boolean),
        endpoints: r.list(&s, "endpoints", member),
        ttl: r.value_with(&s, "ttl", |v| whole_seconds(v, 3, 60)),
    }
}

/// The `[hooks]` table; empty if there is none.
pub(super) fn commands(r: &mut Reader<'_>, top: &Section<'_>) -> Commands {
    let Some(s) = r.table(top, "hooks", "hooks") else { return Commands::default() };
    let mut words = |name| r.list(&s, name, argument).map(|at| at.value).unwrap_or_default();
    Commands {
        initiate: words("initiate"),
        on_active: words("on-active"),
        on_standby: words("on-standby"),
        limit: r
            .value_with(&s, "limit", |v| value::span_of_time(v, Duration::from_millis(100), Duration::from_secs(600))),
    }
}

impl Words {
    /// What it comes to with the defaults.
    pub(super) fn made(&self) -> Election {
        let default = Election::default();
        let members = self.endpoints.as_ref().map(|at| at.value.iter().map(|one| one.value.clone()).collect());
        Election {
            by: self.by.as_ref().map_or(default.by, |at| at.value),
            lease: self.lease.as_ref().map_or(default.lease, |at| at.value),
            preempt: self.preempt.as_ref().map_or(default.preempt, |at| at.value),
            ask_network: self.ask_network.as_ref().map_or(default.ask_network, |at| at.value),
            endpoints: members.unwrap_or_default(),
            ttl: self.ttl.as_ref().map_or(default.ttl, |at| at.value),
        }
    }
}

impl Commands {
    /// What it comes to with the defaults.
    pub(super) fn made(&self) -> Hooks {
        let words = |list: &[At<String>]| list.iter().map(|at| at.value.clone()).collect();
        Hooks {
            initiate: words(&self.initiate),
            on_active: words(&self.on_active),
            on_standby: words(&self.on_standby),
            limit: self.limit.as_ref().map_or(Hooks::default().limit, |at| at.value),
        }
    }
}

/// The kernel counts the lifetime of an address, and etcd that of a lease, in seconds.
fn whole_seconds(v: &DeValue<'_>, least: u64, most: u64) -> Result<Duration, Wrong> {
    let time = value::span_of_time(v, Duration::from_secs(least), Duration::from_secs(most))?;
    if time.subsec_nanos() == 0 { Ok(time) } else { Err(Wrong::value("it is counted in whole seconds")) }
}

fn member(v: &DeValue<'_>) -> Result<String, Wrong> {
    let text = value::text(v)?;
    if text.starts_with("https://") {
        return Err(Wrong::value("etcd is spoken to without TLS").with(
            "run `etcd grpc-proxy start` with the certificates on this host, and name its address: \
             `\"http://127.0.0.1:23790\"`",
        ));
    }
    let port = text.strip_prefix("http://").and_then(|rest| rest.trim_end_matches('/').rsplit_once(':'));
    let good = port.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0));
    if good {
        Ok(text.to_owned())
    } else {
        Err(Wrong::value(format!("\"{}\" is no member of etcd", text.escape_debug()))
            .with("write for example `\"http://10.20.0.7:2379\"`"))
    }
}

fn argument(v: &DeValue<'_>) -> Result<String, Wrong> {
    let text = value::text(v)?;
    if text.contains('\0') { Err(Wrong::value("a word of a command has no NUL in it")) } else { Ok(text.to_owned()) }
}
