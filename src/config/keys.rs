//! The one list of keys: the reader refuses what is not in it, and a test holds `docs/configuration.md` against it.

/// One key of one table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Key {
    /// The table that it stands in, as written in the file; empty for the top level.
    pub table: &'static str,
    /// The key.
    pub name: &'static str,
    /// What its value is, in words.
    pub kind: &'static str,
    /// As written in the file; or a word: `required`, `none`, or a sentence where it depends.
    pub default: &'static str,
    /// A line that is right, given as the way out when a value is wrong.
    pub example: &'static str,
}

impl Key {
    /// With its table, as in `bgp.hold-time`.
    #[must_use]
    pub fn path(&self) -> String {
        if self.table.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.table, self.name) }
    }
}

const fn key(
    table: &'static str,
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    example: &'static str,
) -> Key {
    Key { table, name, kind, default, example }
}

const TOP: &str = "";
const GATEWAY: &str = "gateway";
const INSTANCE: &str = "gateway.instance";
const TWIN_LINK: &str = "gateway.instance.twin-link";
const TWIN: &str = "twin";
const ELECTION: &str = "election";
const HOOKS: &str = "hooks";
const DEVICE: &str = "device";
const PEER_GATEWAY: &str = "peer-gateway";
const PEER_INSTANCE: &str = "peer-gateway.instance";
const CONNECTION: &str = "connection";
const TUNNEL: &str = "connection.tunnels";
const ROUTER: &str = "network-router";
const NEIGHBOR: &str = "neighbor";
const POLICY: &str = "policy";
const RULE: &str = "policy.rule";
const AS_PATH: &str = "policy.rule.as-path";
const SET: &str = "policy.rule.set";
const BGP: &str = "bgp";
const RESTART: &str = "bgp.graceful-restart";
const LIMIT: &str = "bgp.max-prefixes";
const AO_KEYS: &str = "bgp.ao-keys";
const BFD: &str = "bfd";
const BFD_KEY: &str = "bfd.key";
const PROBE: &str = "probe";
const DAMPING: &str = "tunnel";
const HEALTH: &str = "health";
const DRAIN: &str = "drain";
const ECMP: &str = "ecmp";
const KERNEL: &str = "kernel";
const CONTROL: &str = "control";

