//! What the kernel has counted: packets through interfaces, and those that it lost.

use std::fs;

use crate::drain::Traffic;
use crate::speaker::Counted;

/// The counters of these interfaces, and of the host, in this thread's network namespace.
pub(super) fn count(interfaces: &[String]) -> Counted {
    let read = |name: &str| fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default();
    let device = read("dev");
    let wanted = |(name, _): &(String, Traffic)| interfaces.contains(name);
    let found = device.lines().filter_map(interface).filter(wanted).collect();
    let ipv4 = column(&read("snmp"), "Ip:", "OutNoRoutes") + column(&read("netstat"), "IpExt:", "InNoRoutes");
    let ipv6 = row(&read("snmp6"), "Ip6InNoRoutes") + row(&read("snmp6"), "Ip6OutNoRoutes");
    Counted { interfaces: found, no_route: ipv4 + ipv6 }
}

/// One line of `/proc/net/dev`. What it drops when it sends, and what came faulty or found no room, is lost; what nobody
/// wanted is not, which the kernel counts as dropped when it receives.
fn interface(line: &str) -> Option<(String, Traffic)> {
    let (name, numbers) = line.split_once(':')?;
    let numbers: Vec<u64> = numbers.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let at = |place: usize| numbers.get(place).copied();
    let lost = at(2)? + at(4)? + at(10)? + at(11)? + at(12)?;
    Some((name.trim().to_owned(), Traffic { received: at(1)?, sent: at(9)?, lost }))
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
        let (name, traffic) = interface(line).unwrap();
        assert_eq!((name.as_str(), traffic), ("tun1", Traffic { received: 10, sent: 20, lost: 15 }));
        let snmp = "Ip: Forwarding OutNoRoutes\nIp: 1 12\nIcmp: InMsgs\nIcmp: 3\n";
        assert_eq!((column(snmp, "Ip:", "OutNoRoutes"), column(snmp, "Ip:", "Nothing")), (12, 0));
        assert_eq!(row("Ip6InReceives 1\nIp6InNoRoutes    \t7\n", "Ip6InNoRoutes"), 7);
        assert!(count(&["lo".to_owned()]).interfaces.iter().any(|(name, _)| name == "lo"));
    }
}
