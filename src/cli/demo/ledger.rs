//! What the packets of the stream say: loss in each direction, spread over the tunnels, flows that moved.
//!
//! Pure arithmetic over packets that a sender, a sink and the taps at the tunnels' far ends recorded. It never guesses: a
//! packet that no tap saw has no tunnel.

use super::lab::TUNNELS;

/// One packet of the stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet {
    /// Its flow, counted from 0.
    pub flow: u16,
    /// When it was sent, in microseconds since the stream began.
    pub sent: u32,
    /// Whether the site host received it.
    pub arrived: bool,
    /// Whether the site's answer to it came back.
    pub answered: bool,
    /// The tunnel it came out of, as an index into [`TUNNELS`], if it was seen there.
    pub tunnel: Option<usize>,
}

/// What one tunnel carried.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Share {
    /// Packets seen at its far end.
    pub packets: u32,
    /// Flows whose last packet of the window came through it.
    pub flows: u32,
}

/// Loss and movement in a set of flows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Group {
    /// Flows in it.
    pub flows: u32,
    /// Of those, the ones seen on another tunnel than their own.
    pub moved: u32,
    /// Packets sent and never received.
    pub lost: u32,
}

/// What happened in a window of time. Packets count by when they were sent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Measured {
    /// Packets sent.
    pub sent: u32,
    /// Packets received whose answer did not come back.
    pub lost_back: u32,
    /// Packets received of which no tap saw the tunnel.
    pub unseen: u32,
    /// Per tunnel, in the order of [`TUNNELS`].
    pub shares: [Share; TUNNELS.len()],
    /// Flows that the event is about.
    pub hit: Group,
    /// All other flows that existed before the window.
    pub spared: Group,
    /// Flows that began in the window.
    pub new: Group,
    /// Of the new flows, how many each tunnel carries.
    pub new_on: [u32; TUNNELS.len()],
    /// When the last packet that was lost was sent, in microseconds since the stream began.
    pub last_loss: Option<u32>,
}

impl Measured {
    /// Packets lost in all.
    pub fn lost(&self) -> u32 {
        self.hit.lost + self.spared.lost + self.new.lost
    }
}

/// Where a flow was before the window.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Before {
    /// The first tunnel that it was ever seen on.
    pub first: usize,
    /// Its own: the last one.
    pub home: usize,
}

/// Measures the packets sent from `from` until `to` (microseconds); `hit` says which flows the event is about.
///
/// A flow's own tunnel is where it was last seen before the window; for a new flow, where it was first seen in it.
pub fn measure(packets: &[Packet], from: u32, to: u32, hit: impl Fn(Before) -> bool) -> Measured {
    let flows = packets.iter().map(|packet| usize::from(packet.flow) + 1).max().unwrap_or(0);
    let mut known = vec![Known::default(); flows];
    let mut measured = Measured::default();
    for packet in packets.iter().filter(|packet| packet.sent < to) {
        let Some(flow) = known.get_mut(usize::from(packet.flow)) else { continue };
        if packet.sent < from {
            flow.old = true;
            flow.home = packet.tunnel.or(flow.home);
            flow.first = flow.first.or(packet.tunnel);
            continue;
        }
        measured.sent += 1;
        flow.seen = true;
        match packet.tunnel {
            Some(tunnel) => {
                flow.moved |= *flow.home.get_or_insert(tunnel) != tunnel;
                flow.last = Some(tunnel);
                if let Some(share) = measured.shares.get_mut(tunnel) {
                    share.packets += 1;
                }
            }
            None if packet.arrived => measured.unseen += 1,
            None => {}
        }
        if packet.arrived {
            measured.lost_back += u32::from(!packet.answered);
        } else {
            flow.lost += 1;
            measured.last_loss = measured.last_loss.max(Some(packet.sent));
        }
    }
    for flow in known.into_iter().filter(|flow| flow.seen) {
        let before = flow.first.zip(flow.home).map(|(first, home)| Before { first, home });
        let group = match before {
            _ if !flow.old => &mut measured.new,
            Some(before) if hit(before) => &mut measured.hit,
            _ => &mut measured.spared,
        };
        group.flows += 1;
        group.moved += u32::from(flow.moved);
        group.lost += flow.lost;
        if let Some(share) = flow.last.and_then(|last| measured.shares.get_mut(last)) {
            share.flows += 1;
        }
        if let Some(count) = flow.last.filter(|_| !flow.old).and_then(|last| measured.new_on.get_mut(last)) {
            *count += 1;
        }
    }
    measured
}

