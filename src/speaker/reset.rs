//! What a person can have done to a session: closed and dialled again, or its routes said again.

use super::{Effect, Speaker};
use crate::control::api::{ApiError, ErrorCode, Reset, Soft};
use crate::session;
use crate::types::{PeerId, Time};
use crate::wire::{Cease, Notification};

/// What a neighbor is told without a reason of the person's own.
const REASON: &str = "reset by an operator";

impl Speaker {
    /// Resets a neighbor's session; says what was done.
    pub(super) fn reset(
        &mut self,
        now: Time,
        id: PeerId,
        how: &Reset,
        out: &mut Vec<Effect>,
    ) -> Result<String, ApiError> {
        let Some(neighbor) = self.neighbors.get(id) else { return Err(ApiError::not_found("it is gone")) };
        let name = neighbor.plan.name.clone();
        let conflict = |message: String, hint: &str| Err(ApiError::new(ErrorCode::Conflict, message).hint(hint));
        if neighbor.plan.shutdown.is_some() {
            let message = format!("{name} has no session to reset: the file shuts it down");
            return conflict(message, "remove `shutdown` from its bgp table");
        }
        if neighbor.stance.down.is_some() {
            let message = format!("{name} has no session to reset: this instance keeps it down");
            return conflict(message, "see why: twinspan show gateway");
        }
        if !neighbor.ready() {
            let message = format!("{name} has no session to reset: its tunnel is down");
            return conflict(message, "see why: twinspan show tunnels");
        }
        match how {
            Reset::Session { .. } if neighbor.over.is_some() => {
                self.let_back(now, id, out);
                Ok(format!("{name} may come back, and is dialled"))
            }
            Reset::Session { reason, hard } => {
                let why = Notification::shutdown(Cease::AdministrativeReset, reason.as_deref().unwrap_or(REASON));
                // Without RFC 8538 on both sides a NOTIFICATION ends everything, which is what hard means.
                let why = if *hard && neighbor.keeps_routes_over_notifications() { why.hard_reset() } else { why };
                self.session(now, Some(id), session::Input::Restart(why), out);
                Ok(format!("{name} is closed and dialled again"))
            }
            Reset::Soft(soft) => {
                let Some(agreed) = neighbor.session.negotiated() else {
                    return conflict(format!("{name} is not Established"), "see why: twinspan show neighbors");
                };
                let (families, refresh) = (agreed.families.clone(), agreed.refresh);
                let (asks, says) = (*soft != Soft::Out, *soft != Soft::In);
                if asks && !refresh {
                    let message = format!("{name} cannot be asked for its routes: it announced no route refresh");
                    return conflict(message, "without --soft the session is closed and dialled again");
                }
                for family in families {
                    if asks {
                        self.session(now, Some(id), session::Input::Refresh(family), out);
                    }
                    if says {
                        self.rib.refresh(id, family);
                    }
                }
                Ok(match soft {
                    Soft::In => format!("{name} is asked for all its routes again"),
                    Soft::Out => format!("{name} is told all its routes again"),
                    Soft::Both => format!("{name} is asked for all its routes again, and told all of ours"),
                })
            }
        }
    }
}
