//! The optional parameters of an OPEN, in any content: read or refused, written so that they read the same, and
//! negotiated by a session without surprise.
//!
//! Input: one octet of choices, then the parameters as they stand behind the BGP Identifier. With bit 0, one parameter of
//! capabilities around the input; with bit 1, a KEEPALIVE behind.
#![no_main]

use std::sync::LazyLock;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use twinspan::config::Config;
use twinspan::control::api::SessionState;
use twinspan::wire::{Context, Deframer, Error, Message, MessageKind};

#[allow(dead_code)] // the simulation asks it more
#[path = "../../tests/sim/kernel.rs"]
mod kernel;
#[path = "../../tests/malformed/rig/mod.rs"]
mod rig;

use rig::{Rig, SUBJECT};

static CONFIG: LazyLock<Config> = LazyLock::new(rig::config);

fuzz_target!(|input: &[u8]| {
    let [choices, parameters @ ..] = input else { return };
    let mut body = vec![4, 0xfd, 0xf2, 0, 90, 192, 0, 2, 1];
    if choices & 1 == 0 {
        body.extend(parameters);
    } else if let Ok(length @ ..=253) = u8::try_from(parameters.len()) {
        body.extend([length + 2, 2, length]);
        body.extend(parameters);
    } else if let Ok(length @ ..=4000) = u16::try_from(parameters.len()) {
        body.extend([255, 255]);
        body.extend((length + 3).to_be_bytes());
        body.push(2);
        body.extend(length.to_be_bytes());
        body.extend(parameters);
    }
    let Ok(length) = u16::try_from(19 + body.len()) else { return };
    let mut whole = vec![0xff; 16];
    whole.extend(length.to_be_bytes());
    whole.push(1);
    whole.extend(body);

    let context = Context::default();
    let Some(found) = read(&whole) else { return };
    if let Ok(message) = &found {
        let mut out = BytesMut::new();
        message.encode(&context, &mut out);
        // What is written anew may be longer than what came, but an OPEN can always be as long as 4,096 octets.
        if out.len() <= 4096 {
            assert_eq!(read(&out), Some(Ok(message.clone())));
        }
    }

    let mut rig = Rig::new(&CONFIG, |fars| fars.iter_mut().for_each(|far| far.lively = false));
    rig.begin();
    let conn = rig.accept(SUBJECT);
    rig.feed(conn, &whole);
    if choices & 2 != 0 {
        rig.feed(conn, &rig::message(4, &[]));
    }
    let detail = rig.detail(SUBJECT);
    let wire = &rig.wires[&conn];
    assert!(found.is_ok() || wire.over, "a bad OPEN ends the connection");
    assert_eq!(wire.over, wire.notification.is_some());
    match detail.neighbor.state {
        SessionState::Established => assert!(choices & 2 != 0 && !detail.families.is_empty()),
        SessionState::OpenConfirm => assert_eq!(wire.heard, [MessageKind::Open, MessageKind::Keepalive]),
        _ => assert!(wire.over, "{:?}", detail.neighbor.state),
    }
});

/// `None` if its header is bad already.
fn read(whole: &[u8]) -> Option<Result<Message, Error>> {
    let mut deframer = Deframer::new();
    deframer.push(whole);
    let frame = deframer.next().ok()??;
    let found = Message::decode(&frame, &Context::default());
    if let Err(error) = &found {
        let _ = error.notification().to_string();
    }
    Some(found)
}
