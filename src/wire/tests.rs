use bytes::{Bytes, BytesMut};
use proptest::{prelude::*, sample::Index};

use crate::types::{Asn, Family, Prefix};

use super::{arbitrary, *};

fn encoded(message: &Message, context: &Context) -> BytesMut {
    let mut out = BytesMut::new();
    message.encode(context, &mut out);
    out
}

/// All messages in the octets; panics if some are left over.
fn decoded(octets: &[u8], context: &Context) -> Result<Vec<Message>, Error> {
    let mut deframer = Deframer::new();
    if context.extended_message {
        deframer.allow_extended();
    }
    deframer.push(octets);
    let mut messages = Vec::new();
    while let Some(frame) = deframer.next()? {
        messages.push(Message::decode(&frame, context)?);
    }
    assert_eq!(deframer.pending(), 0);
    Ok(messages)
}

/// What several UPDATEs say together.
fn together(messages: Vec<Message>) -> Update {
    let mut all = Update::default();
    for message in messages {
        let Message::Update(update) = message else { panic!("{message:?}") };
        all.withdrawn.extend(update.withdrawn);
        all.faults.extend(update.faults);
        all.end_of_rib = update.end_of_rib.or(all.end_of_rib);
        for reach in update.reach {
            all.attributes = update.attributes.clone();
            match all.reach.last_mut() {
                Some(last) if last.family == reach.family && last.next_hop == reach.next_hop => {
                    last.prefixes.extend(reach.prefixes);
                }
                _ => all.reach.push(reach),
            }
        }
    }
    all
}

proptest! {
    #[test]
    fn what_is_written_reads_back_as_the_same((context, message) in arbitrary::message()) {
        let octets = encoded(&message, &context);
        let mut back = decoded(&octets, &context).unwrap();
        match message {
            Message::Update(update) => prop_assert_eq!(together(back), update),
            message => prop_assert_eq!(back.pop(), Some(message)),
        }
    }

    #[test]
    fn what_was_read_is_written_as_the_same_octets((context, message) in arbitrary::message()) {
        let octets = encoded(&message, &context);
        let again: BytesMut = decoded(&octets, &context).unwrap().iter().flat_map(|m| encoded(m, &context)).collect();
        prop_assert_eq!(again, octets);
    }

    #[test]
    fn no_message_is_longer_than_the_peer_takes((context, message) in arbitrary::message()) {
        let octets = encoded(&message, &context);
        let mut rest = &octets[..];
        while !rest.is_empty() {
            let length = usize::from(u16::from_be_bytes([rest[16], rest[17]]));
            prop_assert!(length <= context.max_len());
            rest = &rest[length..];
        }
    }

    #[test]
    fn octets_changed_on_the_way_never_cost_the_next_message(
        (context, message) in arbitrary::message(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8),
    ) {
        let mut octets = encoded(&message, &context);
        prop_assume!(!octets.is_empty());
        // Bodies alone: a header that is wrong ends the connection.
        let length = usize::from(u16::from_be_bytes([octets[16], octets[17]]));
        octets.truncate(length);
        prop_assume!(length > 19);
        for (at, octet) in changes {
            let at = 19 + at.index(length - 19);
            octets[at] = octet;
        }
        octets.extend(encoded(&Message::Keepalive, &context));
        let mut deframer = Deframer::new();
        deframer.allow_extended();
        deframer.push(&octets);
        let changed = deframer.next().unwrap().unwrap();
        if let Ok(message) = Message::decode(&changed, &context) {
            // What could be read can be written and read again.
            let written = encoded(&message, &context);
            prop_assert!(decoded(&written, &context).is_ok(), "{:?}", message);
        }
        let next = deframer.next().unwrap().unwrap();
        prop_assert_eq!(Message::decode(&next, &context), Ok(Message::Keepalive));
    }

    #[test]
    fn any_octets_at_all_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..300), kind in 1..6u8) {
        let mut whole = vec![0xff; 16];
        whole.extend(u16::try_from(19 + octets.len()).unwrap().to_be_bytes());
        whole.push(kind);
        whole.extend(octets);
        for bits in 0..16 {
            let context = Context {
                four_octet_asn: bits & 1 != 0,
                extended_message: bits & 2 != 0,
                ipv4_over_ipv6: bits & 4 != 0,
                internal: bits & 8 != 0,
            };
            let mut deframer = Deframer::new();
            deframer.push(&whole);
            let Ok(Some(frame)) = deframer.next() else { continue };
            if let Err(error) = Message::decode(&frame, &context) {
                prop_assert!(error.notification().code > 0);
            }
        }
    }

    #[test]
    fn a_stream_reads_the_same_in_pieces_of_any_size(
        messages in prop::collection::vec(arbitrary::message(), 1..4),
        sizes in prop::collection::vec(1..100usize, 1..20),
    ) {
        let mut octets = BytesMut::new();
        messages.iter().for_each(|(context, message)| message.encode(context, &mut octets));
        let frames = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let mut deframer = Deframer::new();
            deframer.allow_extended();
            let mut frames = Vec::new();
            for piece in pieces {
                deframer.push(piece);
                while let Some(frame) = deframer.next().unwrap() {
                    frames.push(frame);
                }
            }
            frames
        };
        let mut rest = &octets[..];
        let mut sizes = sizes.iter().cycle();
        let mut pieces = std::iter::from_fn(|| {
            let (piece, after) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        });
        prop_assert_eq!(frames(&mut pieces), frames(&mut std::iter::once(&octets[..])));
    }

    #[test]
    fn routes_that_do_not_fit_one_update_are_told_in_several(
        prefixes in prop::collection::vec(arbitrary::prefix(Family::Ipv6), 0..900),
    ) {
        let context = Context { four_octet_asn: true, ..Context::default() };
        let reach = Reach {
            family: Family::Ipv6,
            next_hop: NextHop::V6 { global: "2001:db8::1".parse().unwrap(), link_local: None },
            prefixes,
        };
        let update = Update { reach: vec![reach], ..Update::default() };
        let messages = decoded(&encoded(&Message::Update(update.clone()), &context), &context).unwrap();
        let told: Vec<Prefix> = together(messages).reach.into_iter().flat_map(|reach| reach.prefixes).collect();
        prop_assert_eq!(&told, &update.reach[0].prefixes);
    }

    #[test]
    fn notifications_of_any_content_can_be_shown(notification in arbitrary::notification()) {
        prop_assert!(!notification.to_string().is_empty());
    }
}

