//! BFD packets, written from the RFC by hand and read by tshark: both must agree with what is written and read here.

use std::{fs, process::Command, time::Duration};

use twinspan::bfd::{Algorithm, Diag, Key, Packet, State};

/// Octets, the packet, its key if it has one, and what tshark must say, by [`FIELDS`].
struct Case {
    octets: &'static str,
    packet: Packet,
    key: Option<(Key, u32)>,
    fields: [&'static str; 14],
}

const FIELDS: [&str; 14] = [
    "bfd.version",
    "bfd.diag",
    "bfd.sta",
    "bfd.flags.p",
    "bfd.flags.f",
    "bfd.flags.c",
    "bfd.flags.a",
    "bfd.flags.d",
    "bfd.detect_time_multiplier",
    "bfd.my_discriminator",
    "bfd.your_discriminator",
    "bfd.desired_min_tx_interval",
    "bfd.required_min_rx_interval",
    "bfd.required_min_echo_interval",
];

fn cases() -> Vec<Case> {
    let packet = Packet {
        diag: Diag::NONE,
        state: State::Down,
        poll: false,
        final_: false,
        control_plane_independent: true,
        demand: false,
        multiplier: 3,
        my_discriminator: 0x0102_0304,
        your_discriminator: 0,
        desired_min_tx: Duration::from_secs(1),
        required_min_rx: Duration::from_millis(100),
        required_min_echo_rx: Duration::ZERO,
    };
    let up = Packet {
        diag: Diag::EXPIRED,
        state: State::Up,
        poll: true,
        control_plane_independent: false,
        multiplier: 5,
        your_discriminator: 0xa0b0_c0d0,
        desired_min_tx: Duration::from_millis(50),
        required_min_rx: Duration::from_millis(300),
        ..packet
    };
    let key = Key::new(2, Algorithm::MeticulousKeyedSha1, b"correct horse").unwrap();
    vec![
        Case {
            octets: "20480318 01020304 00000000 000f4240 000186a0 00000000",
            packet,
            key: None,
            fields: [
                "1",
                "0x00",
                "0x01",
                "0",
                "0",
                "1",
                "0",
                "0",
                "3",
                "0x01020304",
                "0x00000000",
                "1000000",
                "100000",
                "0",
            ],
        },
        Case {
            octets: "21e00518 01020304 a0b0c0d0 0000c350 000493e0 00000000",
            packet: up,
            key: None,
            fields: [
                "1",
                "0x01",
                "0x03",
                "1",
                "0",
                "0",
                "0",
                "0",
                "5",
                "0x01020304",
                "0xa0b0c0d0",
                "50000",
                "300000",
                "0",
            ],
        },
        Case {
            // The digest is python3's: hashlib.sha1 over the 32 octets before it and the secret padded to 20.
            octets: "27940334 01020304 a0b0c0d0 0000c350 000493e0 00000000 051c0200 00000064 e64afc1edda0bcf281a9fc6220fa66fb747aeb4b",
            packet: Packet {
                diag: Diag::ADMIN_DOWN,
                state: State::Init,
                poll: false,
                final_: true,
                multiplier: 3,
                ..up
            },
            key: Some((key, 100)),
            fields: [
                "1",
                "0x07",
                "0x02",
                "0",
                "1",
                "0",
                "1",
                "0",
                "3",
                "0x01020304",
                "0xa0b0c0d0",
                "50000",
                "300000",
                "0",
            ],
        },
    ]
}

fn octets(case: &Case) -> Vec<u8> {
    let digits: String = case.octets.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn bfd_packets_are_the_octets_of_the_rfc() {
    for case in cases() {
        let key = case.key.as_ref().map(|(key, sequence)| (key, *sequence));
        assert_eq!(case.packet.encode(key).as_slice(), octets(&case), "{:?}", case.packet);
        let (read, section) = Packet::decode(&octets(&case)).unwrap();
        assert_eq!(read, case.packet);
        assert_eq!(section.is_some(), case.key.is_some());
    }
}

#[test]
fn tshark_reads_bfd_packets_as_they_were_meant() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bfd.pcap");
    fs::write(&file, pcap(&cases().iter().map(octets).collect::<Vec<_>>())).unwrap();
    let mut command = Command::new("tshark");
    command.args(["-r", file.to_str().unwrap(), "-T", "fields"]);
    for field in FIELDS.iter().chain(&["_ws.malformed"]) {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark is needed for this test: apt-get install tshark");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.lines().count(), cases().len());
    for (line, case) in text.lines().zip(cases()) {
        let mut said: Vec<&str> = line.split('\t').collect();
        assert_eq!(said.pop(), Some(""), "malformed: {line}");
        assert_eq!(said, case.fields, "{:?}", case.packet);
    }
}

/// Each in a UDP datagram to port 3784; link type 101 is bare IP.
fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(0xa1b2_c3d4_u32.to_le_bytes());
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(65_535_u32.to_le_bytes());
    file.extend(101_u32.to_le_bytes());
    for packet in packets {
        let udp = u16::try_from(8 + packet.len()).unwrap();
        let mut ip = vec![0x45, 0xc0];
        ip.extend((20 + udp).to_be_bytes());
        ip.extend([0, 0, 0, 0, 255, 17, 0, 0, 169, 254, 21, 2, 169, 254, 21, 1]);
        ip.extend([0xc0, 0x00, 0x0e, 0xc8]);
        ip.extend(udp.to_be_bytes());
        ip.extend([0, 0]);
        ip.extend(packet);
        file.extend([0; 8]);
        file.extend([u32::try_from(ip.len()).unwrap(); 2].map(u32::to_le_bytes).concat());
        file.extend(ip);
    }
    file
}
