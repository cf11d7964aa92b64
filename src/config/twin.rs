//! Reads what the file says of the twin: the path to it, and how the two speak.

use std::{net::IpAddr, ops::Range, time::Duration};

use super::{
    raw::{At, Reader, Section},
    session::{self, Session},
    value,
};
use crate::gateway::TwinLink;
use crate::gateway::TwinWords;

/// An instance's `twin-link`.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) span: Range<usize>,
    pub(super) interface: Option<At<String>>,
    pub(super) address: Option<At<IpAddr>>,
}

/// The `[twin]` table.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) span: Range<usize>,
    pub(super) hello: Option<At<Duration>>,
    pub(super) silent_after: Option<At<Duration>>,
    pub(super) bgp: Session,
}

/// The `twin-link` of an instance, if it has one.
pub(super) fn link(r: &mut Reader<'_>, instance: &Section<'_>) -> Option<Link> {
    let s = r.table(instance, "twin-link", "gateway.instance.twin-link")?;
    Some(Link {
        span: r.key_span(instance, "twin-link").unwrap_or_else(|| s.span.clone()),
        interface: r.required(&s, "interface", value::interface),
        address: r.required(&s, "address", value::address),
    })
}

/// The `[twin]` table; empty if there is none.
pub(super) fn table(r: &mut Reader<'_>, top: &Section<'_>) -> Words {
    let Some(s) = r.table(top, "twin", "twin") else { return Words::default() };
    let (least, most) = (Duration::from_millis(50), Duration::from_secs(10));
    Words {
        span: s.span.clone(),
        hello: r.value_with(&s, "hello", |v| value::span_of_time(v, least, most)),
        silent_after: r.value_with(&s, "silent-after", |v| value::span_of_time(v, least, most * 30)),
        bgp: session::table(r, &s),
    }
}

impl Link {
    /// What it says; `None` if something of it was wrong.
    pub(super) fn made(&self) -> Option<TwinLink> {
        let (interface, address) = (self.interface.as_ref()?, self.address.as_ref()?);
        Some(TwinLink { interface: interface.value.clone(), address: address.value })
    }
}

impl Words {
    /// What it comes to with the defaults.
    pub(super) fn made(&self) -> TwinWords {
        let hello = self.hello.as_ref().map_or_else(|| TwinWords::default().hello, |at| at.value);
        TwinWords {
            hello,
            silent_after: self.silent_after.as_ref().map_or_else(|| TwinWords::patience(hello), |at| at.value),
            bgp: self.bgp.bgp.clone(),
        }
    }
}
