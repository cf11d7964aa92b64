//! Five other makes of BGP speaker, each against an instance, in network namespaces: FRR, BIRD, GoBGP, ExaBGP, OpenBGPD.
//!
//! A scenario is one function over any peer; a test is one scenario with one peer, so that what fails has a name. What a
//! peer does not have is said in `labs/interop/README.md`, and is no test here. Needs root.

#[path = "../../labs/player/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the example uses the rest")]
mod player;
#[path = "../../labs/runner/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the example uses the rest")]
mod runner;

mod bird;
mod exabgp;
mod feeder;
mod frr;
mod gobgp;
mod openbgpd;
mod pair;
mod peer;
mod traffic;
mod watch;

mod collision;
mod communities;
mod families;
mod limits;
mod messages;
mod password;
mod refresh;
mod restart;
mod shutdown;
mod ttl;
