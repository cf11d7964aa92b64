//! Socket options that no crate has a call for. The only unsafe code of the transport.
#![allow(unsafe_code)]

use std::{
    ffi::c_int,
    io,
    net::SocketAddr,
    os::fd::{AsFd, AsRawFd},
    time::Duration,
};

use socket2::SockRef;

use super::Ttl;

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
        (Ttl::Security, SocketAddr::V4(_)) => set(socket, libc::IPPROTO_IP, libc::IP_MINTTL, 255),
        (Ttl::Security, SocketAddr::V6(_)) => set(socket, libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT, 255),
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

fn set(socket: &impl AsFd, level: c_int, option: c_int, value: c_int) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<c_int>()).expect("the size of an int fits a socklen_t");
    // SAFETY: the descriptor is borrowed for the call, and the kernel reads `length` octets of `value`, which lives.
    let result = unsafe {
        libc::setsockopt(socket.as_fd().as_raw_fd(), level, option, std::ptr::from_ref(&value).cast(), length)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
