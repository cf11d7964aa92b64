//! What can be asked, and how it is written as an HTTP method, path and query.
//!
//! [`Request::target`] writes and [`Request::read`] reads; each is the other's inverse, so client and server agree.

use std::{borrow::Cow, fmt, net::IpAddr, str::FromStr};

use super::{ApiError, ErrorCode, EventQuery, FileText, RoleWish};
use crate::types::{Family, Name, Prefix};

/// How many routes a page has when nothing is said.
pub const LIMIT_DEFAULT: usize = 1_000;
/// How many routes a page can have: what the daemon answers without being late for anything else.
pub const LIMIT_MAX: usize = 10_000;

/// The longest time, in seconds, that a reload can wait to be confirmed: a day.
pub const CONFIRM_MAX: u64 = 86_400;

/// A question or an order to the daemon.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Request {
    /// `GET /v1/gateway`.
    Gateway,
    /// `GET /v1/tunnels`.
    Tunnels,
    /// `GET /v1/tunnels/{name}`; a `/` in the name may stand as it is or as `%2F`.
    Tunnel(Name),
    /// `POST /v1/tunnels/{name}/down?reason=`: the tunnel shall carry nothing until [`Request::TunnelUp`].
    TunnelDown(Name, Option<String>),
    /// `POST /v1/tunnels/{name}/up?reason=`: nothing against it any more from whoever said [`Request::TunnelDown`].
    TunnelUp(Name, Option<String>),
    /// `GET /v1/events?about=&since=&after=&limit=`, all optional.
    Events(EventQuery),
    /// `GET /v1/neighbors`.
    Neighbors,
    /// `GET /v1/neighbors/{name}`; a `/` in the name may stand as it is or as `%2F`.
    Neighbor(Name),
    /// `GET /v1/routes?prefix=&address=&family=&neighbor=&limit=&after=`, all optional.
    Routes(RouteQuery),
    /// `GET /v1/fib`.
    Fib,
    /// `GET /v1/fib/check`: read the kernel now, and compare it with what is wanted.
    FibCheck,
    /// `GET /metrics`: counters and states as text for Prometheus.
    Metrics,
    /// `GET /v1/fib/routes?family=&limit=&after=`, all optional.
    FibRoutes(FibRouteQuery),
    /// `POST /v1/neighbors/{name}/reset?reason=&hard=&soft=`, all optional.
    ResetNeighbor(Name, Reset),
    /// `POST /v1/tunnels/{name}/reset?reason=`: the session inside is reset, and what the tunnel's failures have cost
    /// is forgotten.
    ResetTunnel(Name, Option<String>),
    /// `POST /v1/instance/reset?reason=`: all sessions of this instance are reset but that with its twin.
    ResetInstance(Option<String>),
    /// `POST /v1/gateway/reset?reason=`: this instance is reset, and when it is back the other one.
    ResetGateway(Option<String>),
    /// `GET /v1/drains`.
    Drains,
    /// `POST /v1/drain?tunnel=&device=&reason=&force=`, all optional: the instance, unless a tunnel or a device is named.
    Drain(DrainOrder),
    /// `POST /v1/undrain?tunnel=&device=`: brings it back.
    Undrain(DrainOrder),
    /// `POST /v1/plan`: what a reload of the text in the body would change; changes nothing.
    Plan(FileText),
    /// `POST /v1/reload?confirm_within=`: read the file again and go over to it. With a number of seconds it goes back by
    /// itself unless it is confirmed.
    Reload(Option<u64>),
    /// `POST /v1/role/active` and `POST /v1/role/standby?force=`: which instance shall be active.
    Role(RoleWish, bool),
    /// `POST /v1/confirm`: keep what the last reload brought.
    Confirm,
}

/// What is to be drained, or brought back.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DrainOrder {
    /// This tunnel.
    pub tunnel: Option<Name>,
    /// All tunnels to this device.
    pub device: Option<Name>,
    /// Why, in words for people: neighbors are told, up to [`REASON_MAX`] octets.
    pub reason: Option<String>,
    /// Whatever speaks against it.
    pub force: bool,
}

