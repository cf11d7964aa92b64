//! The measurement of the failover, at a tiny size: so that it cannot rot. Needs root, FRR and BIRD.

#[path = "../../labs/failover/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the example uses the rest")]
mod failover;
#[path = "../../labs/flows/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the example uses the rest")]
mod flows;
#[path = "../../labs/player/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the example uses the rest")]
mod player;
#[path = "../../labs/runner/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the example uses the rest")]
mod runner;

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use failover::{Event, Plan, Row, Settings, Speaker, missing, tables};

/// Tiny: what is shown is that it runs, not how fast.
const PREFIXES: usize = 1000;

/// All but the one whose wait is long.
const EVENTS: [Event; 7] =
    [Event::Down, Event::Carrier, Event::Deleted, Event::Silent, Event::Killed, Event::TwinLost, Event::LastTunnel];

fn measured(speaker: Speaker, settings: &Settings) -> Result<Vec<Row>> {
    let plan = Plan { prefixes: vec![PREFIXES], speakers: vec![speaker], events: EVENTS.to_vec(), rounds: 1 };
    let mut rows = Vec::new();
    failover::run(&plan, settings, |row| {
        rows.push(row.clone());
        Ok(())
    })?;
    Ok(rows)
}

#[test]
fn every_failover_is_measured_with_all_three_speakers_and_none_of_our_flows_moves_without_need() -> Result<()> {
    let program = Path::new(env!("CARGO_BIN_EXE_twinspan"));
    let settings = Settings {
        programs: program.parent().context("a program is in a folder")?.to_path_buf(),
        folder: Path::new(env!("CARGO_MANIFEST_DIR")).join("labs/failover"),
        seed: 1,
        flows: 200,
        rate: 500,
        hold: Duration::from_secs(9),
        // A machine that runs three labs at once may be late with a packet.
        bfd: Duration::from_millis(500),
        // And late with a packet of a flow, which is then no reason to move it.
        idle: Duration::from_secs(30),
        rest: Duration::ZERO,
    };
    let with = &settings;
    let rows: Vec<Row> = thread::scope(|scope| {
        let all = Speaker::ALL.map(|speaker| scope.spawn(move || measured(speaker, with)));
        let all = all.map(|thread| thread.join().expect("a measurement does not panic"));
        all.into_iter().collect::<Result<Vec<_>>>().map(|rows| rows.concat())
    })?;
    let text = tables(&rows);
    eprintln!("{text}");
    assert_eq!(missing(&rows, &Speaker::ALL, &EVENTS, &[PREFIXES], 1), Vec::<String>::new());
    assert!(!text.contains("not measured"), "{text}");
    let ours = rows.iter().filter_map(|row| match row {
        Row::Failover(outcome) if outcome.speaker == Speaker::Twinspan => Some(outcome),
        _ => None,
    });
    for outcome in ours {
        assert!(outcome.settled, "{outcome:?}");
        assert_eq!((outcome.traffic.moved, outcome.traffic.moved_back.unwrap_or_default()), (0, 0), "{outcome:?}");
    }
    Ok(())
}
