//! Socket options that no crate has a call for. The only unsafe code of the transport.
#![allow(unsafe_code)]

use std::{
    ffi::c_int,
    io,
    net::{IpAddr, SocketAddr},
    os::fd::{AsFd, AsRawFd},
    time::Duration,
};

use socket2::{SockAddr, SockAddrStorage, SockRef};

use super::{AoKey, KEY_LIMIT, Secret, Ttl};
use crate::types::AoAlgorithm;
use crate::types::LinkIndex;
use crate::types::Prefix;

/// From `linux/tcp.h`: what the `libc` crate does not have.
const TCP_MD5SIG_EXT: c_int = 32;
const TCP_MD5SIG_FLAG_PREFIX: u8 = 1;
const TCP_AO_ADD_KEY: c_int = 38;
const TCP_AO_DEL_KEY: c_int = 39;

/// `struct tcp_md5sig`. `interface` is for a VRF's master device only, so it stays 0.
#[repr(C)]
struct Md5Sig {
    address: SockAddrStorage,
    flags: u8,
    prefix_length: u8,
    key_length: u16,
    interface: c_int,
    key: [u8; KEY_LIMIT],
}

/// `struct tcp_ao_add`.
#[repr(C, align(8))]
struct AoAdd {
    address: SockAddrStorage,
    algorithm: [u8; 64],
    interface: i32,
    /// Bit 0: use the key to send at once; bit 1: ask the peer to use it.
    bits: u32,
    reserved: u16,
    prefix_length: u8,
    send_id: u8,
    receive_id: u8,
    mac_length: u8,
    key_flags: u8,
    key_length: u8,
    key: [u8; KEY_LIMIT],
}

/// `struct tcp_ao_del`.
#[repr(C, align(8))]
struct AoDel {
    address: SockAddrStorage,
    interface: i32,
    bits: u32,
    reserved: u16,
    prefix_length: u8,
    send_id: u8,
    receive_id: u8,
    current_key: u8,
    next_key: u8,
    key_flags: u8,
}

/// Octets of the authentication code on the wire, of both algorithms (RFC 5926 §3.2).
const MAC_LENGTH: u8 = 12;

/// The TTL or hop limit of what is sent.
pub(super) fn set_ttl(socket: &impl AsFd, address: SocketAddr, ttl: u8) -> io::Result<()> {
    let socket = SockRef::from(socket);
    match address {
        SocketAddr::V4(_) => socket.set_ttl_v4(u32::from(ttl)),
        SocketAddr::V6(_) => socket.set_unicast_hops_v6(u32::from(ttl)),
    }
}

/// Takes only packets that can have passed no router (RFC 5082 §3), if that is asked for.
pub(super) fn set_min_ttl(socket: &impl AsFd, address: SocketAddr, ttl: Ttl) -> io::Result<()> {
    match (ttl, address) {
        (Ttl::Security, SocketAddr::V4(_)) => set(socket, libc::IPPROTO_IP, libc::IP_MINTTL, &255),
        (Ttl::Security, SocketAddr::V6(_)) => set(socket, libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT, &255),
        (Ttl::Hops(_), _) => Ok(()),
    }
}

/// How many octets of what was written the peer has not acknowledged, sent or not (`SIOCOUTQ`).
pub(super) fn unacknowledged(socket: &impl AsFd) -> io::Result<u64> {
    let mut octets: c_int = 0;
    // SAFETY: the descriptor is borrowed for the call, and the kernel writes one int, which lives.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, std::ptr::from_mut(&mut octets)) };
    if result == 0 { Ok(u64::try_from(octets).unwrap_or(0)) } else { Err(io::Error::last_os_error()) }
}

/// How long nothing came from the peer's host: no acknowledgement and no octet. `None` unless that owes an answer: to
/// octets that were sent, or to the question whether its window is open again.
pub(super) fn silent(socket: &impl AsFd) -> Option<Duration> {
    // `struct tcp_info`: eight octets, the fourth of which counts unanswered questions about the window, then numbers.
    let info = get(socket, libc::IPPROTO_TCP, libc::TCP_INFO).ok()?;
    let number = |place: usize| Some(u32::from_ne_bytes(info.get(8 + 4 * place..12 + 4 * place)?.try_into().ok()?));
    let (asked, unacknowledged) = (*info.get(3)?, number(4)?);
    let heard = number(11)?.min(number(12)?);
    (asked > 0 || unacknowledged > 0).then(|| Duration::from_millis(heard.into()))
}