impl DrainOrder {
    fn target(&self, path: &str) -> String {
        let mut target = Target::new(path);
        target.add("tunnel", self.tunnel.as_ref());
        target.add("device", self.device.as_ref());
        target.add("reason", self.reason.as_deref().map(escape));
        target.add("force", self.force.then_some(true));
        target.0
    }
}

/// How a session is reset.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reset {
    /// It is ended by Cease / Administrative Reset, and dialled again.
    Session {
        /// What the operator at the other end is told (RFC 9003), 1 to [`REASON_MAX`] octets.
        reason: Option<String>,
        /// The neighbor shall forget our routes at once, whatever it does about other ends (RFC 8538).
        hard: bool,
    },
    /// It goes on; routes are said again.
    Soft(Soft),
}

impl Default for Reset {
    fn default() -> Self {
        Self::Session { reason: None, hard: false }
    }
}

/// Whose routes are said again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Soft {
    /// The neighbor is asked for its own (RFC 2918).
    In,
    /// The neighbor is told ours.
    Out,
    /// Both.
    Both,
}

/// The most octets of a reason (RFC 9003 section 2).
pub const REASON_MAX: usize = 255;

impl Soft {
    /// Each with its word.
    const WORDS: [(Self, &str); 3] = [(Self::In, "in"), (Self::Out, "out"), (Self::Both, "both")];
}

impl fmt::Display for Soft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::WORDS.iter().find(|(soft, _)| soft == self).map_or("", |(_, word)| word);
        f.pad(word)
    }
}

impl FromStr for Soft {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::WORDS.iter().find(|(_, word)| *word == text);
        found.map(|(soft, _)| *soft).ok_or_else(|| format!("\"{text}\" is none of \"in\", \"out\" and \"both\""))
    }
}

/// Which routes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RouteQuery {
    /// All, or what is at one place.
    pub select: Select,
    /// Of one family; both if `None`.
    pub family: Option<Family>,
    /// Only prefixes to which this neighbor teaches a path, refused or not, and only its paths; all if `None`.
    pub neighbor: Option<Name>,
    /// At most so many prefixes, 0 (only the totals) to [`LIMIT_MAX`].
    pub limit: usize,
    /// Those that sort after this prefix: the `next` of the page before.
    pub after: Option<Prefix>,
}

impl RouteQuery {
    /// The same question, for so many after that prefix.
    #[must_use]
    pub fn page(&self, limit: usize, after: Option<Prefix>) -> Request {
        Request::Routes(Self { limit, after, ..self.clone() })
    }
}

impl Default for RouteQuery {
    fn default() -> Self {
        Self { select: Select::All, family: None, neighbor: None, limit: LIMIT_DEFAULT, after: None }
    }
}

/// Which part of the table.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Select {
    /// All of it.
    #[default]
    All,
    /// This prefix, exactly.
    Prefix(Prefix),
    /// The longest prefix that holds this address: where its packets go.
    Address(IpAddr),
}

/// Which routes of the kernel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FibRouteQuery {
    /// Of one family; both if `None`.
    pub family: Option<Family>,
    /// At most so many, 0 (only the totals) to [`LIMIT_MAX`].
    pub limit: usize,
    /// Those that sort after this prefix: the `next` of the page before.
    pub after: Option<Prefix>,
}

impl FibRouteQuery {
    /// The same question, for so many after that prefix.
    #[must_use]
    pub fn page(&self, limit: usize, after: Option<Prefix>) -> Request {
        Request::FibRoutes(Self { limit, after, ..self.clone() })
    }
}

impl Default for FibRouteQuery {
    fn default() -> Self {
        Self { family: None, limit: LIMIT_DEFAULT, after: None }
    }
}