#[test]
fn routes_whose_attributes_alone_do_not_fit_are_withdrawn() {
    let prefix: Prefix = "10.1.0.0/16".parse().unwrap();
    let mut attributes = Attributes { as_path: AsPath::sequence([Asn::new(65010)]), ..Attributes::default() };
    attributes.communities = (0..2000).map(Community).collect();
    let reach = Reach { family: Family::Ipv4, next_hop: NextHop::V4([192, 0, 2, 1].into()), prefixes: vec![prefix] };
    let update = Message::Update(Update { reach: vec![reach], attributes, ..Update::default() });

    let small = Context::default();
    let told = together(decoded(&encoded(&update, &small), &small).unwrap());
    assert_eq!((told.withdrawn, told.reach), (vec![prefix], vec![]));

    let large = Context { extended_message: true, ..small };
    let told = together(decoded(&encoded(&update, &large), &large).unwrap());
    assert_eq!(told.reach[0].prefixes, [prefix]);
}

#[test]
fn a_shutdown_text_is_cut_at_a_character_within_255_octets() {
    let notification = Notification::shutdown(Cease::AdministrativeShutdown, &"\u{2615}".repeat(100));
    assert_eq!(notification.data.len(), 1 + 255);
    assert_eq!(notification.text().map(str::len), Some(255));
    let odd = Notification::shutdown(Cease::AdministrativeReset, &format!("a{}", "\u{2615}".repeat(100)));
    assert_eq!(odd.text().map(str::len), Some(253));
}

#[test]
fn the_text_inside_a_hard_reset_is_its_communication() {
    let inside = Notification::shutdown(Cease::AdministrativeReset, "new card");
    assert_eq!(inside.hard_reset().text(), None);
    assert_eq!(inside.hard_reset().communication().as_deref(), Some("new card"));
    assert_eq!(inside.communication().as_deref(), Some("new card"));
    assert_eq!(Notification::HOLD.communication(), None);
}

#[test]
fn only_a_shutdown_and_a_reset_carry_text() {
    assert_eq!(Notification::shutdown(Cease::PeerDeconfigured, "bye"), Cease::PeerDeconfigured.into());
    assert_eq!(Notification::shutdown(Cease::AdministrativeShutdown, ""), Cease::AdministrativeShutdown.into());
}

#[test]
fn a_strangers_text_cannot_break_a_line_or_reach_the_terminal() {
    let notification = Notification::shutdown(Cease::AdministrativeShutdown, "a\n\u{1b}[2Jb");
    assert_eq!(notification.to_string(), "Cease / Administrative Shutdown: a\\n\\u{1b}[2Jb");
}

#[test]
fn hard_resets_inside_each_other_are_shown_without_end() {
    let mut notification = Notification::HOLD;
    for _ in 0..2000 {
        notification = notification.hard_reset();
    }
    assert_eq!(notification.to_string(), "Cease / Hard Reset");
    assert_eq!(Notification::HOLD.hard_reset().to_string(), "Cease / Hard Reset: Hold Timer Expired");
}

#[test]
fn missing_capabilities_are_named_to_the_peer() {
    let missing = Capabilities(vec![Capability::Multiprotocol(Family::Ipv6.into())]);
    let notification = Notification::unsupported_capability(&missing);
    assert_eq!((notification.code, notification.subcode, &notification.data[..]), (2, 7, &[1, 4, 0, 2, 0, 1][..]));
}

#[test]
fn a_notification_that_does_not_fit_is_cut() {
    let long = Message::Notification(Notification::with_data(3, 9, Bytes::from(vec![0; 10_000])));
    assert_eq!(encoded(&long, &Context::default()).len(), 4096);
}

#[test]
fn without_multiprotocol_capabilities_a_peer_speaks_ipv4_alone() {
    assert_eq!(Capabilities::default().families(), [Family::Ipv4]);
    let ipv6 = Capabilities(vec![Capability::Multiprotocol(Family::Ipv6.into())]);
    assert_eq!(ipv6.families(), [Family::Ipv6]);
}

#[test]
fn extended_messages_are_refused_until_they_are_allowed() {
    let mut octets = vec![0xff; 16];
    octets.extend(5000_u16.to_be_bytes());
    octets.push(2);
    let mut deframer = Deframer::new();
    deframer.push(&octets);
    assert_eq!(deframer.next(), Err(Error::Length(5000)));
    deframer.allow_extended();
    assert_eq!(deframer.next(), Ok(None));
}
