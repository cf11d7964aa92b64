//! What only the host knows: its keys, its kernel, its interfaces.

use std::path::Path;

use twinspan::config::{Host, HostFault, Severity, check_text_on};
use twinspan::types::Prefix;

use super::without_bgp;
use crate::{DUAL, codes, edited, line_of};

/// A host with one WireGuard interface that lets this through.
struct Guarded(&'static [&'static str]);

impl Host for Guarded {
    fn key(&self, _: &Path) -> Option<HostFault> {
        None
    }

    fn no_tcp_ao(&self) -> Option<HostFault> {
        None
    }

    fn allowed_ips(&self, interface: &str) -> Option<Vec<Prefix>> {
        (interface == "tun-hq1").then(|| self.0.iter().map(|text| text.parse().unwrap()).collect())
    }
}

#[test]
fn a_wireguard_interface_that_drops_what_bgp_needs_is_warned_about() {
    let said = |text: &str, allowed| {
        let found = check_text_on("gateway.toml", text, &Guarded(allowed)).diagnostics;
        found.into_iter().map(|d| (d.code, d.line, d.message)).collect::<Vec<_>>()
    };
    let line = line_of(DUAL, "interface = \"tun-hq1\"");
    for (allowed, words) in [
        (&[][..], "none: the session with 169.254.21.1 cannot come up"),
        (&["10.52.0.0/16"], "10.52.0.0/16: the session with 169.254.21.1"),
        (&["169.254.21.1/32", "10.52.0.0/16"], "what the far end teaches outside of them is dropped"),
    ] {
        let found = said(DUAL, allowed);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].0, found[0].1), ("wireguard-allowed-ips", line));
        assert!(found[0].2.contains(words), "{found:?}");
    }
    assert_eq!(said(DUAL, &["0.0.0.0/1", "128.0.0.0/1"]), []);
    let text = without_bgp("10.52.0.0/16", "10.53.0.0/16");
    assert_eq!(said(&text, &["10.52.0.0/17", "10.52.128.0/17"]), []);
    let found = said(&text, &["10.52.0.0/17"]);
    assert!(found.len() == 1 && found[0].2.contains("traffic to 10.52.0.0/16 is dropped"), "{found:?}");
}

/// A host on which one key cannot be used.
struct Picky;

impl Host for Picky {
    fn key(&self, path: &Path) -> Option<HostFault> {
        let code = "key-unusable";
        let message = format!("the key in {} is odd", path.display());
        let fault = HostFault { severity: Severity::Error, code, message, way_out: "make it even".to_owned() };
        path.ends_with("odd").then_some(fault)
    }

    fn no_tcp_ao(&self) -> Option<HostFault> {
        let message = "no TCP-AO".to_owned();
        Some(HostFault { severity: Severity::Error, code: "no-tcp-ao", message, way_out: "MD5".to_owned() })
    }

    fn allowed_ips(&self, _: &str) -> Option<Vec<Prefix>> {
        None
    }
}

#[test]
fn what_the_host_says_about_keys_is_told_with_its_place_wherever_the_table_stands() {
    let text = edited("asn = 65010", "asn = 65010\nbgp.password-file = \"/odd\"")
        .replace("asn = 65011", "asn = 65011\nbgp = { ao-keys = [{ id = 1, file = \"/ao/odd\" }] }");
    let more = "[[neighbor]]\nname = \"rr\"\naddress = \"10.20.0.9\"\nasn = 65515\nbgp.password-file = \"/rr/odd\"\n";
    let text = format!("{text}\n{more}[bgp]\npassword-file = \"/even\"\n");
    let found: Vec<_> =
        check_text_on("gateway.toml", &text, &Picky).diagnostics.iter().map(|d| (d.code, d.line)).collect();
    let expected = [
        ("key-unusable", line_of(&text, "\"/odd\"")),
        ("no-tcp-ao", line_of(&text, "ao-keys")),
        ("key-unusable", line_of(&text, "/ao/odd")),
        ("key-unusable", line_of(&text, "/rr/odd")),
    ];
    assert_eq!(found, expected);
    assert_eq!(codes(&text), [], "without a host the text alone counts");
}