/// An HTTP method that the API uses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// Asks, changes nothing.
    Get,
    /// Changes something.
    Post,
}

impl Method {
    /// As HTTP writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

impl Request {
    /// The method, and the path with its query.
    #[must_use]
    pub fn target(&self) -> (Method, String) {
        match self {
            Self::Gateway => (Method::Get, "/v1/gateway".into()),
            Self::Tunnels => (Method::Get, "/v1/tunnels".into()),
            Self::Tunnel(name) => (Method::Get, format!("/v1/tunnels/{}", segment(name))),
            Self::TunnelDown(name, reason) => (Method::Post, hook(name, "down", reason.as_deref())),
            Self::TunnelUp(name, reason) => (Method::Post, hook(name, "up", reason.as_deref())),
            Self::Events(query) => {
                let mut target = Target::new("/v1/events");
                target.add("about", query.about.as_ref());
                target.add("since", query.since);
                target.add("after", query.after);
                target.add("limit", (query.limit != LIMIT_DEFAULT).then_some(query.limit));
                (Method::Get, target.0)
            }
            Self::Neighbors => (Method::Get, "/v1/neighbors".into()),
            Self::Neighbor(name) => (Method::Get, format!("/v1/neighbors/{}", segment(name))),
            Self::ResetNeighbor(name, how) => {
                let mut target = Target::new(&format!("/v1/neighbors/{}/reset", segment(name)));
                match how {
                    Reset::Session { reason, hard } => {
                        target.add("reason", reason.as_deref().map(escape));
                        target.add("hard", hard.then_some(true));
                    }
                    Reset::Soft(soft) => target.add("soft", Some(soft)),
                }
                (Method::Post, target.0)
            }
            Self::ResetTunnel(name, reason) => (Method::Post, hook(name, "reset", reason.as_deref())),
            Self::ResetInstance(reason) => (Method::Post, with_reason("/v1/instance/reset", reason.as_deref())),
            Self::ResetGateway(reason) => (Method::Post, with_reason("/v1/gateway/reset", reason.as_deref())),
            Self::Drains => (Method::Get, "/v1/drains".into()),
            Self::Drain(order) => (Method::Post, order.target("/v1/drain")),
            Self::Undrain(order) => (Method::Post, order.target("/v1/undrain")),
            Self::Plan(_) => (Method::Post, "/v1/plan".into()),
            Self::Reload(confirm_within) => {
                let mut target = Target::new("/v1/reload");
                target.add("confirm_within", *confirm_within);
                (Method::Post, target.0)
            }
            Self::Confirm => (Method::Post, "/v1/confirm".into()),
            Self::Role(wish, force) => {
                let mut target = Target::new(&format!("/v1/role/{wish}"));
                target.add("force", force.then_some(true));
                (Method::Post, target.0)
            }
            Self::Fib => (Method::Get, "/v1/fib".into()),
            Self::FibCheck => (Method::Get, "/v1/fib/check".into()),
            Self::Metrics => (Method::Get, "/metrics".into()),
            Self::Routes(query) => {
                let (prefix, address) = match query.select {
                    Select::All => (None, None),
                    Select::Prefix(prefix) => (Some(prefix), None),
                    Select::Address(address) => (None, Some(address)),
                };
                let mut target = Target::new("/v1/routes");
                target.add("prefix", prefix);
                target.add("address", address);
                target.add("family", query.family);
                target.add("neighbor", query.neighbor.as_ref());
                target.add("limit", (query.limit != LIMIT_DEFAULT).then_some(query.limit));
                target.add("after", query.after);
                (Method::Get, target.0)
            }
            Self::FibRoutes(query) => {
                let mut target = Target::new("/v1/fib/routes");
                target.add("family", query.family);
                target.add("limit", (query.limit != LIMIT_DEFAULT).then_some(query.limit));
                target.add("after", query.after);
                (Method::Get, target.0)
            }
        }
    }

