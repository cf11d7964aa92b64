//! Makes the seed corpus of both targets out of the MRT files of a folder: `fuzz/seeds [FOLDER]`.

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
    for target in ["message", "deframer"] {
        fs::create_dir_all(here.join("corpus").join(target)).expect("the corpus can be made");
    }
    let mut shapes = HashSet::new();
    let mut kept = 0;
    for file in files {
        let mut stream = vec![1, 200];
        for record in mrt::messages(&file) {
            let shape = shape(&record);
            if !(0..EACH_SHAPE).any(|number| shapes.insert((number, shape.clone()))) {
                continue;
            }
            let context = u8::from(record.as4) | 2 | 4 | 8 * (kept % 2) as u8;
            let input = [&[context, record.octets[18]], &record.octets[19..]].concat();
            write(&here.join("corpus/message"), kept, &input);
            kept += 1;
            if stream.len() < 4096 {
                stream.extend(record.octets);
            }
        }
        write(&here.join("corpus/deframer"), kept, &stream);
    }
    println!("{kept} messages from {}", folder.display());
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
