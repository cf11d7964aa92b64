//! Values that cannot be wrong: each type has one constructor that refuses what is not one, and nobody checks again.
//!
//! Owns no behaviour beyond its values; names nothing else of this crate.

mod ao;
mod asn;
mod family;
mod hold_time;
mod hop;
mod ids;
mod name;
mod prefix;
mod router_id;
mod time;

pub use ao::AoAlgorithm;
pub use asn::{Asn, AsnError};
pub use family::Family;
pub use hold_time::HoldTime;
pub use hop::{Hop, LinkIndex, Weight};
pub use ids::{ConnId, PeerId};
pub use name::{Name, NameError};
pub use prefix::{Prefix, PrefixError};
pub use router_id::RouterId;
pub use time::Time;
