//! The datagrams of the other instance, of any content: read or refused, what is read is written so that it reads the
//! same, and a twin that gets them with time between knows when it is due next and sends what can be read.
//!
//! Input: datagrams with one octet of time (in units of 50 ms) before each, cut at each octet 0xff; JSON holds none. With
//! an even octet of time, the first line of a hello is put in front.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use twinspan::twin::{Hello, Input, LONGEST, Output, Settings, Twin};
use twinspan::types::{Name, Time};

fuzz_target!(|input: &[u8]| {
    let name = |text| Name::new(text).expect("a name");
    let settings = Settings {
        gateway: name("hub"),
        instance: name("in-0"),
        twin: name("in-1"),
        hello: Duration::from_millis(200),
        silent_after: Duration::from_secs(1),
        version: "1",
        digest: None,
    };
    let mut now = Time::START;
    let mut twin = Twin::new(now, 1, settings);
    for piece in input.split(|octet| *octet == 0xff) {
        let [wait, body @ ..] = piece else { continue };
        now = now + Duration::from_millis(50) * u32::from(*wait);
        due(&mut twin, now);
        let head: &[u8] = if wait % 2 == 0 { b"twinspan hello 1\n" } else { b"" };
        let octets = [head, body].concat();
        match Hello::decode(&octets) {
            Ok(hello) => {
                let written = hello.encode();
                let again = Hello::decode(&written).expect("what was written can be read");
                assert!(again == hello || octets.len() + 4_096 > LONGEST, "{hello:?} became {again:?}");
            }
            Err(fault) => _ = fault.to_string(),
        }
        let mut out = Vec::new();
        twin.handle(now, Input::Hello(&octets), &mut out);
        judge(&out);
        due(&mut twin, now);
    }
});

/// Does what is due until nothing is.
fn due(twin: &mut Twin, now: Time) {
    let mut rounds = 0;
    while twin.deadline() <= now {
        let mut out = Vec::new();
        twin.tick(now, &mut out);
        judge(&out);
        rounds += 1;
        assert!(rounds < 100, "it is due for ever: {:?}", twin.deadline());
    }
}

/// What goes out can be read, and what is news can be told.
fn judge(out: &[Output]) {
    for output in out {
        match output {
            Output::Send(octets) => _ = Hello::decode(octets).expect("what is sent can be read"),
            Output::News(news) => _ = format!("{news:?}"),
        }
    }
}
