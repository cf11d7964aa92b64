//! The command line as it is typed: the real program, the real client and the real server, and answers of cardboard.

#![allow(clippy::unwrap_used)] // a test may end where its premise does not hold

mod fake;

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use fake::{Answer, Daemon, empty, large, program, samples, twinspan};
use twinspan::control::api::{ApiError, Fault, FaultSeverity, Routes};

fn shows(words: &[&str], expected: &str) {
    let answer = Daemon::start(samples).ask(words);
    assert_eq!(answer.err, "");
    assert_eq!(answer.status, 0);
    assert_eq!(answer.out, expected, "\n{}", answer.out);
}

#[test]
fn the_gateways_page_says_what_is_wrong_last() {
    shows(&["show", "gateway"], include_str!("expected/gateway.txt"));
}

#[test]
fn a_plan_says_what_changes_whose_session_ends_and_what_far_ends_must_change() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config/dual-redundancy.toml");
    let answer = Daemon::start(samples).ask(&["plan", file]);
    assert_eq!(answer.out, include_str!("expected/plan.txt"), "\n{}", answer.out);
    assert_eq!(answer.status, 1, "something in the sample takes a restart");
    let answer = Daemon::start(samples).ask(&["reload", "--confirm-within", "1m"]);
    let expected =
        format!("{}it goes back by itself in 60 s: twinspan confirm keeps it\n", include_str!("expected/plan.txt"));
    assert_eq!((answer.status, answer.out), (0, expected));
    shows(&["reload", "--json"], include_str!("../../src/control/snapshots/plan.json"));
    shows(&["confirm"], "the configuration of the last reload stays\n");
}

#[test]
fn a_plan_of_a_file_with_faults_is_refused_with_all_of_them_and_without_a_daemon_it_is_status_3() {
    let wrong = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config/wrong.toml");
    let answer = Daemon::start(samples).ask(&["plan", wrong]);
    assert_eq!((answer.status, answer.out.as_str()), (1, ""));
    assert!(answer.err.contains("error[") && answer.err.contains("cannot be used"), "{}", answer.err);
    let right = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config/dual-redundancy.toml");
    let answer = twinspan(Some("/nonexistent/socket".as_ref()), &["plan", right]);
    assert_eq!(answer.status, 3);
    assert!(answer.err.contains("the daemon is not running"), "{}", answer.err);
    assert_eq!(twinspan(None, &["reload", "--confirm-within", "soon"]).status, 2);
}

#[test]
fn a_reload_that_is_refused_for_the_file_tells_every_fault_with_its_place() {
    let daemon = Daemon::start(|_| {
        let mut error = ApiError::bad_request("gateway.toml cannot be used: 1 error; nothing was changed");
        error.faults.push(Fault {
            severity: FaultSeverity::Error,
            code: "reserved-asn".to_owned(),
            message: "23456 can be nobody's AS number".to_owned(),
            help: "use the AS number that was assigned".to_owned(),
            file: "gateway.toml".to_owned(),
            line: 5,
            column: 7,
        });
        Err(error)
    });
    let answer = daemon.ask(&["reload"]);
    assert_eq!((answer.status, answer.out.as_str()), (1, ""));
    assert!(answer.err.starts_with("gateway.toml:5:7: error[reserved-asn]: 23456"), "{}", answer.err);
}

#[test]
fn tunnels_stand_beside_their_sessions_and_say_why_they_are_down() {
    shows(&["show", "tunnels"], include_str!("expected/tunnels.txt"));
}

#[test]
fn one_tunnel_is_shown_with_who_is_against_it_and_what_became_of_it() {
    shows(&["show", "tunnel", "hq-1/in-0"], include_str!("expected/tunnel.txt"));
}

#[test]
fn events_say_when_it_was_and_why() {
    shows(&["show", "events"], include_str!("expected/events.txt"));
    shows(&["show", "events", "--since", "10m", "hq-1/in-0", "--limit", "5"], include_str!("expected/events.txt"));
    let daemon = Daemon::start(empty);
    assert_eq!(daemon.ask(&["show", "events", "--since", "yesterday"]).status, 2);
    assert_eq!(daemon.ask(&["show", "events"]).out, "no such events are remembered\n");
}

