//! The network side of the shared address: who has it, and that we have it now.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV6},
    os::fd::AsRawFd,
    time::Duration,
};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::{LinkAddr, bind};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    net::UdpSocket,
    time::{Instant, sleep, timeout_at},
};

use super::super::packet;
use super::super::packet::Mac;
use super::super::{Answer, Shared};

/// Questions, and how long each may wait for its answer.
const QUESTIONS: usize = 3;
const PATIENCE: Duration = Duration::from_millis(100);
/// When an announcement is repeated: one may be lost, and a switch may be slow.
const REPEATS: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(3)];
/// `ETH_P_ARP`, in the order of the network.
const ARP: i32 = 0x0806_u16.to_be() as i32;
/// `ARPHRD_ETHER`.
const ETHERNET: u16 = 1;
/// All hosts of a link (RFC 4291 §2.7.1).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// A socket on the interface of the shared address.
struct Side {
    /// Of ARP or ICMP, not UDP: what tokio calls so carries any datagrams.
    socket: UdpSocket,
    mac: Mac,
    index: u32,
}

/// Who has the address, as far as the network side says.
pub(super) async fn ask(shared: &Shared) -> Answer {
    match question(shared).await {
        Ok(Some(who)) => Answer::Somebody(who),
        Ok(None) => Answer::Nobody,
        Err(error) => Answer::Unknown(error.to_string()),
    }
}

/// Says that we have the address, now and a few times more.
pub(super) async fn announce(shared: &Shared) -> io::Result<()> {
    let side = Side::open(shared)?;
    side.tell(shared.address).await?;
    for wait in REPEATS {
        sleep(wait).await;
        side.tell(shared.address).await?;
    }
    Ok(())
}

async fn question(shared: &Shared) -> io::Result<Option<String>> {
    let side = Side::open(shared)?;
    for _ in 0..QUESTIONS {
        side.question(shared.address).await?;
        let until = Instant::now() + PATIENCE;
        while let Ok(heard) = timeout_at(until, side.hear(shared.address)).await {
            if let Some(who) = heard? {
                return Ok(Some(who));
            }
        }
    }
    Ok(None)
}

impl Side {
    fn open(shared: &Shared) -> io::Result<Self> {
        let refused = |text: String| io::Error::other(text);
        let name = shared.interface.as_deref().ok_or_else(|| refused("the file names no network-interface".into()))?;
        let found = getifaddrs()?.find_map(|found| {
            let link = *found.address.filter(|_| found.interface_name == name)?.as_link_addr()?;
            Some((link, found.flags))
        });
        let (link, flags): (LinkAddr, _) = found.ok_or_else(|| refused(format!("there is no interface {name}")))?;
        if !flags.contains(InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING) {
            return Err(refused(format!("interface {name} is down")));
        }
        let mac = link.addr().filter(|_| link.hatype() == ETHERNET && link.halen() == 6);
        let mac = mac.ok_or_else(|| refused(format!("interface {name} is no Ethernet, where one could ask")))?;
        let index = u32::try_from(link.ifindex()).map_err(io::Error::other)?;
        let socket = match shared.address {
            IpAddr::V4(_) => {
                let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(ARP)))?;
                bind(socket.as_raw_fd(), &link)?;
                socket
            }
            IpAddr::V6(_) => {
                let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6))?;
                socket.bind_device(Some(name.as_bytes()))?;
                socket.set_multicast_if_v6(index)?;
                // Others drop what has passed a router.
                socket.set_multicast_hops_v6(255)?;
                socket.set_unicast_hops_v6(255)?;
                socket.set_multicast_loop_v6(false)?;
                socket
            }
        };
        socket.set_nonblocking(true)?;
        Ok(Self { socket: UdpSocket::from_std(socket.into())?, mac, index })
    }

    async fn question(&self, address: IpAddr) -> io::Result<()> {
        match address {
            IpAddr::V4(address) => self.send_v4(address, packet::arp_probe).await,
            IpAddr::V6(address) => {
                self.send_v6(packet::solicited_node(address), &packet::solicitation(self.mac, address)).await
            }
        }
    }

    async fn tell(&self, address: IpAddr) -> io::Result<()> {
        match address {
            IpAddr::V4(address) => self.send_v4(address, packet::arp_announcement).await,
            IpAddr::V6(address) => self.send_v6(ALL_NODES, &packet::advertisement(self.mac, address)).await,
        }
    }

    async fn send_v4(&self, address: Ipv4Addr, packet: impl Fn(Mac, Ipv4Addr) -> Vec<u8>) -> io::Result<()> {
        self.socket.send(&packet(self.mac, address)).await.map(drop)
    }

    async fn send_v6(&self, to: Ipv6Addr, message: &[u8]) -> io::Result<()> {
        self.socket.send_to(message, SocketAddrV6::new(to, 0, 0, self.index)).await.map(drop)
    }

    /// The next thing that is heard: who has the address, if that says it.
    async fn hear(&self, address: IpAddr) -> io::Result<Option<String>> {
        let mut octets = [0; 1_514];
        let length = self.socket.recv(&mut octets).await?;
        let heard = octets.get(..length).unwrap_or_default();
        let who = match address {
            IpAddr::V4(address) => packet::arp_owner(heard, address).map(Some),
            IpAddr::V6(address) => packet::advertised(heard, address),
        };
        Ok(match who {
            Some(Some(mac)) if mac != self.mac => Some(packet::shown(mac)),
            Some(None) => Some("another host".to_owned()),
            Some(Some(_)) | None => None,
        })
    }
}
