//! The configuration of every rig.

use twinspan::config::{self, Config};

const CONFIG: &str = r#"
[gateway]
name = "hub"
mode = "active-active"
asn = 65515
subnet = "10.20.255.0/27"
prefixes = ["10.20.0.0/16", "fd20::/32"]
transit = true

[[gateway.instance]]
name = "in-0"
public-ip = "203.0.113.10"
bgp-ip = "10.20.255.4"

[[gateway.instance]]
name = "in-1"
public-ip = "203.0.113.11"
bgp-ip = "10.20.255.5"

[bgp]
families = ["ipv4", "ipv6"]

[[device]]
name = "subject"
public-ip = "198.51.100.1"
asn = 65010

[[device]]
name = "witness"
public-ip = "198.51.100.2"
asn = 65011

[[connection]]
device = "subject"
tunnels = [
  { instance = "in-0", interface = "tun1", local-ip = "169.254.21.2", remote-ip = "169.254.21.1" },
  { instance = "in-1", interface = "tun1", local-ip = "169.254.21.6", remote-ip = "169.254.21.5" },
]

[[connection]]
device = "witness"
tunnels = [
  { instance = "in-0", interface = "tun2", local-ip = "169.254.22.2", remote-ip = "169.254.22.1" },
  { instance = "in-1", interface = "tun2", local-ip = "169.254.22.6", remote-ip = "169.254.22.5" },
]

[[neighbor]]
name = "internal"
address = "169.254.23.1"
local-address = "169.254.23.2"
interface = "tun3"
asn = 65515
import = ["accept"]
export = ["accept"]
instances = ["in-0"]
"#;

/// The gateway's own prefixes, as the file says them.
pub const OWN: [&str; 2] = ["10.20.0.0/16", "fd20::/32"];

/// The configuration of every rig: read once by whoever makes many.
pub fn config() -> Config {
    match config::parse("rig.toml", CONFIG) {
        Ok((config, _)) => config,
        Err(faults) => panic!("{faults:#?}"),
    }
}
