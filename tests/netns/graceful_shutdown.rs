//! What devices make of GRACEFUL_SHUTDOWN (RFC 8326): FRR lowers the preference by itself, BIRD shows the community.

use anyhow::Result;
use serde_json::Value;

use crate::gateway::{CLOUD, Gateway, SOON};
use crate::runner::wait_until;

#[test]
fn devices_see_that_the_routes_are_about_to_go_and_frr_prefers_any_other() -> Result<()> {
    let gateway = Gateway::up_with(&[], "\n[bgp]\ngraceful-shutdown = true\n")?;
    wait_until(SOON, || {
        let ask = ["vtysh", "-c", "show bgp ipv4 unicast 10.20.0.0/16 json"];
        let shown = gateway.lab.must("hq-1", &ask).map_err(|error| format!("{error:#}"))?;
        let seen: Value = serde_json::from_str(&shown).map_err(|error| format!("{error}: {shown}"))?;
        let paths = seen["paths"].as_array().cloned().unwrap_or_default();
        let least = |path: &Value| {
            path["locPrf"] == 0 && path["community"]["string"].as_str().is_some_and(|text| text.contains("graceful"))
        };
        if paths.len() == 2 && paths.iter().all(least) { Ok(()) } else { Err(shown) }
    })?;
    wait_until(SOON, || {
        let ask = ["birdc", "show", "route", "for", CLOUD, "all"];
        let shown = gateway.lab.must("hq-2", &ask).map_err(|error| format!("{error:#}"))?;
        if shown.matches("(65535,0)").count() == 2 { Ok(()) } else { Err(shown) }
    })
}
