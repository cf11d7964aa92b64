//! What a row of the table says.

/// One malformed message, or a few in a row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What is wrong with it.
    pub what: &'static str,
    /// Which RFC and section say what to do about it.
    pub rule: &'static str,
    /// From whom it comes, and when.
    pub stage: Stage,
    /// What the neighbor sends.
    pub octets: Vec<u8>,
    pub reaction: Reaction,
    /// The prefix that it is about, where that is not one of the usual two.
    pub about: Option<&'static str>,
}

/// Who sends it, and in which state of the session.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Stage {
    /// A neighbor of another AS, Established, AS numbers of four octets.
    External,
    /// The same, with AS numbers of two octets.
    TwoOctets,
    /// The same, without enhanced route refresh.
    Plain,
    /// A neighbor of our own AS, Established.
    Internal,
    /// Instead of its OPEN.
    Opening,
    /// Behind its good OPEN, instead of the KEEPALIVE.
    Confirming,
}

/// What the speaker does about it.
#[derive(Clone, Debug)]
pub enum Reaction {
    /// NOTIFICATION with code, subcode and data; the connection is closed; an operator sees why.
    Reset(u8, u8, Vec<u8>),
    /// The session ends without a NOTIFICATION of ours; an operator sees the neighbor's, as these numbers and words.
    Told(u8, u8, &'static str),
    /// Treat-as-withdraw: the routes in it are gone; an operator sees these words.
    Withdrawn(&'static str),
    /// Attribute discard: the routes in it are there, without this attribute; an operator sees these words.
    Discarded(u8, &'static str),
    /// The routes in it are there, with the first attribute of this code; an operator sees these words of the others.
    First(u8, &'static str),
    /// The routes in it are there; this optional attribute, which is not known here, goes on to others with Partial.
    Passed(u8),
    /// The routes in it are there; this attribute, which is not known here, does not go on. No fault.
    Dropped(u8),
    /// The routes in it are kept and not used; an operator sees these words beside them. No fault of the message.
    Refused(&'static str),
    /// The routes in it are there: a receiver must not mind. No fault.
    Taken,
    /// Nothing changes. No fault.
    Ignored,
    /// Ignored as a whole, as it is about a family that is not exchanged; an operator sees these words.
    Skipped(&'static str),
    /// The session comes up in spite of it.
    Up,
}

/// A row about a neighbor of another AS that is Established.
pub fn row(what: &'static str, rule: &'static str, octets: Vec<u8>, reaction: Reaction) -> Row {
    Row { what, rule, stage: Stage::External, octets, reaction, about: None }
}

impl Row {
    pub fn at(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    pub fn about(mut self, prefix: &'static str) -> Self {
        self.about = Some(prefix);
        self
    }
}
