//! A stream of any content in pieces of any size: `Deframer::next` finds the same frames as in one piece, or the same
//! fault.
//!
//! Input: one octet that says whether extended messages are allowed, one of piece size, then the stream.
#![no_main]

use libfuzzer_sys::fuzz_target;
use twinspan::wire::{Deframer, Error, Frame};

fuzz_target!(|input: &[u8]| {
    let [extended, size, stream @ ..] = input else { return };
    let whole = frames(*extended, stream, stream.len().max(1));
    assert_eq!(whole, frames(*extended, stream, usize::from(*size).max(1)));
});

fn frames(extended: u8, stream: &[u8], size: usize) -> (Vec<Frame>, Option<Error>) {
    let mut deframer = Deframer::new();
    if extended & 1 != 0 {
        deframer.allow_extended();
    }
    let mut frames = Vec::new();
    for piece in stream.chunks(size) {
        deframer.push(piece);
        loop {
            match deframer.next() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(deframer.next(), Err(error.clone()));
                    return (frames, Some(error));
                }
            }
        }
        assert!(deframer.pending() < 65_535);
    }
    (frames, None)
}