    /// What goes with it as the body: JSON, or nothing.
    #[must_use]
    pub fn body(&self) -> Option<String> {
        match self {
            Self::Plan(file) => serde_json::to_string(file).ok(),
            _ => None,
        }
    }

    /// The request with the body that came with it; where none belongs to it, whatever came is left unread.
    pub fn with_body(self, body: &[u8]) -> Result<Self, ApiError> {
        match self {
            Self::Plan(_) => serde_json::from_slice(body).map(Self::Plan).map_err(|error| {
                let message = format!("the body is not {{\"file\": NAME, \"text\": TEXT}}: {error}");
                ApiError::bad_request(message)
            }),
            other => Ok(other),
        }
    }

    /// Reads what a client sent: `path` as it stands in the request line, without the query.
    pub fn read(method: &str, path: &str, query: Option<&str>) -> Result<Self, ApiError> {
        let unknown = || {
            ApiError::not_found(format!("there is no {path}"))
                .hint("there are /v1/gateway, /v1/tunnels, /v1/events, /v1/neighbors, /v1/routes, /v1/fib, /v1/fib/routes, /v1/fib/check, /v1/drains, /v1/drain, /v1/undrain, /v1/instance/reset, /v1/gateway/reset, /v1/plan, /v1/reload, /v1/confirm, /v1/role/active, /v1/role/standby and /metrics")
        };
        let mut query = Query::read(query)?;
        let rest = if path == "/metrics" { path } else { path.strip_prefix("/v1/").ok_or_else(unknown)? };
        let (needs, request) = match rest.strip_suffix('/').unwrap_or(rest) {
            "/metrics" => (Method::Get, Self::Metrics),
            "gateway" => (Method::Get, Self::Gateway),
            "gateway/reset" => (Method::Post, Self::ResetGateway(query.reason()?)),
            "instance/reset" => (Method::Post, Self::ResetInstance(query.reason()?)),
            "tunnels" => (Method::Get, Self::Tunnels),
            "events" => (Method::Get, Self::Events(query.events()?)),
            "neighbors" => (Method::Get, Self::Neighbors),
            "routes" => (Method::Get, Self::Routes(query.routes()?)),
            "fib" => (Method::Get, Self::Fib),
            "fib/check" => (Method::Get, Self::FibCheck),
            "drains" => (Method::Get, Self::Drains),
            "drain" => (Method::Post, Self::Drain(query.drain(true)?)),
            "undrain" => (Method::Post, Self::Undrain(query.drain(false)?)),
            "plan" => (Method::Post, Self::Plan(FileText::default())),
            "reload" => (Method::Post, Self::Reload(query.confirm_within()?)),
            "confirm" => (Method::Post, Self::Confirm),
            "role/active" => (Method::Post, Self::Role(RoleWish::Active, false)),
            "role/standby" => (Method::Post, Self::Role(RoleWish::Standby, query.take("force")?.unwrap_or(false))),
            "fib/routes" => (Method::Get, Self::FibRoutes(query.fib_routes()?)),
            rest if rest.starts_with("tunnels/") => {
                let name = rest.strip_prefix("tunnels/").ok_or_else(unknown)?;
                // A tunnel may be called "x/up": GET asks for it.
                let asks = method == "GET" || method == "HEAD";
                let order = name.rsplit_once('/').filter(|_| !asks);
                match order {
                    Some((name, "down")) => (Method::Post, Self::TunnelDown(read_name(name)?, query.reason()?)),
                    Some((name, "up")) => (Method::Post, Self::TunnelUp(read_name(name)?, query.reason()?)),
                    Some((name, "reset")) => (Method::Post, Self::ResetTunnel(read_name(name)?, query.reason()?)),
                    _ => (Method::Get, Self::Tunnel(read_name(name)?)),
                }
            }
            rest => {
                let name = rest.strip_prefix("neighbors/").ok_or_else(unknown)?;
                match name.strip_suffix("/reset") {
                    // A neighbor may be called "x/reset": GET asks for it.
                    Some(name) if method != "GET" && method != "HEAD" => {
                        (Method::Post, Self::ResetNeighbor(read_name(name)?, query.reset()?))
                    }
                    _ => (Method::Get, Self::Neighbor(read_name(name)?)),
                }
            }
        };
        query.done()?;
        // HEAD is GET whose body HTTP leaves out.
        let method = if method == "HEAD" { "GET" } else { method };
        if method == needs.as_str() {
            Ok(request)
        } else {
            let message = format!("{path} does not take {method}");
            Err(ApiError::new(ErrorCode::MethodNotAllowed, message).hint(format!("use {}", needs.as_str())))
        }
    }
}

/// The target of what a hook says of a tunnel.
fn hook(name: &Name, word: &str, reason: Option<&str>) -> String {
    with_reason(&format!("/v1/tunnels/{}/{word}", segment(name)), reason)
}

fn with_reason(path: &str, reason: Option<&str>) -> String {
    let mut target = Target::new(path);
    target.add("reason", reason.map(escape));
    target.0
}

/// A path that gets its query, piece by piece.
struct Target(String);

impl Target {
    fn new(path: &str) -> Self {
        Self(path.to_owned())
    }

