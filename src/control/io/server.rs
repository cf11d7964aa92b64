//! The server: one unix socket, whose every request goes to one handler.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::Request as HttpRequest,
    http::{self, StatusCode, header},
    response::{IntoResponse, Response},
};
use socket2::{Domain, SockAddr, Type};
use tokio::{
    net::{TcpListener, UnixListener},
    sync::watch,
};

use super::super::api::{ApiError, ErrorBody, ErrorCode, EventQuery, Reply, Request, indented};
use super::stream;

/// How long the daemon may take for an answer before the client is told that it does not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest body in octets: a file of some ten thousand devices.
const BODY_MAX: usize = 4 * 1024 * 1024;

/// What Prometheus calls its text.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Who may use the socket: its owner and its group, read and write alike.
const MODE: u32 = 0o660;

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another daemon answers on it.
    #[error("another twinspan is running: it answers on {}; stop it first, or give this one its own --socket", .0.display())]
    Live(PathBuf),
    /// There is a file of that name that nobody made for this.
    #[error("{} is there already and is not a socket; give another --socket", .0.display())]
    Occupied(PathBuf),
    /// The address of the read-only page is not to be had.
    #[error("cannot listen on {address} for `[control] metrics`: {error}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        error: io::Error,
    },
    /// The system refused.
    #[error("cannot {step} {}: {error}", .path.display())]
    System {
        /// What was tried.
        step: &'static str,
        /// With which file.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
}

/// A bound control socket; its file is removed on drop, unless another daemon has put its own there since.
#[derive(Debug)]
pub struct Socket {
    listener: Option<UnixListener>,
    path: PathBuf,
    /// Device and inode of the file.
    id: (u64, u64),
}

impl Socket {
    /// Makes the directory and the socket, mode 0660. A socket that a dead daemon left is replaced, that of a live one
    /// is not. Needs a tokio runtime.
    pub fn bind(path: &Path) -> Result<Self, BindError> {
        let system = |step, path: &Path| {
            let path = path.to_owned();
            move |error| BindError::System { step, path, error }
        };
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(system("make the directory", parent))?;
        }
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => return Err(BindError::Occupied(path.to_owned())),
            Ok(_) if answers(path).map_err(system("look at", path))? => return Err(BindError::Live(path.to_owned())),
            Ok(_) => fs::remove_file(path).map_err(system("remove the left over", path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(system("look at", path)(error)),
        }
        let listener = UnixListener::bind(path).map_err(system("make the socket", path))?;
        fs::set_permissions(path, fs::Permissions::from_mode(MODE)).map_err(system("set the mode of", path))?;
        let made = fs::symlink_metadata(path).map_err(system("look at", path))?;
        Ok(Self { listener: Some(listener), path: path.to_owned(), id: (made.dev(), made.ino()) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Answers until `stop` is done, then finishes what is being answered. The handler may be called many times at
    /// once; what it does not answer within 10 s is answered for it.
    pub async fn serve<H, F>(self, handler: H, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()>
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply, ApiError>> + Send + 'static,
    {
        let (nothing_new, news) = watch::channel(0);
        let served = self.serve_events(handler, news, stop).await;
        drop(nothing_new);
        served
    }

    /// The same with events as they happen, for who wants them so: `news` is the id of the newest. Such answers end when
    /// its sender does.
    pub async fn serve_events<H, F>(
        mut self,
        handler: H,
        news: watch::Receiver<u64>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()>
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply, ApiError>> + Send + 'static,
    {
        let Some(listener) = self.listener.take() else { return Ok(()) };
        let handler = Arc::new(handler);
        let router =
            Router::new().fallback(move |request: HttpRequest| answer(Arc::clone(&handler), news.clone(), request));
        axum::serve(listener, router).with_graceful_shutdown(stop).await
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.id) {
            // Whoever binds next removes what could not be removed here.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The part of the API that only shows, on a TCP address: for Prometheus and for people's browsers.
#[derive(Debug)]
pub struct Page {
    listener: TcpListener,
}

impl Page {
    /// Listens. Needs a tokio runtime.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let bound = TcpListener::bind(address).await;
        bound.map(|listener| Self { listener }).map_err(|error| BindError::Address { address, error })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers what changes nothing, until it is dropped. `news` is as for [`Socket::serve_events`].
    pub async fn serve<H, F>(self, handler: H, news: watch::Receiver<u64>) -> io::Result<()>
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply, ApiError>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let router = Router::new().fallback(move |request: HttpRequest| {
            let (handler, news) = (Arc::clone(&handler), news.clone());
            async move {
                if [http::Method::GET, http::Method::HEAD].contains(request.method()) {
                    return answer(handler, news, request).await;
                }
                let error = ApiError::new(ErrorCode::MethodNotAllowed, "this address only shows");
                written(Err(error.hint("changes go by the unix socket")))
            }
        });
        axum::serve(self.listener, router).await
    }
}

/// True if somebody listens on the socket; a full queue counts, and nothing here waits.
fn answers(path: &Path) -> io::Result<bool> {
    let probe = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    probe.set_nonblocking(true)?;
    match probe.connect(&SockAddr::unix(path)?) {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock => Ok(true),
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Ok(false),
            _ => Err(error),
        },
    }
}

/// Reads a request with its body.
async fn read(request: HttpRequest) -> Result<Request, ApiError> {
    let (head, body) = request.into_parts();
    let read = Request::read(head.method.as_str(), head.uri.path(), head.uri.query())?;
    let body = tokio::time::timeout(PATIENCE, axum::body::to_bytes(body, BODY_MAX)).await;
    let body = body.map_err(|_| ApiError::bad_request("the body does not come"))?;
    read.with_body(&body.map_err(|error| ApiError::bad_request(format!("the body cannot be read: {error}")))?)
}

async fn answer<H, F>(handler: Arc<H>, news: watch::Receiver<u64>, request: HttpRequest) -> Response
where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply, ApiError>> + Send + 'static,
{
    let stream = stream::is_wanted(request.headers()).then(|| stream::last_seen(request.headers()));
    let answer = match read(request).await {
        Ok(Request::Events(query)) if let Some(last) = stream => {
            return stream::follow(handler, news, EventQuery { after: last.or(query.after), ..query });
        }
        Err(error) => Err(error),
        Ok(request) => tokio::time::timeout(PATIENCE, handler(request)).await.unwrap_or_else(|_| {
            let message = format!("the daemon did not answer within {} s", PATIENCE.as_secs());
            Err(ApiError::unavailable(message).hint("its log says what it is doing; try again"))
        }),
    };
    written(answer)
}

fn written(answer: Result<Reply, ApiError>) -> Response {
    let kind = if matches!(answer, Ok(Reply::Metrics(_))) { METRICS } else { "application/json" };
    let (status, body) = match answer {
        Ok(reply) => (StatusCode::OK, reply.to_json()),
        Err(error) => {
            let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, indented(&ErrorBody { error }))
        }
    };
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}
