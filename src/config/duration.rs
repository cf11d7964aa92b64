//! Durations as people write them: `"90s"`, `"300ms"`, `"1m30s"`.

use std::time::Duration;

const UNITS: [(&str, u64); 4] = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

/// Numbers with units from the greatest to the smallest: h, m, s, ms. `None` for anything else, and on overflow.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let (unit, milliseconds) = UNITS.iter().find(|(unit, _)| tail.starts_with(unit))?;
        if *milliseconds >= last {
            return None;
        }
        last = *milliseconds;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*milliseconds)?)?;
        rest = tail.strip_prefix(unit)?;
    }
    (last != u64::MAX).then(|| Duration::from_millis(total))
}

/// The shortest text that [`parse`] reads as this, to the millisecond.
pub(super) fn show(duration: Duration) -> String {
    let total = duration.as_millis();
    match total {
        0 => "0s".to_owned(),
        t if t % 3_600_000 == 0 => format!("{}h", t / 3_600_000),
        t if t % 60_000 == 0 && t >= 600_000 => format!("{}m", t / 60_000),
        t if t % 1_000 == 0 => format!("{}s", t / 1_000),
        t => format!("{t}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_may_follow_each_other_from_great_to_small() {
        assert_eq!(parse("90s"), Some(Duration::from_secs(90)));
        assert_eq!(parse("300ms"), Some(Duration::from_millis(300)));
        assert_eq!(parse("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(parse("1h1ms"), Some(Duration::from_millis(3_600_001)));
        assert_eq!(parse("0s"), Some(Duration::ZERO));
    }

    #[test]
    fn what_leaves_a_doubt_is_refused() {
        for text in ["", "90", "s", "90 s", "-1s", "1.5s", "30s1m", "1s1s", "1d", "99999999999999999999s", "9é"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("18446744073709551615h"), None);
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for ms in [0, 1, 300, 1_000, 90_000, 600_000, 3_600_000, 3_600_001] {
            let duration = Duration::from_millis(ms);
            assert_eq!(parse(&show(duration)), Some(duration));
        }
    }
}
