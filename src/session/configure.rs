//! Settings that change while the peer lives. What can be used at once is; what both ends agreed on at the start of a
//! session stays until the next one, and whoever changes that restarts the session.

use super::negotiate::{keepalive, send_hold};
use super::peer::Dial;
use super::{Output, Peer, Settings};
use crate::types::Time;

impl Peer {
    /// From now on by these settings: timers at once, the rest with the next connection.
    pub(super) fn configure(&mut self, now: Time, settings: Settings, out: &mut Vec<Output>) {
        let was_passive = std::mem::replace(&mut self.settings, settings).passive;
        for conn in &mut self.conns {
            if let Some(live) = conn.live_mut() {
                let hold = live.negotiated.hold_time;
                let every = keepalive(self.settings.keepalive_time, hold);
                live.set_timers(now, every, send_hold(self.settings.send_hold_time, hold));
            }
        }
        match (was_passive, self.settings.passive) {
            (false, true) => match self.dial {
                Dial::Dialling(conn) => {
                    out.push(Output::Close { conn });
                    self.dial = Dial::Rest;
                }
                Dial::Waiting(_) => self.dial = Dial::Rest,
                Dial::Off | Dial::Rest => {}
            },
            (true, false) if self.dial == Dial::Rest => self.dial_at_once(out),
            (_, _) => {}
        }
    }
}
