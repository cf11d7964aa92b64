//! One message of any content: `Message::decode` reads or refuses it, and what it read is written so that it reads the
//! same again.
//!
//! Input: one octet of context (its low four bits), one of type, then the body.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use twinspan::wire::{Context, Deframer, Message};

fuzz_target!(|input: &[u8]| {
    let [bits, kind, body @ ..] = input else { return };
    let context = Context {
        four_octet_asn: bits & 1 != 0,
        extended_message: bits & 2 != 0,
        ipv4_over_ipv6: bits & 4 != 0,
        internal: bits & 8 != 0,
    };
    let Ok(length) = u16::try_from(19 + body.len()) else { return };
    let mut whole = vec![0xff; 16];
    whole.extend(length.to_be_bytes());
    whole.push(*kind);
    whole.extend(body);
    let Some(first) = again(&whole, &context, false) else { return };
    // A path that two octets cannot carry in full is simpler after the first writing (RFC 6793 §4.2.2), not after that.
    let second = again(&first, &context, true).expect("what was written can be read");
    let third = again(&second, &context, true).expect("what was written can be read");
    assert_eq!(second, third);
});

/// Reads and writes; `None` if it is refused. With `ours`, within what the peer takes.
fn again(octets: &[u8], context: &Context, ours: bool) -> Option<BytesMut> {
    let mut deframer = Deframer::new();
    if !ours || context.extended_message {
        deframer.allow_extended();
    }
    deframer.push(octets);
    let mut out = BytesMut::new();
    loop {
        match deframer.next() {
            Ok(Some(frame)) => match Message::decode(&frame, context) {
                Ok(message) => {
                    let _ = format!("{message:?}");
                    if let Message::Notification(notification) = &message {
                        let _ = notification.to_string();
                    }
                    message.encode(context, &mut out);
                }
                Err(error) => {
                    let _ = error.notification().to_string();
                    return None;
                }
            },
            Ok(None) => {
                assert!(!ours || deframer.pending() == 0);
                return Some(out);
            }
            Err(_) => return None,
        }
    }
}
