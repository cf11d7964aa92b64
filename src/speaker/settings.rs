//! What the parts of a speaker are set to, by the file.

use crate::config;
use crate::config::Config;
use crate::fib;
use crate::gateway::Desired;
use crate::rib;

/// The RIB's.
pub(super) fn rib(config: &Config, desired: &Desired) -> rib::Settings {
    rib::Settings {
        local_asn: desired.asn,
        router_id: desired.router_id,
        max_paths: config.ecmp.max_paths,
        as_path_relax: config.ecmp.as_path_relax,
        weights: weights(config.ecmp.weights),
    }
}

fn weights(weights: config::Weights) -> rib::Weights {
    match weights {
        config::Weights::Configured => rib::Weights::Configured,
        config::Weights::LinkBandwidth => rib::Weights::LinkBandwidth,
        config::Weights::Equal => rib::Weights::Equal,
    }
}

/// The FIB's.
pub(super) fn fib(config: &Config) -> fib::Settings {
    fib::Settings {
        table: config.kernel.table,
        protocol: config.kernel.protocol,
        metric: config.kernel.metric,
        buckets: config.ecmp.buckets,
        idle_timer: config.ecmp.idle_timer,
        max_paths: config.ecmp.max_paths,
        ..fib::Settings::default()
    }
}
