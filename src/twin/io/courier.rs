//! The task that carries hellos: what the machine wants sent goes out, what comes is handed over.

use bytes::Bytes;
use tokio::{
    select,
    sync::mpsc,
    task::JoinHandle,
    time::{Duration, sleep},
};

use super::super::{LONGEST, Link};
use super::socket::Wire;

/// How long until a socket that was not to be had is tried again.
const AGAIN: Duration = Duration::from_millis(200);
/// Hellos that wait for the machine; more are dropped, as on a wire.
const WAITING: usize = 64;

/// What is told.
#[derive(Debug)]
pub enum News {
    /// Octets from the twin's address, over the twin-link, that have passed no router.
    Hello(Bytes),
    /// The twin-link cannot be used, and why; told once until it can.
    Trouble(String),
}

/// Carries the hellos of one daemon. Dropping it ends that.
pub struct Courier {
    news: mpsc::Sender<News>,
    running: Option<(Link, mpsc::Sender<Vec<u8>>, JoinHandle<()>)>,
}

impl Courier {
    /// Carries nothing yet. Needs a tokio runtime from [`Courier::want`] on.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<News>) {
        let (news, told) = mpsc::channel(WAITING);
        (Self { news, running: None }, told)
    }

    /// Hellos go that way from now on, or nowhere.
    pub fn want(&mut self, link: Option<Link>) {
        if self.running.as_ref().map(|(link, ..)| link) == link.as_ref() {
            return;
        }
        self.end();
        self.running = link.map(|link| {
            let (send, outgoing) = mpsc::channel(WAITING);
            let task = tokio::spawn(run(link.clone(), outgoing, self.news.clone()));
            (link, send, task)
        });
    }

    /// Sends a hello, if there is a way.
    pub fn send(&self, octets: Vec<u8>) {
        if let Some((_, send, _)) = &self.running {
            // One that waits behind so many others would be old.
            let _ = send.try_send(octets);
        }
    }

    fn end(&mut self) {
        if let Some((_, _, task)) = self.running.take() {
            task.abort();
        }
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.end();
    }
}

/// Carries until nobody wants that any more.
async fn run(link: Link, mut outgoing: mpsc::Receiver<Vec<u8>>, news: mpsc::Sender<News>) {
    let mut told = None;
    loop {
        match Wire::open(&link) {
            Ok(wire) => {
                told = None;
                if !carry(&link, &wire, &mut outgoing, &news).await {
                    return;
                }
            }
            Err(trouble) => {
                if told.as_ref() != Some(&trouble) && news.send(News::Trouble(trouble.clone())).await.is_err() {
                    return;
                }
                told = Some(trouble);
                sleep(AGAIN).await;
                // What could not go out is old by then.
                while outgoing.try_recv().is_ok() {}
                if outgoing.is_closed() {
                    return;
                }
            }
        }
    }
}

/// Carries on one socket until its interface is another one; false if nobody wants that any more.
async fn carry(link: &Link, wire: &Wire, outgoing: &mut mpsc::Receiver<Vec<u8>>, news: &mpsc::Sender<News>) -> bool {
    let mut buffer = vec![0; LONGEST + 1];
    loop {
        select! {
            () = wire.readable() => {
                while let Some(length) = wire.receive(&mut buffer) {
                    let octets = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
                    match news.try_send(News::Hello(octets)) {
                        Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => {}
                        Err(mpsc::error::TrySendError::Closed(_)) => return false,
                    }
                }
            }
            octets = outgoing.recv() => {
                let Some(octets) = octets else { return false };
                if !wire.is_current(link) {
                    return true;
                }
                // One that cannot be sent is lost, as on a wire.
                let _ = wire.send(&octets);
            }
        }
    }
}
