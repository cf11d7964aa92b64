//! UPDATE from octets: which of its faults end the connection, which withdraw its routes, which cost an attribute.

use bytes::Bytes;
use nom::{IResult, Parser, combinator::rest, multi::length_data, number::complete::be_u16};

use crate::types::Family;
use crate::wire::attr::{
    code,
    decode::{Found, MpReach},
};
use crate::wire::{Attributes, Context, Error, NextHop, nlri};

use super::{Fault, FaultAction, Reach, Update};

impl Update {
    pub(in crate::wire) fn decode(body: &Bytes, context: &Context) -> Result<Self, Error> {
        let (_, (withdrawn, attributes, nlri)) =
            fields(body).map_err(|_| Error::AttributeList("its lengths do not fit the message"))?;
        let mut withdrawn = nlri::decode(Family::Ipv4, withdrawn).ok_or(Error::Network("withdrawn routes"))?;
        let prefixes = nlri::decode(Family::Ipv4, nlri).ok_or(Error::Network("NLRI"))?;
        let mut found = crate::wire::attr::decode::decode(&body.slice_ref(attributes), context)?;

        if let Some(end_of_rib) = found.end_of_rib(withdrawn.is_empty() && prefixes.is_empty()) {
            return Ok(Self { end_of_rib: Some(end_of_rib), ..Self::default() });
        }
        let told = found.told || !prefixes.is_empty();
        // Its NLRI were found, and there is no other attribute that could have hidden some.
        let only_unreach = found.seen.only(code::MP_UNREACH_NLRI) && found.faults.iter().all(|f| f.attribute.is_some());
        found.check(!prefixes.is_empty());
        let mut reach = Vec::new();
        if !prefixes.is_empty() {
            // Without NEXT_HOP the routes are withdrawn below, so what stands here is never seen.
            let next_hop = found.next_hop.unwrap_or(NextHop::V4(std::net::Ipv4Addr::UNSPECIFIED));
            reach.push(Reach { family: Family::Ipv4, next_hop, prefixes });
        }
        if let Some(MpReach { family, next_hop, prefixes }) = found.reach.filter(|reach| !reach.prefixes.is_empty()) {
            reach.push(Reach { family, next_hop, prefixes });
        }
        withdrawn.extend(found.unreach.into_iter().flat_map(|(_, prefixes)| prefixes));
        let faults = found.faults;
        let mut attributes = found.attributes;
        if let Some(fault) = faults.iter().find(|fault| fault.action == FaultAction::TreatAsWithdraw) {
            if !told && !only_unreach {
                // Whether all NLRI were found is in doubt (RFC 7606 §5.2).
                return Err(Error::AttributeList(fault.reason));
            }
            withdrawn.extend(reach.drain(..).flat_map(|reach| reach.prefixes));
        }
        if reach.is_empty() {
            attributes = Attributes::default();
        }
        let faulty = (!faults.is_empty()).then(|| body.clone());
        Ok(Self { withdrawn, reach, attributes, end_of_rib: None, faults, faulty })
    }
}

impl Found {
    /// The family whose End-of-RIB it is, if nothing else is in the message (RFC 4724 §2).
    fn end_of_rib(&self, alone: bool) -> Option<Family> {
        if !alone || !self.faults.is_empty() {
            return None;
        }
        match &self.unreach {
            None => self.seen.is_empty().then_some(Family::Ipv4),
            Some((family, prefixes)) => {
                (prefixes.is_empty() && self.seen.only(code::MP_UNREACH_NLRI)).then_some(*family)
            }
        }
    }

    /// Adds the faults that only show when it is known which routes there are: mandatory attributes that are missing
    /// (RFC 7606 §3 d), next hops that cannot be ones (RFC 4271 §6.3).
    fn check(&mut self, nlri: bool) {
        let mut fault = |attribute, reason| {
            self.faults.push(Fault { attribute: Some(attribute), action: FaultAction::TreatAsWithdraw, reason });
        };
        if let Some(reach) = &self.reach
            && let Some(reason) = reach.next_hop.fault()
        {
            fault(code::MP_REACH_NLRI, reason);
        }
        if nlri && let Some(reason) = self.next_hop.and_then(|next_hop| next_hop.fault()) {
            fault(code::NEXT_HOP, reason);
        }
        if !nlri && self.reach.as_ref().is_none_or(|reach| reach.prefixes.is_empty()) {
            return;
        }
        if !self.seen.has(code::ORIGIN) {
            fault(code::ORIGIN, "ORIGIN is missing");
        }
        if !self.seen.has(code::AS_PATH) {
            fault(code::AS_PATH, "AS_PATH is missing");
        }
        if nlri && !self.seen.has(code::NEXT_HOP) {
            fault(code::NEXT_HOP, "NEXT_HOP is missing");
        }
    }
}

/// Withdrawn routes, path attributes, NLRI.
type Fields<'a> = (&'a [u8], &'a [u8], &'a [u8]);

fn fields(input: &[u8]) -> IResult<&[u8], Fields<'_>> {
    (length_data(be_u16), length_data(be_u16), rest).parse(input)
}
