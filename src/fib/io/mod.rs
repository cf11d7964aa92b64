//! The kernel by netlink.
