//! What a neighbor said before, and has not said again.

use std::time::Duration;

use super::*;
use crate::wire::{Refresh, RefreshKind};

impl Bench {
    fn marker(&mut self, conn: ConnId, kind: RefreshKind) -> Vec<Effect> {
        self.message(conn, &Message::Refresh(Refresh { family: Family::Ipv4.into(), kind }))
    }

    /// Lets time pass; the neighbor says that it is there.
    fn pass(&mut self, conn: ConnId, seconds: u64) -> Vec<Effect> {
        let end = self.now + Duration::from_secs(seconds);
        let mut out = Vec::new();
        while let Some(due) = self.speaker.deadline().filter(|due| *due <= end) {
            self.now = due;
            self.speaker.tick(due, &mut out);
            self.message(conn, &Message::Keepalive);
        }
        self.now = end;
        out
    }
}

#[test]
fn a_refresh_that_does_not_end_is_waited_for_no_longer_than_the_stale_time() {
    let mut bench = Bench::new();
    let conn = bench.established_with(&[Capability::EnhancedRouteRefresh]);
    bench.teach(conn, 3);
    assert!(bench.marker(conn, RefreshKind::Begin).is_empty());
    assert!(bench.pass(conn, 119).iter().all(|effect| !matches!(effect, Effect::Tell(_))));
    let effects = bench.pass(conn, 2);
    assert!(tells(&effects, "did not end within 120s"), "{effects:?}");
    assert!(tells(&effects, "hq-1/in-0 has sent all of ipv4 again, without 3 of its routes"), "{effects:?}");
    assert!(tells(&bench.marker(conn, RefreshKind::End), "ended without a begin"));
}

#[test]
fn a_refresh_of_a_restarted_neighbor_does_not_begin_before_end_of_rib() {
    let mut bench = Bench::new();
    let restarts = Capability::GracefulRestart(crate::wire::GracefulRestart::default());
    let conn = bench.established_with(&[Capability::EnhancedRouteRefresh, restarts]);
    bench.teach(conn, 3);
    assert!(tells(&bench.marker(conn, RefreshKind::Begin), "it began before End-of-RIB"));
    bench.update(conn, &[], &[]);
    assert!(bench.marker(conn, RefreshKind::Begin).is_empty());
    assert!(tells(&bench.marker(conn, RefreshKind::End), "without 3 of its routes"));
}