    fn add(&mut self, key: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            // Names, prefixes and addresses hold nothing that a query must escape; text is escaped before.
            let mark = if self.0.contains('?') { '&' } else { '?' };
            self.0.push_str(&format!("{mark}{key}={value}"));
        }
    }
}

/// The pairs of a query; reading takes them out, and what is left at the end was not understood.
struct Query(Vec<(String, String)>);

impl Query {
    fn read(text: Option<&str>) -> Result<Self, ApiError> {
        let pairs = text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let mut found = Vec::new();
        for pair in pairs {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decode(key)?, decode(value)?);
            if found.iter().any(|(other, _)| *other == key) {
                return Err(ApiError::bad_request(format!("\"{key}\" is given twice")));
            }
            found.push((key.into_owned(), value.into_owned()));
        }
        Ok(Self(found))
    }

    /// A missing and an empty value are the same: not given.
    fn take<T: FromStr<Err: fmt::Display>>(&mut self, key: &str) -> Result<Option<T>, ApiError> {
        let Some(at) = self.0.iter().position(|(other, _)| other == key) else { return Ok(None) };
        let (_, value) = self.0.swap_remove(at);
        if value.is_empty() {
            return Ok(None);
        }
        value.parse().map(Some).map_err(|error| ApiError::bad_request(format!("{key}: {error}")))
    }

    fn family(&mut self) -> Result<Option<Family>, ApiError> {
        self.take::<String>("family")?
            .map(|word| {
                Family::ALL.into_iter().find(|family| family.to_string() == word).ok_or_else(|| {
                    ApiError::bad_request(format!("family: \"{word}\" is neither \"ipv4\" nor \"ipv6\""))
                })
            })
            .transpose()
    }

    fn limit(&mut self) -> Result<usize, ApiError> {
        let limit = self.take("limit")?.unwrap_or(LIMIT_DEFAULT);
        if limit <= LIMIT_MAX {
            return Ok(limit);
        }
        let message = format!("limit: {limit} is more than {LIMIT_MAX}, the most that one page holds");
        Err(ApiError::bad_request(message).hint("take the next page by after=NEXT, with \"next\" of the page before"))
    }

    fn confirm_within(&mut self) -> Result<Option<u64>, ApiError> {
        let seconds = self.take("confirm_within")?;
        if seconds.is_none_or(|seconds| (1..=CONFIRM_MAX).contains(&seconds)) {
            return Ok(seconds);
        }
        Err(ApiError::bad_request(format!("confirm_within: not within 1 to {CONFIRM_MAX} seconds")))
    }

    fn routes(&mut self) -> Result<RouteQuery, ApiError> {
        let select = match (self.take("prefix")?, self.take("address")?) {
            (None, None) => Select::All,
            (Some(prefix), None) => Select::Prefix(prefix),
            (None, Some(address)) => Select::Address(address),
            (Some(_), Some(_)) => return Err(ApiError::bad_request("give a prefix or an address, not both")),
        };
        Ok(RouteQuery {
            select,
            family: self.family()?,
            neighbor: self.take("neighbor")?,
            limit: self.limit()?,
            after: self.take("after")?,
        })
    }

    fn fib_routes(&mut self) -> Result<FibRouteQuery, ApiError> {
        Ok(FibRouteQuery { family: self.family()?, limit: self.limit()?, after: self.take("after")? })
    }

    fn events(&mut self) -> Result<EventQuery, ApiError> {
        Ok(EventQuery {
            about: self.take("about")?,
            since: self.take("since")?,
            after: self.take("after")?,
            limit: self.limit()?,
        })
    }

    /// Why a tunnel is taken down or up.
    fn reason(&mut self) -> Result<Option<String>, ApiError> {
        let reason = self.take::<String>("reason")?;
        match reason.as_ref().map_or(0, String::len) {
            0..=REASON_MAX => Ok(reason),
            length => {
                let message = format!("reason: it has {length} octets, and may have at most {REASON_MAX}");
                Err(ApiError::bad_request(message))
            }
        }
    }

    fn reset(&mut self) -> Result<Reset, ApiError> {
        let (reason, hard) = (self.take::<String>("reason")?, self.take("hard")?.unwrap_or(false));
        match self.take("soft")? {
            Some(_) if hard || reason.is_some() => {
                Err(ApiError::bad_request("a soft reset ends nothing: it takes no reason, and is not hard"))
            }
            Some(soft) => Ok(Reset::Soft(soft)),
            None => match reason.as_ref().map_or(0, String::len) {
                0..=REASON_MAX => Ok(Reset::Session { reason, hard }),
                length => {
                    let message = format!("reason: it has {length} octets, and a neighbor takes at most {REASON_MAX}");
                    Err(ApiError::bad_request(message))
                }
            },
        }
    }

    /// What to drain; bringing it back takes no reason.
    fn drain(&mut self, begins: bool) -> Result<DrainOrder, ApiError> {
        let (tunnel, device) = (self.take("tunnel")?, self.take("device")?);
        if tunnel.is_some() && device.is_some() {
            return Err(ApiError::bad_request("give a tunnel or a device, not both"));
        }
        let (reason, force) =
            if begins { (self.reason()?, self.take("force")?.unwrap_or(false)) } else { (None, false) };
        Ok(DrainOrder { tunnel, device, reason, force })
    }

    fn done(self) -> Result<(), ApiError> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => Err(ApiError::bad_request(format!("\"{key}\" is not a parameter of this path"))),
        }
    }
}

/// A name as one segment of a path: of all that a name may hold only `/` must be escaped.
fn segment(name: &Name) -> String {
    name.as_str().replace('/', "%2F")
}

/// Text as a value of a query: what may not stand there as it is becomes `%XX` (RFC 3986 section 2.1).
fn escape(text: &str) -> String {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    let one = |octet: u8| if plain(octet) { char::from(octet).to_string() } else { format!("%{octet:02X}") };
    text.bytes().map(one).collect()
}

fn read_name(text: &str) -> Result<Name, ApiError> {
    let text = decode(text)?;
    Name::new(&text).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// Takes `%XX` out (RFC 3986 section 2.1).
fn decode(text: &str) -> Result<Cow<'_, str>, ApiError> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let wrong = || ApiError::bad_request(format!("\"{text}\" is not percent-encoded text"));
    let mut parts = text.split('%');
    let mut octets = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, plain) = part.split_at_checked(2).ok_or_else(wrong)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        octets.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        octets.extend_from_slice(plain.as_bytes());
    }
    String::from_utf8(octets).map(Cow::Owned).map_err(|_| wrong())
}
