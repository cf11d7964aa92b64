//! Requests, replies and errors of the control API, version 1.
//!
//! Shapes are only ever added to: a field or a value keeps its name and meaning, lists are there when empty, a
//! value that is not known is `null`. Durations are `*_seconds`, whole, beside the RFC 3339 time that they count from.
//! Who reads must skip fields that it does not know, and take a word that it does not know as `unknown`.

mod bfd;
mod detection;
mod drain;
mod error;
mod event;
mod fib;
mod gateway;
mod json;
mod moment;
mod neighbor;
mod plan;
mod request;
mod role;
mod route;
mod text;
mod tunnel;
mod twin;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use bfd::{Bfd, BfdFailure, BfdState};
pub use detection::{Detection, DetectionBy, DetectionWay, Probe, ProbeState};
pub use drain::{Drain, DrainStep, DrainTarget, Drains, Standing, StandingState};
pub use error::{ApiError, ErrorBody, ErrorCode, Fault, FaultSeverity};
pub use event::{Event, EventLevel, EventQuery, Events};
pub use fib::{
    DifferenceKind, Fib, FibCheck, FibCounters, FibDifference, FibGroup, FibMember, FibNoRoom, FibRoute, FibRoutes,
    FibTotals, InstallState, KernelFault,
};
pub use gateway::{Gateway, GatewayState, Mode, SessionCounts, Sysctl, TunnelCounts, Warning};
pub use json::{indented, page_head, page_line, page_tail};
pub use moment::Moment;
pub use neighbor::{
    Capabilities, Capability, Down, DownReason, FamilyPrefixes, Faults, KeptDown, MessageCounts, Messages, Neighbor,
    NeighborDetail, NeighborKind, Neighbors, Range, SessionState, Stale,
};
pub use plan::{
    ConfigState, FileText, OnDisk, Plan, PlanChange, PlanClass, PlanPeer, PlanRefusal, PlanSession, SessionFate,
};
pub use request::{
    CONFIRM_MAX, DrainOrder, FibRouteQuery, LIMIT_DEFAULT, LIMIT_MAX, Method, REASON_MAX, Request, Reset, RouteQuery,
    Select, Soft,
};
pub use role::{Role, RoleState, RoleWish};
pub use route::{AsPathItem, Origin, OtherAttribute, Path, PathSource, PathState, Route, RouteTotals, Routes, Told};
pub use text::{community, extended_community, large_community};
pub use tunnel::{Counters, Objection, Tunnel, TunnelChange, TunnelDetail, TunnelState, Tunnels};
pub use twin::{Twin, TwinConnection, TwinState};

use serde::{Deserialize, Serialize};

/// What the daemon answers. As JSON it is the value inside, without a tag: the path says which it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// To [`Request::Gateway`].
    Gateway(Box<Gateway>),
    /// To [`Request::Tunnels`].
    Tunnels(Tunnels),
    /// To [`Request::Tunnel`].
    Tunnel(Box<TunnelDetail>),
    /// To [`Request::Events`].
    Events(Events),
    /// To [`Request::Neighbors`].
    Neighbors(Neighbors),
    /// To [`Request::Neighbor`].
    Neighbor(Box<NeighborDetail>),
    /// To [`Request::Routes`].
    Routes(Routes),
    /// To [`Request::Fib`].
    Fib(Box<Fib>),
    /// To [`Request::FibCheck`].
    FibCheck(Box<FibCheck>),
    /// To [`Request::Drains`].
    Drains(Drains),
    /// To [`Request::Drain`] and [`Request::Undrain`].
    Drain(Box<Drain>),
    /// To [`Request::FibRoutes`].
    FibRoutes(FibRoutes),
    /// To [`Request::Plan`] and [`Request::Reload`].
    Plan(Box<Plan>),
    /// To [`Request::Metrics`]: text for Prometheus.
    Metrics(String),
    /// To what changes something: it was done.
    Done(Done),
}

/// Something was done.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// One sentence for people: what was done to what.
    pub message: String,
}
