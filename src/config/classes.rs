//! What a changed key costs: the one table of it. `plan` prints it, a reload keeps to it, and a test with whole speakers
//! (`tests/sim/reload.rs`) holds every entry against what is seen on the wire and in the kernel.

use super::keys::Key;

/// What a change costs on a running instance; each is worse than the one before.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Class {
    /// Nothing: no neighbor hears of it, no session ends, no route changes.
    None,
    /// Routes are judged, decided or spread again; neighbors hear of what comes out differently. No session ends.
    Soft,
    /// The sessions that it is about end with a Cease and are opened anew; others go on.
    Session,
    /// The daemon must be started anew: a reload with such a change is refused, and changes nothing.
    Restart,
}

impl Class {
    /// All of them, the cheapest first.
    pub const ALL: [Self; 4] = [Self::None, Self::Soft, Self::Session, Self::Restart];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Soft => "soft",
            Self::Session => "session",
            Self::Restart => "restart",
        }
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

const NONE: Class = Class::None;
const SOFT: Class = Class::Soft;
const SESSION: Class = Class::Session;
const RESTART: Class = Class::Restart;

/// The class of every key of [`super::KEYS`], by table. `buckets` holds for groups that are made from then on. The
/// class of a key that lists things is what it costs to add or remove one of them; a key whose value is one table costs
/// what the keys inside cost.
pub const CLASSES: &[(&str, &[(&str, Class)])] = &[
    (
        "",
        &[
            ("gateway", NONE),
            ("device", NONE),
            ("peer-gateway", NONE),
            ("connection", SESSION),
            ("network-router", SESSION),
            ("neighbor", SESSION),
            ("bgp", NONE),
            ("twin", NONE),
            ("election", NONE),
            ("hooks", NONE),
            ("policy", SOFT),
            ("bfd", NONE),
            ("probe", NONE),
            ("tunnel", NONE),
            ("health", NONE),
            ("drain", NONE),
            ("ecmp", NONE),
            ("kernel", NONE),
            ("control", NONE),
        ],
    ),
    (
        "gateway",
        &[
            ("name", NONE),
            ("mode", SESSION),
            ("profile", NONE),
            ("asn", SESSION),
            ("subnet", SESSION),
            ("bgp-ip", SESSION),
            ("prefixes", SOFT),
            ("transit", SOFT),
            ("max-tunnels", NONE),
            ("instance", RESTART),
        ],
    ),
    (
        "gateway.instance",
        &[
            ("name", RESTART),
            ("public-ip", NONE),
            ("bgp-ip", SESSION),
            ("router-id", SESSION),
            ("network-interface", NONE),
            ("priority", NONE),
            ("twin-link", NONE),
        ],
    ),
    ("gateway.instance.twin-link", &[("interface", SESSION), ("address", SESSION)]),
    (
        "election",
        &[("by", NONE), ("lease", NONE), ("preempt", NONE), ("ask-network", NONE), ("endpoints", NONE), ("ttl", NONE)],
    ),
    ("hooks", &[("initiate", NONE), ("on-active", NONE), ("on-standby", NONE), ("limit", NONE)]),
    ("twin", &[("hello", NONE), ("silent-after", NONE), ("bgp", NONE), ("bfd", NONE)]),
    (
        "device",
        &[
            ("name", SOFT),
            ("public-ip", NONE),
            ("asn", SESSION),
            ("bgp-ip", SESSION),
            ("prefixes", SOFT),
            ("bgp", NONE),
            ("bfd", NONE),
            ("probe", NONE),
        ],
    ),
    (
        "peer-gateway",
        &[
            ("name", SOFT),
            ("asn", SESSION),
            ("prefixes", SOFT),
            ("instance", NONE),
            ("bgp", NONE),
            ("bfd", NONE),
            ("probe", NONE),
        ],
    ),
    ("peer-gateway.instance", &[("name", SOFT), ("public-ip", NONE), ("bgp-ip", SESSION)]),
    (
        "connection",
        &[
            ("name", NONE),
            ("device", SESSION),
            ("peer-gateway", SESSION),
            ("bgp", SESSION),
            ("bfd", NONE),
            ("probe", NONE),
            ("tunnels", SESSION),
        ],
    ),
    (
        "connection.tunnels",
        &[
            ("name", SOFT),
            ("instance", SESSION),
            ("peer-instance", SESSION),
            ("interface", SESSION),
            ("local-ip", SESSION),
            ("remote-ip", SESSION),
            ("bgp", NONE),
            ("bfd", NONE),
            ("probe", NONE),
        ],
    ),
    ("network-router", OUTSIDE),
    (
        "neighbor",
        &[
            ("name", SOFT),
            ("address", SESSION),
            ("range", SESSION),
            ("limit", NONE),
            ("asn", SESSION),
            ("asns", SESSION),
            ("interface", SESSION),
            ("local-address", SESSION),
            ("instances", SESSION),
            ("families", SESSION),
            ("import", SOFT),
            ("export", SOFT),
            ("bgp", NONE),
            ("bfd", NONE),
        ],
    ),
    (
        "bgp",
        &[
            ("hold-time", SESSION),
            ("keepalive-time", NONE),
            ("send-hold-time", NONE),
            ("connect-retry", NONE),
            ("idle-hold-max", NONE),
            ("passive", NONE),
            ("ttl-security", SESSION),
            ("multihop", SESSION),
            ("graceful-restart", SESSION),
            ("families", SESSION),
            ("password-file", NONE),
            ("ao-keys", SESSION),
            ("max-prefixes", SOFT),
            ("shutdown", SESSION),
            ("import", SOFT),
            ("export", SOFT),
            ("weight", SOFT),
            ("graceful-shutdown", SOFT),
            ("allow-as-sets", SOFT),
        ],
    ),
    ("bgp.graceful-restart", &[("restart-time", SESSION), ("stale-time", NONE)]),
    ("bgp.max-prefixes", &[("ipv4", SOFT), ("ipv6", SOFT), ("action", SOFT), ("warn-at", NONE), ("restart", NONE)]),
    ("bgp.ao-keys", &[("id", NONE), ("receive-id", NONE), ("algorithm", NONE), ("file", NONE)]),
    ("policy", &[("name", SOFT), ("rule", SOFT)]),
    (
        "policy.rule",
        &[
            ("prefixes", SOFT),
            ("neighbors", SOFT),
            ("families", SOFT),
            ("as-path", SOFT),
            ("communities", SOFT),
            ("large-communities", SOFT),
            ("ext-communities", SOFT),
            ("origin", SOFT),
            ("next-hops", SOFT),
            ("med", SOFT),
            ("set", SOFT),
            ("then", SOFT),
        ],
    ),
    (
        "policy.rule.as-path",
        &[("contains", SOFT), ("starts-with", SOFT), ("ends-with", SOFT), ("length", SOFT), ("matches", SOFT)],
    ),
    (
        "policy.rule.set",
        &[
            ("local-pref", SOFT),
            ("med", SOFT),
            ("origin", SOFT),
            ("set-communities", SOFT),
            ("remove-communities", SOFT),
            ("add-communities", SOFT),
            ("set-large-communities", SOFT),
            ("remove-large-communities", SOFT),
            ("add-large-communities", SOFT),
            ("set-ext-communities", SOFT),
            ("remove-ext-communities", SOFT),
            ("add-ext-communities", SOFT),
            ("prepend", SOFT),
            ("next-hop", SOFT),
            ("weight", SOFT),
        ],
    ),
    (
        "bfd",
        &[
            ("enabled", NONE),
            ("interval", NONE),
            ("multiplier", NONE),
            ("strict", NONE),
            ("multihop", NONE),
            ("key", NONE),
        ],
    ),
    ("bfd.key", &[("id", NONE), ("algorithm", NONE), ("file", NONE)]),
    ("probe", &[("enabled", NONE), ("interval", NONE), ("count", NONE)]),
    ("tunnel", &[("damping-first", NONE), ("damping-max", NONE), ("damping-decay", NONE)]),
    (
        "health",
        &[
            ("vpn-command", NONE),
            ("command", NONE),
            ("interval", NONE),
            ("limit", NONE),
            ("fall", NONE),
            ("rise", NONE),
        ],
    ),
    ("drain", &[("limit", NONE), ("quiet", NONE), ("return-limit", NONE)]),
    (
        "ecmp",
        &[
            ("max-paths", SOFT),
            ("as-path-relax", SOFT),
            ("weights", SOFT),
            ("hash", SOFT),
            ("buckets", NONE),
            ("idle-timer", SOFT),
        ],
    ),
    ("kernel", &[("table", RESTART), ("protocol", RESTART), ("metric", RESTART), ("on-stop", NONE)]),
    ("control", &[("socket", RESTART), ("metrics", RESTART)]),
];

