//! Planned maintenance in the demo: an instance is drained under traffic, and comes back. Neither may cost a packet.

use std::thread;
use std::time::Instant;

use anyhow::Context;

use super::{KERNEL_POLL, PATIENCE, PHASE, SESSION_POLL, Story, after};
use crate::cli::demo::lab::{Place, TUNNELS, TWIN_LINK};
use crate::cli::demo::ledger::Before;
use crate::cli::demo::speakers::{Speaker, until};
use crate::control::api::{Drain, DrainOrder, DrainStep, Drains, Request};

impl Story<'_> {
    /// `twinspan drain` on in-1, as before maintenance.
    pub(super) fn drain(&mut self, speakers: &[Speaker]) -> anyhow::Result<()> {
        let in_1 = instance(speakers)?;
        let without = vec![
            (Place::Router, self.indexes(Place::Router, &["eth-in1"])?),
            (Place::Hq1, self.indexes(Place::Hq1, &["tun-in1"])?),
            (Place::Hq2, self.indexes(Place::Hq2, &["tun-in1"])?),
        ];
        let over_twin = vec![(Place::In1, self.indexes(Place::In1, &[TWIN_LINK])?)];
        self.screen.step("instance in-1 is drained (twinspan drain --reason demo)");
        let event = self.now()?;
        let clock = Instant::now();
        let order = DrainOrder { reason: Some("demo".to_owned()), ..DrainOrder::default() };
        in_1.ask::<Drain>(self.lab, &Request::Drain(order))?;
        let gone = until(PATIENCE, KERNEL_POLL, || self.none(&without))?;
        let kernel = gone.map(|_| clock.elapsed());
        let drained = self.reaches(in_1, DrainStep::Drained, clock)?;
        thread::sleep(PHASE / 2);
        let on_it = |flow: Before| TUNNELS.get(flow.home).is_some_and(|tunnel| tunnel.instance == Place::In1);
        let what = "instance in-1 is drained; kernel: router and both devices route without it";
        let measured = self.phase(("drain", "instance drained"), what, Some((event, kernel)), on_it)?;
        self.expect(kernel.is_some(), format!("router and devices without it {}, by message", after(kernel)));
        self.expect(drained.is_some(), format!("in-1 says that it is drained {}", after(drained)));
        let twin = self.all(&over_twin, |group, interfaces| group == interfaces)?;
        self.expect(twin, "what would still come to in-1 it sends over the twin-link");
        let hit = measured.hit;
        self.expect(
            hit.moved == hit.flows,
            format!("{} of its {} flows moved to tunnels that live", hit.moved, hit.flows),
        );
        self.lossless(&measured);
        self.spared(&measured);
        Ok(())
    }

    /// `twinspan undrain` on in-1.
    pub(super) fn undrain(&mut self, speakers: &[Speaker]) -> anyhow::Result<()> {
        let in_1 = instance(speakers)?;
        let whole = self.whole()?;
        self.screen.step("instance in-1 comes back (twinspan undrain)");
        let event = self.now()?;
        let clock = Instant::now();
        in_1.ask::<Drain>(self.lab, &Request::Undrain(DrainOrder::default()))?;
        let back = until(PATIENCE, KERNEL_POLL, || self.all(&whole, |group, interfaces| group == interfaces))?;
        let kernel = back.map(|_| clock.elapsed());
        self.reaches(in_1, DrainStep::Returned, clock)?;
        self.more_flows()?;
        let what = "instance in-1 is back; kernel: all five route over two next hops again; then more flows";
        let measured = self.phase(("undrain", "instance back"), what, Some((event, kernel)), |_| false)?;
        self.expect(kernel.is_some(), format!("all kernels route over it again {}", after(kernel)));
        self.lossless(&measured);
        self.spared(&measured);
        self.new_flows(&measured, |at| TUNNELS.get(at).is_some_and(|tunnel| tunnel.instance == Place::In1));
        Ok(())
    }

    /// Waits until the drain of an instance has come to a step; the time since `clock`, or `None` at the limit.
    fn reaches(
        &self,
        speaker: &Speaker,
        step: DrainStep,
        clock: Instant,
    ) -> anyhow::Result<Option<std::time::Duration>> {
        let reached = until(PATIENCE, SESSION_POLL, || {
            let answer: Drains = speaker.ask(self.lab, &Request::Drains)?;
            Ok(answer.drains.iter().any(|drain| drain.step == step))
        })?;
        Ok(reached.map(|_| clock.elapsed()))
    }
}

/// The one that is serviced.
fn instance(speakers: &[Speaker]) -> anyhow::Result<&Speaker> {
    speakers.iter().find(|speaker| speaker.place() == Place::In1).context("in-1 runs")
}
