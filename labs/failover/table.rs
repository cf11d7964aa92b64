//! Results as tables in Markdown: a row an event and size, the speakers beside each other, medians over the rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::event::Event;
use super::outcome::{Load, Outcome, Row};
use super::speaker::Speaker;

/// What a table shows of one event's outcomes, one a round.
type Cell = fn(&[&Outcome]) -> String;

/// All tables.
pub fn tables(rows: &[Row]) -> String {
    let mut out = String::new();
    let outcomes = outcomes(rows);
    let speakers: BTreeSet<Speaker> = outcomes.iter().map(|outcome| outcome.speaker).collect();
    let times = times(&outcomes);
    let parts: [(&str, &str, Cell); 5] = [
        (
            "From the event to the kernel",
            "Until the kernel forwards the last of the probed prefixes over a live way.",
            |outcomes| cell(outcomes, kernel),
        ),
        (
            "From the event to traffic",
            "Until the last packet was sent that did not arrive; none: no packet was lost.",
            |outcomes| {
                cell(
                    outcomes,
                    |o| if lost(o) == 0.0 { Shown::Word("none") } else { Shown::Time(o.traffic.last_lost_ms) },
                )
            },
        ),
        (
            "Packets lost",
            "Of the flows on the way that failed + of all others + after its return, of all.",
            |outcomes| {
                let part = |value: fn(&Outcome) -> f64| median(outcomes.iter().map(|o| value(o)));
                let back = outcomes.iter().filter_map(|o| o.traffic.lost_back).map(|lost| lost as f64);
                let first = [part(|o| o.traffic.lost_on_it as f64), part(|o| o.traffic.lost_elsewhere as f64)];
                sum(first.into_iter().chain([median(back)]))
            },
        ),
        ("Flows moved though their way was alive", "When the way failed + when it came back.", |outcomes| {
            let back = outcomes.iter().filter_map(|o| o.traffic.moved_back).map(|moved| moved as f64);
            sum([median(outcomes.iter().map(|o| o.traffic.moved as f64)), median(back)])
        }),
        (
            "From the return to all four tunnels",
            "From the moment the way is given back, its session dialled and its table sent again, until the kernel has all four; the lab looks every 250 ms.",
            |outcomes| {
                let back = outcomes.iter().filter_map(|o| {
                    Some(match (o.returned?, o.return_seconds) {
                        (true, Some(seconds)) => seconds * 1000.0,
                        _ => f64::INFINITY,
                    })
                });
                match median(back) {
                    None => "-".to_owned(),
                    Some(time) if time.is_finite() => duration(time),
                    Some(_) => "never".to_owned(),
                }
            },
        ),
    ];
    for (title, meaning, show) in parts {
        let _ = writeln!(out, "### {title}\n\n{meaning} {times}\n");
        head(&mut out, "event | prefixes", &speakers);
        for (event, prefixes) in keys(&outcomes) {
            let _ = write!(out, "| {} | {} ", event.name(), size(prefixes));
            for speaker in &speakers {
                let these: Vec<&Outcome> = outcomes
                    .iter()
                    .copied()
                    .filter(|o| (o.event, o.prefixes, o.speaker) == (event, prefixes, *speaker))
                    .collect();
                let _ = write!(out, "| {} ", if these.is_empty() { "not measured".to_owned() } else { show(&these) });
            }
            out += "|\n";
        }
        out += "\n";
    }
    loads(&mut out, rows, &times);
    out
}

/// What was planned and is not in the results: speaker, event, size, round.
pub fn missing(rows: &[Row], speakers: &[Speaker], events: &[Event], prefixes: &[usize], rounds: u32) -> Vec<String> {
    let have: BTreeSet<_> = outcomes(rows).iter().map(|o| (o.speaker, o.event, o.prefixes, o.round)).collect();
    let mut out = Vec::new();
    for (speaker, event) in speakers.iter().flat_map(|speaker| events.iter().map(move |event| (*speaker, *event))) {
        for (prefixes, round) in prefixes.iter().flat_map(|size| (1..=rounds).map(move |round| (*size, round))) {
            if !have.contains(&(speaker, event, prefixes, round)) {
                out.push(format!("{}, {}, {prefixes} prefixes, round {round}", speaker.name(), event.name()));
            }
        }
    }
    out
}

fn loads(out: &mut String, rows: &[Row], times: &str) {
    let loads: Vec<&Load> =
        rows.iter().filter_map(|row| if let Row::Load(load) = row { Some(load) } else { None }).collect();
    if loads.is_empty() {
        return;
    }
    let meaning = "Four devices announce the same table at once: until the kernel has all members.";
    let _ = writeln!(out, "### The first load\n\n{meaning} Wall time / processor time / memory at its peak. {times}\n");
    let speakers: BTreeSet<Speaker> = loads.iter().map(|load| load.speaker).collect();
    head(out, "prefixes", &speakers);
    for prefixes in loads.iter().map(|load| load.prefixes).collect::<BTreeSet<_>>() {
        let _ = write!(out, "| {} ", size(prefixes));
        for speaker in &speakers {
            let these = || loads.iter().filter(|load| (load.prefixes, load.speaker) == (prefixes, *speaker));
            let shown = match (
                median(these().map(|load| load.seconds)),
                median(these().map(|load| load.cpu_seconds)),
                median(these().map(|load| load.peak_octets as f64)),
            ) {
                (Some(wall), Some(cpu), Some(peak)) => {
                    format!("{wall:.1} s / {cpu:.1} s / {:.0} MB", peak / 1_000_000.0)
                }
                _ => "not measured".to_owned(),
            };
            let _ = write!(out, "| {shown} ");
        }
        out.push_str("|\n");
    }
}

