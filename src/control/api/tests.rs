use std::net::IpAddr;

use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use super::*;
use crate::types::{Family, Name, Prefix};

/// The reply is written as the file says, and the file reads back as what the reply holds.
fn held<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(reply: &Reply, file: &str) {
    let written = reply.to_json();
    assert_eq!(written, file, "\n{written}\nis not what is promised in src/control/snapshots");
    let read: T = serde_json::from_str(file).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), serde_json::to_value(reply).unwrap());
}

#[test]
fn every_reply_has_the_shape_that_is_promised() {
    held::<Gateway>(&samples::gateway(), include_str!("../snapshots/gateway.json"));
    held::<Tunnels>(&samples::tunnels(), include_str!("../snapshots/tunnels.json"));
    held::<TunnelDetail>(&samples::tunnel(), include_str!("../snapshots/tunnel.json"));
    held::<Events>(&samples::events(), include_str!("../snapshots/events.json"));
    held::<Neighbors>(&samples::neighbors(), include_str!("../snapshots/neighbors.json"));
    held::<NeighborDetail>(&samples::neighbor(), include_str!("../snapshots/neighbor.json"));
    held::<Routes>(&samples::routes(), include_str!("../snapshots/routes.json"));
    held::<Fib>(&samples::fib(), include_str!("../snapshots/fib.json"));
    held::<FibCheck>(&samples::fib_check(), include_str!("../snapshots/fib_check.json"));
    held::<FibRoutes>(&samples::fib_routes(), include_str!("../snapshots/fib_routes.json"));
    held::<Drains>(&samples::drains(), include_str!("../snapshots/drains.json"));
    held::<Plan>(&samples::plan(), include_str!("../snapshots/plan.json"));
    held::<Done>(&Reply::Done(Done { message: "done".into() }), "{\n  \"message\": \"done\"\n}\n");
}

#[test]
fn a_page_without_routes_is_still_a_document_with_a_list() {
    let page = Reply::Routes(Routes::default()).to_json();
    assert_eq!(serde_json::from_str::<Routes>(&page).unwrap(), Routes::default());
}

#[test]
fn an_error_has_the_shape_that_is_promised() {
    let error = ApiError::no_neighbor("hq-9/in-0");
    let body = indented(&ErrorBody { error: error.clone() });
    assert_eq!(
        body,
        r#"{
  "error": {
    "code": "not_found",
    "message": "there is no neighbor \"hq-9/in-0\"",
    "hint": "see all: twinspan show neighbors",
    "faults": []
  }
}
"#
    );
    assert_eq!(serde_json::from_str::<ErrorBody>(&body).unwrap().error, error);
}

#[test]
fn a_word_of_a_later_version_is_read_as_unknown() {
    assert_eq!(serde_json::from_str::<SessionState>("\"asleep\"").unwrap(), SessionState::Unknown);
    assert_eq!(serde_json::from_str::<Mode>("\"active-active-active\"").unwrap(), Mode::Unknown);
    assert_eq!(serde_json::from_str::<ErrorCode>("\"teapot\"").unwrap(), ErrorCode::Internal);
}

#[test]
fn a_moment_is_utc_in_milliseconds_and_never_fails() {
    use std::time::Duration;
    let moment = Moment::from_unix(Duration::new(1_795_230_727, 123_999_999));
    assert_eq!(moment.to_string(), "2026-11-21T03:12:07.123Z");
    assert_eq!("2026-11-21T04:12:07.123999+01:00".parse::<Moment>().unwrap(), moment);
    assert_eq!(Moment::from_unix(moment.since_epoch()), moment);
    assert!(Moment::from_unix(Duration::MAX).to_string().starts_with("9999-"));
}

#[test]
fn communities_are_written_as_people_write_them() {
    assert_eq!(community(0xfff2_0001), "65522:1");
    assert_eq!(extended_community([0, 2, 0xfd, 0xf2, 0, 0, 0, 52]), "rt:65010:52");
    assert_eq!(extended_community([1, 3, 192, 0, 2, 1, 0, 7]), "ro:192.0.2.1:7");
    assert_eq!(extended_community([2, 2, 0, 1, 0, 0, 0, 9]), "rt:65536:9");
    assert_eq!(extended_community([0x40, 4, 0xfd, 0xf2, 0x4a, 0xe4, 0xe1, 0xc0]), "bandwidth:65010:7500000");
    assert_eq!(extended_community([0x80, 6, 0, 0, 0, 0, 0, 1]), "0x8006000000000001");
    assert_eq!(large_community(4_294_967_295, 0, 1), "4294967295:0:1");
}

