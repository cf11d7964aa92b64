//! What the scenarios want of a peer, whatever its make.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::runner::Lab;

/// A route as a peer has it, communities written as `twinspan show routes` writes them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Route {
    /// RFC 1997: `65001:52`.
    pub(crate) communities: BTreeSet<String>,
    /// RFC 4360: `rt:65001:52`.
    pub(crate) extended: BTreeSet<String>,
    /// RFC 8092: `65001:5:2`.
    pub(crate) large: BTreeSet<String>,
}

/// A session as a peer has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    pub(crate) established: bool,
    /// What it knows of the last end of the session: the NOTIFICATION's words and its text, as the peer writes them.
    pub(crate) last_end: String,
}

/// One make of peer, in the node of that name; `us` is the instance's address, which names the session.
pub(crate) trait Peer: Sync {
    /// Its node, and its name in the gateway's file.
    fn node(&self) -> &'static str;

    /// Its place in the lab: site 10.5N.0.0/16, fd5N::/48, AS 6501N.
    fn number(&self) -> u8;

    /// Its program, as the runner knows it.
    fn program(&self) -> &'static str;

    /// Where its configuration is: in the lab's folder, and inside the node.
    fn file(&self) -> (&'static str, &'static str);

    /// Announces what its file does not: nothing, but for a peer that takes its prefixes from a command.
    fn begin(&self, _lab: &Lab) -> Result<()> {
        Ok(())
    }

    /// Starts it after it was killed, so that it goes on where it was (RFC 4724).
    fn start_again(&self, lab: &mut Lab) -> Result<()> {
        lab.start(self.node())?;
        self.begin(lab)
    }

    /// It takes IPv6 routes out of its kernel for a moment at the end of its restart, whatever we say.
    fn forgets_ipv6_routes(&self) -> bool {
        false
    }

    /// The session with us.
    fn session(&self, lab: &Lab, us: &str) -> Result<Session>;

    /// The best route to a prefix, if we are who taught it.
    fn learned(&self, lab: &Lab, us: &str, prefix: &str) -> Result<Option<Route>>;

    /// Announces prefixes, all with the same attributes.
    fn announce(&self, lab: &Lab, prefixes: &[String]) -> Result<()>;

    /// Announces one IPv4 prefix with so many communities 65001:N, from 65001:0 on.
    fn announce_marked(&self, _lab: &Lab, _prefix: &str, _communities: u16) -> Result<()> {
        anyhow::bail!("{} is not asked for this", self.node())
    }

    /// Takes back what [`Peer::announce`] announced.
    fn withdraw(&self, lab: &Lab, prefixes: &[String]) -> Result<()>;

    /// Has it ask us for all IPv4 routes again.
    fn ask_again(&self, lab: &Lab, us: &str) -> Result<()>;

    /// Ends the session by an operator's hand, with a text for the other end.
    fn shut_down(&self, lab: &Lab, us: &str, text: &str) -> Result<()>;

    /// What to change in its file so that it sends with another TTL than 255.
    fn without_ttl_security(&self) -> (&'static str, &'static str);

    /// What to change in its file so that it signs (RFC 2385).
    fn with_password(&self, password: &str) -> (&'static str, String);

    /// What to change in its file so that it takes no more than three prefixes of a family; the same twice if it cannot.
    fn with_limit_of_three(&self) -> (&'static str, &'static str) {
        ("", "")
    }

    /// How it writes Cease / Administrative Reset, Administrative Shutdown, Maximum Number of Prefixes Reached.
    fn words_for_reset(&self) -> String {
        "Administrative Reset".to_owned()
    }

    fn words_for_shutdown(&self) -> String {
        "Administrative Shutdown".to_owned()
    }

    fn words_for_max_prefixes(&self) -> String {
        "Maximum Number of Prefixes Reached".to_owned()
    }
}

/// The communities of [`Peer::announce_marked`], in the peer's way of writing.
pub(crate) fn marks(communities: u16, write: impl Fn(u16) -> String) -> String {
    (0..communities).map(write).collect::<Vec<_>>().join(" ")
}

/// The words of a list in one string.
pub(crate) fn set<'a>(words: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    words.into_iter().map(str::to_owned).collect()
}