/// The close of this socket is a reset: the peer learns of it at once, and the kernel forgets what it holds.
pub(super) fn reset_on_close(socket: &impl AsFd) {
    // It can fail for a socket that is closed only.
    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}

impl Ttl {
    /// What is sent.
    pub(super) fn sent(self) -> u8 {
        match self {
            Self::Security => 255,
            Self::Hops(hops) => hops,
        }
    }
}

/// Signs with MD5 what is exchanged with these addresses, and drops what is not signed so (RFC 2385). A key that was
/// set for the same addresses is replaced, on an open connection too.
pub(super) fn set_md5(socket: &impl AsFd, prefix: Prefix, secret: &Secret) -> io::Result<()> {
    set(socket, libc::IPPROTO_TCP, TCP_MD5SIG_EXT, &md5(prefix, secret.octets()))
}

/// Takes that key away.
pub(super) fn clear_md5(socket: &impl AsFd, prefix: Prefix) -> io::Result<()> {
    set(socket, libc::IPPROTO_TCP, TCP_MD5SIG_EXT, &md5(prefix, &[]))
}

fn md5(prefix: Prefix, octets: &[u8]) -> Md5Sig {
    let (key, key_length) = key(octets);
    Md5Sig {
        address: address(prefix),
        flags: TCP_MD5SIG_FLAG_PREFIX,
        prefix_length: prefix.len(),
        key_length: u16::from(key_length),
        interface: 0,
        key,
    }
}

/// True if the kernel has TCP-AO. It looks at the option's number before it looks at the value, which is nonsense here.
pub(super) fn has_ao() -> bool {
    let Ok(socket) = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None) else { return false };
    let refused = set(&socket, libc::IPPROTO_TCP, TCP_AO_ADD_KEY, &0_u64);
    refused.is_err_and(|error| error.raw_os_error() != Some(libc::ENOPROTOOPT))
}

/// Signs with TCP-AO what is exchanged with these addresses (RFC 5925). The `preferred` key is used first; a listening
/// socket has none.
pub(super) fn set_ao(socket: &impl AsFd, prefix: Prefix, master: &AoKey, preferred: bool) -> io::Result<()> {
    let name: &[u8] = match master.algorithm {
        AoAlgorithm::HmacSha1 => b"hmac(sha1)",
        AoAlgorithm::AesCmac => b"cmac(aes128)",
    };
    let mut algorithm = [0; 64];
    algorithm.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    let (key, key_length) = key(master.secret.octets());
    let add = AoAdd {
        address: address(prefix),
        algorithm,
        interface: 0,
        bits: if preferred { 0b11 } else { 0 },
        reserved: 0,
        prefix_length: prefix.len(),
        send_id: master.id,
        receive_id: master.receive_id,
        mac_length: MAC_LENGTH,
        key_flags: 0,
        key_length,
        key,
    };
    set(socket, libc::IPPROTO_TCP, TCP_AO_ADD_KEY, &add)
}

/// Takes that key away.
pub(super) fn clear_ao(socket: &impl AsFd, prefix: Prefix, key: &AoKey) -> io::Result<()> {
    let del = AoDel {
        address: address(prefix),
        interface: 0,
        bits: 0,
        reserved: 0,
        prefix_length: prefix.len(),
        send_id: key.id,
        receive_id: key.receive_id,
        current_key: 0,
        next_key: 0,
        key_flags: 0,
    };
    set(socket, libc::IPPROTO_TCP, TCP_AO_DEL_KEY, &del)
}

fn address(prefix: Prefix) -> SockAddrStorage {
    SockAddr::from(SocketAddr::new(prefix.addr(), 0)).as_storage()
}

/// A key as the kernel wants it: a [`Secret`] fits.
fn key(octets: &[u8]) -> ([u8; KEY_LIMIT], u8) {
    let mut key = [0; KEY_LIMIT];
    key.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
    (key, octets.len().min(KEY_LIMIT) as u8)
}

/// The interface that an accepted connection came in by, as far as the kernel tells.
pub(super) fn incoming(socket: &impl AsFd) -> Option<LinkIndex> {
    let index = match address_of(socket)? {
        IpAddr::V4(_) => opening(socket, libc::IP_PKTINFO, libc::IP_PKTINFO, 0),
        // The interface stands behind the address.
        IpAddr::V6(_) => opening(socket, libc::IPV6_RECVPKTINFO, libc::IPV6_PKTINFO, 16),
    };
    LinkIndex::new(u32::try_from(index?).ok()?)
}