/// Every key that there is.
pub const KEYS: &[Key] = &[
    key(TOP, "gateway", "table", "required", "[gateway]"),
    key(TOP, "device", "tables", "none", "[[device]]"),
    key(TOP, "peer-gateway", "tables", "none", "[[peer-gateway]]"),
    key(TOP, "connection", "tables", "none", "[[connection]]"),
    key(TOP, "network-router", "tables", "none", "[[network-router]]"),
    key(TOP, "neighbor", "tables", "none", "[[neighbor]]"),
    key(TOP, "bgp", "table", "none", "[bgp]"),
    key(TOP, "twin", "table", "none", "[twin]"),
    key(TOP, "election", "table", "none", "[election]"),
    key(TOP, "hooks", "table", "none", "[hooks]"),
    key(TOP, "policy", "tables", "none", "[[policy]]"),
    key(TOP, "bfd", "table", "none", "[bfd]"),
    key(TOP, "probe", "table", "none", "[probe]"),
    key(TOP, "tunnel", "table", "none", "[tunnel]"),
    key(TOP, "health", "table", "none", "[health]"),
    key(TOP, "drain", "table", "none", "[drain]"),
    key(TOP, "ecmp", "table", "none", "[ecmp]"),
    key(TOP, "kernel", "table", "none", "[kernel]"),
    key(TOP, "control", "table", "none", "[control]"),
    key(GATEWAY, "name", "name", "required", r#"name = "hub-west""#),
    key(GATEWAY, "mode", "word", r#""active-standby""#, r#"mode = "active-active""#),
    key(GATEWAY, "profile", "word", "none", r#"profile = "azure""#),
    key(GATEWAY, "asn", "AS number", "required", "asn = 65515"),
    key(GATEWAY, "subnet", "prefix", "required", r#"subnet = "10.20.255.0/27""#),
    key(GATEWAY, "bgp-ip", "address", "the last usable of `subnet`", r#"bgp-ip = "10.20.255.30""#),
    key(GATEWAY, "prefixes", "list of prefixes", "required", r#"prefixes = ["10.20.0.0/16"]"#),
    key(GATEWAY, "transit", "true or false", "false", "transit = false"),
    key(GATEWAY, "max-tunnels", "number", "30", "max-tunnels = 30"),
    key(GATEWAY, "instance", "tables", "required", "[[gateway.instance]]"),
    key(INSTANCE, "name", "name", "required", r#"name = "in-0""#),
    key(INSTANCE, "public-ip", "address", "none", r#"public-ip = "203.0.113.10""#),
    key(INSTANCE, "bgp-ip", "address", "the next of `subnet`", r#"bgp-ip = "10.20.255.4""#),
    key(INSTANCE, "router-id", "IPv4 address", "`bgp-ip`", r#"router-id = "10.20.255.4""#),
    key(INSTANCE, "network-interface", "interface", "none", r#"network-interface = "eth0""#),
    key(INSTANCE, "priority", "number", "100", "priority = 100"),
    key(INSTANCE, "twin-link", "table", "none", r#"twin-link = { interface = "eth1", address = "192.168.255.1" }"#),
    key(TWIN_LINK, "interface", "interface", "required", r#"interface = "eth1""#),
    key(TWIN_LINK, "address", "address", "required", r#"address = "192.168.255.1""#),
    key(TWIN, "hello", "duration", r#""200ms""#, r#"hello = "200ms""#),
    key(TWIN, "silent-after", "duration", "five hellos, `\"1s\"` at least", r#"silent-after = "1s""#),
    key(TWIN, "bgp", "table", "none", r#"bgp = { hold-time = "30s" }"#),
    key(TWIN, "bfd", "table", "none", "bfd = { interval = \"50ms\" }"),
    key(ELECTION, "by", "word", r#""pair""#, r#"by = "pair""#),
    key(ELECTION, "lease", "duration", r#""2s""#, r#"lease = "2s""#),
    key(ELECTION, "preempt", "true or false", "false", "preempt = true"),
    key(ELECTION, "ask-network", "true or false", "true", "ask-network = true"),
    key(ELECTION, "endpoints", "list of texts", "[]", r#"endpoints = ["http://10.20.0.7:2379"]"#),
    key(ELECTION, "ttl", "duration", r#""5s""#, r#"ttl = "5s""#),
    key(HOOKS, "initiate", "list of texts", "[]", r#"initiate = ["swanctl", "--initiate", "--child", "{connection}"]"#),
    key(HOOKS, "on-active", "list of texts", "[]", r#"on-active = ["/etc/twinspan/on-active"]"#),
    key(HOOKS, "on-standby", "list of texts", "[]", r#"on-standby = ["/etc/twinspan/on-standby"]"#),
    key(HOOKS, "limit", "duration", r#""30s""#, r#"limit = "30s""#),
    key(DEVICE, "name", "name", "required", r#"name = "hq-1""#),
    key(DEVICE, "public-ip", "address", "none", r#"public-ip = "198.51.100.1""#),
    key(DEVICE, "asn", "AS number", "required with BGP", "asn = 65010"),
    key(DEVICE, "bgp-ip", "address", "none", r#"bgp-ip = "10.52.0.253""#),
    key(DEVICE, "prefixes", "list of prefixes", "[]", r#"prefixes = ["10.52.0.0/16"]"#),
    key(DEVICE, "bgp", "table", "none", r#"bgp = { hold-time = "30s" }"#),
    key(DEVICE, "bfd", "table", "none", "bfd = { enabled = true }"),
    key(DEVICE, "probe", "table", "none", "probe = { enabled = true }"),
    key(PEER_GATEWAY, "name", "name", "required", r#"name = "hub-east""#),
    key(PEER_GATEWAY, "asn", "AS number", "required with BGP", "asn = 65516"),
    key(PEER_GATEWAY, "prefixes", "list of prefixes", "[]", r#"prefixes = ["10.30.0.0/16"]"#),
    key(
        PEER_GATEWAY,
        "instance",
        "list of tables",
        "required",
        r#"instance = [{ name = "east-0", bgp-ip = "10.30.255.4" }]"#,
    ),
    key(PEER_GATEWAY, "bgp", "table", "none", r#"bgp = { hold-time = "30s" }"#),
    key(PEER_GATEWAY, "bfd", "table", "none", "bfd = { enabled = true }"),
    key(PEER_GATEWAY, "probe", "table", "none", "probe = { enabled = true }"),
    key(PEER_INSTANCE, "name", "name", "required", r#"name = "east-0""#),
    key(PEER_INSTANCE, "public-ip", "address", "none", r#"public-ip = "203.0.113.20""#),
    key(PEER_INSTANCE, "bgp-ip", "address", "none", r#"bgp-ip = "10.30.255.4""#),
    key(CONNECTION, "name", "name", "the far end's", r#"name = "hq-1""#),
    key(CONNECTION, "device", "name", "required without `peer-gateway`", r#"device = "hq-1""#),
    key(CONNECTION, "peer-gateway", "name", "none", r#"peer-gateway = "hub-east""#),
    key(CONNECTION, "bgp", "true, false or table", "true", "bgp = true"),
    key(CONNECTION, "bfd", "table", "none", "bfd = { enabled = true }"),
    key(CONNECTION, "probe", "table", "none", "probe = { enabled = true }"),
    key(
        CONNECTION,
        "tunnels",
        "list of tables",
        "required",
        r#"tunnels = [{ instance = "in-0", interface = "xfrm10" }, { instance = "in-1", interface = "xfrm10" }]"#,
    ),
    key(TUNNEL, "name", "name", "`device/instance`", r#"name = "hq-1/in-0""#),
    key(TUNNEL, "instance", "name", "required", r#"instance = "in-0""#),
    key(TUNNEL, "peer-instance", "name", "required with `peer-gateway`", r#"peer-instance = "east-0""#),
    key(TUNNEL, "interface", "interface", "required", r#"interface = "xfrm10""#),
    key(TUNNEL, "local-ip", "address", "our `bgp-ip`", r#"local-ip = "169.254.21.2""#),
    key(TUNNEL, "remote-ip", "address", "the far end's `bgp-ip`", r#"remote-ip = "169.254.21.1""#),
    key(TUNNEL, "bgp", "table", "none", r#"bgp = { passive = true }"#),
    key(TUNNEL, "bfd", "table", "none", "bfd = { enabled = true }"),
    key(TUNNEL, "probe", "table", "none", "probe = { enabled = true }"),
    key(ROUTER, "name", "name", "required", r#"name = "core-1""#),
    key(ROUTER, "address", "address", "required", r#"address = "10.20.255.1""#),
    key(ROUTER, "asn", "AS number", "required", "asn = 65001"),
    key(ROUTER, "interface", "interface", "none", r#"interface = "eth1""#),
    key(ROUTER, "local-address", "address", "the instance's `bgp-ip`", r#"local-address = "10.20.255.4""#),
    key(ROUTER, "instances", "list of names", "all", r#"instances = ["in-0"]"#),
    key(ROUTER, "families", "list of words", "the address's", r#"families = ["ipv4", "ipv6"]"#),
    key(ROUTER, "import", "list of names", r#"["accept"]"#, r#"import = ["accept"]"#),
    key(ROUTER, "export", "list of names", r#"["accept"]"#, r#"export = ["accept"]"#),
    key(ROUTER, "bgp", "table", "none", r#"bgp = { hold-time = "30s" }"#),
    key(ROUTER, "bfd", "table", "none", "bfd = { enabled = true }"),
    key(NEIGHBOR, "name", "name", "required", r#"name = "rr-1""#),
    key(NEIGHBOR, "address", "address", "required without `range`", r#"address = "10.20.255.9""#),
    key(NEIGHBOR, "range", "prefix", "none", r#"range = "10.9.0.0/24""#),
    key(NEIGHBOR, "limit", "number", "100", "limit = 100"),
    key(NEIGHBOR, "asn", "AS number", "required without `asns`", "asn = 65515"),
    key(NEIGHBOR, "asns", "list of AS numbers", "none", "asns = [65020, 65021]"),
    key(NEIGHBOR, "interface", "interface", "none", r#"interface = "eth1""#),
    key(NEIGHBOR, "local-address", "address", "the instance's `bgp-ip`", r#"local-address = "10.20.255.4""#),
    key(NEIGHBOR, "instances", "list of names", "all", r#"instances = ["in-0"]"#),
    key(NEIGHBOR, "families", "list of words", "the address's", r#"families = ["ipv4", "ipv6"]"#),
    key(NEIGHBOR, "import", "list of names", "[]", r#"import = ["accept"]"#),
    key(NEIGHBOR, "export", "list of names", "[]", r#"export = ["accept"]"#),
    key(NEIGHBOR, "bgp", "table", "none", r#"bgp = { multihop = 2 }"#),
    key(NEIGHBOR, "bfd", "table", "none", "bfd = { enabled = true }"),
    key(BGP, "hold-time", "duration", r#""90s""#, r#"hold-time = "90s""#),
    key(BGP, "keepalive-time", "duration", "a third of `hold-time`", r#"keepalive-time = "30s""#),
    key(BGP, "send-hold-time", "duration", "`480s`, or twice the hold time", r#"send-hold-time = "480s""#),
    key(BGP, "connect-retry", "duration", r#""5s""#, r#"connect-retry = "5s""#),
    key(BGP, "idle-hold-max", "duration", r#""60s""#, r#"idle-hold-max = "60s""#),
    key(BGP, "passive", "true or false", "false", "passive = false"),
    key(BGP, "ttl-security", "true or false", "true", "ttl-security = true"),
    key(BGP, "multihop", "number", "none", "multihop = 2"),
    key(
        BGP,
        "graceful-restart",
        "true, false or table",
        "true",
        r#"graceful-restart = { restart-time = "10s", stale-time = "120s" }"#,
    ),
    key(RESTART, "restart-time", "duration", r#""10s""#, r#"restart-time = "10s""#),
    key(RESTART, "stale-time", "duration", r#""120s""#, r#"stale-time = "120s""#),
    key(BGP, "families", "list of words", "the address's", r#"families = ["ipv4", "ipv6"]"#),
    key(BGP, "password-file", "path", "none", r#"password-file = "/etc/twinspan/hq-1.key""#),
    key(BGP, "ao-keys", "list of tables", "none", r#"ao-keys = [{ id = 1, file = "/etc/twinspan/hq-1.key" }]"#),
    key(BGP, "max-prefixes", "number or table", "0", "max-prefixes = 4000"),
    key(BGP, "shutdown", "true, false or text", "false", r#"shutdown = "line 2 is being moved""#),
    key(BGP, "import", "list of names", "by the neighbor's kind", r#"import = ["accept"]"#),
    key(BGP, "export", "list of names", "by the neighbor's kind", r#"export = ["accept"]"#),
    key(BGP, "weight", "number", "1", "weight = 10"),
    key(BGP, "graceful-shutdown", "true or false", "false", "graceful-shutdown = true"),
    key(BGP, "allow-as-sets", "true or false", "false", "allow-as-sets = true"),
    key(LIMIT, "ipv4", "number", "0", "ipv4 = 4000"),
    key(LIMIT, "ipv6", "number", "0", "ipv6 = 1000"),
    key(LIMIT, "action", "word", r#""drop""#, r#"action = "trim""#),
    key(LIMIT, "warn-at", "number", "75", "warn-at = 75"),
    key(LIMIT, "restart", "duration", "none", r#"restart = "5m""#),
    key(AO_KEYS, "id", "number", "required", "id = 1"),
    key(AO_KEYS, "receive-id", "number", "`id`", "receive-id = 1"),
    key(AO_KEYS, "algorithm", "word", r#""hmac-sha-1-96""#, r#"algorithm = "hmac-sha-1-96""#),
    key(AO_KEYS, "file", "path", "required", r#"file = "/etc/twinspan/hq-1.key""#),
    key(POLICY, "name", "name", "required", r#"name = "only-sites""#),
    key(POLICY, "rule", "tables", "required", "[[policy.rule]]"),
    key(RULE, "prefixes", "list of prefixes", "none", r#"prefixes = ["10.52.0.0/14 le 24"]"#),
    key(RULE, "neighbors", "list of names", "none", r#"neighbors = ["hq-1/*"]"#),
    key(RULE, "families", "list of words", "none", r#"families = ["ipv4"]"#),
    key(RULE, "as-path", "expression, list or table", "none", r#"as-path = { starts-with = 65010, length = "le 3" }"#),
    key(RULE, "communities", "list of communities", "none", r#"communities = ["65010:*"]"#),
    key(RULE, "large-communities", "list of communities", "none", r#"large-communities = ["65010:1:*"]"#),
    key(RULE, "ext-communities", "list of communities", "none", r#"ext-communities = ["rt:65010:*"]"#),
    key(RULE, "origin", "list of words", "none", r#"origin = ["igp"]"#),
    key(RULE, "next-hops", "list of prefixes", "none", r#"next-hops = ["10.20.0.0/16"]"#),
    key(RULE, "med", "number or range", "none", r#"med = "le 100""#),
    key(RULE, "set", "table", "none", "set = { local-pref = 200 }"),
    key(RULE, "then", "word", "required", r#"then = "accept""#),
    key(AS_PATH, "contains", "AS number or list", "none", "contains = 65010"),
    key(AS_PATH, "starts-with", "AS number or list", "none", "starts-with = 65010"),
    key(AS_PATH, "ends-with", "AS number or list", "none", "ends-with = [65010, 65011]"),
    key(AS_PATH, "length", "number or range", "none", r#"length = "le 3""#),
    key(AS_PATH, "matches", "expression or list", "none", "matches = '_65010_'"),
    key(SET, "local-pref", "number", "none", "local-pref = 200"),
    key(SET, "med", "number or change", "none", r#"med = "+10""#),
    key(SET, "origin", "word", "none", r#"origin = "igp""#),
    key(SET, "set-communities", "list of communities", "none", r#"set-communities = ["65515:52"]"#),
    key(SET, "remove-communities", "list of communities", "none", r#"remove-communities = ["65010:*"]"#),
    key(SET, "add-communities", "list of communities", "none", r#"add-communities = ["65515:52"]"#),
    key(SET, "set-large-communities", "list of communities", "none", r#"set-large-communities = ["65515:1:2"]"#),
    key(SET, "remove-large-communities", "list of communities", "none", r#"remove-large-communities = ["65010:*:*"]"#),
    key(SET, "add-large-communities", "list of communities", "none", r#"add-large-communities = ["65515:1:2"]"#),
    key(SET, "set-ext-communities", "list of communities", "none", r#"set-ext-communities = ["rt:65515:52"]"#),
    key(SET, "remove-ext-communities", "list of communities", "none", r#"remove-ext-communities = ["bandwidth:*"]"#),
    key(SET, "add-ext-communities", "list of communities", "none", r#"add-ext-communities = ["rt:65515:52"]"#),
    key(SET, "prepend", "number or list of AS numbers", "none", "prepend = 2"),
    key(SET, "next-hop", "address or word", "none", r#"next-hop = "10.20.255.1""#),
    key(SET, "weight", "number", "none", "weight = 10"),
    key(BFD, "enabled", "true or false", "false", "enabled = true"),
    key(BFD, "interval", "duration", r#""100ms""#, r#"interval = "100ms""#),
    key(BFD, "multiplier", "number", "3", "multiplier = 3"),
    key(BFD, "strict", "true or false", "false", "strict = true"),
    key(BFD, "multihop", "number", "as `bgp` has it", "multihop = 2"),
    key(BFD, "key", "table", "none", r#"key = { id = 1, file = "/etc/twinspan/hq-1.key" }"#),
    key(BFD_KEY, "id", "number", "required", "id = 1"),
    key(BFD_KEY, "algorithm", "word", r#""meticulous-keyed-sha1""#, r#"algorithm = "keyed-sha1""#),
    key(BFD_KEY, "file", "path", "required", r#"file = "/etc/twinspan/hq-1.key""#),
    key(PROBE, "enabled", "true or false", "false", "enabled = true"),
    key(PROBE, "interval", "duration", r#""1s""#, r#"interval = "1s""#),
    key(PROBE, "count", "number", "5", "count = 5"),
    key(DAMPING, "damping-first", "duration", r#""1s""#, r#"damping-first = "1s""#),
    key(DAMPING, "damping-max", "duration", r#""60s""#, r#"damping-max = "60s""#),
    key(DAMPING, "damping-decay", "duration", r#""60s""#, r#"damping-decay = "60s""#),
    key(
        HEALTH,
        "vpn-command",
        "list of words",
        "none",
        r#"vpn-command = ["systemctl", "is-active", "--quiet", "strongswan"]"#,
    ),
    key(HEALTH, "command", "list of words", "none", r#"command = ["/usr/lib/twinspan/healthy"]"#),
    key(HEALTH, "interval", "duration", r#""5s""#, r#"interval = "5s""#),
    key(HEALTH, "limit", "duration", r#""3s""#, r#"limit = "3s""#),
    key(HEALTH, "fall", "number", "3", "fall = 3"),
    key(HEALTH, "rise", "number", "2", "rise = 2"),
    key(DRAIN, "limit", "duration", r#""30s""#, r#"limit = "30s""#),
    key(DRAIN, "quiet", "number", "50", "quiet = 50"),
    key(DRAIN, "return-limit", "duration", r#""30s""#, r#"return-limit = "30s""#),
    key(ECMP, "max-paths", "number", "64", "max-paths = 64"),
    key(ECMP, "as-path-relax", "true or false", "true", "as-path-relax = true"),
    key(ECMP, "weights", "word", r#""configured""#, r#"weights = "link-bandwidth""#),
    key(ECMP, "hash", "word", r#""l4""#, r#"hash = "l4""#),
    key(ECMP, "buckets", "number", "by `max-tunnels`", "buckets = 1024"),
    key(ECMP, "idle-timer", "duration", r#""120s""#, r#"idle-timer = "120s""#),
    key(KERNEL, "table", "number", "254", "table = 254"),
    key(KERNEL, "protocol", "number", "179", "protocol = 179"),
    key(KERNEL, "metric", "number", "20", "metric = 20"),
    key(KERNEL, "on-stop", "word", r#""remove""#, r#"on-stop = "remove""#),
    key(CONTROL, "socket", "path", r#""/run/twinspan/twinspan.sock""#, r#"socket = "/run/twinspan/twinspan.sock""#),
    key(CONTROL, "metrics", "address:port", "none", r#"metrics = "127.0.0.1:9179""#),
];

/// The key of that table, if there is one.
pub(super) fn find(table: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|k| k.table == table && k.name == name)
}

/// What to say to someone who wrote a key that the table does not have.
pub(super) fn way_out(table: &str, name: &str) -> String {
    let here: Vec<&str> = KEYS.iter().filter(|k| k.table == table).map(|k| k.name).collect();
    if let Some(near) = nearest(name, here.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    let elsewhere: Vec<String> =
        KEYS.iter().filter(|k| k.name == name).map(|k| format!("`{}`", shown(k.table))).collect();
    if elsewhere.is_empty() {
        format!("{} takes: {}", shown(table), here.join(", "))
    } else {
        format!("it is a key of {}", elsewhere.join(", "))
    }
}

/// A table's name for a sentence.
pub(super) fn shown(table: &str) -> String {
    match table {
        TOP => "the top level".to_owned(),
        GATEWAY | BGP | BFD | DAMPING | ECMP | KERNEL | CONTROL => format!("[{table}]"),
        INSTANCE | DEVICE | PEER_GATEWAY | CONNECTION | ROUTER | NEIGHBOR | POLICY | RULE => format!("[[{table}]]"),
        _ => table.to_owned(),
    }
}

/// The candidate that someone most likely meant, if one is near enough.
pub(super) fn nearest<'a>(wrote: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
    let wrote = plain(wrote);
    let most = (wrote.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(&wrote, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, dropped or changed to come from one to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = i + 1;
        next.push(left);
        for (pair, b) in row.windows(2).zip(&to) {
            let [diagonal, above] = pair else { continue };
            left = (diagonal + usize::from(a != *b)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_a_letter_finds_the_key_that_was_meant() {
        assert_eq!(nearest("hold_time", ["hold-time", "passive"]), Some("hold-time"));
        assert_eq!(nearest("pasive", ["hold-time", "passive"]), Some("passive"));
        assert_eq!(nearest("colour", ["hold-time", "passive"]), None);
    }

    #[test]
    fn a_key_of_another_table_is_named_with_that_table() {
        assert_eq!(way_out("device", "buckets"), "it is a key of `[ecmp]`");
    }

    #[test]
    fn no_key_is_listed_twice() {
        for (at, key) in KEYS.iter().enumerate() {
            let first = KEYS.iter().position(|k| k.table == key.table && k.name == key.name);
            assert_eq!(first, Some(at), "{}.{}", key.table, key.name);
        }
    }
}