/// The keys of a network router.
const OUTSIDE: &[(&str, Class)] = &[
    ("name", SOFT),
    ("address", SESSION),
    ("asn", SESSION),
    ("interface", SESSION),
    ("local-address", SESSION),
    ("instances", SESSION),
    ("families", SESSION),
    ("import", SOFT),
    ("export", SOFT),
    ("bgp", NONE),
    ("bfd", NONE),
];

impl Key {
    /// What a change of it costs. A key without an entry is taken for the worst; a test allows none.
    #[must_use]
    pub fn class(&self) -> Class {
        class(self.table, self.name).unwrap_or(Class::Restart)
    }
}

/// The entry of a key.
pub(super) fn class(table: &str, name: &str) -> Option<Class> {
    let (_, entries) = CLASSES.iter().find(|(known, _)| *known == table)?;
    entries.iter().find(|(known, _)| *known == name).map(|(_, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KEYS;

    #[test]
    fn every_key_has_a_class() {
        for key in KEYS {
            let found = class(key.table, key.name);
            assert!(
                found.is_some(),
                "[{}] {} has no class: say in src/config/classes.rs what its change costs on a running instance, in \
                 docs/configuration.md (\"What a change costs\") the same, and give tests/sim/reload/keys.rs a change of it",
                key.table,
                key.name
            );
        }
    }

    #[test]
    fn every_class_is_that_of_a_key() {
        for (table, entries) in CLASSES {
            for (name, _) in *entries {
                assert!(KEYS.iter().any(|key| key.table == *table && key.name == *name), "[{table}] {name} is no key");
            }
        }
    }
}
