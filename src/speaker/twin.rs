//! The other instance: what it is told of this one, and what its words mean here.
//!
//! Owns what is said; when, and what is known of the twin, is [`twin::Twin`]'s. Its routes come by BGP as a neighbor's do,
//! and whether the way to it is alive BFD says: a twin that is silent may still forward.

use std::time::Duration;

use super::neighbor::Neighbor;
use super::rate::Rate;
use super::reset::Relay;
use super::tunnels::Tunnel;
use super::{Effect, Event, Life, Speaker};
use crate::gateway::NeighborKind;
use crate::session;
use crate::twin;
use crate::twin::{Connection, News, Output, Presence, Role, Says, Standing, Twin};
use crate::types::{PeerId, Time};

/// How long a start waits for the routes of a twin that does not speak.
const PATIENCE: Duration = Duration::from_secs(5);

/// What this instance knows of the other one, and has told it.
pub(super) struct Pair {
    /// The number of this run.
    boot: u64,
    /// The other instance; `None` without a way to it.
    pub(super) twin: Option<Twin>,
    /// The way, as the shell was told.
    link: Option<twin::Link>,
    /// Of tunnels and sessions, when `connections` was made.
    pulse: u64,
    connections: Vec<Connection>,
    /// All sessions have said what they have, and the kernel has had it since.
    ready: bool,
    /// What cannot be believed is told of up to a rate.
    strange: Rate,
    /// Resets that concern both.
    pub(super) relay: Relay,
}

impl Pair {
    /// `seed` makes the number of this run.
    pub(super) fn new(seed: u64) -> Self {
        let boot = fastrand::Rng::with_seed(seed).u64(1..);
        Self {
            boot,
            twin: None,
            link: None,
            pulse: 0,
            connections: Vec::new(),
            ready: false,
            strange: Rate::default(),
            relay: Relay::default(),
        }
    }
}

impl Speaker {
    /// The twin is the one of the file from now on, or there is no way to it.
    pub(super) fn meet_twin(&mut self, now: Time, out: &mut Vec<Effect>) {
        let path = self.config.model.twin_path(&self.instance);
        let link = path.as_ref().map(|path| twin::Link {
            interface: path.interface.clone(),
            local: path.local,
            remote: path.remote,
        });
        if self.pair.link != link {
            self.pair.link.clone_from(&link);
            out.push(Effect::TwinLink(link));
        }
        self.pair.pulse = 0;
        let Some(path) = path else {
            self.pair.twin = None;
            return;
        };
        let words = &self.config.model.twin_words;
        let settings = twin::Settings {
            gateway: self.config.model.name.clone(),
            instance: self.instance.clone(),
            twin: path.twin,
            hello: words.hello,
            silent_after: words.silent_after,
            version: env!("CARGO_PKG_VERSION"),
            digest: self.config.written.digest(),
        };
        match self.pair.twin.take().filter(|known| known.settings().twin == settings.twin) {
            Some(mut known) => {
                let mut outputs = Vec::new();
                known.handle(now, twin::Input::Configure(settings), &mut outputs);
                self.pair.twin = Some(known);
                self.obey_twin(now, outputs, out);
            }
            None => self.pair.twin = Some(Twin::new(now, self.pair.boot, settings)),
        }
    }

    /// Octets have come over the twin-link.
    pub(super) fn hear_twin(&mut self, now: Time, octets: &[u8], out: &mut Vec<Effect>) {
        let Some(known) = &mut self.pair.twin else { return };
        let mut outputs = Vec::new();
        let before = known.last().map(|(_, hello)| (hello.boot, hello.sequence));
        known.handle(now, twin::Input::Hello(octets), &mut outputs);
        let new = known.last().filter(|(_, hello)| before != Some((hello.boot, hello.sequence)));
        let says = new.map(|(_, hello)| hello.says.clone());
        self.obey_twin(now, outputs, out);
        if let Some(says) = says {
            self.role_hears(now, &says, out);
        }
        self.reset_as_told(now, out);
    }

    /// Tells the twin what has changed here, and does what is due.
    pub(super) fn tell_twin(&mut self, now: Time, out: &mut Vec<Effect>) {
        if self.pair.twin.is_none() || matches!(self.life, Life::Waiting | Life::Stopped) {
            return;
        }
        self.feel();
        self.pair.relay.pass(now, self.pair.ready);
        let says = self.says();
        let Some(known) = &mut self.pair.twin else { return };
        let mut outputs = Vec::new();
        known.handle(now, twin::Input::Says(says), &mut outputs);
        if known.deadline() <= now {
            known.tick(now, &mut outputs);
        }
        self.obey_twin(now, outputs, out);
        if self.impatient_at().is_some_and(|due| due <= now)
            && let Some(id) = self.twin_session()
        {
            self.startup.give_up(id);
        }
    }

    /// When [`Speaker::tell_twin`] has something to do.
    pub(super) fn twin_deadline(&self) -> Option<Time> {
        if matches!(self.life, Life::Waiting | Life::Stopped) {
            return None;
        }
        let known = self.pair.twin.as_ref()?;
        [self.impatient_at(), self.pair.relay.deadline()].into_iter().flatten().chain([known.deadline()]).min()
    }

    /// The session with the twin.
    pub(super) fn twin_session(&self) -> Option<PeerId> {
        self.neighbors.iter().find(|neighbor| neighbor.plan.kind == NeighborKind::Twin).map(|neighbor| neighbor.id)
    }

