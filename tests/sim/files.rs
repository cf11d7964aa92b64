//! The files of the simulated hosts.

use std::fmt::Write;

/// A gateway with two devices, each behind a tunnel of each instance.
pub const GATEWAY: &str = concat!(
    include_str!("../gateway.toml"),
    r#"
[[device]]
name = "hq-1"
public-ip = "198.51.100.1"
asn = 65010
bgp-ip = "10.52.0.253"

[[device]]
name = "hq-2"
public-ip = "198.51.100.2"
asn = 65011
bgp-ip = "10.53.0.253"

[[connection]]
device = "hq-1"
tunnels = [
  { instance = "in-0", interface = "tun1", local-ip = "169.254.21.2", remote-ip = "169.254.21.1" },
  { instance = "in-1", interface = "tun1", local-ip = "169.254.21.6", remote-ip = "169.254.21.5" },
]

[[connection]]
device = "hq-2"
tunnels = [
  { instance = "in-0", interface = "tun2", local-ip = "169.254.22.2", remote-ip = "169.254.22.1" },
  { instance = "in-1", interface = "tun2", local-ip = "169.254.22.6", remote-ip = "169.254.22.5" },
]
"#
);

/// The gateway with more in its `[bgp]` table.
pub fn gateway_with(bgp: &str) -> String {
    format!("{GATEWAY}\n[bgp]\n{bgp}\n")
}

/// An instance of the gateway, as a site has it: a neighbor outside the model, with which all is exchanged.
pub struct Instance<'a> {
    pub name: &'a str,
    pub address: &'a str,
    /// Our end.
    pub local: &'a str,
    pub interface: &'a str,
}

/// A site is a speaker of ours with prefixes of its own: one that others have too, and one that it has alone.
pub fn site(asn: u32, net: u8, instances: &[Instance]) -> String {
    let mut text = format!(
        r#"
[gateway]
name = "site"
mode = "active-active"
asn = {asn}
subnet = "172.16.{net}.0/27"
prefixes = ["10.52.0.0/16", "10.5{net}.8.0/24"]

[[gateway.instance]]
name = "one"
public-ip = "198.51.100.1"
bgp-ip = "172.16.{net}.4"

[[gateway.instance]]
name = "two"
public-ip = "198.51.100.2"
bgp-ip = "172.16.{net}.5"
"#
    );
    for Instance { name, address, local, interface } in instances {
        let _ = write!(
            text,
            r#"
[[neighbor]]
name = "{name}"
address = "{address}"
local-address = "{local}"
interface = "{interface}"
asn = 65515
import = ["accept"]
export = ["accept"]
"#
        );
    }
    text
}

/// A device: a site with a tunnel to each instance.
pub fn device(asn: u32, net: u8) -> String {
    let [in_0, own_0, in_1, own_1] = [2, 1, 6, 5].map(|end| format!("169.254.{}.{end}", 20 + net));
    site(
        asn,
        net,
        &[
            Instance { name: "in-0", address: &in_0, local: &own_0, interface: "tun-a" },
            Instance { name: "in-1", address: &in_1, local: &own_1, interface: "tun-b" },
        ],
    )
}