fn outcomes(rows: &[Row]) -> Vec<&Outcome> {
    rows.iter().filter_map(|row| if let Row::Failover(outcome) = row { Some(outcome) } else { None }).collect()
}

/// How many runs a cell is the median of: the sizes may have been measured more and less often.
fn times(outcomes: &[&Outcome]) -> String {
    let mut runs: BTreeMap<usize, usize> = BTreeMap::new();
    for (event, prefixes) in keys(outcomes) {
        for speaker in Speaker::ALL {
            let same = |o: &&&Outcome| (o.event, o.prefixes, o.speaker) == (event, prefixes, speaker);
            let count = outcomes.iter().filter(same).count();
            let most = runs.entry(prefixes).or_default();
            *most = count.max(*most);
        }
    }
    let different: BTreeSet<usize> = runs.values().copied().collect();
    match different.into_iter().collect::<Vec<_>>().as_slice() {
        [1] => "One run.".to_owned(),
        [n] => format!("Medians of {n} runs."),
        _ => {
            let parts: Vec<String> = runs.iter().map(|(prefixes, n)| format!("{n} at {}", size(*prefixes))).collect();
            format!("Medians of several runs: {}.", parts.join(", "))
        }
    }
}

/// The rows of a table.
fn keys(outcomes: &[&Outcome]) -> BTreeSet<(Event, usize)> {
    outcomes.iter().map(|outcome| (outcome.event, outcome.prefixes)).collect()
}

fn head(out: &mut String, first: &str, speakers: &BTreeSet<Speaker>) {
    let names: Vec<&str> = speakers.iter().map(|speaker| speaker.name()).collect();
    let _ = writeln!(out, "| {first} | {} |", names.join(" | "));
    let columns = first.split('|').count() + names.len();
    let _ = writeln!(out, "|{}", " --- |".repeat(columns));
}

/// One value of one outcome.
#[derive(Clone, Copy)]
enum Shown {
    /// In milliseconds.
    Time(f64),
    Word(&'static str),
}

fn kernel(outcome: &Outcome) -> Shown {
    match outcome.kernel_last_ms {
        Some(time) => Shown::Time(time),
        None if outcome.probed == 0 => Shown::Word("-"),
        None => Shown::Word("never"),
    }
}

fn lost(outcome: &Outcome) -> f64 {
    (outcome.traffic.lost_on_it + outcome.traffic.lost_elsewhere) as f64
}

/// The median; a word counts as less than any time, but for "never".
fn cell(outcomes: &[&Outcome], value: fn(&Outcome) -> Shown) -> String {
    let order = |shown: &Shown| match shown {
        Shown::Time(time) => *time,
        Shown::Word("never") => f64::INFINITY,
        Shown::Word(_) => -1.0,
    };
    let mut values: Vec<Shown> = outcomes.iter().map(|outcome| value(outcome)).collect();
    values.sort_by(|a, b| order(a).total_cmp(&order(b)));
    let unsettled = outcomes.iter().any(|outcome| !outcome.settled);
    let shown = match values.get((values.len().max(1) - 1) / 2) {
        Some(Shown::Time(time)) => duration(*time),
        Some(Shown::Word(word)) => (*word).to_owned(),
        None => "not measured".to_owned(),
    };
    if unsettled { format!("{shown} *") } else { shown }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get((values.len().max(1) - 1) / 2).copied()
}

fn sum(parts: impl IntoIterator<Item = Option<f64>>) -> String {
    let parts: Vec<String> =
        parts.into_iter().map(|part| part.map_or("-".to_owned(), |part| format!("{part:.0}"))).collect();
    parts.join(" + ")
}

fn duration(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1000.0),
    }
}

fn size(prefixes: usize) -> String {
    match prefixes {
        n if n >= 1_000_000 && n % 1_000_000 == 0 => format!("{}M", n / 1_000_000),
        n if n >= 1000 && n % 1000 == 0 => format!("{}k", n / 1000),
        n => n.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failover::outcome::Traffic;

    fn outcome(speaker: Speaker, round: u32, kernel: f64) -> Row {
        let traffic = Traffic { lost_on_it: 3, moved_back: Some(7), lost_back: Some(0), ..Traffic::default() };
        Row::Failover(Outcome {
            speaker,
            prefixes: 10_000,
            round,
            event: Event::Down,
            kernel_first_ms: Some(0.1),
            kernel_last_ms: Some(kernel),
            probed: 64,
            cpu_seconds: 0.0,
            settled: true,
            returned: Some(true),
            return_seconds: Some(1.0),
            traffic,
        })
    }

    #[test]
    fn speakers_are_beside_each_other_and_a_cell_is_a_median() {
        let rows: Vec<Row> = (1..).zip([5.0, 0.5, 2000.0]).map(|(n, ms)| outcome(Speaker::Bird, n, ms)).collect();
        let rows = [rows, vec![outcome(Speaker::Twinspan, 1, 0.4)]].concat();
        let text = tables(&rows);
        for line in [
            "| event | prefixes | twinspan | BIRD |",
            "| interface down | 10k | 0.4 ms | 5.0 ms |",
            "| interface down | 10k | 3 + 0 + 0 | 3 + 0 + 0 |",
            "| interface down | 10k | 0 + 7 | 0 + 7 |",
            "Medians of 3 runs.",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
    }

    #[test]
    fn what_was_planned_and_did_not_run_is_told() {
        let rows = [outcome(Speaker::Bird, 1, 5.0)];
        assert_eq!(missing(&rows, &[Speaker::Bird], &[Event::Down], &[10_000], 1), Vec::<String>::new());
        let told = missing(&rows, &[Speaker::Bird], &[Event::Down], &[10_000], 2);
        assert_eq!(told, ["BIRD, interface down, 10000 prefixes, round 2"]);
    }
}
