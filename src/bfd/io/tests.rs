#![allow(clippy::unwrap_used)] // a test may stop where it stands

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::Path,
    time::Duration,
};

use tokio::sync::mpsc;

use super::protocol::{FromAgent, Handed, ToAgent, line};
use super::{Client, News, handover, socket_beside};
use crate::bfd::{Algorithm, KeyFile, Path as Between, Plan, Report, Status};

#[test]
fn the_agents_socket_is_named_after_the_daemons() {
    let beside = socket_beside(Path::new("/run/twinspan/twinspan.sock"));
    assert_eq!(beside, Path::new("/run/twinspan/twinspan.bfd.sock"));
}

#[test]
fn what_is_said_is_one_line_and_understood() {
    let path =
        Between { local: "fe80::1".parse().unwrap(), remote: "fe80::2".parse().unwrap(), interface: None, hops: 1 };
    let key = KeyFile { id: 1, algorithm: Algorithm::KeyedSha1, file: "/a\nb".into() };
    let plan = Plan {
        path: path.clone(),
        interval: Duration::from_millis(100),
        multiplier: 3,
        passive: false,
        key: Some(key),
        absence: Duration::from_secs(10),
    };
    let said = line(&ToAgent::Sessions(vec![plan.clone()]));
    assert_eq!(said.iter().filter(|octet| **octet == b'\n').count(), 1);
    assert!(matches!(serde_json::from_slice(&said).unwrap(), ToAgent::Sessions(heard) if heard == [plan]));
    let report = Report { path, status: Status::default(), age: Duration::ZERO };
    let said = line(&FromAgent::Report(report.clone()));
    assert!(matches!(serde_json::from_slice(&said).unwrap(), FromAgent::Report(heard) if heard == report));
}

fn plan() -> Plan {
    let path =
        Between { local: "192.0.2.1".parse().unwrap(), remote: "192.0.2.2".parse().unwrap(), interface: None, hops: 1 };
    let (interval, absence) = (Duration::from_millis(100), Duration::from_secs(10));
    Plan { path, interval, multiplier: 3, passive: false, key: None, absence }
}

/// An agent that says this first, and then hands over what it is told to.
fn agent(socket: &Path, greeting: &'static str, handed: Vec<String>) -> std::thread::JoinHandle<Vec<String>> {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(greeting.as_bytes()).unwrap();
        let mut heard = Vec::new();
        let mut answers = handed.into_iter();
        for line in BufReader::new(stream.try_clone().unwrap()).lines() {
            heard.push(line.unwrap());
            if let Some(answer) = answers.next() {
                stream.write_all(answer.as_bytes()).unwrap();
            }
        }
        heard
    })
}

#[test]
fn an_agent_that_speaks_another_version_is_asked_to_hand_over_to_one_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, words) = (folder.path().join("bfd.sock"), folder.path().join("words"));
    let program = folder.path().join("program");
    std::fs::write(&program, format!("#!/bin/sh\necho \"$@\" > {}; exit 7\n", words.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let greeting = "{\"hello\":{\"version\":99,\"build\":\"9.9\",\"pid\":1,\"sessions\":1,\"preferred\":true}}\n";
    let heard = agent(&socket, greeting, Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (news, mut told) = mpsc::unbounded_channel();
        let client = Client::start(program, socket.clone(), news);
        client.want(vec![plan()]);
        let Some(News::Lost(reason)) = told.recv().await else { panic!() };
        assert!(reason.contains("it speaks version 99") && reason.contains("exit status: 7"), "{reason}");
    });
    let words = std::fs::read_to_string(words).unwrap();
    assert_eq!(words.trim(), format!("bfd-agent --socket {} --take-over", socket.display()));
    let heard = heard.join().unwrap();
    assert!(heard.len() == 1 && heard[0].contains("hello"), "nothing that it could misunderstand: {heard:?}");
}

#[test]
fn an_agent_asks_whether_it_understands_before_it_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bfd.sock");
    let handed =
        || String::from_utf8(line(&FromAgent::Handed(Handed { plans: vec![plan()], ..Handed::default() }))).unwrap();
    let talking = "{\"hello\":{\"version\":99}}\n{\"song\":\"of another version\"}\n";
    let one = agent(&socket, talking, vec![handed(), handed()]);
    assert_eq!(handover::take(&socket).unwrap().plans, [plan()]);
    assert_eq!(one.join().unwrap(), ["{\"hand_over\":{\"now\":false}}", "{\"hand_over\":{\"now\":true}}"]);

    std::fs::remove_file(&socket).unwrap();
    let other = agent(&socket, talking, vec!["{\"handed\":{\"strange\":1}}\n".to_owned()]);
    assert!(handover::take(&socket).is_err());
    assert_eq!(other.join().unwrap().len(), 1, "it goes on as if nobody had asked");
}