    /// When a start that keeps routes waits no longer for a twin that does not speak.
    fn impatient_at(&self) -> Option<Time> {
        let known = self.pair.twin.as_ref().filter(|known| known.presence() != Presence::Present)?;
        let waits = self.twin_session().is_some_and(|id| self.startup.waits_for(id));
        (waits && self.startup.keeps_routes()).then(|| known.since() + PATIENCE)
    }

    fn obey_twin(&mut self, now: Time, outputs: Vec<Output>, out: &mut Vec<Effect>) {
        for output in outputs {
            match output {
                Output::Send(octets) => out.push(Effect::Hello(octets)),
                Output::News(news) => self.twin_news(now, news, out),
            }
        }
    }

    /// What has become of the twin is told to people; one that is there is dialled at once.
    fn twin_news(&mut self, now: Time, news: News, out: &mut Vec<Effect>) {
        let Some(twin) = self.pair.twin.as_ref().map(|known| known.settings().twin.clone()) else { return };
        let back = matches!(news, News::Appeared { .. } | News::Returned(_) | News::Restarted { .. } | News::Hears);
        // Whoever is on the link can send what he likes.
        let anybodys = matches!(news, News::Stranger { .. } | News::Unreadable(_));
        let silent = if anybodys { self.pair.strange.pass(now) } else { Some(0) };
        if let Some(silent) = silent {
            out.push(Effect::Tell(Event::Twin { twin, news, silent }));
        }
        let idle = |neighbor: &&Neighbor| neighbor.conn.is_none() && neighbor.ready() && !neighbor.awaits_route;
        let id = self.twin_session().and_then(|id| self.neighbors.get(id)).filter(idle).map(|neighbor| neighbor.id);
        if let Some(id) = id.filter(|_| back && self.life == Life::Running) {
            self.session(now, Some(id), session::Input::DialNow, out);
        }
    }

    /// Looks whether what is said of connections is still so. Cheap while it is: it is asked in every turn.
    fn feel(&mut self) {
        let mut pulse = 0xcbf2_9ce4_8422_2325_u64;
        let mut beat = |bits: u8| pulse = (pulse ^ u64::from(bits)).wrapping_mul(0x0000_0100_0000_01b3);
        self.tunnels.iter().for_each(|tunnel| beat(1 | u8::from(tunnel.machine.carries()) << 1));
        let mut complete = self.life == Life::Running && !self.startup.keeps_routes() && !self.sweeping;
        // Who has just taken the role does not want its sessions yet.
        complete &= self.serves() || !self.is_active();
        for neighbor in self.neighbors.iter() {
            let (up, done) = (neighbor.conn.is_some(), neighbor.loading.is_none());
            beat(4 | u8::from(up) << 3 | u8::from(done) << 4);
            let ours = matches!(neighbor.plan.kind, NeighborKind::Device { .. } | NeighborKind::NetworkRouter);
            let down = neighbor.plan.shutdown.is_some() || neighbor.stance.down.is_some();
            let wanted = ours && !down && neighbor.ready();
            complete &= !wanted || up && done;
        }
        let at_rest = || self.fib.settled() && !self.rib.has_changed() && !self.rib.has_work();
        self.pair.ready = complete && (self.pair.ready || at_rest());
        if self.pair.pulse != pulse {
            self.pair.pulse = pulse;
            self.pair.connections = self.connections();
        }
    }

    /// Each connection with a tunnel here.
    fn connections(&self) -> Vec<Connection> {
        let mut found: Vec<Connection> = Vec::new();
        for tunnel in self.tunnels.iter() {
            let (up, active) = (tunnel.machine.carries(), self.carries_traffic(tunnel));
            match found.iter_mut().find(|known| known.name == tunnel.plan.connection) {
                Some(known) => {
                    known.tunnels += 1;
                    known.up += u32::from(up);
                    known.active |= active;
                }
                None => found.push(Connection {
                    name: tunnel.plan.connection.clone(),
                    tunnels: 1,
                    up: u32::from(up),
                    active,
                }),
            }
        }
        found
    }

    /// True if the tunnel is up, and its far end has a session over it or needs none.
    fn carries_traffic(&self, tunnel: &Tunnel) -> bool {
        let session = self.neighbors.named(&tunnel.plan.name);
        tunnel.machine.carries() && session.is_none_or(|neighbor| neighbor.conn.is_some())
    }

    /// What this instance is doing.
    fn says(&self) -> Says {
        let mut reasons = Vec::new();
        let standing = match self.life {
            Life::Waiting | Life::Running => match self.standing() {
                super::Standing::Serving => Standing::Serving,
                super::Standing::Standby => Standing::Standby,
                super::Standing::Unfit(why) => {
                    reasons = why;
                    Standing::Unfit
                }
                super::Standing::Draining => Standing::Draining,
                super::Standing::Drained => Standing::Drained,
            },
            Life::Closing(_) | Life::Stopping | Life::Stopped => Standing::Stopping,
        };
        let claim = self.claim();
        let (role, [yields, away, wants]) =
            claim.map_or((Role::Active, [false; 3]), |claim| super::role::said(claim.stance));
        Says {
            role,
            term: claim.map_or(0, |claim| claim.term),
            priority: claim.map_or(0, |claim| claim.priority),
            yields,
            wants,
            away,
            unfit: claim.is_some_and(|claim| !claim.fit),
            standing,
            reasons,
            ready: self.pair.ready,
            both: self.office.machine.is_none(),
            resets: self.pair.relay.asked(),
            connections: self.pair.connections.clone(),
        }
    }
}
