//! How much an event matters, which decides the level that it is logged at.

use super::Event;
use crate::drain::Step;
use crate::vpn::Word;

/// How much an event matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Weight {
    /// As it should be.
    Info,
    /// Somebody should look.
    Warning,
}

impl Event {
    /// How much it matters.
    #[must_use]
    pub fn weight(&self) -> Weight {
        match self {
            Self::SessionDown { .. }
            | Self::BfdDown { .. }
            | Self::ProbeSilent { .. }
            | Self::BfdAgentLost { .. }
            | Self::SessionFailed { .. }
            | Self::Softened { .. }
            | Self::RoutesKept { .. }
            | Self::RoutesDropped { .. }
            | Self::PrefixesNear { .. }
            | Self::PrefixesOver { .. }
            | Self::RefreshLate { .. }
            | Self::RefreshIgnored { .. }
            | Self::InterfaceDown { .. }
            | Self::Stranger { .. }
            | Self::WrongInterface { .. }
            | Self::RangeFull { .. }
            | Self::KernelRefused { .. }
            | Self::KernelFull { .. }
            | Self::NotListening { .. }
            | Self::ReloadRefused { .. }
            | Self::Reverted { .. }
            | Self::Tampered { .. }
            | Self::Repaired { .. }
            | Self::ForeignMissed
            | Self::Unfit { .. }
            | Self::DrainYields { .. }
            | Self::StaysStandby { .. }
            | Self::RoleNotTaken
            | Self::AddressRefused { .. }
            | Self::HookFailed { .. }
            | Self::Role { active: false, .. }
            | Self::Unread { .. } => Weight::Warning,
            Self::DrainBegins { against, .. } if !against.is_empty() => Weight::Warning,
            Self::DrainStep { moved: Some(false), step: Step::Withdrawing, .. } => Weight::Warning,
            Self::Converged { missing } if !missing.is_empty() => Weight::Warning,
            Self::Twin { news, .. } if news.is_warning() => Weight::Warning,
            Self::Tunnel { change, .. } => match change.word {
                Word::Down | Word::Objected => Weight::Warning,
                Word::Up | Word::Agreed | Word::Damped => Weight::Info,
            },
            Self::Twin { .. }
            | Self::Role { .. }
            | Self::SessionUp { .. }
            | Self::KernelRoom { .. }
            | Self::Leftovers { .. }
            | Self::LeftoversGone
            | Self::EndOfRib { .. }
            | Self::Refreshed { .. }
            | Self::InterfaceUp { .. }
            | Self::Adopted { .. }
            | Self::Compared { .. }
            | Self::Converged { .. }
            | Self::BfdUp { .. }
            | Self::ProbeAnswered { .. }
            | Self::BfdSilent { .. }
            | Self::Fit { .. }
            | Self::DrainBegins { .. }
            | Self::DrainStep { .. }
            | Self::Reloaded { .. }
            | Self::Confirmed
            | Self::InstanceReset { .. }
            | Self::Stopping => Weight::Info,
        }
    }
}
