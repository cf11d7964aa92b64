//! People and other programs change what is ours in an instance's kernel by hand: it comes back by itself.

use std::time::Duration;

use anyhow::Result;

use crate::gateway::{Gateway, INSTANCES};
use crate::runner::wait_until;

/// What must take a second may take this long on a loaded machine.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn what_is_deleted_or_replaced_by_hand_is_back_and_told_of_and_others_routes_stay() -> Result<()> {
    let gateway = Gateway::at_rest()?;
    let instance = INSTANCES[0];
    let ip = |words: &str| {
        gateway.lab.must(instance, &[&["ip"], words.split_whitespace().collect::<Vec<_>>().as_slice()].concat())
    };
    ip("route add 198.18.0.0/15 dev lo proto 99 metric 20")?;
    ip("nexthop add id 77 dev lo protocol 99")?;
    let before = gateway.kernel(instance)?;
    let foreign = gateway.foreign(instance)?;
    let (group, hop) = (before.groups.keys().next().unwrap(), before.next_hops.keys().next().unwrap());
    for words in [
        "route del 10.52.0.0/16 proto 179".to_owned(),
        "route replace 10.53.1.0/24 dev lo proto 179 metric 20".to_owned(),
        "route replace blackhole 10.53.0.0/24 proto 179 metric 20".to_owned(),
        format!("nexthop del id {hop}"),
        format!("nexthop del id {group}"),
        format!("nexthop replace id {group} group {hop} type resilient"),
        "nexthop flush proto 179".to_owned(),
        "route flush table main proto 179".to_owned(),
        "route add 192.0.2.0/24 dev lo proto 179 metric 20".to_owned(),
    ] {
        ip(&words)?;
        wait_until(SOON, || {
            let now = gateway.kernel(instance).map_err(|error| format!("{error:#}"))?;
            if now == before { Ok(()) } else { Err(format!("after {words}: {now:?}\n{}", gateway.tail(instance))) }
        })?;
    }
    // What a monitoring system sees of it.
    let words = ["curl", "-s", "--unix-socket", "/run/twinspan/twinspan.sock", "http://localhost/metrics"];
    let metrics = gateway.lab.must(instance, &words)?;
    let number = |name: &str| metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    assert!(number("twinspan_fib_repairs_total ") >= Some(8), "{metrics}");
    assert_eq!(number("twinspan_fib_routes{state=\"wanted\"}"), number("twinspan_fib_routes{state=\"present\"}"));
    // Whoever asks has the kernel read, and is told by the exit status too.
    let shown = gateway.show(instance, &["fib", "--check"]).map_err(anyhow::Error::msg)?;
    assert_eq!((&shown["ok"], &shown["present"]), (&serde_json::json!(true), &shown["wanted"]), "{shown}");
    ip("route replace 10.52.0.0/16 dev lo metric 20")?; // theirs now
    wait_until(SOON, || {
        let words = ["twinspan", "show", "fib", "--check"];
        match gateway.lab.must(instance, &words) {
            Ok(text) => Err(format!("that must fail: {text}")),
            Err(error) if format!("{error:#}").contains("10.52.0.0/16  missing") => Ok(()),
            Err(error) => Err(format!("{error:#}")),
        }
    })?;
    ip("route del 10.52.0.0/16")?;
    wait_until(SOON, || {
        gateway
            .show(instance, &["fib", "--check"])
            .and_then(|shown| if shown["ok"] == true { Ok(()) } else { Err(shown.to_string()) })
    })?;
    assert_eq!(gateway.foreign(instance)?, foreign, "nobody else's is touched");
    let log = gateway.lab.log(instance, "twinspan");
    assert!(log.contains("deleted route 10.52.0.0/16: put back"), "{log}");
    assert_eq!(gateway.states(instance).unwrap_or_default(), ["established", "established"], "sessions did not notice");
    Ok(())
}
