//! Neighbors that are kept down on purpose, limits on what they teach, and resets.

use super::*;
use crate::control::api::{KeptDown, Neighbor, Soft};

const NAME: &str = "hq-1/in-0";
const NEAR: &str = "may teach";
const OVER: &str = "more than the";

impl Bench {
    /// With this in the file's `[bgp]` table.
    fn with(bgp: &str) -> Self {
        Self::of(&format!("{FILE}\n[bgp]\n{bgp}\n"))
    }

    fn shown(&mut self) -> Neighbor {
        let (reply, _) = self.ask(&Request::Neighbor(NAME.parse().unwrap()));
        match reply {
            Ok(Reply::Neighbor(detail)) => detail.neighbor,
            other => panic!("{other:?}"),
        }
    }

    fn reset(&mut self, how: Reset) -> (Result<String, crate::control::api::ApiError>, Vec<Effect>) {
        let (reply, effects) = self.ask(&Request::ResetNeighbor(NAME.parse().unwrap(), how));
        let said = reply.map(|reply| match reply {
            Reply::Done(done) => done.message,
            other => panic!("{other:?}"),
        });
        (said, effects)
    }

    /// One UPDATE with these third octets of 10.52.x.0/24, and its effects.
    fn nets(&mut self, conn: ConnId, reach: &[u8], withdrawn: &[u8]) -> Vec<Effect> {
        let nlri = |nets: &[u8]| nets.iter().flat_map(|net| [24, 10, 52, *net]).collect::<Vec<_>>();
        let path = [0x40, 1, 1, 0, 0x40, 2, 4, 2, 1, 0xfd, 0xf2, 0x40, 3, 4, 169, 254, 21, 1];
        let path = if reach.is_empty() { &[][..] } else { &path[..] };
        let (gone, here) = (nlri(withdrawn), nlri(reach));
        let mut octets = vec![0xff; 16];
        octets.extend((23 + gone.len() as u16 + path.len() as u16 + here.len() as u16).to_be_bytes());
        octets.push(2);
        octets.extend((gone.len() as u16).to_be_bytes());
        octets.extend(gone);
        octets.extend((path.len() as u16).to_be_bytes());
        octets.extend([path, &here[..]].concat());
        self.tell(Input::Octets { conn, octets: Bytes::from(octets) })
    }

    fn due(&mut self, seconds: u64) -> Vec<Effect> {
        self.now = self.now + Duration::from_secs(seconds);
        let mut out = Vec::new();
        self.speaker.tick(self.now, &mut out);
        out
    }

    fn dialled_by_the_peer(&mut self) -> Vec<Effect> {
        self.accept("169.254.21.2:179", "169.254.21.1:40000")
    }
}

fn told(effects: &[Effect], words: &str) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Tell(event) if event.to_string().contains(words))).count()
}

/// Cease / Maximum Number of Prefixes Reached: AFI 1, SAFI 1, the limit of 4 (RFC 4486 §4).
const TOO_MANY: [u8; 10] = [3, 6, 1, 0, 1, 1, 0, 0, 0, 4];

