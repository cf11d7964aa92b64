//! `labs/maintenance`: one instance is taken out of service and comes back, and nobody loses a packet.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};

use crate::gateway::{Gateway, SOON};
use crate::runner::wait_until;
use crate::traffic::Traffic;

const LAB: &str = "labs/maintenance/maintenance.clab.yml";
const SITE_HOST: [Ipv4Addr; 1] = [Ipv4Addr::new(10, 52, 1, 10)];

#[test]
fn r13_and_r14_network_routers_and_devices_leave_a_drained_instance_and_return_without_losing_a_packet() -> Result<()> {
    let gateway = Gateway::of(LAB)?;
    gateway.check()?;
    let traffic = Traffic::start_to(&gateway, &SITE_HOST)?;
    gateway.lab.must("in-1", &["twinspan", "drain", "--wait", "--reason", "a new kernel"])?;
    // Never both.
    let refused = gateway.lab.exec("in-0", &["twinspan", "drain", "--force"])?;
    ensure!(refused.status.code() == Some(1), "{refused:?}");
    // Nobody sends to it any more: devices and the network router have other ways, and that is what the script asks.
    gateway.check()?;
    wait_until(SOON, || {
        let shown = gateway.show("in-1", &["gateway"])?;
        if shown["standing"]["state"] == "drained" { Ok(()) } else { Err(shown.to_string()) }
    })?;
    gateway.lab.must("in-1", &["twinspan", "undrain", "--wait"])?;
    gateway.check()?;
    traffic.stop_without_loss();
    Ok(())
}
