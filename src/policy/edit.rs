//! What a policy changes on a route.

use crate::wire::Attributes;

/// Changes to the attributes of a route, applied by [`Edits::apply`].
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Edits {
    /// A new LOCAL_PREF.
    pub local_pref: Option<u32>,
}

impl Edits {
    /// True if it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Makes the changes.
    pub fn apply(&self, attributes: &mut Attributes) {
        let Self { local_pref } = self;
        if local_pref.is_some() {
            attributes.local_pref = *local_pref;
        }
    }

    /// Both, `later` over this.
    #[must_use]
    pub fn then(&self, later: &Self) -> Self {
        Self { local_pref: later.local_pref.or(self.local_pref) }
    }
}