#[test]
fn a_neighbor_that_teaches_too_much_is_dropped_and_comes_back_after_the_restart_time() {
    let mut bench = Bench::with("max-prefixes = { ipv4 = 4, warn-at = 50, restart = \"60s\" }");
    let conn = bench.established();
    assert_eq!(told(&bench.nets(conn, &[1], &[]), NEAR), 0);
    assert_eq!(told(&bench.nets(conn, &[2], &[]), "teaches 2 ipv4 prefixes, and may teach 4"), 1);
    assert_eq!(told(&bench.nets(conn, &[3, 4], &[]), "prefixes"), 0, "once is enough, and 4 are allowed");
    let shown = bench.shown();
    assert_eq!((shown.prefixes[0].limit, shown.prefixes[1].limit, shown.kept_down), (Some(4), None, None));
    // Two messages at once: the second one is of a session that is over.
    let effects = bench.nets(conn, &[5, 6], &[]);
    assert_eq!((told(&effects, OVER), told(&effects, "is down: sent Cease / Maximum")), (1, 1), "{effects:?}");
    assert!(sends(&effects).iter().any(|octets| octets[18..] == TOO_MANY), "{effects:?}");
    bench.work();
    let shown = bench.shown();
    assert_eq!((shown.kept_down, shown.next_retry_seconds), (Some(KeptDown::MaxPrefixes), Some(60)));
    assert_eq!(shown.last_down.unwrap().text, "sent Cease / Maximum Number of Prefixes Reached: 4 ipv4 prefixes");
    assert_eq!((shown.prefixes[0].received, bench.speaker.rib.totals().paths), (0, 1), "our own alone is left");
    // Meanwhile it is told the same when it dials, and is not dialled when the tunnel flaps.
    let effects = bench.dialled_by_the_peer();
    assert!(sends(&effects).iter().any(|octets| octets[18..] == TOO_MANY), "{effects:?}");
    for up in [false, true] {
        let effects = bench.link(7, up);
        assert!(dial(&bench.kernel(effects)).is_none());
    }
    assert!(dial(&bench.due(59)).is_none());
    assert_eq!(bench.speaker.deadline(), Some(bench.now + Duration::from_secs(1)));
    assert!(dial(&bench.due(1)).is_some());
    assert_eq!(bench.shown().kept_down, None);
}

#[test]
fn without_a_restart_time_a_dropped_neighbor_waits_for_a_reset() {
    let mut bench = Bench::with("max-prefixes = 4");
    let conn = bench.established();
    let effects = bench.nets(conn, &[1, 2, 3, 4, 5], &[]);
    assert_eq!(told(&effects, "it comes back by `twinspan reset neighbor hq-1/in-0`"), 1, "{effects:?}");
    bench.work();
    assert!(dial(&bench.due(100_000)).is_none());
    assert_eq!((bench.shown().kept_down, bench.shown().next_retry_at), (Some(KeptDown::MaxPrefixes), None));
    let (said, effects) = bench.reset(Reset::default());
    assert_eq!(said.unwrap(), "hq-1/in-0 may come back, and is dialled");
    assert!(dial(&effects).is_some(), "{effects:?}");
}

#[test]
fn with_warn_all_prefixes_are_taken_and_each_crossing_is_told_once() {
    let mut bench = Bench::with("max-prefixes = { ipv4 = 2, ipv6 = 1, action = \"warn\" }");
    let conn = bench.established();
    let effects = bench.nets(conn, &[1, 2, 3], &[]);
    assert_eq!((told(&effects, OVER), told(&effects, "all are taken")), (1, 1), "{effects:?}");
    assert_eq!(told(&bench.nets(conn, &[4, 5], &[]), "prefixes"), 0);
    assert_eq!(told(&bench.nets(conn, &[], &[3, 4, 5]), "prefixes"), 0);
    assert_eq!(told(&bench.nets(conn, &[3], &[]), OVER), 1, "a crossing is a crossing");
    assert_eq!(bench.shown().prefixes[0].accepted, 3);
}

#[test]
fn with_trim_prefixes_above_the_limit_are_shown_as_refused() {
    let mut bench = Bench::with("max-prefixes = { ipv4 = 2, action = \"trim\" }");
    let conn = bench.established();
    let effects = bench.nets(conn, &[1, 2, 3], &[]);
    assert_eq!((told(&effects, OVER), told(&effects, "those above are refused")), (1, 1), "{effects:?}");
    bench.work();
    let prefixes = bench.shown().prefixes[0];
    assert_eq!((prefixes.received, prefixes.accepted, prefixes.refused, prefixes.trimmed), (3, 2, 1, 1));
    let (reply, _) = bench.ask(&Request::Routes(RouteQuery::default()));
    let Ok(Reply::Routes(routes)) = reply else { panic!("{reply:?}") };
    let third = routes.routes.iter().find(|route| route.prefix.to_string() == "10.52.3.0/24").unwrap();
    assert_eq!(third.paths[0].why.as_deref(), Some("above the limit of 2 prefixes (max-prefixes)"));
    assert!(bench.speaker.fib.route(&"10.52.3.0/24".parse().unwrap()).is_none());
    assert!(bench.speaker.fib.route(&"10.52.2.0/24".parse().unwrap()).is_some());
}

