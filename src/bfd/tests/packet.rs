use std::time::Duration;

use proptest::prelude::*;

use crate::bfd::{Algorithm, Diag, Discard, Key, Packet, State};

pub(super) fn packet() -> Packet {
    Packet {
        diag: Diag::NONE,
        state: State::Down,
        poll: false,
        final_: false,
        control_plane_independent: true,
        demand: false,
        multiplier: 3,
        my_discriminator: 7,
        your_discriminator: 0,
        desired_min_tx: Duration::from_secs(1),
        required_min_rx: Duration::from_millis(100),
        required_min_echo_rx: Duration::ZERO,
    }
}

fn octets(packet: &Packet) -> Vec<u8> {
    packet.encode(None).as_slice().to_vec()
}

/// What becomes of a packet with one octet changed.
fn with(at: usize, value: u8) -> Result<(), Discard> {
    let mut changed = octets(&packet());
    changed[at] = value;
    Packet::decode(&changed).map(|_| ())
}

#[test]
fn every_rule_of_reception_has_a_reason_of_its_own() {
    assert_eq!(Packet::decode(&[0x20; 23]).unwrap_err(), Discard::Short(23));
    assert_eq!(with(0, 0x40), Err(Discard::Version(2)));
    assert_eq!(with(3, 23), Err(Discard::Length(23)));
    assert_eq!(with(3, 25), Err(Discard::Cut { length: 25, came: 24 }));
    assert_eq!(with(1, 0x44), Err(Discard::Length(24)));
    assert_eq!(with(2, 0), Err(Discard::Multiplier));
    assert_eq!(with(1, 0x41), Err(Discard::Multipoint));
    assert_eq!(with(7, 0), Err(Discard::MyDiscriminator));
    assert_eq!(with(1, 0x80), Err(Discard::YourDiscriminator(State::Init)));
    assert_eq!(with(1, 0xc0), Err(Discard::YourDiscriminator(State::Up)));
    assert_eq!(with(1, 0x00), Ok(()));
}

#[test]
fn octets_behind_the_length_field_are_left_alone() {
    let mut long = octets(&packet());
    long.extend([1, 2, 3]);
    assert_eq!(Packet::decode(&long).unwrap(), (packet(), None));
}

#[test]
fn a_proof_is_of_the_packet_and_the_secret() {
    let key = Key::new(9, Algorithm::KeyedSha1, b"secret").unwrap();
    let wire = packet().encode(Some((&key, 5)));
    assert_eq!(wire.as_slice().len(), 52);
    let (read, section) = Packet::decode(wire.as_slice()).unwrap();
    let section = section.unwrap();
    assert_eq!((read, section.key_id(), section.sequence()), (packet(), 9, 5));
    assert!(key.proves(&section));
    assert!(!Key::new(9, Algorithm::KeyedSha1, b"Secret").unwrap().proves(&section));
    for at in 0..52 {
        let mut changed = wire.as_slice().to_vec();
        changed[at] ^= 0x10;
        if let Ok((_, Some(section))) = Packet::decode(&changed) {
            assert!(!key.proves(&section), "octet {at} can be changed");
        }
    }
}

#[test]
fn a_key_does_not_show_its_secret() {
    let key = Key::new(1, Algorithm::MeticulousKeyedSha1, b"hunter2").unwrap();
    assert!(!format!("{key:?}").contains("104")); // the first octet of it
    assert_eq!(Key::new(1, Algorithm::KeyedSha1, b""), None);
    assert_eq!(Key::new(1, Algorithm::KeyedSha1, &[1; 21]), None);
}

proptest! {
    #[test]
    fn any_octets_are_a_packet_or_a_reason(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok((packet, None)) = Packet::decode(&octets) {
            let wire = packet.encode(None);
            prop_assert_eq!(Packet::decode(wire.as_slice()), Ok((packet, None)));
        }
    }

    #[test]
    fn what_is_written_reads_back(
        bits in any::<[bool; 3]>(),
        state in 0..4_u8,
        diag in 0..32_u8,
        multiplier in 1..=255_u8,
        numbers in any::<[u32; 4]>(),
    ) {
        let [poll, final_, demand] = bits;
        let [mine, yours, tx, rx] = numbers;
        let packet = Packet {
            diag: Diag::from_bits(diag),
            state: State::from_bits(state),
            poll,
            final_,
            control_plane_independent: poll,
            demand,
            multiplier,
            my_discriminator: mine.max(1),
            your_discriminator: yours.max(1),
            desired_min_tx: Duration::from_micros(tx.into()),
            required_min_rx: Duration::from_micros(rx.into()),
            required_min_echo_rx: Duration::ZERO,
        };
        prop_assert_eq!(Packet::decode(packet.encode(None).as_slice()), Ok((packet, None)));
    }
}
