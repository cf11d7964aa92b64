//! The client: one question, one connection, one answer.

use std::{
    convert::Infallible,
    fs, io,
    ops::ControlFlow,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request as HttpRequest, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use nix::unistd::{Gid, Group};
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::super::api::{ApiError, ErrorBody, Event, EventQuery, Request};
use super::stream::{EVENT_STREAM, Reader};

/// How long a daemon may be silent; longer than its own limit for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody there, or nobody whom we may ask.
    #[error("{message}")]
    Unreachable {
        /// One sentence with the socket's path.
        message: String,
        /// The way out.
        hint: String,
    },
    /// The daemon answered that it will not.
    #[error("{0}")]
    Refused(ApiError),
    /// Something answered that is not this API, or broke off.
    #[error("{} does not answer as twinspan does: {why}", .socket.display())]
    Garbled {
        /// Which socket.
        socket: PathBuf,
        /// What was wrong.
        why: String,
    },
}

/// Asks the daemon behind one socket.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// A client for this socket; nothing is opened yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// Asks, and reads the answer as what belongs to the question.
    pub async fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T, ClientError> {
        let body = self.fetch(request).await?;
        serde_json::from_slice(&body).map_err(|error| self.garbled(&error))
    }

    /// Asks, and gives the answer's octets: one JSON document with a line end.
    pub async fn fetch(&self, request: &Request) -> Result<Bytes, ClientError> {
        let (status, body) =
            tokio::time::timeout(PATIENCE, self.exchange(request)).await.map_err(|_| ClientError::Unreachable {
                message: format!("{} has not answered for {} s", self.socket.display(), PATIENCE.as_secs()),
                hint: "the daemon is there but stuck; its log says more".into(),
            })??;
        if status.is_success() {
            return Ok(body);
        }
        match serde_json::from_slice::<ErrorBody>(&body) {
            Ok(refusal) => Err(ClientError::Refused(refusal.error)),
            Err(_) => Err(self.garbled(&format!("HTTP status {status}"))),
        }
    }

    /// Asks for events as they happen, and hands each to `each` until that says that it is enough, or the daemon goes.
    pub async fn follow(
        &self,
        query: &EventQuery,
        mut each: impl FnMut(Event) -> ControlFlow<()>,
    ) -> Result<(), ClientError> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| unreachable(&self.socket, &error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.garbled(&error))?;
        let driven = tokio::spawn(connection);
        let (method, target) = Request::Events(query.clone()).target();
        let question = HttpRequest::builder()
            .method(method.as_str())
            .uri(target)
            .header(header::HOST, "twinspan")
            .header(header::ACCEPT, EVENT_STREAM)
            .body(Full::new(Bytes::new()))
            .map_err(|error| self.garbled(&error))?;
        let mut response = sender.send_request(question).await.map_err(|error| self.garbled(&error))?;
        if !response.status().is_success() {
            return Err(self.garbled(&format!("HTTP status {}", response.status())));
        }
        let mut reader = Reader::default();
        while let Some(frame) = response.frame().await {
            // A daemon that ends breaks off.
            let Ok(Ok(octets)) = frame.map(hyper::body::Frame::into_data) else { break };
            for event in reader.take(&octets) {
                if each(event).is_break() {
                    driven.abort();
                    return Ok(());
                }
            }
        }
        Err(ClientError::Unreachable {
            message: format!("the daemon at {} has ended", self.socket.display()),
            hint: "its log says why".into(),
        })
    }

    async fn exchange(&self, request: &Request) -> Result<(hyper::StatusCode, Bytes), ClientError> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| unreachable(&self.socket, &error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.garbled(&error))?;
        let (method, target) = request.target();
        let question = HttpRequest::builder()
            .method(method.as_str())
            .uri(target)
            .header(header::HOST, "twinspan")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(request.body().unwrap_or_default())))
            .map_err(|error| self.garbled(&error))?;
        let talk = async {
            let response = sender.send_request(question).await?;
            let status = response.status();
            Ok::<_, hyper::Error>((status, response.into_body().collect().await?.to_bytes()))
        };
        // The connection must be driven while we wait; it may end first, with the answer already handed over.
        let driven = async {
            let _ = connection.await;
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            answer = talk => answer.map_err(|error| self.garbled(&error)),
            never = driven => match never {},
        }
    }

    fn garbled(&self, why: &dyn std::fmt::Display) -> ClientError {
        ClientError::Garbled { socket: self.socket.clone(), why: why.to_string() }
    }
}

/// Says in words what kept us from the socket.
fn unreachable(socket: &Path, error: &io::Error) -> ClientError {
    let shown = socket.display();
    let (message, hint) = match error.kind() {
        io::ErrorKind::NotFound => (
            format!("the daemon is not running: there is no socket {shown}"),
            "start it by twinspan run, or name its socket by --socket or TWINSPAN_SOCKET".to_owned(),
        ),
        io::ErrorKind::ConnectionRefused => (
            format!("the daemon is not running: nobody listens on {shown}, which an earlier one left"),
            "start it by twinspan run; its log says why the last one ended".to_owned(),
        ),
        io::ErrorKind::PermissionDenied => {
            let group = fs::metadata(socket)
                .ok()
                .and_then(|found| Group::from_gid(Gid::from_raw(found.gid())).ok().flatten())
                .map_or_else(|| "its group".to_owned(), |group| format!("the group \"{}\"", group.name));
            (format!("no permission to use {shown}"), format!("run this as root or as a member of {group}"))
        }
        _ => (format!("cannot reach the daemon at {shown}: {error}"), "is --socket right?".to_owned()),
    };
    ClientError::Unreachable { message, hint }
}
