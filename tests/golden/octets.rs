//! Each `NAME.hex` here is one message, field by field, written from the RFCs and not by this crate; `NAME.txt` beside
//! it says what it means. What is read must be that text, and written again must be the same octets.
//!
//! A hex file has octets before two spaces and what they are behind. Its comments may say `context:` with words of
//! [`context`], and `written differently:` with the reason where the same octets cannot come back.
//! `TWINSPAN_BLESS=1 cargo test --test golden` writes the text files anew; read the difference before you commit it.

use std::{
    fmt::{self, Write as _},
    fs,
    path::{Path, PathBuf},
};

use bytes::BytesMut;
use twinspan::wire::{Attributes, Capability, Context, Deframer, Error, Message, Update};

struct Case {
    name: String,
    octets: Vec<u8>,
    context: Context,
    canonical: bool,
    text: PathBuf,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/octets");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "hex"));
    files.sort();
    files.iter().map(|file| case(file)).collect()
}

fn case(file: &Path) -> Case {
    let text = fs::read_to_string(file).unwrap();
    let mut octets = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let digits: String = line.split("  ").next().unwrap().split_whitespace().collect();
        let pairs = (0..digits.len()).step_by(2);
        octets.extend(pairs.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect(line)));
    }
    let words = text.lines().find_map(|line| line.strip_prefix("# context:")).unwrap_or_default();
    Case {
        name: file.file_stem().unwrap().to_string_lossy().into_owned(),
        octets,
        context: context(words),
        canonical: !text.contains("# written differently:"),
        text: file.with_extension("txt"),
    }
}

fn context(words: &str) -> Context {
    let mut context = Context::default();
    for word in words.split_whitespace() {
        match word {
            "four-octet" => context.four_octet_asn = true,
            "extended" => context.extended_message = true,
            "ipv4-over-ipv6" => context.ipv4_over_ipv6 = true,
            "internal" => context.internal = true,
            other => panic!("{other} is no word of a context"),
        }
    }
    context
}

fn read(octets: &[u8], context: &Context) -> Result<Message, Error> {
    let mut deframer = Deframer::new();
    if context.extended_message {
        deframer.allow_extended();
    }
    deframer.push(octets);
    let frame = deframer.next()?.expect("the octets are one whole message");
    assert_eq!(deframer.pending(), 0, "the octets are one message alone");
    Message::decode(&frame, context)
}

#[test]
fn octets_mean_what_stands_beside_them() {
    let bless = std::env::var_os("TWINSPAN_BLESS").is_some();
    let cases = cases();
    assert!(cases.len() > 40, "only {} cases were found", cases.len());
    for case in cases {
        let mut text = String::new();
        match read(&case.octets, &case.context) {
            Ok(message) => show(&message, &mut text).unwrap(),
            Err(error) => {
                let notification = error.notification();
                let (code, subcode) = (notification.code, notification.subcode);
                writeln!(text, "refused: {error}\nnotification {code}/{subcode}: {notification}").unwrap();
            }
        }
        if bless {
            fs::write(&case.text, &text).unwrap();
        }
        let expected = fs::read_to_string(&case.text).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(text, expected, "{}", case.name);
    }
}

#[test]
fn what_was_read_is_written_as_the_same_octets() {
    let mut same = 0;
    for case in cases().into_iter().filter(|case| case.canonical) {
        let Ok(message) = read(&case.octets, &case.context) else { continue };
        let mut out = BytesMut::new();
        message.encode(&case.context, &mut out);
        assert_eq!(format!("{:02x?}", &out[..]), format!("{:02x?}", case.octets), "{}", case.name);
        same += 1;
    }
    assert!(same > 15, "only {same} cases were compared");
}

/// A message cut anywhere, with its lengths as they were: read or refused, never a panic, never a wait for more.
#[test]
fn messages_cut_anywhere_are_read_or_refused() {
    for case in cases() {
        for end in 19..case.octets.len() {
            let mut cut = case.octets[..end].to_vec();
            cut[16..18].copy_from_slice(&u16::try_from(end).unwrap().to_be_bytes());
            let _ = read(&cut, &case.context);
        }
    }
}

fn show(message: &Message, out: &mut String) -> fmt::Result {
    match message {
        Message::Open(open) => {
            writeln!(out, "OPEN AS {}, hold time {}, id {}", open.asn, open.hold_time, open.router_id)?;
            for capability in &open.capabilities.0 {
                match capability {
                    Capability::GracefulRestart(_) => writeln!(out, "  {capability:?}")?,
                    _ => writeln!(out, "  {} {capability:?}", capability.code())?,
                }
            }
            Ok(())
        }
        Message::Update(update) => show_update(update, out),
        Message::Notification(notification) => {
            writeln!(out, "NOTIFICATION {}/{}: {notification}", notification.code, notification.subcode)
        }
        Message::Keepalive => writeln!(out, "KEEPALIVE"),
        Message::Refresh(refresh) => {
            writeln!(out, "ROUTE-REFRESH {:?} AFI {} SAFI {}", refresh.kind, refresh.family.afi, refresh.family.safi)
        }
    }
}

fn show_update(update: &Update, out: &mut String) -> fmt::Result {
    writeln!(out, "UPDATE")?;
    for prefix in &update.withdrawn {
        writeln!(out, "  withdrawn {prefix}")?;
    }
    for reach in &update.reach {
        for prefix in &reach.prefixes {
            writeln!(out, "  {} {prefix} via {}", reach.family, reach.next_hop)?;
        }
    }
    if !update.reach.is_empty() {
        show_attributes(&update.attributes, out)?;
    }
    if let Some(family) = update.end_of_rib {
        writeln!(out, "  End-of-RIB {family}")?;
    }
    for fault in &update.faults {
        let attribute = fault.attribute.map_or("the message".to_owned(), |code| format!("attribute {code}"));
        writeln!(out, "  fault in {attribute}: {:?}: {}", fault.action, fault.reason)?;
    }
    Ok(())
}

fn show_attributes(attributes: &Attributes, out: &mut String) -> fmt::Result {
    writeln!(out, "  origin {}", attributes.origin)?;
    writeln!(out, "  path {}", attributes.as_path)?;
    if let Some(med) = attributes.med {
        writeln!(out, "  med {med}")?;
    }
    if let Some(preference) = attributes.local_pref {
        writeln!(out, "  local preference {preference}")?;
    }
    if attributes.atomic_aggregate {
        writeln!(out, "  atomic aggregate")?;
    }
    if let Some(aggregator) = attributes.aggregator {
        writeln!(out, "  aggregator AS {} {}", aggregator.asn, aggregator.router_id)?;
    }
    attributes.communities.iter().try_for_each(|community| writeln!(out, "  community {community}"))?;
    if let Some(originator) = attributes.originator_id {
        writeln!(out, "  originator {originator}")?;
    }
    attributes.cluster_list.iter().try_for_each(|cluster| writeln!(out, "  cluster {}", cluster.0))?;
    let extended = &attributes.extended_communities;
    extended.iter().try_for_each(|community| writeln!(out, "  extended community {community}"))?;
    attributes.large_communities.iter().try_for_each(|community| writeln!(out, "  large community {community}"))?;
    if attributes.partial != Default::default() {
        writeln!(out, "  {:?}", attributes.partial)?;
    }
    for unknown in &attributes.unknown {
        writeln!(out, "  attribute {} flags {:#04x} value {:02x?}", unknown.code, unknown.flags.0, &unknown.value[..])?;
    }
    Ok(())
}