fn refusal(method: &str, path: &str, query: Option<&str>) -> ApiError {
    Request::read(method, path, query).unwrap_err()
}

#[test]
fn what_cannot_be_asked_is_refused_with_the_reason() {
    assert_eq!(refusal("GET", "/", None).code, ErrorCode::NotFound);
    assert_eq!(refusal("GET", "/v2/gateway", None).code, ErrorCode::NotFound);
    assert_eq!(refusal("POST", "/v1/gateway", None).code, ErrorCode::MethodNotAllowed);
    assert_eq!(refusal("DELETE", "/v1/neighbors/a/reset", None).code, ErrorCode::MethodNotAllowed);
    let said = |query| refusal("GET", "/v1/routes", Some(query)).message;
    assert_eq!(said("limit=10001"), "limit: 10001 is more than 10000, the most that one page holds");
    assert_eq!(said("prefx=10.0.0.0/8"), "\"prefx\" is not a parameter of this path");
    assert_eq!(said("limit=1&limit=2"), "\"limit\" is given twice");
    assert_eq!(said("family=ipx"), "family: \"ipx\" is neither \"ipv4\" nor \"ipv6\"");
    assert_eq!(said("neighbor=%zz"), "\"%zz\" is not percent-encoded text");
    assert_eq!(said("neighbor=%e2%28"), "\"%e2%28\" is not percent-encoded text");
    assert_eq!(refusal("POST", "/v1/reload", Some("confirm_within=0")).code, ErrorCode::BadRequest);
    assert_eq!(Request::Plan(FileText::default()).with_body(b"{}").unwrap_err().code, ErrorCode::BadRequest);
    assert!(said("prefix=10.1.2.3/16").ends_with("write 10.1.0.0/16"));
    assert_eq!(said("prefix=10.0.0.0/8&address=10.0.0.1"), "give a prefix or an address, not both");
}

#[test]
fn a_name_with_a_slash_may_be_written_either_way() {
    let wanted = Request::Neighbor("hq-1/in-0".parse().unwrap());
    assert_eq!(Request::read("GET", "/v1/neighbors/hq-1/in-0", None), Ok(wanted.clone()));
    assert_eq!(Request::read("GET", "/v1/neighbors/hq-1%2fin-0", None), Ok(wanted));
    let reset = Request::ResetNeighbor("hq-1/in-0".parse().unwrap(), Reset::default());
    assert_eq!(Request::read("POST", "/v1/neighbors/hq-1/in-0/reset", None), Ok(reset));
}

#[test]
fn a_reset_that_contradicts_itself_is_refused() {
    let said = |query: &str| Request::read("POST", "/v1/neighbors/a/reset", Some(query)).unwrap_err().message;
    assert_eq!(said("soft=in&hard=true"), "a soft reset ends nothing: it takes no reason, and is not hard");
    assert_eq!(said("soft=in&reason=x"), "a soft reset ends nothing: it takes no reason, and is not hard");
    assert_eq!(said("soft=up"), "soft: \"up\" is none of \"in\", \"out\" and \"both\"");
    assert!(said("hard=maybe").starts_with("hard: "));
    let long = format!("reason={}", "x".repeat(256));
    assert_eq!(said(&long), "reason: it has 256 octets, and a neighbor takes at most 255");
}

fn resets() -> impl Strategy<Value = Reset> {
    let session = (prop::option::of("[ -~äß✓\n]{1,60}"), any::<bool>())
        .prop_map(|(reason, hard)| Reset::Session { reason, hard });
    prop_oneof![session, prop::sample::select(vec![Soft::In, Soft::Out, Soft::Both]).prop_map(Reset::Soft)]
}

fn names() -> impl Strategy<Value = Name> {
    "[a-zA-Z0-9][-_.:/a-zA-Z0-9]{0,30}".prop_map(|text| text.parse().unwrap())
}

fn prefixes() -> impl Strategy<Value = Prefix> {
    (any::<IpAddr>(), 0..=128_u8)
        .prop_map(|(address, len)| Prefix::truncated(address, len.min(Family::of(address).bits())).unwrap())
}

fn families() -> impl Strategy<Value = Option<Family>> {
    prop::option::of(prop::sample::select(Family::ALL.to_vec()))
}

fn route_queries() -> impl Strategy<Value = RouteQuery> {
    let select =
        prop_oneof![Just(Select::All), prefixes().prop_map(Select::Prefix), any::<IpAddr>().prop_map(Select::Address),];
    (select, families(), prop::option::of(names()), 0..=LIMIT_MAX, prop::option::of(prefixes()))
        .prop_map(|(select, family, neighbor, limit, after)| RouteQuery { select, family, neighbor, limit, after })
}

