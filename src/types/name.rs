//! Names that people give to things.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// A name from the file: 1 to 63 of letters, digits, `-`, `_`, `.`, `:` and `/`, starting with a letter or digit.
///
/// Cheap to clone. It can stand in a log field, a metric's label or a shell's word without quoting.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

/// Text that cannot be a name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "\"{0}\" cannot be a name: 1 to 63 of letters, digits, '-', '_', '.', ':' and '/', starting with a letter or digit"
)]
pub struct NameError(String);

impl Name {
    /// Refuses text that would need quoting somewhere.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let first = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        let rest = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/".contains(c));
        if first && rest && text.len() <= 63 { Ok(Self(text.into())) } else { Err(NameError(text.to_owned())) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.as_ref().to_owned()
    }
}