#[test]
fn events_are_watched_one_a_line_until_the_count_or_the_end_of_the_daemon() {
    let daemon = Daemon::start(samples);
    let words = ["watch", "--since", "2026-11-21T03:00:00Z", "--count", "2"];
    let answer = daemon.ask(&words);
    assert_eq!((answer.status, answer.err.as_str()), (0, ""));
    let lines: Vec<_> = answer.out.lines().collect();
    assert!(lines[0].starts_with("2026-11-21T03:12:07.123Z  tunnel.down  hq-1/in-0  tunnel hq-1/in-0 is down"));
    let json = daemon.ask(&[&words[..], &["--json"]].concat()).out;
    let event: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!((&event["id"], &event["event"]), (&41.into(), &"tunnel.down".into()));
}

#[test]
fn a_hook_says_of_which_tunnel_and_why() {
    shows(&["tunnel", "down", "hq-1/in-0", "--reason", "line 2"], "down hq-1/in-0: Some(\"line 2\")\n");
    shows(&["tunnel", "up", "hq-1/in-0"], "up hq-1/in-0: None\n");
}

#[test]
fn neighbors_say_why_a_session_is_down_and_when_it_is_tried_again() {
    shows(&["show", "neighbors"], include_str!("expected/neighbors.txt"));
}

#[test]
fn one_neighbor_is_shown_with_all_that_is_known() {
    shows(&["show", "neighbor", "hq-1/in-0"], include_str!("expected/neighbor.txt"));
}

#[test]
fn routes_show_every_path_and_why_one_is_not_used() {
    shows(&["show", "routes"], include_str!("expected/routes.txt"));
}

#[test]
fn one_route_is_found_by_its_prefix_and_by_an_address_and_says_how_the_kernel_sends_it() {
    shows(&["show", "route", "10.52.0.0/24"], include_str!("expected/route.txt"));
    shows(&["show", "route", "10.52.0.77"], include_str!("expected/route.txt"));
    shows(&["show", "route", "2001:db8:52::/48"], include_str!("expected/route_own.txt"));
    shows(&["show", "route", "192.0.2.1"], "no route to 192.0.2.1\n");
    let other = "no route to 192.0.2.0/24 itself; for the one that packets take: twinspan show routes 192.0.2.0\n";
    shows(&["show", "route", "192.0.2.0/24"], other);
}

#[test]
fn the_kernels_groups_and_routes_are_shown_with_what_it_refused() {
    shows(&["show", "fib"], include_str!("expected/fib.txt"));
    shows(&["show", "fib", "--routes"], include_str!("expected/fib_routes.txt"));
}

#[test]
fn json_is_the_document_that_the_api_promises() {
    shows(&["show", "gateway", "--json"], include_str!("../../src/control/snapshots/gateway.json"));
    shows(&["show", "tunnels", "--json"], include_str!("../../src/control/snapshots/tunnels.json"));
    shows(&["show", "tunnels", "hq-1/in-0", "--json"], include_str!("../../src/control/snapshots/tunnel.json"));
    shows(&["show", "events", "--json"], include_str!("../../src/control/snapshots/events.json"));
    shows(&["show", "neighbors", "--json"], include_str!("../../src/control/snapshots/neighbors.json"));
    shows(&["show", "neighbors", "hq-1/in-0", "--json"], include_str!("../../src/control/snapshots/neighbor.json"));
    shows(&["show", "fib", "--json"], include_str!("../../src/control/snapshots/fib.json"));
    shows(&["show", "fib", "--routes", "--json"], include_str!("../../src/control/snapshots/fib_routes.json"));
}

