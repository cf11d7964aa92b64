//! `labs/link-local`: link-local pairs inside the tunnels, and devices that must dial because nobody can dial them.

use anyhow::Result;

use crate::gateway::{Gateway, INSTANCES};

const LAB: &str = "labs/link-local/link-local.clab.yml";

#[test]
fn devices_with_link_local_pairs_dial_and_are_never_dialled() -> Result<()> {
    let gateway = Gateway::of(LAB)?;
    gateway.check()?;
    for instance in INSTANCES {
        for device in ["hq-1", "hq-2"] {
            let shown = gateway.show(instance, &["neighbors", &format!("{device}/{instance}")]);
            let shown = shown.map_err(anyhow::Error::msg)?;
            assert_eq!(shown["state"], "established", "{shown}");
            assert_eq!(shown["passive"], true, "{shown}");
        }
    }
    Ok(())
}
