//! Events as they happen: `GET /v1/events` by who accepts `text/event-stream` (server-sent events).
//!
//! Nothing is kept here for a slow reader: each time, what is new is asked of the daemon, which remembers some thousand. A
//! reader that is slower than that sees a gap in the ids.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::Channel;
use tokio::{sync::watch, time::timeout};

use super::super::api::{ApiError, Event, EventQuery, LIMIT_MAX, Reply, Request};

/// The content type of server-sent events.
pub(super) const EVENT_STREAM: &str = "text/event-stream";

/// So often a silent stream says that it is there, so that a reader who has gone is noticed.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// True if these headers ask for a stream.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with(EVENT_STREAM))
}

/// The last event that a reader saw before it lost the connection.
pub(super) fn last_seen(headers: &HeaderMap) -> Option<u64> {
    headers.get("last-event-id")?.to_str().ok()?.trim().parse().ok()
}

/// The events that are asked for, and then each one as it happens, until the daemon or the reader goes. `news` says the id
/// of the newest; without `after` and `since` nothing older than now is told.
pub(super) fn follow<H, F>(handler: Arc<H>, mut news: watch::Receiver<u64>, mut query: EventQuery) -> Response
where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply, ApiError>> + Send + 'static,
{
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(16);
    if query.after.is_none() && query.since.is_none() {
        query.after = Some(*news.borrow_and_update());
    }
    query.limit = LIMIT_MAX;
    tokio::spawn(async move {
        loop {
            let known = *news.borrow_and_update();
            let Ok(Reply::Events(found)) = handler(Request::Events(query.clone())).await else { return };
            let newest = found.events.last().map(|event| event.id);
            for event in &found.events {
                if sender.send_data(written(event)).await.is_err() {
                    return;
                }
            }
            query.after = query.after.max(newest).max(Some(known));
            match timeout(SIGN_OF_LIFE, news.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                Err(_) => {
                    if sender.send_data(Bytes::from_static(b": still here\n\n")).await.is_err() {
                        return;
                    }
                }
            }
        }
    });
    let headers = [(header::CONTENT_TYPE, EVENT_STREAM), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::new(body)).into_response()
}

/// One event as the stream has it. JSON has no line ends of its own.
fn written(event: &Event) -> Bytes {
    let data = serde_json::to_string(event).unwrap_or_default();
    Bytes::from(format!("id: {}\nevent: {}\ndata: {data}\n\n", event.id, event.event))
}

/// Cuts a stream into events again.
#[derive(Debug, Default)]
pub(super) struct Reader(Vec<u8>);

impl Reader {
    /// The events that are whole with these octets; what is none is skipped.
    pub(super) fn take(&mut self, octets: &[u8]) -> Vec<Event> {
        self.0.extend_from_slice(octets);
        let mut events = Vec::new();
        while let Some(end) = self.0.windows(2).position(|two| two == b"\n\n") {
            let block: Vec<u8> = self.0.drain(..end + 2).collect();
            let text = String::from_utf8_lossy(&block);
            let data = text.lines().find_map(|line| line.strip_prefix("data: "));
            events.extend(data.and_then(|data| serde_json::from_str(data).ok()));
        }
        events
    }
}
