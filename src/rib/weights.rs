//! The shares of paths that are used together: as configured, or in the ratio of their link bandwidths.
//!
//! Bandwidths become the smallest whole numbers that are near their ratio, so that a bandwidth that moves a little
//! moves no traffic, and equal ratios share one group in the kernel.

use smallvec::SmallVec;

use crate::types::Weight;
use crate::wire::Attributes;

use super::Rib;
use super::decision::Outcome;
use super::loc::Decision;

/// Where the shares of paths come from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Weights {
    /// What a policy gave to the path, else the neighbor's.
    #[default]
    Configured,
    /// The link bandwidth communities if every path has one, else as configured.
    LinkBandwidth,
    /// All the same.
    Equal,
}

/// How far a share may be from the bandwidth that it stands for, as a part of it.
const NEAR: f64 = 0.05;
/// The most that one share is of another.
const MOST: u16 = 255;

/// The lowest link bandwidth of a path in octets per second; zero if it has none.
pub(super) fn bandwidth(attributes: &Attributes) -> f32 {
    let rates = attributes.extended_communities.iter().filter_map(|community| community.link_bandwidth());
    rates
        .map(|(_, rate)| rate)
        .filter(|rate| *rate > 0.0)
        .fold(0.0, |least, rate| if least == 0.0 || rate < least { rate } else { least })
}

/// The smallest whole numbers whose ratio is near that of the rates, which are more than zero; at most [`MOST`].
fn near(rates: &[f32]) -> SmallVec<[u16; 4]> {
    let most = rates.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let parts = || rates.iter().map(|rate| f64::from(*rate) / f64::from(most));
    let fits = |whole: &u16| {
        parts().all(|part| {
            let exact = part * f64::from(*whole);
            ((exact.round() - exact) / exact).abs() <= NEAR
        })
    };
    let whole = (1..=MOST).find(fits).unwrap_or(MOST);
    parts().map(|part| ((part * f64::from(whole)).round() as u16).max(1)).collect()
}

/// The same ratio in the smallest numbers.
fn reduced(weights: &[u16]) -> SmallVec<[u16; 4]> {
    fn common(a: u16, b: u16) -> u16 {
        if b == 0 { a } else { common(b, a % b) }
    }
    let all = weights.iter().copied().fold(0, common).max(1);
    weights.iter().map(|weight| weight / all).collect()
}

impl Rib {
    /// The paths that are used, by tie break, each by its place among the candidates and with its share.
    pub(super) fn shares(&self, decision: &Decision) -> SmallVec<[(usize, Weight); 4]> {
        let mut places: SmallVec<[usize; 4]> = (0..decision.outcomes.len())
            .filter(|at| matches!(decision.outcomes[*at], Outcome::Best | Outcome::Multipath))
            .collect();
        places.sort_unstable_by_key(|at| decision.candidates[*at].tie_break());
        if places.len() < 2 || self.settings.weights == Weights::Equal {
            return places.into_iter().map(|at| (at, Weight::ONE)).collect();
        }
        let rates: SmallVec<[f32; 4]> =
            places.iter().map(|at| f32::from_bits(decision.candidates[*at].rank.bandwidth)).collect();
        let weights = if self.settings.weights == Weights::LinkBandwidth && rates.iter().all(|rate| *rate > 0.0) {
            near(&rates)
        } else {
            let configured = |at: &usize| {
                let candidate = &decision.candidates[*at];
                let neighbor = || self.peers.get(&candidate.peer).map(|peer| peer.settings.weight);
                candidate.rank.weight.or_else(neighbor).unwrap_or(Weight::ONE).get()
            };
            reduced(&places.iter().map(configured).collect::<SmallVec<[u16; 4]>>())
        };
        let weight = |weight: u16| Weight::new(weight).unwrap_or(Weight::ONE);
        places.into_iter().zip(weights).map(|(at, share)| (at, weight(share))).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bandwidths_become_the_smallest_numbers_near_their_ratio() {
        let of = |rates: &[f32]| near(rates).to_vec();
        assert_eq!(of(&[10.0e6, 1.0e6]), [10, 1]);
        assert_eq!(of(&[125.0e6, 125.0e6, 125.0e6]), [1, 1, 1]);
        assert_eq!(of(&[100.0e6, 33.0e6]), [3, 1]);
        assert_eq!(of(&[2.5e9, 1.0e9]), [5, 2]);
        assert_eq!(of(&[1.0e12, 1.0]), [255, 1], "as far apart as the kernel can say");
        assert_eq!(reduced(&[4, 6]).to_vec(), [2, 3]);
        assert_eq!(reduced(&[7, 7]).to_vec(), [1, 1]);
    }

    #[test]
    fn a_bandwidth_that_moves_a_little_moves_no_traffic() {
        for noise in -30_i16..=30 {
            let rate = 10.0e6 * (1.0 + f32::from(noise) / 1000.0);
            assert_eq!(near(&[rate, 1.0e6]).to_vec(), [10, 1], "{rate}");
            assert_eq!(near(&[rate, 10.0e6]).to_vec(), [1, 1], "{rate}");
        }
    }

    proptest! {
        #[test]
        fn ratios_are_kept_and_no_share_is_nothing(rates in proptest::collection::vec(1.0_f32..1.0e11, 1..9)) {
            let weights = near(&rates);
            let (most, heaviest) = (rates.iter().copied().fold(0.0, f32::max), *weights.iter().max().unwrap());
            for (rate, weight) in rates.iter().zip(&weights) {
                prop_assert!((1..=MOST).contains(weight));
                let exact = f64::from(*rate) / f64::from(most) * f64::from(heaviest);
                // Either near, or as near as 255 steps allow.
                let off = (f64::from(*weight) - exact).abs();
                prop_assert!(off <= NEAR * exact + 1e-9 || (heaviest == MOST && off <= 1.0), "{rates:?} {weights:?}");
            }
        }
    }
}