fn orders() -> impl Strategy<Value = DrainOrder> {
    let one = prop_oneof![
        Just((None, None)),
        names().prop_map(|name| (Some(name), None)),
        names().prop_map(|name| (None, Some(name))),
    ];
    (one, prop::option::of("[ -~äß✓]{1,60}"), any::<bool>()).prop_map(|((tunnel, device), reason, force)| DrainOrder {
        tunnel,
        device,
        reason,
        force,
    })
}

fn event_queries() -> impl Strategy<Value = EventQuery> {
    let since = prop::option::of(0..4_000_000_000_000_u64);
    (prop::option::of(names()), since, prop::option::of(any::<u64>()), 0..=LIMIT_MAX).prop_map(
        |(about, since, after, limit)| {
            let since = since.map(|millis| Moment::from_unix(std::time::Duration::from_millis(millis)));
            EventQuery { about, since, after, limit }
        },
    )
}

fn requests() -> impl Strategy<Value = Request> {
    let fib_routes = (families(), 0..=LIMIT_MAX, prop::option::of(prefixes()))
        .prop_map(|(family, limit, after)| Request::FibRoutes(FibRouteQuery { family, limit, after }));
    prop_oneof![
        Just(Request::Gateway),
        Just(Request::Tunnels),
        names().prop_map(Request::Tunnel),
        (names(), prop::option::of("[ -~äß✓\n]{1,60}")).prop_map(|(name, why)| Request::TunnelDown(name, why)),
        (names(), prop::option::of("[ -~äß✓\n]{1,60}")).prop_map(|(name, why)| Request::TunnelUp(name, why)),
        event_queries().prop_map(Request::Events),
        Just(Request::Neighbors),
        names().prop_map(Request::Neighbor),
        (names(), resets()).prop_map(|(name, how)| Request::ResetNeighbor(name, how)),
        (names(), prop::option::of("[ -~]{1,60}")).prop_map(|(name, why)| Request::ResetTunnel(name, why)),
        prop::option::of("[ -~]{1,60}").prop_map(Request::ResetInstance),
        prop::option::of("[ -~]{1,60}").prop_map(Request::ResetGateway),
        Just(Request::Plan(FileText::default())),
        prop::option::of(1..=CONFIRM_MAX).prop_map(Request::Reload),
        Just(Request::Confirm),
        Just(Request::Drains),
        orders().prop_map(Request::Drain),
        orders().prop_map(|order| Request::Undrain(DrainOrder { reason: None, force: false, ..order })),
        Just(Request::Role(RoleWish::Active, false)),
        any::<bool>().prop_map(|force| Request::Role(RoleWish::Standby, force)),
        route_queries().prop_map(Request::Routes),
        Just(Request::Fib),
        Just(Request::FibCheck),
        Just(Request::Metrics),
        fib_routes,
    ]
}

proptest! {
    #[test]
    fn what_a_client_writes_the_server_reads_as_the_same(request in requests()) {
        let (method, target) = request.target();
        let (path, query) = target.split_once('?').map_or((target.as_str(), None), |(path, query)| (path, Some(query)));
        prop_assert_eq!(Request::read(method.as_str(), path, query), Ok(request));
    }

    #[test]
    fn no_request_line_makes_the_reader_panic(path in ".{0,40}", query in ".{0,40}") {
        let _ = Request::read("GET", &path, Some(&query));
        let _ = Request::read("POST", &format!("/v1/neighbors/{path}"), Some(&query));
    }
}

#[test]
fn a_file_that_is_sent_arrives_as_it_was() {
    let file = FileText { file: "a \"b\".toml".into(), text: "x = 1\n# \u{e9}\n".into() };
    let sent = Request::Plan(file);
    let body = sent.body().unwrap();
    assert_eq!(Request::read("POST", "/v1/plan", None).unwrap().with_body(body.as_bytes()), Ok(sent));
}

#[test]
fn events_of_a_device_are_those_of_all_its_tunnels() {
    let Reply::Events(Events { events, .. }) = samples::events() else { unreachable!("it is made of events") };
    let down = &events[0];
    let about = |name: &str| EventQuery { about: Some(name.parse().unwrap()), ..EventQuery::default() };
    assert!(about("hq-1/in-0").wants(down) && about("hq-1").wants(down));
    assert!(!about("hq-1/in").wants(down) && !about("hq").wants(down) && !about("hq-1").wants(&events[1]));
    assert!(EventQuery { since: Some(down.at), after: Some(40), ..EventQuery::default() }.wants(down));
    assert!(!EventQuery { after: Some(41), ..EventQuery::default() }.wants(down));
}
