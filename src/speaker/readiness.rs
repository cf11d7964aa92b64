//! What speaks against a drain: a connection that would have no tunnel, or a twin that cannot take over. And which of two
//! instances gives way when both are to be drained: never both are.

use super::{Effect, Event, Speaker};
use crate::drain::{Step, Target};
use crate::gateway::Mode;
use crate::twin::{Presence, Says, Standing};
use crate::types::{Name, Time};

impl Speaker {
    /// What speaks against draining that now, in words for people; empty if nothing does.
    pub(super) fn against(&self, target: &Target) -> Vec<String> {
        let mut against = Vec::new();
        if *target == Target::Instance {
            against.extend(self.twin_cannot());
        }
        for connection in self.cut_off(target) {
            against.push(format!("connection {connection} would have no tunnel"));
        }
        against
    }

    /// Why the twin cannot do this instance's work, if it cannot.
    fn twin_cannot(&self) -> Option<String> {
        let Some(twin) = &self.pair.twin else {
            return Some("the file has no twin-link: nobody can tell whether the other instance is ready".to_owned());
        };
        let name = &twin.settings().twin;
        let Some(says) = twin.says() else {
            return Some(match twin.presence() {
                Presence::Never => format!("{name} has not been heard of"),
                Presence::Left => format!("{name} is stopped"),
                Presence::Silent | Presence::Present => format!("{name} is silent"),
            });
        };
        match says.standing {
            Standing::Serving => {}
            Standing::Standby if self.config.model.mode == Mode::ActiveStandby => {}
            other => {
                let why =
                    if says.reasons.is_empty() { String::new() } else { format!(": {}", says.reasons.join("; ")) };
                return Some(format!("{name} is {}{why}", other.as_str()));
            }
        }
        if !says.ready {
            return Some(format!("{name} is not ready: not all of its sessions have said what they have"));
        }
        let session = self.twin_session().and_then(|id| self.neighbors.get(id));
        if session.is_none_or(|neighbor| neighbor.conn.is_none() || neighbor.loading.is_some()) {
            return Some(format!("the routes over {name} are not here: there is no session with it"));
        }
        None
    }

    /// True if the twin is drained, or is being.
    pub(super) fn twin_goes(&self) -> bool {
        self.twin_says().is_some_and(|says| matches!(says.standing, Standing::Draining | Standing::Drained))
    }

    fn twin_says(&self) -> Option<&Says> {
        self.pair.twin.as_ref()?.says()
    }

    /// Connections that have a tunnel now and would have none, on either instance.
    fn cut_off(&self, target: &Target) -> Vec<Name> {
        let gone = self.tunnels_of(target);
        let mut cut: Vec<Name> = Vec::new();
        for tunnel in self.tunnels.iter().filter(|tunnel| gone.contains(&tunnel.plan.name) && tunnel.machine.carries())
        {
            let connection = &tunnel.plan.connection;
            let here = self.tunnels.iter().any(|other| {
                let (name, same) = (&other.plan.name, other.plan.connection == *connection);
                same && other.machine.carries() && !gone.contains(name) && self.leads_through(name)
            });
            // The standby's tunnels carry nothing before it takes over.
            let standby = self.config.model.mode == Mode::ActiveStandby;
            let there = !self.twin_goes()
                && self
                    .twin_says()
                    .and_then(|says| says.connection(connection))
                    .is_some_and(|other| if standby { other.tunnels > 0 } else { other.up > 0 });
            if !here && !there && !cut.contains(connection) {
                cut.push(connection.clone());
            }
        }
        cut
    }

    /// Both instances are being drained, because two people began at the same time: the one with the lower name goes
    /// on, and the other is brought back.
    pub(super) fn yield_to_twin(&mut self, now: Time, out: &mut Vec<Effect>) {
        let Some(step) = self.drains.instance().filter(|step| *step < Step::Drained) else { return };
        let Some((twin, says)) = self.pair.twin.as_ref().and_then(|twin| Some((&twin.settings().twin, twin.says()?)))
        else {
            return;
        };
        let gives_way = match says.standing {
            Standing::Drained => true,
            Standing::Draining => self.instance > *twin,
            _ => false,
        };
        if gives_way && step != Step::Returning {
            let (instance, twin) = (self.instance.clone(), twin.clone());
            out.push(Effect::Tell(Event::DrainYields { instance, twin }));
            self.undrain(now, &Target::Instance, out);
        }
    }
}
