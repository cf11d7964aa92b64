//! The lease in etcd: asked for, kept, and let go, as the role wants it. A task of its own.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::LeaseAt;
use super::cluster::{Cluster, Fault, Holder};
use super::keeper::News;

/// Between attempts to get the lease.
const AGAIN: Duration = Duration::from_millis(200);
/// How much of the lease's time may pass before it is renewed.
const RENEW: u32 = 5;

/// What became of the lease, by the clock of this host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Standing {
    /// It is ours until then.
    Held {
        /// When it ends at the latest.
        until: Instant,
        /// The revision at which the key was made.
        term: u64,
    },
    /// Another has it.
    HeldBy(String),
    /// Nobody has it.
    Free,
    /// Etcd does not answer.
    Unknown(String),
}

/// The way to the task. Dropping it ends it, and leaves the lease to its time.
pub(super) struct Etcd {
    competes: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Etcd {
    /// Does not compete yet. Needs a tokio runtime.
    pub(super) fn start(settings: LeaseAt, news: mpsc::UnboundedSender<News>) -> Self {
        let (competes, wish) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut lease = Lease { cluster: Cluster::new(&settings.endpoints), settings, held: None };
            lease.run(wish, &news).await;
        });
        Self { competes, task }
    }

    pub(super) fn compete(&self, competes: bool) {
        // The task ends only when this is dropped.
        let _ = self.competes.send(competes);
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Lease {
    cluster: Cluster,
    settings: LeaseAt,
    /// The lease that the key is under, and the term.
    held: Option<(String, u64)>,
}

impl Lease {
    async fn run(&mut self, mut wish: watch::Receiver<bool>, news: &mpsc::UnboundedSender<News>) {
        loop {
            let competes = *wish.borrow_and_update();
            let standing = if competes { self.compete().await } else { self.let_go().await };
            let wait = match standing {
                _ if !competes => Duration::from_secs(3_600),
                Standing::Held { .. } => self.settings.ttl / RENEW,
                Standing::HeldBy(_) | Standing::Free | Standing::Unknown(_) => AGAIN,
            };
            if news.send(News::Lease(standing)).is_err() {
                return; // the daemon is gone
            }
            if let Ok(Err(_)) = timeout(wait, wish.changed()).await {
                return;
            }
        }
    }

    /// Keeps the lease, or tries to get it.
    async fn compete(&mut self) -> Standing {
        let tried = match self.held.clone() {
            Some((id, term)) => self.keep(&id, term).await,
            None => self.take().await,
        };
        tried.unwrap_or_else(|fault| Standing::Unknown(fault.to_string()))
    }

    async fn keep(&mut self, id: &str, term: u64) -> Result<Standing, Fault> {
        let sent = Instant::now();
        match self.cluster.keep_alive(id).await? {
            Some(ttl) => Ok(Standing::Held { until: sent + ttl, term }),
            None => {
                self.held = None;
                Ok(Standing::Free)
            }
        }
    }

    async fn take(&mut self) -> Result<Standing, Fault> {
        let LeaseAt { key, name, ttl, .. } = self.settings.clone();
        match self.cluster.holder(&key).await? {
            // Of a run of ours before this one.
            Some(Holder { name: holder, lease, term }) if holder == name => {
                self.held = Some((lease.clone(), term));
                return self.keep(&lease, term).await;
            }
            Some(holder) => return Ok(Standing::HeldBy(holder.name)),
            None => {}
        }
        let sent = Instant::now();
        let (lease, ttl) = self.cluster.grant(ttl).await?;
        match self.cluster.create(&key, &name, &lease).await {
            Ok(Some(term)) => {
                self.held = Some((lease, term));
                Ok(Standing::Held { until: sent + ttl, term })
            }
            Ok(None) => {
                self.cluster.revoke(&lease).await?;
                Ok(Standing::Free) // whose it is by now is seen at the next attempt
            }
            // It may have been done all the same: then the key is under our name, and is found.
            Err(fault) => Err(fault),
        }
    }

    async fn let_go(&mut self) -> Standing {
        let Some((id, _)) = self.held.take() else { return Standing::Free };
        match self.cluster.revoke(&id).await {
            Ok(()) => Standing::Free,
            // Then it runs out.
            Err(fault) => Standing::Unknown(fault.to_string()),
        }
    }
}
