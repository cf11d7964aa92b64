//! A file in which every key stands, and a change of each.

/// Every key that can have more than one value, with one.
pub const BASE: &str = r#"
[gateway]
name = "hub-west"
mode = "active-active"
asn = 65515
subnet = "10.20.255.0/27"
prefixes = ["10.20.0.0/16"]
transit = false
max-tunnels = 30

[[gateway.instance]]
name = "in-0"
public-ip = "203.0.113.10"
router-id = "10.20.255.4"
twin-link = { interface = "eth1", address = "192.168.255.1" }

[[gateway.instance]]
name = "in-1"
public-ip = "203.0.113.11"
twin-link = { interface = "eth1", address = "192.168.255.2" }

[election]
by = "pair"
lease = "2s"
preempt = false
ask-network = true

[hooks]

[twin]
hello = "200ms"
silent-after = "1s"

[[device]]
name = "hq-1"
public-ip = "198.51.100.1"
asn = 65010

[device.bgp]
keepalive-time = "20s"
send-hold-time = "480s"
connect-retry = "5s"
idle-hold-max = "60s"
passive = false
multihop = 2
graceful-restart = { restart-time = "10s", stale-time = "120s" }
families = ["ipv4"]
max-prefixes = { ipv4 = 4000, ipv6 = 1000, action = "trim", warn-at = 75 }
import = ["sites"]
export = ["accept"]
weight = 2
graceful-shutdown = false
allow-as-sets = false
AUTH

[[device]]
name = "hq-2"
public-ip = "198.51.100.2"
asn = 65011
bgp-ip = "10.53.0.253"

[[peer-gateway]]
name = "east"
asn = 65516
instance = [
  { name = "east-0", public-ip = "203.0.113.20", bgp-ip = "169.254.26.1" },
  { name = "east-1", public-ip = "203.0.113.21", bgp-ip = "169.254.26.9" },
]

[[connection]]
peer-gateway = "east"
tunnels = [{ instance = "in-0", peer-instance = "east-0", interface = "tun6" }]

[[connection]]
name = "first"
device = "hq-1"
tunnels = [
  { name = "hq-1/a", instance = "in-0", interface = "tun1", local-ip = "169.254.21.2", remote-ip = "169.254.21.1", bgp = { hold-time = "90s" } },
]

[[connection]]
device = "hq-2"
tunnels = [{ instance = "in-0", interface = "tun2" }]

[[network-router]]
name = "core-1"
address = "169.254.23.1"
asn = 65001
interface = "tun3"
local-address = "169.254.23.2"
instances = ["in-0"]
families = ["ipv4"]
import = ["accept"]
export = ["accept"]
bgp = { hold-time = "60s" }

[[neighbor]]
name = "other-1"
address = "169.254.24.1"
asn = 65020
interface = "tun4"
local-address = "169.254.24.2"
instances = ["in-0"]
families = ["ipv4"]
import = ["accept"]
export = ["accept"]
bgp = { ttl-security = true }

[[neighbor]]
name = "branches"
range = "10.9.0.0/24"
limit = 100
asns = [65030, 65031]
interface = "tun5"
local-address = "169.254.25.2"
import = ["accept"]
export = ["accept"]

[[policy]]
name = "sites"

[[policy.rule]]
prefixes = ["10.60.0.0/16"]
neighbors = ["hq-1/*"]
families = ["ipv4"]
as-path = { starts-with = 65010, ends-with = 65010, contains = 65010, length = "le 3", matches = '^65010_' }
communities = ["65010:*"]
large-communities = ["65010:*:7"]
ext-communities = ["rt:65010:*"]
origin = "igp"
next-hops = ["169.254.0.0/16"]
med = 10
then = "accept"

[policy.rule.set]
local-pref = 200
med = 10
origin = "incomplete"
set-communities = ["1:1"]
remove-communities = ["2:2"]
add-communities = ["3:3"]
set-large-communities = ["1:1:1"]
remove-large-communities = ["2:2:2"]
add-large-communities = ["3:3:3"]
set-ext-communities = ["rt:1:1"]
remove-ext-communities = ["rt:2:2"]
add-ext-communities = ["rt:3:3"]
prepend = 2
next-hop = "peer"
weight = 10

[[policy.rule]]
then = "accept"

[bfd]
enabled = true
interval = "100ms"
multiplier = 3
strict = false
multihop = 5
key = { id = 7, algorithm = "keyed-sha1", file = "/etc/bfd-one" }

