use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::Path,
};

use tokio::sync::oneshot;

use super::{
    super::api::{ApiError, Done, ErrorCode, Event, EventLevel, EventQuery, Events, Reply, Request, Reset},
    BindError, Client, ClientError, Page, Socket,
};

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

async fn echo(request: Request) -> Result<Reply, ApiError> {
    match request {
        Request::Neighbor(name) => Err(ApiError::no_neighbor(name)),
        request => Ok(Reply::Done(Done { message: format!("{request:?}") })),
    }
}

/// Runs `ask` against a server on `path`, stops the server, and gives what `ask` gave.
async fn against_a_server<T>(path: &Path, ask: impl AsyncFnOnce(Client) -> T) -> T {
    let (stop, stopped) = oneshot::channel::<()>();
    let socket = Socket::bind(path).unwrap();
    let server = tokio::spawn(socket.serve(echo, async {
        let _ = stopped.await;
    }));
    let answer = ask(Client::new(path)).await;
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn a_question_gets_its_answer_and_the_socket_goes_with_the_server() {
    let dir = dir();
    let path = dir.path().join("made/on/the/way/twinspan.sock");
    let done: Done = against_a_server(&path, async |client| {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        client.ask(&Request::ResetNeighbor("hq-1/in-0".parse().unwrap(), Reset::default())).await.unwrap()
    })
    .await;
    assert_eq!(done.message, "ResetNeighbor(Name(\"hq-1/in-0\"), Session { reason: None, hard: false })");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_refusal_arrives_with_its_code_and_hint() {
    let dir = dir();
    let refused = against_a_server(&dir.path().join("s"), async |client| {
        client.fetch(&Request::Neighbor("nobody".parse().unwrap())).await.unwrap_err()
    })
    .await;
    let ClientError::Refused(error) = refused else { panic!("{refused:?}") };
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.hint.is_some());
}

#[tokio::test]
async fn the_socket_of_a_live_daemon_is_not_taken() {
    let dir = dir();
    let path = dir.path().join("s");
    against_a_server(&path, async |client| {
        assert!(matches!(Socket::bind(&path), Err(BindError::Live(_))));
        client.fetch(&Request::Gateway).await.expect("the first one still answers");
    })
    .await;
}

#[tokio::test]
async fn the_socket_that_a_dead_daemon_left_is_replaced() {
    let dir = dir();
    let path = dir.path().join("s");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let error = Client::new(&path).fetch(&Request::Gateway).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { ref message, .. } if message.contains("nobody listens")));
    against_a_server(&path, async |client| client.fetch(&Request::Gateway).await.unwrap()).await;
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_alone() {
    let dir = dir();
    let path = dir.path().join("s");
    fs::write(&path, "precious").unwrap();
    assert!(matches!(Socket::bind(&path), Err(BindError::Occupied(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn a_server_that_stops_late_leaves_its_successors_socket() {
    let dir = dir();
    let path = dir.path().join("s");
    let first = Socket::bind(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let _second = Socket::bind(&path).unwrap();
    drop(first);
    assert!(path.exists());
}

#[tokio::test]
async fn a_daemon_that_is_not_there_is_unreachable_by_the_name_of_its_socket() {
    let dir = dir();
    let path = dir.path().join("none");
    let error = Client::new(&path).fetch(&Request::Gateway).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { ref message, .. } if message.contains("none")));
}

#[tokio::test]
async fn over_tcp_all_that_only_shows_is_answered_and_nothing_else() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let page = Page::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = page.address().unwrap();
    let handler = |request| async {
        match request {
            Request::Metrics => Ok(Reply::Metrics("twinspan_warnings 0\n".to_owned())),
            request => echo(request).await,
        }
    };
    let server = tokio::spawn(page.serve(handler, tokio::sync::watch::channel(0).1));
    let ask = async |line: &str| {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let metrics = ask("GET /metrics").await;
    assert!(metrics.contains("text/plain; version=0.0.4") && metrics.ends_with("twinspan_warnings 0\n"), "{metrics}");
    let shown = ask("GET /v1/gateway").await;
    assert!(shown.starts_with("HTTP/1.1 200") && shown.contains("Gateway"), "{shown}");
    for order in ["POST /v1/neighbors/x/reset", "POST /v1/reload", "DELETE /v1/gateway"] {
        let refused = ask(order).await;
        assert!(refused.starts_with("HTTP/1.1 405") && refused.contains("method_not_allowed"), "{order}: {refused}");
    }
    server.abort();
}

#[tokio::test]
async fn events_are_told_as_they_happen_until_the_daemon_goes() {
    use std::{ops::ControlFlow, sync::Arc, sync::Mutex};
    let dir = dir();
    let path = dir.path().join("s");
    let (stop, stopped) = oneshot::channel::<()>();
    let (told, news) = tokio::sync::watch::channel(1);
    let ring = Arc::new(Mutex::new(vec![event(1)]));
    let known = Arc::clone(&ring);
    let handler = move |request: Request| {
        std::future::ready(match request {
            Request::Events(query) => {
                let events = known.lock().unwrap().iter().filter(|event| query.wants(event)).cloned().collect();
                Ok(Reply::Events(Events { events, forgotten: 0 }))
            }
            other => Err(ApiError::bad_request(format!("{other:?}"))),
        })
    };
    let socket = Socket::bind(&path).unwrap();
    let server = tokio::spawn(socket.serve_events(handler, news, async {
        let _ = stopped.await;
    }));
    let client = Client::new(&path);
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let follower = tokio::spawn(async move {
        let each = |event: Event| {
            heard.send(event.id).unwrap();
            ControlFlow::Continue(())
        };
        client.follow(&EventQuery { after: Some(0), ..EventQuery::default() }, each).await
    });
    assert_eq!(hears.recv().await, Some(1), "what is asked for comes first");
    for id in 2..=3 {
        ring.lock().unwrap().push(event(id));
        told.send(id).unwrap();
        assert_eq!(hears.recv().await, Some(id));
    }
    drop(told);
    let ended = follower.await.unwrap();
    assert!(matches!(ended, Err(ClientError::Unreachable { .. })), "{ended:?}");
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

fn event(id: u64) -> Event {
    Event {
        id,
        at: "2026-11-21T03:12:07.123Z".parse().unwrap(),
        event: "tunnel.down".into(),
        level: EventLevel::Warning,
        about: None,
        text: "why".into(),
    }
}
