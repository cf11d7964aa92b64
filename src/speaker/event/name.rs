//! What programs know an event by: its stable name, and whom it is about.

use super::Event;
use crate::drain::{Step, Target};
use crate::fib::Harm;
use crate::twin;
use crate::types::Name;
use crate::vpn::Word;

impl Event {
    /// The stable name: `area.what`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::SessionUp { .. } => "session.up",
            Self::SessionDown { .. } => "session.down",
            Self::SessionFailed { .. } => "session.failed",
            Self::EndOfRib { .. } => "session.end_of_rib",
            Self::Softened { .. } => "session.fault_softened",
            Self::RoutesKept { .. } => "session.routes_kept",
            Self::RoutesDropped { .. } => "session.routes_dropped",
            Self::PrefixesNear { .. } => "session.prefixes_near",
            Self::PrefixesOver { .. } => "session.prefixes_over",
            Self::Refreshed { .. } => "session.refreshed",
            Self::RefreshLate { .. } => "session.refresh_late",
            Self::RefreshIgnored { .. } => "session.refresh_ignored",
            Self::Tunnel { change, .. } => match change.word {
                Word::Up => "tunnel.up",
                Word::Down => "tunnel.down",
                Word::Objected => "tunnel.objected",
                Word::Agreed => "tunnel.agreed",
                Word::Damped => "tunnel.damped",
            },
            Self::InterfaceUp { .. } => "session.interface_up",
            Self::InterfaceDown { .. } => "session.interface_down",
            Self::Stranger { .. } => "session.stranger",
            Self::WrongInterface { .. } => "session.wrong_interface",
            Self::RangeFull { .. } => "session.range_full",
            Self::KernelRefused { .. } => "kernel.refused",
            Self::KernelFull { .. } => "kernel.full",
            Self::KernelRoom { .. } => "kernel.room",
            Self::Leftovers { .. } => "kernel.leftovers",
            Self::LeftoversGone => "kernel.leftovers_gone",
            Self::Tampered { harm: Harm::Replaced, .. } => "kernel.displaced",
            Self::Tampered { .. } => "kernel.repaired",
            Self::Repaired { .. } => "kernel.corrected",
            Self::ForeignMissed => "kernel.changes_lost",
            Self::Compared { .. } => "kernel.compared",
            Self::Unread { .. } => "kernel.unread",
            Self::Adopted { .. } => "kernel.adopted",
            Self::Converged { .. } => "kernel.converged",
            Self::NotListening { .. } => "instance.not_listening",
            Self::BfdUp { .. } => "bfd.up",
            Self::BfdDown { .. } => "bfd.down",
            Self::BfdSilent { .. } => "bfd.silent",
            Self::BfdAgentLost { .. } => "bfd.agent_lost",
            Self::Unfit { .. } => "instance.unfit",
            Self::Fit { .. } => "instance.fit",
            Self::DrainBegins { .. } => "drain.begun",
            Self::DrainStep { step, .. } => match step {
                Step::Moving => "drain.moving",
                Step::Withdrawing => "drain.withdrawing",
                Step::Closing => "drain.closing",
                Step::Drained => "drain.drained",
                Step::Returning => "drain.returning",
                Step::Returned => "drain.returned",
            },
            Self::DrainYields { .. } => "drain.yielded",
            Self::ProbeAnswered { .. } => "probe.answered",
            Self::ProbeSilent { .. } => "probe.silent",
            Self::Role { active: true, .. } => "role.active",
            Self::Role { active: false, .. } => "role.standby",
            Self::StaysStandby { .. } => "role.stays",
            Self::RoleNotTaken => "role.not_taken",
            Self::AddressRefused { .. } => "role.address",
            Self::HookFailed { .. } => "role.hook_failed",
            Self::Twin { news, .. } => match news {
                twin::News::Appeared { .. } => "twin.appeared",
                twin::News::Silent(_) => "twin.silent",
                twin::News::Returned(_) => "twin.returned",
                twin::News::Restarted { .. } => "twin.restarted",
                twin::News::Leaving => "twin.leaving",
                twin::News::Slow { .. } => "twin.slow",
                twin::News::Steady => "twin.steady",
                twin::News::Deaf(_) => "twin.deaf",
                twin::News::Hears => "twin.hears",
                twin::News::OtherFile => "twin.other_file",
                twin::News::SameFile => "twin.same_file",
                twin::News::OtherVersion(_) => "twin.other_version",
                twin::News::SameVersion(_) => "twin.same_version",
                twin::News::Stranger { .. } => "twin.stranger",
                twin::News::Unreadable(_) => "twin.unreadable",
                twin::News::Changed { .. } => "twin.changed",
            },
            Self::Reloaded { .. } => "config.reloaded",
            Self::ReloadRefused { .. } => "config.reload_refused",
            Self::Reverted { .. } => "config.reverted",
            Self::Confirmed => "config.confirmed",
            Self::InstanceReset { .. } => "instance.reset",
            Self::Stopping => "instance.stopping",
        }
    }

    /// The neighbor or tunnel that it is about.
    #[must_use]
    pub fn about(&self) -> Option<&Name> {
        match self {
            Self::SessionUp { neighbor, .. }
            | Self::BfdUp { neighbor, .. }
            | Self::BfdDown { neighbor, .. }
            | Self::BfdSilent { neighbor, .. }
            | Self::SessionDown { neighbor, .. }
            | Self::SessionFailed { neighbor, .. }
            | Self::EndOfRib { neighbor, .. }
            | Self::PrefixesNear { neighbor, .. }
            | Self::PrefixesOver { neighbor, .. }
            | Self::Softened { neighbor, .. }
            | Self::RoutesKept { neighbor, .. }
            | Self::RoutesDropped { neighbor, .. }
            | Self::WrongInterface { neighbor, .. }
            | Self::RangeFull { range: neighbor, .. }
            | Self::Refreshed { neighbor, .. }
            | Self::RefreshLate { neighbor, .. }
            | Self::RefreshIgnored { neighbor, .. } => Some(neighbor),
            Self::InterfaceUp { neighbor, .. } | Self::InterfaceDown { neighbor, .. } => Some(neighbor),
            Self::Tunnel { tunnel, .. } | Self::ProbeAnswered { tunnel } | Self::ProbeSilent { tunnel, .. } => {
                Some(tunnel)
            }
            Self::Twin { twin, .. } => Some(twin),
            Self::Unfit { instance, .. } | Self::Fit { instance } => Some(instance),
            Self::DrainYields { instance, .. } => Some(instance),
            Self::DrainBegins { instance, target, .. } | Self::DrainStep { instance, target, .. } => match target {
                Target::Instance => Some(instance),
                Target::Tunnel(name) | Target::Device(name) => Some(name),
            },
            Self::Role { .. }
            | Self::StaysStandby { .. }
            | Self::RoleNotTaken
            | Self::AddressRefused { .. }
            | Self::HookFailed { .. }
            | Self::Stranger { .. }
            | Self::KernelRefused { .. }
            | Self::KernelFull { .. }
            | Self::KernelRoom { .. }
            | Self::Leftovers { .. }
            | Self::LeftoversGone
            | Self::Tampered { .. }
            | Self::Repaired { .. }
            | Self::ForeignMissed
            | Self::Compared { .. }
            | Self::Unread { .. }
            | Self::Adopted { .. }
            | Self::Converged { .. }
            | Self::NotListening { .. }
            | Self::BfdAgentLost { .. }
            | Self::Reloaded { .. }
            | Self::ReloadRefused { .. }
            | Self::Reverted { .. }
            | Self::Confirmed
            | Self::InstanceReset { .. }
            | Self::Stopping => None,
        }
    }
}