#[test]
fn a_neighbor_that_the_file_shuts_down_is_told_why_and_never_dialled() {
    let mut bench = Bench::with("shutdown = \"moves\\u0007 ✓\"");
    let effects = bench.link(7, true);
    assert!(dial(&bench.kernel(effects)).is_none());
    assert!(dial(&bench.due(100_000)).is_none());
    let effects = bench.dialled_by_the_peer();
    let text = "moves\u{7} ✓";
    let notification = [&[3, 6, 2, text.len() as u8][..], text.as_bytes()].concat();
    assert!(sends(&effects).iter().any(|octets| octets[18..] == notification), "{effects:?}");
    let shown = bench.shown();
    assert_eq!(shown.kept_down, Some(KeptDown::Shutdown));
    let down = shown.last_down.unwrap();
    assert_eq!(down.communication.as_deref(), Some(text), "programs get it as it is");
    assert_eq!(down.text, "shut down by the file: moves\\u{7} ✓");
    let (said, effects) = bench.reset(Reset::default());
    assert!(said.unwrap_err().message.contains("the file shuts it down"));
    assert!(dial(&effects).is_none());
}

#[test]
fn a_shut_down_neighbor_is_not_waited_for_after_a_restart() {
    let mut bench = Bench::with("shutdown = true");
    assert!(bench.speaker.startup.deadline().is_none() || bench.speaker.startup.is_over(bench.now));
}

#[test]
fn the_reason_of_a_reset_is_told_in_both_ways() {
    let mut bench = Bench::new();
    let conn = bench.established();
    let reason = Some("new line card".to_owned());
    let (said, effects) = bench.reset(Reset::Session { reason, hard: true });
    assert_eq!(said.unwrap(), "hq-1/in-0 is closed and dialled again");
    // The neighbor did not announce RFC 8538, so there is nothing to be harder than.
    let plain = [&[3, 6, 4, 13][..], b"new line card"].concat();
    assert!(sends(&effects).iter().any(|octets| octets[18..] == plain), "{effects:?}");
    assert_eq!(bench.shown().last_down.unwrap().communication.as_deref(), Some("new line card"));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Abort(aborted) if *aborted == conn)));
    // And theirs.
    let mut bench = Bench::new();
    let conn = bench.established();
    bench.message(conn, &Message::Notification(Notification::shutdown(crate::wire::Cease::AdministrativeReset, "x\n")));
    let down = bench.shown().last_down.unwrap();
    assert_eq!(down.communication.as_deref(), Some("x\n"));
    assert_eq!(down.text, "received Cease / Administrative Reset: x\\n");
}

#[test]
fn a_soft_reset_asks_for_routes_or_tells_them_and_keeps_the_session() {
    let mut bench = Bench::new();
    bench.established_with(&[Capability::RouteRefresh]);
    bench.work();
    let kinds = |effects: &[Effect]| sends(effects).iter().map(|octets| octets[18]).collect::<Vec<_>>();
    let (said, effects) = bench.reset(Reset::Soft(Soft::In));
    assert_eq!(said.unwrap(), "hq-1/in-0 is asked for all its routes again");
    assert_eq!(kinds(&effects), [5, 5], "a ROUTE-REFRESH for each family");
    assert!(kinds(&bench.work()).is_empty());
    let (said, effects) = bench.reset(Reset::Soft(Soft::Out));
    assert_eq!((said.unwrap().as_str(), kinds(&effects)), ("hq-1/in-0 is told all its routes again", vec![]));
    let said_again = kinds(&bench.work());
    assert!(said_again.iter().all(|kind| *kind == 2) && said_again.len() > 1, "{said_again:?}");
    let (_, effects) = bench.reset(Reset::Soft(Soft::Both));
    assert_eq!((kinds(&effects), kinds(&bench.work())), (vec![5, 5], said_again));
    // One that cannot be asked says so.
    let mut bench = Bench::new();
    bench.established();
    let (said, effects) = bench.reset(Reset::Soft(Soft::Both));
    assert!(said.unwrap_err().message.contains("announced no route refresh"));
    assert!(sends(&effects).is_empty());
}
