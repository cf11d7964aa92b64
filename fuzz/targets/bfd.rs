//! BFD packets of any content, some with time between them, to a session with a key and to one without: read or
//! discarded, what is read is written so that it reads the same, what is sent can be read, and the session always knows
//! when it is due next.
//!
//! Input: again and again one octet of time (in units of 20 ms), one of length, and so many octets of a packet. With bit
//! 7 of the length the packet gets our own proof of the key before the sessions see it.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use twinspan::bfd::{Algorithm, Key, Output, Packet, Session, Settings, State};
use twinspan::types::Time;

fuzz_target!(|input: &[u8]| {
    let key = Key::new(7, Algorithm::MeticulousKeyedSha1, b"brass-lantern").expect("a secret of 13 octets");
    let mut now = Time::START;
    let mut sessions = [None, Some(key.clone())].map(|key| {
        let settings = Settings { interval: Duration::from_millis(100), multiplier: 3, passive: false, key };
        Session::new(now, 1, settings, 179)
    });
    let mut sequence = 0;
    let mut rest = input;
    while let [wait, length, more @ ..] = rest {
        let (octets, next) = more.split_at(usize::from(length & 0x7f).min(more.len()));
        rest = next;
        now = now + Duration::from_millis(20) * u32::from(*wait);
        sessions.iter_mut().for_each(|session| due(session, now));
        let Ok((packet, mut auth)) = Packet::decode(octets) else { continue };
        let written = packet.encode(None);
        assert_eq!(Packet::decode(written.as_slice()), Ok((packet, None)));
        if length & 0x80 != 0 {
            sequence += 1;
            let written = packet.encode(Some((&key, sequence)));
            let (same, proof) = Packet::decode(written.as_slice()).expect("what was written can be read");
            assert_eq!(same, packet);
            auth = proof;
        }
        for session in &mut sessions {
            let mut out = Vec::new();
            let before = session.status().state;
            let taken = session.receive(now, &packet, auth.as_ref(), &mut out);
            assert!(taken.is_ok() || session.status().state == before, "{taken:?} changed the state");
            judge(session, &out);
            due(session, now);
        }
    }
});

/// Does what is due until nothing is.
fn due(session: &mut Session, now: Time) {
    let mut rounds = 0;
    while session.deadline().is_some_and(|at| at <= now) {
        let mut out = Vec::new();
        session.tick(now, &mut out);
        judge(session, &out);
        rounds += 1;
        assert!(rounds < 100, "it is due for ever: {:?}", session.deadline());
    }
}

/// What goes out can be read, and says what the session is.
fn judge(session: &Session, out: &[Output]) {
    for output in out {
        if let Output::Send(wire) = output {
            let (packet, auth) = Packet::decode(wire.as_slice()).expect("what is sent can be read");
            assert_eq!((packet.my_discriminator, auth.is_some()), (1, session.settings().key.is_some()));
            assert!(packet.state != State::Up || packet.your_discriminator != 0);
        }
    }
}