[probe]
enabled = true
interval = "1s"
count = 5

[tunnel]
damping-first = "1s"
damping-max = "60s"
damping-decay = "60s"

[health]
vpn-command = ["true"]
command = ["true", "1"]
interval = "5s"
limit = "3s"
fall = 3
rise = 2

[drain]
limit = "30s"
quiet = 50
return-limit = "31s"

[ecmp]
max-paths = 64
as-path-relax = true
weights = "configured"
hash = "l4"
buckets = 256
idle-timer = "120s"

[kernel]
table = 254
protocol = 179
metric = 20
on-stop = "remove"

[control]
socket = "/run/twinspan/twinspan.sock"
metrics = "127.0.0.1:9179"
"#;

/// A change of each key: what stands in [`BASE`], and what stands there instead. A key of keys whose value is one table
/// changes with those.
pub const CHANGES: &[(&str, &str, &str)] = &[
    (
        "device",
        "[[connection]]\nname = \"first\"",
        "[[device]]\nname = \"hq-9\"\nasn = 65019\n\n[[connection]]\nname = \"first\"",
    ),
    ("connection", "[[connection]]\ndevice = \"hq-2\"\ntunnels = [{ instance = \"in-0\", interface = \"tun2\" }]", ""),
    (
        "network-router",
        "name = \"core-1\"",
        "name = \"core-2\"\naddress = \"169.254.23.9\"\nasn = 65001\n\n[[network-router]]\nname = \"core-1\"",
    ),
    (
        "neighbor",
        "name = \"other-1\"",
        "name = \"other-2\"\naddress = \"169.254.24.9\"\nasn = 65020\n\n[[neighbor]]\nname = \"other-1\"",
    ),
    ("policy", "import = [\"sites\"]", "import = [\"other\"]"),
    (
        "peer-gateway",
        "[[peer-gateway]]\nname = \"east\"",
        "[[peer-gateway]]\nname = \"west\"\nasn = 65517\ninstance = [{ name = \"w\" }]\n\n[[peer-gateway]]\nname = \"east\"",
    ),
    ("gateway.mode", "mode = \"active-active\"", "mode = \"active-standby\""),
    ("gateway.profile", "asn = 65515", "asn = 65515\nprofile = \"azure\""),
    ("gateway.name", "name = \"hub-west\"", "name = \"hub-east\""),
    ("gateway.asn", "asn = 65515", "asn = 64600"),
    ("gateway.subnet", "subnet = \"10.20.255.0/27\"", "subnet = \"10.20.254.0/27\""),
    ("gateway.prefixes", "[\"10.20.0.0/16\"]", "[\"10.20.0.0/16\", \"10.30.0.0/16\"]"),
    ("gateway.transit", "transit = false", "transit = true"),
    ("gateway.max-tunnels", "max-tunnels = 30", "max-tunnels = 29"),
    ("gateway.instance", "\"in-0\"", "\"in-7\""),
    ("gateway.instance.name", "\"in-0\"", "\"in-7\""),
    ("gateway.instance.public-ip", "public-ip = \"203.0.113.10\"", "public-ip = \"203.0.113.99\""),
    ("gateway.instance.bgp-ip", "router-id = \"10.20.255.4\"", "router-id = \"10.20.255.4\"\nbgp-ip = \"10.20.255.9\""),
    ("gateway.instance.router-id", "router-id = \"10.20.255.4\"", "router-id = \"10.0.0.9\""),
    ("gateway.instance.network-interface", "router-id =", "network-interface = \"tun3\"\nrouter-id ="),
    ("gateway.instance.priority", "router-id =", "priority = 50\nrouter-id ="),
    ("gateway.instance.twin-link.interface", "interface = \"eth1\"", "interface = \"eth2\""),
    ("gateway.instance.twin-link.address", "192.168.255.1", "192.168.255.9"),
    ("election.by", "by = \"pair\"", "by = \"external\""),
    ("election.lease", "lease = \"2s\"", "lease = \"3s\""),
    ("election.preempt", "preempt = false", "preempt = true"),
    ("election.ask-network", "ask-network = true", "ask-network = false"),
    ("election.endpoints", "ask-network = true", "ask-network = true\nendpoints = [\"http://10.20.0.7:2379\"]"),
    ("election.ttl", "ask-network = true", "ask-network = true\nttl = \"6s\""),
    ("hooks.initiate", "[hooks]", "[hooks]\ninitiate = [\"swanctl\"]"),
    ("hooks.on-active", "[hooks]", "[hooks]\non-active = [\"true\"]"),
    ("hooks.on-standby", "[hooks]", "[hooks]\non-standby = [\"true\"]"),
    ("hooks.limit", "[hooks]", "[hooks]\nlimit = \"9s\""),
    ("twin.hello", "hello = \"200ms\"", "hello = \"100ms\""),
    ("twin.silent-after", "silent-after = \"1s\"", "silent-after = \"2s\""),
    ("device.name", "hq-2", "paris"),
    ("device.public-ip", "198.51.100.2", "198.51.100.9"),
    ("device.asn", "asn = 65011", "asn = 65012"),
    ("device.bgp-ip", "10.53.0.253", "10.53.0.252"),
    ("peer-gateway.name", "\"east\"", "\"west\""),
    ("peer-gateway.asn", "asn = 65516", "asn = 65517"),
    (
        "peer-gateway.instance",
        ",\n  { name = \"east-1\", public-ip = \"203.0.113.21\", bgp-ip = \"169.254.26.9\" }",
        "",
    ),
    ("peer-gateway.instance.name", "\"east-0\"", "\"orient\""),
    ("peer-gateway.instance.public-ip", "203.0.113.20", "203.0.113.22"),
    ("peer-gateway.instance.bgp-ip", "169.254.26.1", "169.254.26.5"),
    (
        "connection.peer-gateway",
        "[[connection]]\npeer-gateway = \"east\"",
        "[[peer-gateway]]\nname = \"west\"\nasn = 65517\ninstance = [{ name = \"east-0\", bgp-ip = \"169.254.27.1\" }]\n\n[[connection]]\npeer-gateway = \"west\"",
    ),
    ("connection.tunnels.peer-instance", "peer-instance = \"east-0\"", "peer-instance = \"east-1\""),
    (
        "connection.bgp",
        "[[connection]]\ndevice = \"hq-2\"",
        "[[device]]\nname = \"hq-9\"\nprefixes = [\"10.59.0.0/16\"]\n\n[[connection]]\ndevice = \"hq-9\"\nbgp = false",
    ),
    ("connection.name", "name = \"first\"", "name = \"second\""),
    (
        "connection.device",
        "[[connection]]\ndevice = \"hq-2\"",
        "[[device]]\nname = \"hq-9\"\nasn = 65019\nbgp-ip = \"10.59.0.253\"\n\n[[connection]]\ndevice = \"hq-9\"",
    ),
    (
        "connection.tunnels",
        "interface = \"tun2\" }]",
        "interface = \"tun2\" }, { instance = \"in-0\", interface = \"tun9\", local-ip = \"169.254.29.2\", remote-ip = \"169.254.29.1\" }]",
    ),
    ("connection.tunnels.name", "name = \"hq-1/a\"", "name = \"hq-1/b\""),
    (
        "connection.tunnels.instance",
        "instance = \"in-0\", interface = \"tun2\"",
        "instance = \"in-1\", interface = \"tun2\"",
    ),
    ("connection.tunnels.interface", "interface = \"tun2\"", "interface = \"tun8\""),
    ("connection.tunnels.local-ip", "local-ip = \"169.254.21.2\"", "local-ip = \"169.254.21.10\""),
    ("connection.tunnels.remote-ip", "remote-ip = \"169.254.21.1\"", "remote-ip = \"169.254.21.9\""),
    ("network-router.name", "name = \"core-1\"", "name = \"core-x\""),
    ("network-router.address", "address = \"169.254.23.1\"", "address = \"169.254.23.9\""),
    ("network-router.asn", "asn = 65001", "asn = 65002"),
    ("network-router.interface", "interface = \"tun3\"", "interface = \"tun8\""),
    ("network-router.local-address", "\"169.254.23.2\"", "\"169.254.23.8\""),
    (
        "network-router.instances",
        "\"169.254.23.2\"\ninstances = [\"in-0\"]",
        "\"169.254.23.2\"\ninstances = [\"in-1\"]",
    ),
    (
        "network-router.families",
        "\"169.254.23.2\"\ninstances = [\"in-0\"]\nfamilies = [\"ipv4\"]",
        "\"169.254.23.2\"\ninstances = [\"in-0\"]\nfamilies = [\"ipv4\", \"ipv6\"]",
    ),
    (
        "network-router.import",
        "import = [\"accept\"]\nexport = [\"accept\"]\nbgp = { hold-time",
        "import = [\"reject\"]\nexport = [\"accept\"]\nbgp = { hold-time",
    ),
    ("network-router.export", "export = [\"accept\"]\nbgp = { hold-time", "export = [\"reject\"]\nbgp = { hold-time"),
    ("neighbor.name", "name = \"other-1\"", "name = \"other-x\""),
    ("neighbor.address", "address = \"169.254.24.1\"", "address = \"169.254.24.9\""),
    ("neighbor.asn", "asn = 65020", "asn = 65021"),
    ("neighbor.interface", "interface = \"tun4\"", "interface = \"tun8\""),
    ("neighbor.local-address", "\"169.254.24.2\"", "\"169.254.24.8\""),
    ("neighbor.instances", "\"169.254.24.2\"\ninstances = [\"in-0\"]", "\"169.254.24.2\"\ninstances = [\"in-1\"]"),
    (
        "neighbor.families",
        "\"169.254.24.2\"\ninstances = [\"in-0\"]\nfamilies = [\"ipv4\"]",
        "\"169.254.24.2\"\ninstances = [\"in-0\"]\nfamilies = [\"ipv4\", \"ipv6\"]",
    ),
    (
        "neighbor.import",
        "import = [\"accept\"]\nexport = [\"accept\"]\nbgp = { ttl",
        "import = [\"reject\"]\nexport = [\"accept\"]\nbgp = { ttl",
    ),
    ("neighbor.export", "export = [\"accept\"]\nbgp = { ttl", "export = [\"reject\"]\nbgp = { ttl"),
    ("neighbor.range", "10.9.0.0/24", "10.8.0.0/24"),
    ("neighbor.limit", "limit = 100", "limit = 50"),
    ("neighbor.asns", "asns = [65030, 65031]", "asns = [65031]"),
    ("bgp.hold-time", "hold-time = \"60s\"", "hold-time = \"30s\""),
    ("bgp.keepalive-time", "keepalive-time = \"20s\"", "keepalive-time = \"10s\""),
    ("bgp.send-hold-time", "send-hold-time = \"480s\"", "send-hold-time = \"300s\""),
    ("bgp.connect-retry", "connect-retry = \"5s\"", "connect-retry = \"6s\""),
    ("bgp.idle-hold-max", "idle-hold-max = \"60s\"", "idle-hold-max = \"90s\""),
    ("bgp.passive", "passive = false", "passive = true"),
    ("bgp.ttl-security", "ttl-security = true", "ttl-security = false"),
    ("bgp.multihop", "multihop = 2", "multihop = 3"),
    ("bgp.families", "families = [\"ipv4\"]\nmax", "families = [\"ipv4\", \"ipv6\"]\nmax"),
    ("bgp.password-file", "AUTH", "password-file = \"/etc/one\""),
    ("bgp.ao-keys", "AUTH", "ao-keys = [{ id = 1, file = \"/etc/one\" }]"),
    (
        "bgp.max-prefixes",
        "max-prefixes = { ipv4 = 4000, ipv6 = 1000, action = \"trim\", warn-at = 75 }",
        "max-prefixes = 4000",
    ),
    (
        "bgp.graceful-restart",
        "graceful-restart = { restart-time = \"10s\", stale-time = \"120s\" }",
        "graceful-restart = false",
    ),
    ("bgp.graceful-restart.restart-time", "restart-time = \"10s\"", "restart-time = \"20s\""),
    ("bgp.graceful-restart.stale-time", "stale-time = \"120s\"", "stale-time = \"60s\""),
    ("bgp.max-prefixes.ipv4", "ipv4 = 4000", "ipv4 = 1"),
    ("bgp.max-prefixes.ipv6", "ipv6 = 1000", "ipv6 = 999"),
    ("bgp.max-prefixes.action", "action = \"trim\"", "action = \"warn\""),
    ("bgp.max-prefixes.warn-at", "warn-at = 75", "warn-at = 50"),
    ("bgp.shutdown", "AUTH", "shutdown = true"),
    ("bgp.import", "import = [\"sites\"]", "import = [\"accept\"]"),
    ("bgp.export", "export = [\"accept\"]\nweight", "export = [\"reject\"]\nweight"),
    ("bgp.weight", "weight = 2\n", "weight = 3\n"),
    ("bgp.graceful-shutdown", "graceful-shutdown = false", "graceful-shutdown = true"),
    ("bgp.allow-as-sets", "allow-as-sets = false", "allow-as-sets = true"),
    ("policy.name", "sites", "sites-2"),
    ("policy.rule", "[[policy.rule]]\nthen = \"accept\"", ""),
    ("policy.rule.prefixes", "prefixes = [\"10.60.0.0/16\"]", "prefixes = [\"10.61.0.0/16\"]"),
    ("policy.rule.neighbors", "neighbors = [\"hq-1/*\"]", "neighbors = [\"hq-1/a\"]"),
    (
        "policy.rule.families",
        "neighbors = [\"hq-1/*\"]\nfamilies = [\"ipv4\"]",
        "neighbors = [\"hq-1/*\"]\nfamilies = [\"ipv6\"]",
    ),
    (
        "policy.rule.as-path",
        "as-path = { starts-with = 65010, ends-with = 65010, contains = 65010, length = \"le 3\", matches = '^65010_' }",
        "as-path = ['^65010$']",
    ),
    ("policy.rule.as-path.starts-with", "starts-with = 65010", "starts-with = 65011"),
    ("policy.rule.as-path.ends-with", "ends-with = 65010", "ends-with = 65011"),
    ("policy.rule.as-path.contains", "contains = 65010", "contains = 65011"),
    ("policy.rule.as-path.length", "le 3", "le 4"),
    ("policy.rule.as-path.matches", "'^65010_'", "'^65011_'"),
    ("policy.rule.communities", "communities = [\"65010:*\"]", "communities = [\"65011:*\"]"),
    ("policy.rule.large-communities", "[\"65010:*:7\"]", "[\"65010:*:8\"]"),
    ("policy.rule.ext-communities", "[\"rt:65010:*\"]", "[\"rt:65011:*\"]"),
    ("policy.rule.origin", "origin = \"igp\"", "origin = \"egp\""),
    ("policy.rule.next-hops", "[\"169.254.0.0/16\"]", "[\"169.254.0.0/17\"]"),
    ("policy.rule.med", "med = 10\nthen", "med = 11\nthen"),
    ("policy.rule.set", "[policy.rule.set]\nlocal-pref = 200", "[policy.rule.set]\nlocal-pref = 201"),
    ("policy.rule.then", "med = 10\nthen = \"accept\"", "med = 10\nthen = \"next\""),
    ("policy.rule.set.local-pref", "local-pref = 200", "local-pref = 300"),
    ("policy.rule.set.med", "med = 10\norigin", "med = 11\norigin"),
    ("policy.rule.set.origin", "origin = \"incomplete\"", "origin = \"egp\""),
    ("policy.rule.set.set-communities", "set-communities = [\"1:1\"]", "set-communities = [\"1:2\"]"),
    ("policy.rule.set.remove-communities", "[\"2:2\"]", "[\"2:3\"]"),
    ("policy.rule.set.add-communities", "[\"3:3\"]", "[\"3:4\"]"),
    ("policy.rule.set.set-large-communities", "[\"1:1:1\"]", "[\"1:1:2\"]"),
    ("policy.rule.set.remove-large-communities", "[\"2:2:2\"]", "[\"2:2:3\"]"),
    ("policy.rule.set.add-large-communities", "[\"3:3:3\"]", "[\"3:3:4\"]"),
    ("policy.rule.set.set-ext-communities", "[\"rt:1:1\"]", "[\"rt:1:2\"]"),
    ("policy.rule.set.remove-ext-communities", "[\"rt:2:2\"]", "[\"rt:2:3\"]"),
    ("policy.rule.set.add-ext-communities", "[\"rt:3:3\"]", "[\"rt:3:4\"]"),
    ("policy.rule.set.prepend", "prepend = 2", "prepend = 3"),
    ("policy.rule.set.next-hop", "next-hop = \"peer\"", "next-hop = \"169.254.21.9\""),
    ("policy.rule.set.weight", "weight = 10\n", "weight = 11\n"),
    ("probe.interval", "interval = \"1s\"", "interval = \"2s\""),
    ("probe.enabled", "[probe]\nenabled = true", "[probe]\nenabled = false"),
    ("probe.count", "count = 5", "count = 6"),
    ("bfd.interval", "interval = \"100ms\"", "interval = \"200ms\""),
    ("bfd.enabled", "enabled = true", "enabled = false"),
    ("bfd.multiplier", "multiplier = 3", "multiplier = 4"),
    ("bfd.strict", "strict = false", "strict = true"),
    ("bfd.multihop", "multihop = 5", "multihop = 6"),
    ("bfd.key.id", "id = 7", "id = 8"),
    ("bfd.key.algorithm", "keyed-sha1", "meticulous-keyed-sha1"),
    ("bfd.key.file", "/etc/bfd-one", "/etc/bfd-two"),
    ("tunnel.damping-first", "damping-first = \"1s\"", "damping-first = \"2s\""),
    ("tunnel.damping-max", "damping-max = \"60s\"", "damping-max = \"30s\""),
    ("health.vpn-command", "vpn-command = [\"true\"]", "vpn-command = [\"false\"]"),
    ("health.command", "command = [\"true\", \"1\"]", "command = [\"true\", \"2\"]"),
    ("health.interval", "interval = \"5s\"", "interval = \"6s\""),
    ("health.limit", "limit = \"3s\"", "limit = \"4s\""),
    ("health.fall", "fall = 3", "fall = 4"),
    ("health.rise", "rise = 2", "rise = 3"),
    ("drain.limit", "limit = \"30s\"", "limit = \"20s\""),
    ("drain.quiet", "quiet = 50", "quiet = 60"),
    ("drain.return-limit", "return-limit = \"31s\"", "return-limit = \"32s\""),
    ("tunnel.damping-decay", "damping-decay = \"60s\"", "damping-decay = \"30s\""),
    ("ecmp.max-paths", "max-paths = 64", "max-paths = 1"),
    ("ecmp.as-path-relax", "as-path-relax = true", "as-path-relax = false"),
    ("ecmp.weights", "weights = \"configured\"", "weights = \"equal\""),
    ("ecmp.hash", "hash = \"l4\"", "hash = \"l3\""),
    ("ecmp.buckets", "buckets = 256", "buckets = 128"),
    ("ecmp.idle-timer", "idle-timer = \"120s\"", "idle-timer = \"60s\""),
    ("kernel.table", "table = 254", "table = 100"),
    ("kernel.protocol", "protocol = 179", "protocol = 180"),
    ("kernel.metric", "metric = 20", "metric = 21"),
    ("kernel.on-stop", "on-stop = \"remove\"", "on-stop = \"keep\""),
    ("control.socket", "twinspan.sock", "other.sock"),
    ("control.metrics", "127.0.0.1:9179", "127.0.0.1:9180"),
];

