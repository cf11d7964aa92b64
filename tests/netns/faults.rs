//! What is wrong outside is said in one clear sentence, and nothing else breaks.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::gateway::{Gateway, SOON};
use crate::player::{Failure, Options, Player};
use crate::runner::wait_until;

#[test]
fn a_device_with_the_wrong_as_is_told_so_and_the_log_says_what_was_expected() -> Result<()> {
    let gateway = Gateway::up(&["hq-1"])?;
    let options = Options {
        local: [169, 254, 21, 1].into(),
        remote: ([169, 254, 21, 2], 179).into(),
        asn: 65099,
        hold_time: 90,
        four_octet: true,
        limit: Duration::from_secs(20),
    };
    match gateway.lab.inside("hq-1", || Player::connect(&options))? {
        Err(Failure::Notification(2, 2, _)) => {} // OPEN Message Error / Bad Peer AS (RFC 4271 §6.2)
        other => bail!("instead of NOTIFICATION 2/2: {other:?}"),
    }
    wait_until(SOON, || {
        let log = gateway.lab.log("in-0", "twinspan");
        let said = log.lines().any(|line| line.contains("65099") && line.contains("65010"));
        if said { Ok(()) } else { Err(format!("no line names both AS numbers:\n{log}")) }
    })?;
    // The device beside it is not disturbed.
    wait_until(SOON, || match gateway.states("in-0")? {
        states if states.iter().filter(|state| *state == "established").count() == 1 => Ok(()),
        states => Err(format!("{states:?}")),
    })
}