#[derive(Clone, Copy, Default)]
struct Known {
    old: bool,
    seen: bool,
    first: Option<usize>,
    home: Option<usize>,
    last: Option<usize>,
    moved: bool,
    lost: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(flow: u16, sent: u32, tunnel: Option<usize>) -> Packet {
        Packet { flow, sent, arrived: tunnel.is_some(), answered: tunnel.is_some(), tunnel }
    }

    #[test]
    fn a_flow_that_changes_its_tunnel_has_moved_and_one_that_stays_has_not() {
        let packets = [packet(0, 1, Some(0)), packet(1, 2, Some(2)), packet(0, 11, Some(1)), packet(1, 12, Some(2))];
        let measured = measure(&packets, 10, 20, |before| before.home == 0);
        assert_eq!(measured.hit, Group { flows: 1, moved: 1, lost: 0 });
        assert_eq!(measured.spared, Group { flows: 1, moved: 0, lost: 0 });
        assert_eq!(measured.shares[1], Share { packets: 1, flows: 1 });
    }

    #[test]
    fn a_flow_that_goes_back_is_known_by_its_first_tunnel() {
        let packets = [
            packet(0, 1, Some(0)),
            packet(0, 2, Some(1)),
            packet(1, 3, Some(1)),
            packet(0, 11, Some(0)),
            packet(1, 12, Some(1)),
        ];
        let measured = measure(&packets, 10, 20, |before| before.first == 0);
        assert_eq!(measured.hit, Group { flows: 1, moved: 1, lost: 0 });
        assert_eq!(measured.spared, Group { flows: 1, moved: 0, lost: 0 });
    }

    #[test]
    fn loss_is_charged_to_the_flow_and_to_the_time_of_sending() {
        let packets = [
            packet(0, 1, Some(0)),
            packet(1, 2, Some(1)),
            packet(0, 14, None),
            packet(0, 17, Some(1)),
            packet(1, 30, None),
        ];
        let measured = measure(&packets, 10, 20, |before| before.home == 0);
        assert_eq!((measured.sent, measured.lost(), measured.hit.lost, measured.spared.lost), (2, 1, 1, 0));
        assert_eq!(measured.last_loss, Some(14));
    }

    #[test]
    fn a_flow_that_began_in_the_window_is_new_and_neither_hit_nor_spared() {
        let packets = [packet(0, 1, Some(0)), packet(0, 11, Some(0)), packet(1, 12, Some(0)), packet(1, 13, Some(3))];
        let measured = measure(&packets, 10, 20, |before| before.home == 0);
        assert_eq!((measured.hit.flows, measured.spared.flows), (1, 0));
        assert_eq!(measured.new, Group { flows: 1, moved: 1, lost: 0 });
        assert_eq!(measured.new_on, [0, 0, 0, 1]);
    }

    #[test]
    fn an_answer_that_does_not_come_back_is_lost_on_the_way_back_alone() {
        let answered = Packet { flow: 0, sent: 1, arrived: true, answered: true, tunnel: Some(0) };
        let packets = [answered, Packet { answered: false, ..answered }, packet(0, 3, None)];
        let measured = measure(&packets, 0, 20, |_| false);
        assert_eq!((measured.lost(), measured.lost_back), (1, 1));
    }

    #[test]
    fn a_packet_received_that_no_tap_saw_is_counted_as_unseen_not_as_lost() {
        let packets = [Packet { flow: 0, sent: 1, arrived: true, answered: true, tunnel: None }];
        let measured = measure(&packets, 0, 20, |_| false);
        assert_eq!((measured.unseen, measured.lost()), (1, 0));
    }
}
