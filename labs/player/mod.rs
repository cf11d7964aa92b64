//! A small BGP player: stands in for a device, and plays recorded or made-up tables to an instance.
//!
//! It reads and writes BGP by itself, sharing no code with the speaker that it plays to: what both get wrong in the
//! same way would otherwise go unseen.

pub mod mrt;
pub mod rewrite;
pub mod session;
pub mod table;

pub use session::{Failure, Options, Player, Sent, Status};

/// The octets in front of a message's body: marker, length, type (RFC 4271 §4.1).
const HEADER_LEN: usize = 19;
/// The longest message without RFC 8654.
const MESSAGE_MAX: usize = 4096;

const OPEN: u8 = 1;
const UPDATE: u8 = 2;
const NOTIFICATION: u8 = 3;
const KEEPALIVE: u8 = 4;

/// A whole message around `body`.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(HEADER_LEN + body.len()).expect("no caller makes a longer one");
    let mut octets = vec![0xff; 16];
    octets.extend(length.to_be_bytes());
    octets.push(kind);
    octets.extend(body);
    octets
}

/// Reads octets from the front; `None` where there are too few.
#[derive(Clone, Copy, Debug)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, length: usize) -> Option<u32> {
        Some(self.take(length)?.iter().fold(0, |number, octet| number << 8 | u32::from(*octet)))
    }

    fn length(&mut self, length: usize) -> Option<usize> {
        usize::try_from(self.number(length)?).ok()
    }
}
