//! How often people are told of what others can make happen as often as they like.

use std::time::Duration;

use crate::types::Time;

/// So many are told of one by one in each [`PAUSE`]; more are only counted.
const TOLD: u32 = 5;
const PAUSE: Duration = Duration::from_secs(60);

/// Events of one kind, told of up to a rate.
#[derive(Debug, Default)]
pub(super) struct Rate {
    since: Time,
    told: u32,
    silent: u64,
}

impl Rate {
    /// Whether to tell of one more, and if so how many went untold since the last.
    pub(super) fn pass(&mut self, now: Time) -> Option<u64> {
        if now.since(self.since) >= PAUSE {
            self.since = now;
            self.told = 0;
        }
        if self.told >= TOLD {
            self.silent += 1;
            return None;
        }
        self.told += 1;
        Some(std::mem::take(&mut self.silent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_of_five_times_a_minute_and_the_rest_is_counted() {
        let mut rate = Rate::default();
        let told = (0..1000).filter(|_| rate.pass(Time::START).is_some()).count();
        assert_eq!(told, 5);
        assert_eq!(rate.pass(Time::START + Duration::from_secs(61)), Some(995));
    }
}
