//! What the kernel itself leaves out of the notifications: a full table that we write makes a million of them, and not
//! one is to reach us. A classic BPF program, since that needs no privilege.

use socket2::SockFilter;

use crate::fib::FIRST_ID;
use crate::fib::Settings;
use crate::types::Family;

use super::nexthop::NHA_ID;
use super::nexthop::RTM_DELNEXTHOP;
use super::nexthop::RTM_NEWNEXTHOP;
use super::request::RTA_PRIORITY;
use super::request::RTM_DELROUTE;
use super::request::RTM_NEWROUTE;
use super::request::metric;

/// Offsets in a notification: `struct nlmsghdr`, then `struct rtmsg` or `struct nhmsg`, then attributes.
const TYPE: u32 = 4;
const FLAGS: u32 = 6;
const PORT: u32 = 12;
const ROUTE_TABLE: u32 = 20;
const ROUTE_PROTOCOL: u32 = 21;
const ROUTE_ATTRIBUTES: u32 = 28;
const NEXTHOP_ATTRIBUTES: u32 = 24;
/// What stands for a table that does not fit into an octet.
const RT_TABLE_COMPAT: u8 = 252;
const NLM_F_REPLACE: u16 = 0x100;
/// `SKF_AD_OFF + SKF_AD_NLATTR`: the offset of attribute X, of those that begin at A.
const ATTRIBUTE: u32 = (-0x1000_i32 + 12).cast_unsigned();

const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const LOAD_WORD_AT_X: u16 = 0x40;
const LOAD_BYTE_AT_X: u16 = 0x50;
const LOAD_VALUE: u16 = 0x00;
const LOAD_X: u16 = 0x01;
const A_TO_X: u16 = 0x07;
const JUMP: u16 = 0x05;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_ANY: u16 = 0x45;
const RETURN: u16 = 0x06;

/// Where a jump goes.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Label {
    Next,
    Pass,
    Drop,
    NextHop,
    Route,
    Others,
    NoMetric,
    Metric,
}

/// Instructions whose jumps have names.
#[derive(Default)]
struct Program {
    code: Vec<(u16, u32, Label, Label)>,
    places: Vec<(Label, usize)>,
}

impl Program {
    fn add(&mut self, code: u16, value: u32) {
        self.code.push((code, value, Label::Next, Label::Next));
    }

    fn jump(&mut self, code: u16, value: u32, yes: Label, no: Label) {
        self.code.push((code, value, yes, no));
    }

    fn here(&mut self, label: Label) {
        self.places.push((label, self.code.len()));
    }

    fn build(self) -> Vec<SockFilter> {
        let far = |from: usize, to: Label| {
            let place = self.places.iter().find(|(label, _)| *label == to).map_or(from + 1, |(_, place)| *place);
            place.saturating_sub(from + 1)
        };
        let near = |from, to| u8::try_from(far(from, to)).expect("the program has fewer than 255 instructions");
        let one = |(at, (code, value, yes, no)): (usize, &(u16, u32, Label, Label))| match *code {
            JUMP => SockFilter::new(JUMP, 0, 0, u32::from(near(at, *yes))),
            code => SockFilter::new(code, near(at, *yes), near(at, *no), *value),
        };
        self.code.iter().enumerate().map(one).collect()
    }
}

/// The program loads numbers as the network has them, and netlink has them as the host does.
fn half(value: u16) -> u32 {
    u16::from_be_bytes(value.to_ne_bytes()).into()
}

fn word(value: u32) -> u32 {
    u32::from_be_bytes(value.to_ne_bytes())
}

/// Lets pass what may concern us and was not done by the sockets of these ports: next hops and groups of our ids, routes
/// of our protocol, and of others' routes in our table with our metric those that go away or take another's place.
pub(super) fn program(settings: &Settings, ports: &[u32]) -> Vec<SockFilter> {
    use Label::*;
    let mut p = Program::default();
    p.add(LOAD_WORD, PORT);
    for port in ports {
        p.jump(JUMP_IF_EQUAL, word(*port), Drop, Next);
    }
    p.add(LOAD_HALF, TYPE);
    p.jump(JUMP_IF_EQUAL, half(RTM_NEWROUTE), Route, Next);
    p.jump(JUMP_IF_EQUAL, half(RTM_DELROUTE), Route, Next);
    p.jump(JUMP_IF_EQUAL, half(RTM_NEWNEXTHOP), NextHop, Next);
    p.jump(JUMP_IF_EQUAL, half(RTM_DELNEXTHOP), NextHop, Drop);

    p.here(NextHop);
    if settings.first_id == FIRST_ID {
        // Our range is all ids with one uppermost octet.
        const { assert!(FIRST_ID.trailing_zeros() >= 24 && super::super::table::IDS == 1 << 24) };
        let [top, ..] = FIRST_ID.to_be_bytes();
        let offset = if cfg!(target_endian = "little") { 7 } else { 4 };
        p.add(LOAD_X, NHA_ID.into());
        p.add(LOAD_VALUE, NEXTHOP_ATTRIBUTES);
        p.add(LOAD_WORD, ATTRIBUTE);
        p.jump(JUMP_IF_EQUAL, 0, Drop, Next);
        p.add(A_TO_X, 0);
        p.add(LOAD_BYTE_AT_X, offset);
        p.jump(JUMP_IF_EQUAL, top.into(), Pass, Drop);
    } else {
        p.jump(JUMP, 0, Pass, Next);
    }

    p.here(Route);
    p.add(LOAD_BYTE, ROUTE_PROTOCOL);
    p.jump(JUMP_IF_EQUAL, settings.protocol.into(), Pass, Next);
    let table = u8::try_from(settings.table).unwrap_or(RT_TABLE_COMPAT);
    p.add(LOAD_BYTE, ROUTE_TABLE);
    p.jump(JUMP_IF_EQUAL, table.into(), Next, Drop);
    p.add(LOAD_HALF, TYPE);
    p.jump(JUMP_IF_EQUAL, half(RTM_DELROUTE), Others, Next);
    p.add(LOAD_HALF, FLAGS);
    p.jump(JUMP_IF_ANY, half(NLM_F_REPLACE), Others, Drop);

    p.here(Others);
    p.add(LOAD_X, RTA_PRIORITY.into());
    p.add(LOAD_VALUE, ROUTE_ATTRIBUTES);
    p.add(LOAD_WORD, ATTRIBUTE);
    p.jump(JUMP_IF_EQUAL, 0, NoMetric, Next);
    p.add(A_TO_X, 0);
    p.add(LOAD_WORD_AT_X, 4);
    p.jump(JUMP, 0, Metric, Next);
    p.here(NoMetric);
    p.add(LOAD_VALUE, 0);
    p.here(Metric);
    for family in Family::ALL {
        p.jump(JUMP_IF_EQUAL, word(metric(settings, family)), Pass, Next);
    }

    p.here(Drop);
    p.add(RETURN, 0);
    p.here(Pass);
    p.add(RETURN, u32::MAX);
    p.build()
}
