//! What the machine cannot know when people ask: counters of interfaces, lengths of queues, sysctls.

use std::{collections::HashMap, fs, path::Path};

use super::keys;
use super::tally;
use crate::config::Config;
use crate::control::api::{Counters, FileText, Sysctl};
use crate::fib::io::sysctl;
use crate::fib::io::sysctl::{Rule, Wanted};
use crate::gateway;
use crate::speaker::Surroundings;
use crate::transport::Transport;
use crate::types::{ConnId, Name, Prefix};

/// This host at the moment of one question.
pub(super) struct Here<'a> {
    transport: &'a Transport,
    sysctls: &'a [Wanted],
    instance: &'a Name,
    config: &'a Path,
    counters: HashMap<String, Counters>,
}

impl<'a> Here<'a> {
    pub(super) fn look(transport: &'a Transport, sysctls: &'a [Wanted], instance: &'a Name, config: &'a Path) -> Self {
        let counters = tally::interfaces().into_iter().map(|(name, passed)| (name, passed.counters)).collect();
        Self { transport, sysctls, instance, config, counters }
    }
}

impl Surroundings for Here<'_> {
    fn queued(&self, conn: ConnId) -> u64 {
        u64::try_from(self.transport.queued(conn)).unwrap_or(u64::MAX)
    }

    fn counters(&self, interface: &str) -> Option<Counters> {
        self.counters.get(interface).copied()
    }

    fn sysctls(&self) -> Vec<Sysctl> {
        let look = |wanted: &Wanted| {
            let actual = sysctl::read(wanted);
            Sysctl {
                name: wanted.key(),
                wanted: Some(wanted.value.to_owned()),
                ok: actual.as_deref().is_some_and(|actual| wanted.is_right(actual)),
                actual,
            }
        };
        let all = self.sysctls.iter().map(|wanted| (wanted, look(wanted)));
        // What belongs to an interface that is not there says nothing.
        all.filter(|(wanted, found)| {
            found.actual.is_some() || wanted.rule == Rule::Exactly && !wanted.name.contains("/conf/")
        })
        .map(|(_, found)| found)
        .collect()
    }

    fn file(&self) -> Result<FileText, String> {
        let file = self.config.display().to_string();
        match fs::read_to_string(self.config) {
            Ok(text) => Ok(FileText { file, text }),
            Err(error) => Err(format!("cannot read {file}: {error}")),
        }
    }

    fn admits(&self, config: &Config) -> Result<(), String> {
        let Some(desired) = gateway::desired(&config.model, self.instance) else { return Ok(()) };
        let signed = desired.neighbors.iter().map(|one| (&one.name, Prefix::host(one.remote_address), &one.auth));
        let ranges = desired.ranges.iter().map(|range| (range.name(), range.prefix, &range.like.auth));
        keys::guards(signed.chain(ranges)).map(drop).map_err(|error| error.to_string())
    }
}