#[test]
fn empty_lists_say_so_in_words_and_stay_lists_in_json() {
    let daemon = Daemon::start(empty);
    let said = |words: &[&str]| {
        let answer = daemon.ask(words);
        assert_eq!((answer.status, answer.err.as_str()), (0, ""));
        answer.out
    };
    assert_eq!(said(&["show", "tunnels"]), "no tunnels: the file gives this instance none\n");
    assert_eq!(said(&["show", "neighbors"]), "no neighbors: the file gives this instance none\n");
    assert_eq!(said(&["show", "routes"]), "no routes\n");
    assert_eq!(said(&["show", "routes", "--neighbor", "hq-1/in-0"]), "no such routes\n");
    assert_eq!(said(&["show", "fib", "--routes"]), "no routes of ours in the kernel\n");
    assert!(said(&["show", "gateway"]).ends_with("warnings  none\n"));
    let page: Routes = serde_json::from_str(&said(&["show", "routes", "--json"])).unwrap();
    assert!(page.routes.is_empty());
}

#[test]
fn a_long_table_shows_its_first_thousand_and_says_how_to_see_all() {
    let daemon = Daemon::start(large(25_000));
    let answer = daemon.ask(&["show", "routes"]);
    assert_eq!(answer.status, 0);
    assert_eq!(answer.out.lines().count(), 1 + 2 * 1_000);
    assert_eq!(answer.err, "shown are the first 1,000 of 25,000 prefixes; add --all to see all\n");
    let answer = daemon.ask(&["show", "routes", "--all"]);
    assert_eq!((answer.out.lines().count(), answer.err.as_str()), (1 + 2 * 25_000, ""));
    assert_eq!(answer.out.lines().filter(|line| line.starts_with("PREFIX")).count(), 1);
    let answer = daemon.ask(&["show", "routes", "--limit", "12000"]);
    assert_eq!(answer.out.lines().count(), 1 + 2 * 12_000);
}

#[test]
fn all_routes_as_json_are_one_document_with_each_prefix_once() {
    let daemon = Daemon::start(large(25_000));
    let read = |words: &[&str]| -> Routes { serde_json::from_str(&daemon.ask(words).out).unwrap() };
    let page = read(&["show", "routes", "--all", "--json"]);
    assert_eq!((page.routes.len(), page.next), (25_000, None));
    assert!(page.routes.is_sorted_by(|one, two| one.prefix < two.prefix));
    let page = read(&["show", "routes", "--json"]);
    assert_eq!((page.routes.len(), page.next), (1_000, Some(page.routes[999].prefix)));
}

#[test]
fn who_reads_only_the_head_of_a_table_is_no_failure() {
    let daemon = Daemon::start(large(25_000));
    for format in [&["--all"][..], &["--all", "--json"]] {
        let mut child = program(Some(&daemon.socket()))
            .args(["show", "routes"])
            .args(format)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    }
}

#[test]
fn a_reset_says_what_was_done() {
    let session = "reset hq-1/in-0: Session { reason: None, hard: false }\n";
    shows(&["reset", "neighbor", "hq-1/in-0"], session);
    let session = "reset hq-1/in-0: Session { reason: Some(\"new card & fan\"), hard: true }\n";
    shows(&["reset", "neighbor", "hq-1/in-0", "--hard", "--reason", "new card & fan"], session);
    shows(&["reset", "neighbor", "hq-1/in-0", "--soft"], "reset hq-1/in-0: Soft(Both)\n");
    shows(&["reset", "neighbor", "hq-1/in-0", "--soft", "in"], "reset hq-1/in-0: Soft(In)\n");
}

#[test]
fn a_refusal_is_status_1_with_its_hint() {
    let Answer { status, out, err } = Daemon::start(samples).ask(&["show", "neighbors", "hq-9"]);
    assert_eq!((status, out.as_str()), (1, ""));
    assert_eq!(err, "error: there is no neighbor \"hq-9\"\nhint: see all: twinspan show neighbors\n");
}

#[test]
fn wrong_usage_is_status_2() {
    for words in [
        &["show", "neighbors", "two words"][..],
        &["show", "routes", "10.1.2.3/16"],
        &["show", "routes", "nonsense"],
        &["show", "routes", "--family", "ipx"],
        &["show", "routes", "--limit", "-1"],
        &["show", "routes", "--all", "--limit", "5"],
        &["show", "fib", "--all"],
        &["show"],
        &["run"],
        &["dance"],
        &["run", "-c", "x", "--log", "twinspan=loud"],
    ] {
        let answer = twinspan(None, words);
        assert_eq!((answer.status, answer.out.as_str()), (2, ""), "{words:?}: {}", answer.err);
        assert!(!answer.err.is_empty());
    }
    assert!(twinspan(None, &["show", "routes", "10.1.2.3/16"]).err.contains("write 10.1.0.0/16"));
}

