//! Real commands.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::super::{Command, LastLine, Outcome, Ran, RunId};
use super::Runner;

/// Long enough for what ends by itself.
const LONG: Duration = Duration::from_secs(60);

fn run(words: &[&str], limit: Duration) -> Ran {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (told, mut heard) = mpsc::unbounded_channel();
        let command = Command::new(words.iter().map(ToString::to_string).collect()).unwrap();
        Runner::new(told, vec![("WHO".to_owned(), "in-0".to_owned())]).run(RunId(7), command, limit);
        let (id, ran) = heard.recv().await.unwrap();
        assert_eq!(id, RunId(7));
        ran
    })
}

#[test]
fn a_command_says_how_it_ended_and_its_last_line() {
    let ran = run(&["sh", "-c", "echo first; echo; echo \"$WHO is ill\" >&2; echo; exit 3"], LONG);
    assert_eq!((ran.outcome.clone(), ran.said.as_str()), (Outcome::Failed(3), "in-0 is ill"));
    assert_eq!(ran.to_string(), "it ended with status 3: in-0 is ill");
    assert!(!ran.succeeded() && run(&["true"], LONG).succeeded());
    assert_eq!(run(&["sh", "-c", "kill -KILL $$"], LONG).outcome, Outcome::Killed(9));
    let missing = run(&["/no/such/program"], LONG);
    assert!(matches!(missing.outcome, Outcome::NotStarted(_)), "{missing:?}");
}

#[test]
fn a_word_is_a_word_whatever_is_in_it() {
    assert_eq!(run(&["echo", "$(id); a  b"], LONG).said, "$(id); a  b");
    assert_eq!(Command::new(vec![String::new()]), None);
    assert_eq!(Command::new(vec!["a\0b".to_owned()]), None);
}

#[test]
fn a_command_that_takes_too_long_ends_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    // The child of the child holds the pipe open, and would hold up who waits for the end of the output.
    let script = format!("sleep 300 & echo $! >{}; echo begun; wait", file.display());
    let began = Instant::now();
    let ran = run(&["sh", "-c", &script], Duration::from_secs(2));
    assert_eq!((ran.outcome, ran.said.as_str()), (Outcome::Late(Duration::from_secs(2)), "begun"));
    assert!(began.elapsed() < Duration::from_secs(60), "it was waited for: {:?}", began.elapsed());
    let pid: i32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
    let gone = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ") // nobody may have waited for it yet
    };
    while !gone() {
        assert!(began.elapsed() < Duration::from_secs(60), "what it started runs on");
        std::thread::yield_now();
    }
}

#[test]
fn who_is_left_behind_by_a_command_that_ended_is_not_waited_for() {
    let began = Instant::now();
    let ran = run(&["sh", "-c", "sleep 300 & echo $!"], LONG);
    assert_eq!(ran.outcome, Outcome::Done);
    assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
    let left = nix::unistd::Pid::from_raw(ran.said.parse().unwrap());
    nix::sys::signal::kill(left, nix::sys::signal::Signal::SIGKILL).expect("it was let go, and lives");
}

#[test]
fn of_endless_output_the_last_line_is_kept_and_nothing_waits_for_it() {
    let ran = run(&["sh", "-c", "yes | head -c 1000000; echo the end"], LONG);
    assert_eq!(ran.said, "the end");
    let mut line = LastLine::default();
    line.push(&[b'x'; 10_000]);
    assert_eq!(line.text().len(), 200);
    line.push(b"\n\x1b[31mred\x07");
    assert_eq!(line.text(), "[31mred");
}
