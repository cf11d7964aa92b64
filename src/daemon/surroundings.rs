//! What the machine cannot know when people ask: counters of interfaces, lengths of queues, sysctls.

use std::{collections::HashMap, fs, path::Path};

use super::keys;
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
        // Of this thread's network namespace, where /sys may show another.
        let text = fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
        Self { transport, sysctls, instance, config, counters: text.lines().filter_map(interface).collect() }
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

/// One line of `/proc/net/dev`: name, eight numbers received, eight sent; octets and packets come first.
fn interface(line: &str) -> Option<(String, Counters)> {
    let (name, numbers) = line.split_once(':')?;
    let numbers: Vec<u64> = numbers.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let counters = Counters {
        rx_bytes: *numbers.first()?,
        rx_packets: *numbers.get(1)?,
        tx_bytes: *numbers.get(8)?,
        tx_packets: *numbers.get(9)?,
    };
    Some((name.trim().to_owned(), counters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_from_the_kernels_table() {
        let line = " tun-hq1:  840  10    0    0    0     0          0         0     1680   20    0    0    0     0       0          0";
        let (name, counters) = interface(line).unwrap();
        assert_eq!(name, "tun-hq1");
        assert_eq!(counters, Counters { rx_bytes: 840, rx_packets: 10, tx_bytes: 1680, tx_packets: 20 });
        assert!(interface("Inter-|   Receive                |  Transmit").is_none());
    }
}