#[test]
fn a_daemon_that_is_not_there_is_status_3_and_its_socket_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("none.sock");
    let name = socket.to_str().unwrap();
    for words in [&["show", "neighbors"][..], &["show", "routes", "--json"], &["reset", "neighbor", "hq-1"]] {
        let answer = twinspan(Some(&socket), words);
        assert_eq!((answer.status, answer.out.as_str()), (3, ""));
        assert!(answer.err.starts_with(&format!("error: the daemon is not running: there is no socket {name}\n")));
        assert_eq!(answer.err.lines().count(), 2, "one sentence and the way out");
    }
    let answer = program(None).env("TWINSPAN_SOCKET", &socket).args(["show", "fib"]).output().unwrap();
    assert_eq!(answer.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&answer.stderr).contains(name));
}

#[test]
fn what_answers_otherwise_than_a_daemon_is_a_failure_and_no_panic() {
    let daemon = Daemon::start(|_| Err(ApiError::unavailable("the daemon is stopping").hint("wait")));
    let answer = daemon.ask(&["show", "gateway"]);
    assert_eq!((answer.status, answer.err.as_str()), (1, "error: the daemon is stopping\nhint: wait\n"));
}

#[test]
fn check_tells_every_fault_on_standard_error_and_fails() {
    let good = twinspan(None, &["check", "tests/config/dual-redundancy.toml"]);
    assert_eq!((good.status, good.err.as_str()), (0, ""), "{good:?}");
    assert_eq!(good.out, "tests/config/dual-redundancy.toml: no faults\n");
    let bad = twinspan(None, &["check", "tests/config/wrong.toml"]);
    assert_eq!(bad.status, 1);
    assert!(bad.out.starts_with("tests/config/wrong.toml cannot be used: "), "{}", bad.out);
    assert!(bad.err.contains("tests/config/wrong.toml:"), "{}", bad.err);
    let json = twinspan(None, &["check", "--json", "tests/config/wrong.toml"]);
    assert_eq!((json.status, json.err.as_str()), (1, ""));
    let report: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(report["ok"], false);
    let missing = twinspan(None, &["check", "/none/such.toml"]);
    assert_eq!(missing.status, 1);
    assert!(missing.err.starts_with("error: cannot read /none/such.toml: "));
}

#[test]
fn a_daemon_that_cannot_start_says_why_in_one_sentence() {
    let missing = twinspan(None, &["run", "-c", "/none/such.toml", "--instance", "in-0"]);
    assert_eq!((missing.status, missing.out.as_str()), (1, ""));
    assert!(missing.err.starts_with("error: cannot read /none/such.toml: "), "{}", missing.err);
    let bad = twinspan(None, &["run", "-c", "tests/config/wrong.toml", "--instance", "in-0"]);
    assert_eq!(bad.status, 1);
    let checked = twinspan(None, &["check", "tests/config/wrong.toml"]);
    assert!(bad.err.starts_with(&checked.err), "the same faults as check tells: {}", bad.err);
    assert!(bad.err.contains("error: tests/config/wrong.toml cannot be used: "), "{}", bad.err);
}

#[test]
fn completions_are_made_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let answer = twinspan(None, &["completions", shell]);
        assert_eq!(answer.status, 0);
        assert!(answer.out.contains("neighbors"), "{shell}");
    }
}

#[test]
fn help_and_version_are_no_failures() {
    assert_eq!(twinspan(None, &["--version"]).out, format!("twinspan {}\n", env!("CARGO_PKG_VERSION")));
    let help = twinspan(None, &["--help"]);
    assert_eq!((help.status, help.err.as_str()), (0, ""));
    assert!(help.out.contains("Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 daemon not reachable."));
}
