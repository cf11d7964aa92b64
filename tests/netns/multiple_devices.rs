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
    let paths = Paths::watch(&gateway.lab)?;
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

/// Active-standby; with a lease so long that no daemon loses its role because the machine is busy with something else.
const TO_STANDBY: &str = r#"sed -i 's/^mode = "active-active"/mode = "active-standby"/' /etc/twinspan/twinspan.toml &&
    printf '[election]\nlease = "20s"\n' >> /etc/twinspan/twinspan.toml"#;

const TO_ACTIVE: &str =
    r#"sed -i 's/^mode = "active-standby"/mode = "active-active"/; /^\[election\]/,$d' /etc/twinspan/twinspan.toml"#;

/// Edits the file of both instances, and has both read it.
fn change_mode(gateway: &Gateway, edit: &str) -> Result<()> {
    for instance in INSTANCES {
        gateway.lab.shell(instance, edit)?;
    }
    for instance in INSTANCES {
        gateway.lab.must(instance, &["twinspan", "reload"])?;
    }
    Ok(())
}

/// Sessions with devices that an instance has, and how often they went down.
fn sessions(gateway: &Gateway, instance: &str) -> Result<(usize, u64), String> {
    let shown = gateway.show(instance, &["neighbors"])?;
    let all = shown["neighbors"].as_array().cloned().unwrap_or_default();
    let devices = all.iter().filter(|one| one["name"].as_str().is_some_and(|name| name.starts_with("hq-")));
    let (mut up, mut flaps) = (0, 0);
    for device in devices {
        up += usize::from(device["state"] == "established");
        flaps += device["flaps"].as_u64().unwrap_or_default();
    }
    Ok((up, flaps))
}

#[test]
fn r22_and_r32_to_r34_and_r36_a_mode_change_there_and_back_keeps_link_local_sessions_and_loses_no_packet() -> Result<()>
{
    let gateway = Gateway::of(LAB)?;
    gateway.check()?;
    let traffic = Traffic::start_to(&gateway, &SITE_HOST)?;
    change_mode(&gateway, TO_STANDBY)?;
    wait_until(SOON, || match INSTANCES.map(|instance| sessions(&gateway, instance)) {
        [Ok((3, 0)), Ok((0, 3))] => Ok(()),
        other => Err(format!("{other:?}\n{}", gateway.tail("in-0"))),
    })?;
    traffic.stop_without_loss();
    let shown = gateway.show("in-0", &["gateway"]).map_err(anyhow::Error::msg)?;
    let role = (&shown["role"]["role"], &shown["role"]["shared_address"]);
    assert_eq!(role, (&"active".into(), &"10.20.255.30".into()), "the last usable address of the subnet");
    // All three devices of the active instance, and nobody else's tunnels.
    let of_in_0 = ["hq-1", "hq-2", "hq-3"].map(|device| format!("{device} tun-in0"));
    assert_eq!(used(&gateway)?, of_in_0.into());
    let traffic = Traffic::start_to(&gateway, &SITE_HOST)?;
    change_mode(&gateway, TO_ACTIVE)?;
    gateway.check()?;
    traffic.stop_without_loss();
    let (up, flaps) = sessions(&gateway, "in-0").map_err(anyhow::Error::msg)?;
    assert_eq!((up, flaps), (3, 0), "sessions whose addresses did not change");
    Ok(())
}
