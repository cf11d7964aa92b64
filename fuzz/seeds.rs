//! Makes the seed corpus of every target out of the MRT files of a folder: `fuzz/seeds [FOLDER]`.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

#[path = "../labs/player/mrt.rs"]
mod mrt;

/// Messages of the same shape teach a fuzzer nothing new; so many of each shape are kept.
const EACH_SHAPE: usize = 3;

fn main() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::args_os().nth(1).or_else(|| std::env::var_os("TWINSPAN_DATA"));
    let folder = folder.map_or_else(|| here.join("../../shared/data"), PathBuf::from);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the folder can be listed").path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("updates")))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no file of updates in {}", folder.display());
    for target in ["message", "deframer", "attributes", "capability", "connection", "bfd", "hello", "request"] {
        fs::create_dir_all(here.join("corpus").join(target)).expect("the corpus can be made");
    }
    let mut shapes = HashSet::new();
    let mut kept = 0;
    for file in files {
        let mut stream = vec![1, 200];
        let mut life = Life::default();
        for record in mrt::messages(&file) {
            let shape = shape(&record);
            if !(0..EACH_SHAPE).any(|number| shapes.insert((number, shape.clone()))) {
                continue;
            }
            let context = u8::from(record.as4) | 2 | 4 | 8 * (kept % 2) as u8;
            let input = [&[context, record.octets[18]], &record.octets[19..]].concat();
            write(&here.join("corpus/message"), kept, &input);
            if let Some(attributes) = attributes(&record.octets) {
                write(&here.join("corpus/attributes"), kept, &[&[context], attributes].concat());
            }
            if record.octets[18] == 1 {
                write(&here.join("corpus/capability"), kept, &[&[2], &record.octets[28..]].concat());
            }
            life.add(&record);
            if life.octets.len() > 2048 {
                write(&here.join("corpus/connection"), kept, &std::mem::take(&mut life).octets);
            }
            kept += 1;
            if stream.len() < 4096 {
                stream.extend(record.octets);
            }
        }
        write(&here.join("corpus/deframer"), kept, &stream);
        write(&here.join("corpus/connection"), kept, &life.octets);
    }
    for (number, parameters) in CAPABILITIES.iter().enumerate() {
        write(&here.join("corpus/capability"), 90_000 + number, &[&[3], *parameters].concat());
    }
    for (target, inputs) in [("bfd", &BFD[..]), ("hello", &HELLOS[..]), ("request", &REQUESTS[..])] {
        for (number, input) in inputs.iter().enumerate() {
            write(&here.join("corpus").join(target), number, input);
        }
    }
    println!("{kept} messages from {}", folder.display());
}

/// Sessions of BFD: a peer that comes up, one that asks (Poll), one that is shut, and one that proves who it is.
const BFD: [&[u8]; 4] = [
    &[
        1, 24, 0x20, 0x40, 3, 24, 0, 0, 0, 9, 0, 0, 0, 0, 0, 1, 134, 160, 0, 1, 134, 160, 0, 0, 0, 0, //
        1, 24, 0x20, 0x80, 3, 24, 0, 0, 0, 9, 0, 0, 0, 1, 0, 1, 134, 160, 0, 1, 134, 160, 0, 0, 0, 0, //
        1, 24, 0x20, 0xc0, 3, 24, 0, 0, 0, 9, 0, 0, 0, 1, 0, 1, 134, 160, 0, 1, 134, 160, 0, 0, 0, 0,
    ],
    &[0, 24, 0x20, 0xe0, 3, 24, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 39, 16, 0, 0, 39, 16, 0, 0, 0, 0],
    &[0, 24, 0x27, 0x00, 3, 24, 0, 0, 0, 9, 0, 0, 0, 1, 0, 15, 66, 64, 0, 15, 66, 64, 0, 0, 0, 0],
    &[0, 152, 0x20, 0x40, 3, 24, 0, 0, 0, 9, 0, 0, 0, 0, 0, 1, 134, 160, 0, 1, 134, 160, 0, 0, 0, 0],
];

/// Datagrams of the other instance: the least that is read, one that says much, two in a row.
const HELLOS: [&[u8]; 3] = [
    br#" {"gateway":"hub","instance":"in-1","boot":7,"sequence":1,"interval_ms":200}"#,
    br#" {"gateway":"hub","instance":"in-1","boot":7,"sequence":2,"interval_ms":200,"version":"1","digest":"00ff","heard":{"boot":1,"sequence":3},"says":{"role":"active","term":4,"priority":5,"standing":"draining","reasons":["a"],"ready":true,"connections":[{"name":"hq","tunnels":2,"up":1,"active":true}]}}"#,
    b" {\"gateway\":\"hub\",\"instance\":\"in-1\",\"boot\":7,\"sequence\":1,\"interval_ms\":200}\xff\x04{\"gateway\":\"hub\",\"instance\":\"in-1\",\"boot\":8,\"sequence\":1,\"interval_ms\":200,\"says\":{\"standing\":\"stopping\"}}",
];

