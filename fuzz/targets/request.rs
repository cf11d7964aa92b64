//! What a client of the control API may ask, of any content: read or refused in words, and what was read is written so
//! that it reads the same. The rest of what comes as JSON, from etcd too, is read by `serde_json`.
//!
//! Input: lines with method, path, query and body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use twinspan::control::api::Request;

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, path, query, body) = (line(), line(), line(), line());
    let read = Request::read(method, path, (!query.is_empty()).then_some(query));
    match read.and_then(|request| request.with_body(body.as_bytes())) {
        Ok(request) => {
            let (method, target) = request.target();
            let (path, query) = target.split_once('?').map_or((&*target, None), |(path, query)| (path, Some(query)));
            let again = Request::read(method.as_str(), path, query).expect("what was written can be read");
            let body = request.body().unwrap_or_default();
            assert_eq!(again.with_body(body.as_bytes()).expect("so can its body"), request, "{target}");
        }
        Err(error) => assert!(!error.message.is_empty()),
    }
});
