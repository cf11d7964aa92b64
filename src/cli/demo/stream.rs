//! The flows: a sender in the cloud, a sink on premises that answers each packet, and taps where the tunnels come out.
//!
//! Every packet carries its number. Sender, sink, taps and who hears the answers write what they know about it into one record, so loss and the
//! tunnel taken are known for each packet by itself. Nothing is sampled or estimated.

use std::net::{SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU32, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{LinkAddr, MsgFlags, recv, recvfrom, setsockopt, sockopt};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::lab::{HOST, Lab, Place, SITE, TUNNELS};
use super::ledger::Packet;

/// Flows at the beginning.
pub const FLOWS: u16 = 64;
/// How many more [`Stream::grow`] adds.
pub const MORE: u16 = 32;
/// Packets a second at the beginning; each flow keeps its share of it.
pub const RATE: u32 = 2_000;

/// All that there can be: it grows twice.
const MOST: u16 = FLOWS + 2 * MORE;
const CAPACITY: usize = 1 << 18;
const MAGIC: [u8; 4] = *b"tsd1";
const FIRST_SOURCE: u16 = 40_000;
/// One port, one socket, one receive buffer each: a busy machine may keep a sink waiting for a while.
const SINKS: [u16; 4] = [5001, 5002, 5003, 5004];
const PAYLOAD: usize = 64;
const POLL: Duration = Duration::from_millis(50);
const NO_TUNNEL: u8 = u8::MAX;

#[derive(Debug)]
struct Slot {
    flow: AtomicU16,
    sent: AtomicU32,
    arrived: AtomicBool,
    answered: AtomicBool,
    tunnel: AtomicU8,
}

#[derive(Debug)]
struct Record {
    began: Instant,
    stop: AtomicBool,
    flows: AtomicU16,
    count: AtomicU32,
    slots: Vec<Slot>,
}

impl Record {
    fn now(&self) -> u32 {
        u32::try_from(self.began.elapsed().as_micros()).unwrap_or(u32::MAX)
    }

    /// The slot of the packet whose payload this is.
    fn slot(&self, payload: &[u8]) -> Option<&Slot> {
        let number = payload.strip_prefix(&MAGIC)?.first_chunk::<4>()?;
        self.slots.get(usize::try_from(u32::from_be_bytes(*number)).ok()?)
    }
}

/// The running stream.
#[derive(Debug)]
pub struct Stream {
    record: Arc<Record>,
    sender: JoinHandle<anyhow::Result<()>>,
    receivers: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Stream {
    /// Starts sink and taps, then the sender.
    pub fn start(lab: &Lab) -> anyhow::Result<Self> {
        let slot = || Slot {
            flow: AtomicU16::new(0),
            sent: AtomicU32::new(0),
            arrived: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            tunnel: AtomicU8::new(NO_TUNNEL),
        };
        let record = Arc::new(Record {
            began: Instant::now(),
            stop: AtomicBool::new(false),
            flows: AtomicU16::new(FLOWS),
            count: AtomicU32::new(0),
            slots: (0..CAPACITY).map(|_| slot()).collect(),
        });
        let mut receivers = Vec::new();
        for port in SINKS {
            let socket = lab.node(Place::Site).within(|| open_sink(port))?;
            receivers.push(spawn(&record, move |record| sink(record, &socket)));
        }
        for device in [Place::Hq1, Place::Hq2] {
            let node = lab.node(device);
            let mut ports = Vec::new();
            for (number, tunnel) in (0u8..).zip(TUNNELS.iter()).filter(|(_, tunnel)| tunnel.device == device) {
                ports.push((node.index(tunnel.far)?, number));
            }
            let socket = node.within(open_tap)?;
            receivers.push(spawn(&record, move |record| tap(record, &socket, &ports)));
        }
        let sockets = lab.node(Place::Host).within(|| {
            (0..MOST).map(|flow| Ok(UdpSocket::bind((HOST, FIRST_SOURCE + flow))?)).collect::<anyhow::Result<Vec<_>>>()
        })?;
        let sockets = Arc::new(sockets);
        let heard = Arc::clone(&sockets);
        receivers.push(spawn(&record, move |record| hear(record, &heard)));
        let sender = spawn(&record, move |record| send(record, &sockets));
        Ok(Self { record, sender, receivers })
    }

    /// Microseconds since the stream began.
    pub fn now(&self) -> u32 {
        self.record.now()
    }

    /// Begins [`MORE`] flows, twice at most; the first ones go on as they are.
    pub fn grow(&self) {
        let more = self.record.flows.load(Relaxed) + MORE;
        self.record.flows.store(more.min(MOST), Relaxed);
    }

    /// Ends the sending and waits for what is on its way.
    pub fn finish(self) -> anyhow::Result<()> {
        self.record.stop.store(true, Relaxed);
        join(self.sender)?;
        self.receivers.into_iter().try_for_each(join)
    }

    /// All packets so far. The latest may still be on their way.
    pub fn packets(&self) -> anyhow::Result<Vec<Packet>> {
        if self.sender.is_finished() {
            anyhow::bail!("the sender has stopped");
        }
        let count = usize::try_from(self.record.count.load(Relaxed))?;
        let packet = |slot: &Slot| {
            let tunnel = slot.tunnel.load(Relaxed);
            Packet {
                flow: slot.flow.load(Relaxed),
                sent: slot.sent.load(Relaxed),
                arrived: slot.arrived.load(Relaxed),
                answered: slot.answered.load(Relaxed),
                tunnel: (tunnel != NO_TUNNEL).then_some(usize::from(tunnel)),
            }
        };
        Ok(self.record.slots.iter().take(count).map(packet).collect())
    }
}

/// Packets that the sink's own socket buffers dropped: the fault of a busy machine, not of the routes.
pub fn dropped_by_sink(lab: &Lab) -> anyhow::Result<u64> {
    let text = lab.node(Place::Site).within(|| Ok(std::fs::read_to_string("/proc/thread-self/net/snmp")?))?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (names, values) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let found = names.split(' ').zip(values.split(' ')).find(|(name, _)| *name == "RcvbufErrors");
    found.and_then(|(_, value)| value.parse().ok()).context("no RcvbufErrors in /proc/net/snmp")
}

fn spawn(
    record: &Arc<Record>,
    work: impl FnOnce(&Record) -> anyhow::Result<()> + Send + 'static,
) -> JoinHandle<anyhow::Result<()>> {
    let record = Arc::clone(record);
    thread::spawn(move || work(&record))
}

fn join(thread: JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    thread.join().map_err(|_| anyhow!("a thread of the stream panicked"))?
}

fn send(record: &Record, sockets: &[UdpSocket]) -> anyhow::Result<()> {
    let mut due = Instant::now();
    let mut payload = [0u8; PAYLOAD];
    for (number, slot) in (0u32..).zip(&record.slots) {
        if record.stop.load(Relaxed) {
            return Ok(());
        }
        let flows = record.flows.load(Relaxed);
        let rate = RATE * u32::from(flows) / u32::from(FLOWS);
        let now = Instant::now();
        if due > now {
            thread::sleep(due - now);
        } else if now - due > Duration::from_millis(100) {
            due = now; // the machine was away: no burst to make up for it
        }
        due += Duration::from_secs(1) / rate;
        let flow = u16::try_from(number % u32::from(flows)).context("a flow's number fits")?;
        let (Some(socket), Some(port)) = (sockets.get(usize::from(flow)), SINKS.get(usize::from(flow) % SINKS.len()))
        else {
            continue;
        };
        let [a, b, c, d] = MAGIC;
        let [e, f, g, h] = number.to_be_bytes();
        if let Some(head) = payload.first_chunk_mut() {
            *head = [a, b, c, d, e, f, g, h];
        }
        slot.flow.store(flow, Relaxed);
        slot.sent.store(record.now(), Relaxed);
        record.count.store(number + 1, Relaxed);
        // Not sent is as lost as lost on the way: the host had no route, or no buffer.
        let _ = socket.send_to(&payload, (SITE, *port));
    }
    Err(anyhow!("the stream ran longer than its record"))
}

fn open_sink(port: u16) -> anyhow::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    with_room(&socket)?;
    socket.set_read_timeout(Some(POLL))?;
    socket.bind(&SocketAddrV4::new(SITE, port).into())?;
    Ok(socket.into())
}

/// A burst that comes while this program waits for a processor is no loss of the network: room for seconds of it, or as much
/// as `net.core.rmem_max` allows where this program may not have more.
fn with_room(socket: &Socket) -> anyhow::Result<()> {
    let octets = 16 << 20;
    if setsockopt(socket, sockopt::RcvBufForce, &octets).is_err() {
        socket.set_recv_buffer_size(octets)?;
    }
    Ok(())
}

fn sink(record: &Record, socket: &UdpSocket) -> anyhow::Result<()> {
    let mut payload = [0u8; 2048];
    loop {
        match socket.recv_from(&mut payload) {
            Ok((length, from)) => {
                let Some(payload) = payload.get(..length) else { continue };
                if let Some(slot) = record.slot(payload) {
                    slot.arrived.store(true, Relaxed);
                    let _ = socket.send_to(payload, from); // not sent is as lost as lost on the way
                }
            }
            Err(error) if quiet(&error) => {
                if record.stop.load(Relaxed) {
                    return Ok(()); // nothing for a while since the sender stopped
                }
            }
            Err(error) => return Err(error).context("the sink cannot receive"),
        }
    }
}

/// Takes the answers in. Each flow has a socket and a buffer of its own: none of them is lost here.
fn hear(record: &Record, sockets: &[UdpSocket]) -> anyhow::Result<()> {
    let mut waiting: Vec<PollFd> =
        sockets.iter().map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
    let limit = PollTimeout::try_from(POLL).context("a limit fits")?;
    let mut payload = [0u8; 2048];
    loop {
        let ready = match poll(&mut waiting, limit) {
            Err(errno) if errno != nix::errno::Errno::EINTR => return Err(errno).context("cannot wait for answers"),
            ready => ready.unwrap_or(0),
        };
        if ready == 0 && record.stop.load(Relaxed) {
            return Ok(());
        }
        for (socket, _) in sockets.iter().zip(&waiting).filter(|(_, waiting)| waiting.any() == Some(true)) {
            // An error is news of a packet that did not get through (ICMP); that one is missed anyway.
            while let Ok(length) = recv(socket.as_raw_fd(), &mut payload, MsgFlags::MSG_DONTWAIT) {
                if let Some(slot) = payload.get(..length).and_then(|payload| record.slot(payload)) {
                    slot.answered.store(true, Relaxed);
                }
            }
        }
    }
}

fn open_tap() -> anyhow::Result<Socket> {
    // The protocol of a packet socket is in network byte order. IPv4 alone: such a tap sees arrivals, not departures.
    let ipv4 = u16::try_from(libc::ETH_P_IP).context("an EtherType fits")?.to_be();
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(i32::from(ipv4))))?;
    with_room(&socket)?;
    socket.set_read_timeout(Some(POLL))?;
    // Only what goes to the site: the destination is the word at 16, else nothing of the packet is taken.
    let (load_word, jump_if_equal, give) = (0x20, 0x15, 0x06);
    socket.attach_filter(&[
        SockFilter::new(load_word, 0, 0, 16),
        SockFilter::new(jump_if_equal, 0, 1, SITE.to_bits()),
        SockFilter::new(give, 0, 0, u32::MAX),
        SockFilter::new(give, 0, 0, 0),
    ])?;
    Ok(socket)
}

fn tap(record: &Record, socket: &Socket, ports: &[(u32, u8)]) -> anyhow::Result<()> {
    let mut packet = [0u8; 2048];
    loop {
        match recvfrom::<LinkAddr>(socket.as_raw_fd(), &mut packet) {
            Ok((length, Some(from))) => {
                let port = ports.iter().find(|(index, _)| usize::try_from(*index) == Ok(from.ifindex()));
                let payload = packet.get(..length).and_then(udp_payload);
                if let (Some((_, number)), Some(slot)) = (port, payload.and_then(|payload| record.slot(payload))) {
                    slot.tunnel.store(*number, Relaxed);
                }
            }
            Ok((_, None)) => {}
            Err(errno) => {
                let error = std::io::Error::from(errno);
                if !quiet(&error) {
                    return Err(error).context("a tap cannot receive");
                }
                if record.stop.load(Relaxed) {
                    return Ok(());
                }
            }
        }
    }
}

fn quiet(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

/// What a UDP packet over IPv4 carries.
fn udp_payload(packet: &[u8]) -> Option<&[u8]> {
    let header = usize::from(packet.first()? & 0x0f) * 4;
    if *packet.get(9)? != 17 {
        return None;
    }
    packet.get(header + 8..)
}