/// What clients ask, with every key of a query at least once.
const REQUESTS: [&[u8]; 8] = [
    b"GET\n/v1/routes\nprefix=10.52.0.0/16&family=ipv4&neighbor=hq-1/in-0&limit=5&after=10.0.0.0/8\n",
    b"GET\n/v1/routes\naddress=fd50::1\n",
    b"GET\n/v1/events\nabout=hq-1&since=2026-01-02T03:04:05Z&after=7&limit=10\n",
    b"POST\n/v1/neighbors/hq-1%2Fin-0/reset\nreason=a%20b&hard=true\n",
    b"POST\n/v1/neighbors/hq-1/reset\nsoft=in\n",
    b"POST\n/v1/tunnels/hq-1/down\nreason=x\n",
    b"POST\n/v1/drain\nreason=x&force=true&limit=60\n",
    b"POST\n/v1/plan\n\n{\"file\":\"a\",\"text\":\"b\"}",
];

/// Capabilities as real speakers announce them, for the files hold few OPENs.
const CAPABILITIES: [&[u8]; 5] = [
    // FRR: both families, refresh old and new, four octets, ADD-PATH, extended messages, a name, graceful restart.
    &[
        1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 128, 0, 2, 0, 70, 0, 65, 4, 0, 0, 253, 242, 6, 0, 69, 4, 0, 1, 1, 1, 73, 6,
        4, 104, 113, 45, 49, 0, 64, 6, 64, 120, 0, 1, 1, 128,
    ],
    // BIRD: with a next hop of another family and long-lived graceful restart.
    &[
        1, 4, 0, 1, 0, 1, 2, 0, 5, 6, 0, 1, 0, 1, 0, 2, 6, 0, 64, 2, 64, 120, 65, 4, 0, 0, 253, 242, 70, 0, 71, 7, 0,
        1, 1, 128, 0, 14, 16,
    ],
    // Two octets only.
    &[1, 4, 0, 1, 0, 1, 2, 0],
    // Roles, and families that are not routed here.
    &[9, 1, 3, 1, 4, 0, 1, 0, 128, 1, 4, 0, 25, 0, 70, 65, 4, 0, 0, 253, 242],
    &[],
];

/// Steps of the target `connection`: a session that comes up and is told what was recorded.
struct Life {
    octets: Vec<u8>,
}

impl Default for Life {
    fn default() -> Self {
        // Both families and four octets; Established at once.
        Self { octets: vec![4, 15] }
    }
}

impl Life {
    fn add(&mut self, record: &mrt::Record) {
        let (head, body) = record.octets.split_at(19);
        if head[18] != 2 {
            return;
        }
        if self.octets.len() < 4 && !record.as4 {
            self.octets[0] |= 2;
        }
        let length = u16::try_from(body.len()).expect("it was in a message").to_be_bytes();
        self.octets.extend([1, head[18], length[0], length[1]]);
        self.octets.extend(body);
        // Some time, and a KEEPALIVE.
        self.octets.extend([0x44, 14]);
    }
}

/// The path attributes of an UPDATE; `None` if it is none, or has none.
fn attributes(octets: &[u8]) -> Option<&[u8]> {
    let number = |at: usize| Some(usize::from(u16::from_be_bytes([*octets.get(at)?, *octets.get(at + 1)?])));
    let start = 23 + number(19)?;
    let length = number(start - 2)?;
    octets.get(start..start + length).filter(|found| octets[18] == 2 && !found.is_empty())
}

/// Type, size class, and the codes and flags of its attributes.
fn shape(record: &mrt::Record) -> Vec<u8> {
    let octets = &record.octets;
    let mut shape = vec![u8::from(record.as4), octets[18], octets.len().ilog2() as u8];
    if octets[18] == 2 {
        let number = |at: usize| usize::from(u16::from_be_bytes([octets[at], octets[at + 1]]));
        let start = 23 + number(19);
        let end = start + number(start - 2);
        let mut at = start;
        while at + 4 < end {
            shape.extend([octets[at], octets[at + 1]]);
            at += if octets[at] & 0x10 != 0 { 4 + number(at + 2) } else { 3 + usize::from(octets[at + 2]) };
        }
    }
    shape
}

fn write(folder: &Path, number: usize, octets: &[u8]) {
    let path = folder.join(format!("real-{number:05}"));
    fs::write(&path, octets).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