/// The TTL or hop limit with which the packet came that opened an accepted connection, as far as the kernel tells.
pub(super) fn opening_ttl(socket: &impl AsFd) -> Option<u8> {
    let ttl = match address_of(socket)? {
        IpAddr::V4(_) => opening(socket, libc::IP_RECVTTL, libc::IP_TTL, 0),
        IpAddr::V6(_) => opening(socket, libc::IPV6_RECVHOPLIMIT, libc::IPV6_HOPLIMIT, 0),
    };
    u8::try_from(ttl?).ok()
}

fn address_of(socket: &impl AsFd) -> Option<IpAddr> {
    Some(SockRef::from(socket).local_addr().ok()?.as_socket()?.ip())
}

/// One number of what TCP keeps of the packet that opened a connection.
///
/// It is read as ancillary data of the socket (IP_PKTOPTIONS, and IPV6_2292PKTOPTIONS, which is 6): `ask` says of which
/// kind, `kind` is what must come, and `at` is where in its value the number stands.
fn opening(socket: &impl AsFd, ask: c_int, kind: c_int, at: usize) -> Option<c_int> {
    let (level, option) = match address_of(socket)? {
        IpAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_PKTOPTIONS),
        IpAddr::V6(_) => (libc::IPPROTO_IPV6, 6),
    };
    set(socket, level, ask, &1).ok()?;
    let told = get(socket, level, option);
    set(socket, level, ask, &0).ok()?;
    let told = told.ok()?;
    // One `cmsghdr`: length, level, kind; then the value.
    let header = size_of::<usize>() + 2 * size_of::<c_int>();
    let number = |at: usize| Some(c_int::from_ne_bytes(told.get(at..at + 4)?.try_into().ok()?));
    if number(size_of::<usize>())? != level || number(size_of::<usize>() + 4)? != kind {
        return None;
    }
    number(header + at)
}

/// Reads up to 128 octets of an option.
fn get(socket: &impl AsFd, level: c_int, option: c_int) -> io::Result<Vec<u8>> {
    let mut value = vec![0_u8; 128];
    let mut length = length(&[0_u8; 128]);
    // SAFETY: the descriptor is borrowed for the call, and the kernel writes at most `length` octets into `value`.
    let result = unsafe {
        libc::getsockopt(socket.as_fd().as_raw_fd(), level, option, value.as_mut_ptr().cast(), &raw mut length)
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    value.truncate(length as usize);
    Ok(value)
}

fn set<T>(socket: &impl AsFd, level: c_int, option: c_int, value: &T) -> io::Result<()> {
    // SAFETY: the descriptor is borrowed for the call, and the kernel reads as many octets as `value`, which lives, has.
    let result = unsafe {
        libc::setsockopt(socket.as_fd().as_raw_fd(), level, option, std::ptr::from_ref(value).cast(), length(value))
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn length<T>(_: &T) -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).expect("the structs of this file are small")
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    #[test]
    fn the_structs_are_those_of_the_kernel() {
        assert_eq!(size_of::<SockAddrStorage>(), 128);
        assert_eq!((size_of::<Md5Sig>(), offset_of!(Md5Sig, key_length), offset_of!(Md5Sig, key)), (216, 130, 136));
        assert_eq!((size_of::<AoAdd>(), align_of::<AoAdd>()), (288, 8));
        assert_eq!(
            (offset_of!(AoAdd, interface), offset_of!(AoAdd, prefix_length), offset_of!(AoAdd, key)),
            (192, 202, 208)
        );
        assert_eq!(
            (size_of::<AoDel>(), offset_of!(AoDel, prefix_length), offset_of!(AoDel, key_flags)),
            (144, 138, 143)
        );
    }

    #[test]
    fn a_kernel_without_an_option_is_told_from_one_that_refuses_a_value() {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let refused = |option| set(&socket, libc::IPPROTO_TCP, option, &0_u64).unwrap_err().raw_os_error();
        assert_eq!(refused(TCP_MD5SIG_EXT), Some(libc::EINVAL), "this kernel has MD5, and the value is too short");
        assert_eq!(refused(250), Some(libc::ENOPROTOOPT));
    }
}
