//! The role in `show gateway`, and what people want of it.

use crate::control::api::{ApiError, Done, ErrorCode, Reply, Role, RoleState, RoleWish};
use crate::gateway::ElectedBy;
use crate::role::{Machine, Refusal, Stance, Wish};
use crate::speaker::{Effect, Speaker};
use crate::types::Time;

impl Speaker {
    /// `None` where both instances are active.
    pub(super) fn show_role(&self, now: Time) -> Option<Role> {
        let view = self.office.machine.as_ref().map(Machine::view)?;
        let shared = self.shared_address();
        Some(Role {
            role: match view.stance {
                Stance::Active => RoleState::Active,
                Stance::Yielding => RoleState::Yielding,
                Stance::Standby => RoleState::Standby,
                Stance::Wanting => RoleState::Wanting,
                Stance::Asking => RoleState::Asking,
                Stance::Away => RoleState::Away,
            },
            since: self.moment(view.since),
            since_seconds: now.since(view.since).as_secs(),
            reason: view.why.to_string(),
            term: view.term,
            election: match self.config.model.election.by {
                ElectedBy::Pair => "pair",
                ElectedBy::Etcd => "etcd",
                ElectedBy::External => "external",
            }
            .to_owned(),
            shared_address: shared.as_ref().map(|shared| shared.address),
            shared_interface: shared.as_ref().map(|shared| shared.on().to_owned()),
            answers: view.answers,
        })
    }

    /// A person says who shall be active.
    pub(super) fn ask_role(
        &mut self,
        now: Time,
        wish: RoleWish,
        force: bool,
        out: &mut Vec<Effect>,
    ) -> Result<Reply, ApiError> {
        let machine_wish = match (wish, force) {
            (RoleWish::Active, _) => Wish::Active,
            (RoleWish::Standby, false) => Wish::Standby,
            (RoleWish::Standby, true) => Wish::GiveUp,
        };
        let conflict = |message: String, hint: &str| Err(ApiError::new(ErrorCode::Conflict, message).hint(hint));
        let done = match self.wish_role(now, machine_wish, out) {
            None => {
                let message = "both instances are active: there is no role to give".to_owned();
                return conflict(message, "`mode = \"active-standby\"` has one");
            }
            Some(done) => done,
        };
        self.follow_up(now, out);
        if let Err(refusal) = done {
            let hint = match refusal {
                Refusal::TwinSilent(_) | Refusal::TwinAway(_) | Refusal::TwinUnfit(_) => {
                    "see what it says: twinspan show gateway; --force gives the role up although nobody takes it"
                }
                Refusal::Answered(_) => "find out which host that is, and stop it there",
                Refusal::TwinActive(_) => "twinspan role standby, on the other host",
                Refusal::Away => "twinspan undrain",
            };
            return conflict(refusal.to_string(), hint);
        }
        let active = self.is_active();
        let message = match (wish, active) {
            (RoleWish::Active, true) => "this instance is active",
            (RoleWish::Active, false) => "this instance is to be active: the twin is asked for it",
            (RoleWish::Standby, true) => "the twin is to be active: it is asked to take over",
            (RoleWish::Standby, false) => "this instance is standby",
        };
        Ok(Reply::Done(Done { message: message.to_owned() }))
    }
}
