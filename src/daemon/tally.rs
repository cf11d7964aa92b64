//! What the kernel has counted: packets through interfaces, and those that it lost.

use std::fs;

use crate::control::api::Counters;
use crate::drain::Traffic;
use crate::speaker::Counted;

/// What has passed an interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Passed {
    pub(super) counters: Counters,
    /// Packets that it lost: dropped when it was to send them, come faulty, or without room for them. What nobody wanted
    /// is none of that, which the kernel counts as dropped when it receives.
    lost: u64,
}

/// The counters of these interfaces, and of the host, in this thread's network namespace.
pub(super) fn count(interfaces: &[String]) -> Counted {
    let wanted = |(name, _): &(String, Passed)| interfaces.contains(name);
    let traffic = |(name, Passed { counters, lost }): (String, Passed)| {
        (name, Traffic { received: counters.rx_packets, sent: counters.tx_packets, lost })
    };
    let found = self::interfaces().into_iter().filter(wanted).map(traffic).collect();
    let ipv4 = column(&read("snmp"), "Ip:", "OutNoRoutes") + column(&read("netstat"), "IpExt:", "InNoRoutes");
    let ipv6 = row(&read("snmp6"), "Ip6InNoRoutes") + row(&read("snmp6"), "Ip6OutNoRoutes");
    Counted { interfaces: found, no_route: ipv4 + ipv6 }
}

/// All interfaces in this thread's network namespace.
pub(super) fn interfaces() -> Vec<(String, Passed)> {
    read("dev").lines().filter_map(interface).collect()
}

/// A table of counters. It is this thread's namespace that counts, where /sys may show another.
fn read(name: &str) -> String {
    fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default()
}

/// One line of `/proc/net/dev`: name, eight numbers received, eight sent; octets and packets come first.
fn interface(line: &str) -> Option<(String, Passed)> {
    let (name, numbers) = line.split_once(':')?;
    let numbers: Vec<u64> = numbers.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let at = |place: usize| numbers.get(place).copied();
    let counters = Counters { rx_bytes: at(0)?, rx_packets: at(1)?, tx_bytes: at(8)?, tx_packets: at(9)? };
    let lost = at(2)? + at(4)? + at(10)? + at(11)? + at(12)?;
    Some((name.trim().to_owned(), Passed { counters, lost }))
}

/// A counter in a table of two lines, names above numbers.
fn column(text: &str, table: &str, name: &str) -> u64 {
    let mut lines = text.lines().filter(|line| line.split_whitespace().next() == Some(table));
    let found = lines.next().zip(lines.next()).and_then(|(names, numbers)| {
        let at = names.split_whitespace().position(|word| word == name)?;
        numbers.split_whitespace().nth(at)?.parse().ok()
    });
    found.unwrap_or(0)
}

/// A counter on a line of its own.
fn row(text: &str, name: &str) -> u64 {
    let found = text.lines().find_map(|line| line.split_once(char::is_whitespace).filter(|(word, _)| *word == name));
    found.and_then(|(_, number)| number.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_from_the_kernels_tables() {
        let line = "  tun1:  840  10    1    7    2     0          0         0     1680   20    3    4    5     0       0          0";
        let counters = Counters { rx_bytes: 840, rx_packets: 10, tx_bytes: 1680, tx_packets: 20 };
        assert_eq!(interface(line), Some(("tun1".to_owned(), Passed { counters, lost: 15 })));
        assert_eq!(interface("Inter-|   Receive                |  Transmit"), None);
        let snmp = "Ip: Forwarding OutNoRoutes\nIp: 1 12\nIcmp: InMsgs\nIcmp: 3\n";
        assert_eq!((column(snmp, "Ip:", "OutNoRoutes"), column(snmp, "Ip:", "Nothing")), (12, 0));
        assert_eq!(row("Ip6InReceives 1\nIp6InNoRoutes    \t7\n", "Ip6InNoRoutes"), 7);
        assert!(count(&["lo".to_owned()]).interfaces.iter().any(|(name, _)| name == "lo"));
    }
}