/// Keys that mean something without BGP only: in the sample all far ends have it.
pub const FIXED: &[&str] = &["device.prefixes", "peer-gateway.prefixes"];

/// Keys that stand only where others say something else: [`special`] has those.
pub const SPECIAL: &[(&str, &str, &str)] = &[
    ("gateway.bgp-ip", "bgp-ip = \"10.20.255.4\"", "bgp-ip = \"10.20.255.20\""),
    ("bgp.ao-keys.id", "id = 1", "id = 2"),
    ("bgp.ao-keys.receive-id", "receive-id = 1", "receive-id = 3"),
    ("bgp.ao-keys.algorithm", "hmac-sha-1-96", "aes-128-cmac-96"),
    ("bgp.ao-keys.file", "/etc/one", "/etc/two"),
    ("bgp.max-prefixes.restart", "restart = \"5m\"", "restart = \"6m\""),
];

/// The sample.
pub fn base() -> String {
    BASE.replace("AUTH", "")
}

/// The sample with what [`SPECIAL`] changes.
pub fn special() -> String {
    let keys = "ao-keys = [{ id = 1, receive-id = 1, algorithm = \"hmac-sha-1-96\", file = \"/etc/one\" }]";
    // What the peers have as the address of the gateway is the shared one then.
    BASE.replace("AUTH", keys)
        .replace("action = \"trim\"", "action = \"drop\", restart = \"5m\"")
        .replace("mode = \"active-active\"", "mode = \"active-standby\"\nbgp-ip = \"10.20.255.4\"")
}

/// The text with the change made: of a name, wherever it stands.
pub fn edited(text: &str, path: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{path}: the sample has no {from:?}");
    let named = [
        "policy.name",
        "device.name",
        "gateway.instance",
        "gateway.instance.name",
        "peer-gateway.name",
        "peer-gateway.instance.name",
    ];
    let named = named.contains(&path);
    let after = text.replacen(from, to, if named { usize::MAX } else { 1 }).replace("AUTH", "");
    let other = "\n[[policy]]\nname = \"other\"\n[[policy.rule]]\nthen = \"next\"\n";
    if path == "policy" { after + other } else { after }
}
