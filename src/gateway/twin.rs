//! The other instance: where it is, how the two speak, and the session that this makes.

use std::{net::IpAddr, time::Duration};

use super::desired::{Defaults, End, neighbor};
use super::{Bfd, Bgp, Instance, Model, Neighbor, NeighborKind, Offer, PrefixLimit, Words};
use crate::types::Family;
use crate::types::Name;

/// One instance's end of the path between the two.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TwinLink {
    /// The interface.
    pub interface: String,
    /// The instance's address on it.
    pub address: IpAddr,
}

/// How the instances speak to each other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TwinWords {
    /// Between two hellos; not zero.
    pub hello: Duration,
    /// A twin that said nothing for so long is silent; at least two hellos.
    pub silent_after: Duration,
    /// What holds for the session between the two.
    pub bgp: Bgp,
}

impl Default for TwinWords {
    fn default() -> Self {
        Self { hello: Duration::from_millis(200), silent_after: Duration::from_secs(1), bgp: Bgp::default() }
    }
}

impl TwinWords {
    /// How long a twin may say nothing, unless given: five hellos, and a second at least.
    #[must_use]
    pub fn patience(hello: Duration) -> Duration {
        (hello * 5).max(Duration::from_secs(1))
    }
}

/// The path from one instance to the other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TwinPath {
    /// The other instance.
    pub twin: Name,
    /// Our interface.
    pub interface: String,
    /// Our end.
    pub local: IpAddr,
    /// The twin's.
    pub remote: IpAddr,
}

impl Model {
    /// The path from that instance to the other; `None` unless both have a `twin-link`.
    #[must_use]
    pub fn twin_path(&self, instance: &Name) -> Option<TwinPath> {
        let (own, twin) = (self.instance(instance)?, self.twin(instance)?);
        let (near, far) = (own.twin_link.as_ref()?, twin.twin_link.as_ref()?);
        Some(TwinPath {
            twin: twin.name.clone(),
            interface: near.interface.clone(),
            local: near.address,
            remote: far.address,
        })
    }
}

/// The session with the twin, named as it is: iBGP with BFD over the twin-link. It is told what was learned, with this
/// instance as next hop. Of the file's `[bgp]` table it has what both ends can have alike: not who dials, what a device
/// may teach, or how far away that is.
pub(super) fn session(model: &Model, host: &Instance) -> Option<Neighbor> {
    let path = model.twin_path(&host.name)?;
    let own = &model.twin_words.bgp;
    let outer = Bgp {
        passive: None,
        ttl: None,
        max_prefixes: Some(PrefixLimit::NONE),
        families: Some(Family::ALL.to_vec()),
        import: None,
        export: None,
        weight: None,
        bfd: Bfd { enabled: Some(true), strict: None, multihop: None, ..model.bgp.bfd.clone() },
        ..model.bgp.clone()
    };
    let end = End {
        name: &path.twin,
        asn: model.asn,
        local: path.local,
        remote: path.remote,
        interface: Some(&path.interface),
    };
    let defaults = Defaults { kind: NeighborKind::Twin, words: Words::accept(), offer: Offer::Learned };
    Some(neighbor(end, &own.or(&outer), defaults))
}
