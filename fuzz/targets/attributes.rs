//! The attributes of an UPDATE with one good route each way, in any content: no route gets lost, faults are told, the
//! order of the attributes makes no difference, and what is passed on reads the same.
//!
//! Input: one octet of context (its low four bits), then the path attributes.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use twinspan::types::{Family, Prefix};
use twinspan::wire::{AttributeFlags, Context, Deframer, Error, FaultAction, Message, Update};

fuzz_target!(|input: &[u8]| {
    let [bits, attributes @ ..] = input else { return };
    let context = Context {
        four_octet_asn: bits & 1 != 0,
        extended_message: bits & 2 != 0,
        ipv4_over_ipv6: bits & 4 != 0,
        internal: bits & 8 != 0,
    };
    let Some(whole) = update(attributes) else { return };
    let found = match read(&whole, &context) {
        Ok(found) => found,
        Err(Error::AttributeList(_) | Error::WellKnown(_) | Error::OptionalAttribute { .. }) => return,
        Err(other) => panic!("{other} is no fault of attributes"),
    };
    let [gone, there] = ["192.0.2.0/24", "203.0.113.0/24"].map(|text| text.parse::<Prefix>().expect("a prefix"));
    assert_eq!(found.end_of_rib, None);
    assert!(found.withdrawn.contains(&gone));
    let told = found.reach.iter().any(|reach| reach.family == Family::Ipv4 && reach.prefixes.contains(&there));
    assert!(told || found.withdrawn.contains(&there), "a route is lost: {found:?}");
    let refused = found.faults.iter().any(|fault| fault.action == FaultAction::TreatAsWithdraw);
    assert_eq!(refused, found.reach.is_empty());
    let both = AttributeFlags::OPTIONAL.with(AttributeFlags::TRANSITIVE).with(AttributeFlags::PARTIAL);
    assert!(found.attributes.unknown.iter().all(|unknown| unknown.flags == both));

    if let Some(turned) = turned(attributes) {
        let whole = update(&turned).expect("it is as long as it was");
        let again = read(&whole, &context).expect("the order makes no difference");
        assert_eq!((sorted(&again), again.attributes), (sorted(&found), found.attributes.clone()));
    }

    let mut out = BytesMut::new();
    Message::Update(found.clone()).encode(&context, &mut out);
    let mut deframer = Deframer::new();
    if context.extended_message {
        deframer.allow_extended();
    }
    deframer.push(&out);
    while let Some(frame) = deframer.next().expect("our headers are good") {
        match Message::decode(&frame, &context) {
            Ok(Message::Update(update)) => assert_eq!(update.faults, []),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(deframer.pending(), 0);
});

/// The UPDATE with these attributes; `None` if they do not fit one.
fn update(attributes: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(attributes.len()).ok()?;
    let mut whole = vec![0xff; 16];
    whole.extend(u16::try_from(19 + 2 + 4 + 2 + attributes.len() + 4).ok()?.to_be_bytes());
    whole.extend([2, 0, 4, 24, 192, 0, 2]);
    whole.extend(length.to_be_bytes());
    whole.extend(attributes);
    whole.extend([24, 203, 0, 113]);
    Some(whole)
}

fn read(whole: &[u8], context: &Context) -> Result<Update, Error> {
    let mut deframer = Deframer::new();
    deframer.allow_extended();
    deframer.push(whole);
    let frame = deframer.next()?.expect("it is whole");
    match Message::decode(&frame, context)? {
        Message::Update(update) => Ok(update),
        other => panic!("{other:?}"),
    }
}

/// The same attributes, the last first. `None` if one is cut off or there twice: then the order does matter.
fn turned(attributes: &[u8]) -> Option<Vec<u8>> {
    let mut each = Vec::new();
    let mut codes = Vec::new();
    let mut rest = attributes;
    while !rest.is_empty() {
        let (head, length) = if rest[0] & 0x10 != 0 {
            (4, usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?])))
        } else {
            (3, usize::from(*rest.get(2)?))
        };
        if codes.contains(&rest[1]) {
            return None;
        }
        codes.push(rest[1]);
        let (one, next) = rest.split_at_checked(head + length)?;
        each.push(one);
        rest = next;
    }
    each.reverse();
    Some(each.concat())
}

/// Prefixes that are withdrawn and told, in an order of their own.
fn sorted(update: &Update) -> (Vec<Prefix>, Vec<(Family, Vec<Prefix>)>) {
    let mut withdrawn = update.withdrawn.clone();
    withdrawn.sort();
    let mut reach: Vec<_> = update.reach.iter().map(|reach| (reach.family, reach.prefixes.clone())).collect();
    reach.sort();
    (withdrawn, reach)
}
