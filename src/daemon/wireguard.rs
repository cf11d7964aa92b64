//! What a WireGuard interface of this host lets through, for `check`: asked of `wg` where the kernel has it, and of its own
//! socket where a program has.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::types::Prefix;

/// How long a program that runs an interface may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most octets of an answer that are read.
const MOST: u64 = 1 << 20;

/// The allowed IPs of all its peers. `None` if it is no WireGuard interface of this host, or does not say.
pub(super) fn allowed_ips(interface: &str) -> Option<Vec<Prefix>> {
    let kind = fs::read_to_string(Path::new("/sys/class/net").join(interface).join("uevent")).unwrap_or_default();
    if kind.lines().any(|line| line == "DEVTYPE=wireguard") {
        let said = Command::new("wg")
            .args(["show", interface, "allowed-ips"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()
            .filter(|said| said.status.success())?;
        return Some(of_wg(&String::from_utf8_lossy(&said.stdout)));
    }
    let socket = Path::new("/var/run/wireguard").join(format!("{interface}.sock"));
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(b"get=1\n\n").ok()?;
    let mut said = Vec::new();
    let mut part = [0; 4096];
    // The answer ends with an empty line; the other side keeps the connection.
    while !said.ends_with(b"\n\n") && (said.len() as u64) < MOST {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => break,
            Ok(length) => said.extend(part.iter().take(length)),
        }
    }
    of_socket(&String::from_utf8_lossy(&said))
}

/// Out of `wg show IF allowed-ips`: a line a peer, its key before a tab, prefixes behind it or `(none)`.
fn of_wg(text: &str) -> Vec<Prefix> {
    let peers = text.lines().filter_map(|line| line.split_once('\t'));
    peers.flat_map(|(_, prefixes)| prefixes.split_whitespace()).filter_map(|prefix| prefix.parse().ok()).collect()
}

/// Out of the answer to `get=1`: a line a value. `None` if it was an error.
fn of_socket(text: &str) -> Option<Vec<Prefix>> {
    let done = text.lines().any(|line| line == "errno=0");
    let prefixes = text.lines().filter_map(|line| line.strip_prefix("allowed_ip="));
    done.then(|| prefixes.filter_map(|prefix| prefix.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(texts: &[&str]) -> Vec<Prefix> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_wg_prints_is_read() {
        let text = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\t10.192.122.3/32 10.192.124.0/24\n\
                    TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\t(none)\n\
                    gN65BkIKy1eCE9pP1wdc8ROUtkHLF2PfAqYdyYBz6EA=\t::/0\n";
        assert_eq!(of_wg(text), prefixes(&["10.192.122.3/32", "10.192.124.0/24", "::/0"]));
    }

    #[test]
    fn what_a_program_answers_on_its_socket_is_read_and_an_error_is_no_answer() {
        let text = "private_key=e8\nlisten_port=12912\npublic_key=b8\nallowed_ip=192.168.4.4/32\npublic_key=58\n\
                    allowed_ip=0.0.0.0/0\nerrno=0\n\n";
        assert_eq!(of_socket(text), Some(prefixes(&["192.168.4.4/32", "0.0.0.0/0"])));
        assert_eq!(of_socket("errno=1\n\n"), None);
        assert_eq!(of_socket("allowed_ip=0.0.0.0/0\n"), None, "it was cut off");
    }

    #[test]
    fn an_interface_that_is_not_wireguard_says_nothing() {
        assert_eq!(allowed_ips("lo"), None);
        assert_eq!(allowed_ips("no-such-if"), None);
    }
}
