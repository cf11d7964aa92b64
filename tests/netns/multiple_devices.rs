//! `labs/multiple-devices`: FRR, BIRD and GoBGP in one site, which announce the same prefix.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;

use crate::gateway::{Gateway, INSTANCES, SOON};
use crate::runner::wait_until;
use crate::traffic::{Paths, Traffic, Ways, moved};

const LAB: &str = "labs/multiple-devices/multiple-devices.clab.yml";
const SITE_HOST: [Ipv4Addr; 1] = [Ipv4Addr::new(10, 52, 1, 10)];
const SITE: &str = "10.52.1.0/24";

/// The tunnels that flows to the site came out of, with no packet lost and no flow in two of them.
fn used(gateway: &Gateway) -> Result<BTreeSet<String>> {
    let paths = Paths::watch(gateway)?;
    let traffic = Traffic::start_to(gateway, &SITE_HOST)?;
    traffic.run_for(Duration::from_secs(2));
    traffic.stop_without_loss();
    let (down, up) = paths.stop();
    assert_eq!((moved(&down), moved(&up)), (Ways::new(), Ways::new()), "flows that changed their tunnel");
    Ok(down.into_values().flatten().collect())
}

#[test]
fn r18_to_r24_devices_that_announce_the_same_prefix_have_one_path_each_and_share_its_traffic() -> Result<()> {
    let gateway = Gateway::of(LAB)?;
    gateway.check()?;
    for instance in INSTANCES {
        wait_until(SOON, || {
            let kernel = gateway.kernel(instance).map_err(|error| format!("{error:#}"))?;
            match kernel.members(SITE) {
                Some(members) if members == ["tun-hq1", "tun-hq2", "tun-hq3"] => Ok(()),
                members => Err(format!("{instance}: {SITE} goes to {members:?}\n{}", gateway.tail(instance))),
            }
        })?;
        let shown = gateway.show(instance, &["gateway"]).map_err(anyhow::Error::msg)?;
        assert_eq!((&shown["tunnels"]["up"], &shown["tunnels"]["gateway"]), (&3.into(), &6.into()), "{shown}");
    }
    let all = ["hq-1", "hq-2", "hq-3"].iter().flat_map(|device| [0, 1].map(|n| format!("{device} tun-in{n}")));
    assert_eq!(used(&gateway)?, all.collect::<BTreeSet<_>>());
    Ok(())
}
