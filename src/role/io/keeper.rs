//! Carries out what the role wants: the address on a thread of its own, in order; questions and announcements beside it.

use std::{
    io,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::super::{Answer, LeaseAt, Shared, Work};
use super::address::{Addresses, Owner};
use super::etcd::{Etcd, Standing};
use super::network;

/// What is told.
#[derive(Debug)]
pub enum News {
    /// The shared address is there.
    Held,
    /// It cannot be put there, and why.
    NotHeld(String),
    /// It is not there any more, or could not be taken away, and why.
    Dropped(Result<(), String>),
    /// Who has it on the network side.
    Answered(Answer),
    /// What became of the lease in etcd.
    Lease(Standing),
}

/// An order to the thread, and when it was given.
struct Order {
    at: Instant,
    kind: Kind,
}

enum Kind {
    Put(Shared, Duration),
    Renew(Shared, Duration),
    Drop(Shared),
}

/// The way to the thread. Dropping it ends it, and leaves the address to its lifetime.
pub struct Keeper {
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<thread::JoinHandle<()>>,
    news: tokio::sync::mpsc::UnboundedSender<News>,
    /// Dropped, they end.
    announcing: Option<JoinSet<()>>,
    etcd: Option<(LeaseAt, Etcd)>,
}

impl Keeper {
    /// Needs a tokio runtime.
    pub fn start(news: tokio::sync::mpsc::UnboundedSender<News>) -> io::Result<Self> {
        let mut addresses = Addresses::open()?;
        let (orders, given) = mpsc::channel();
        let answers = news.clone();
        let thread = thread::Builder::new().name("address".to_owned()).spawn(move || {
            let mut keeps = Keeps::default();
            for order in given {
                if let Some(told) = keeps.obey(&mut addresses, order)
                    && answers.send(told).is_err()
                {
                    return; // the daemon is gone
                }
            }
        })?;
        Ok(Self { orders: Some(orders), thread: Some(thread), news, announcing: None, etcd: None })
    }

    /// True if the shared address is there from a run before this one, and its time is not over.
    pub fn found(shared: &Shared) -> bool {
        let owner = Addresses::open().and_then(|mut addresses| addresses.owner(shared));
        owner.is_ok_and(|owner| owner == Owner::Us)
    }

    /// Where the lease is from now on, if there is one; a lease at another place is left to its time.
    fn elect(&mut self, settings: Option<LeaseAt>) {
        if self.etcd.as_ref().map(|(known, _)| known) != settings.as_ref() {
            let news = self.news.clone();
            self.etcd = settings.map(|settings| (settings.clone(), Etcd::start(settings, news)));
        }
    }

    /// Does it soon; what comes of it is told.
    pub fn obey(&mut self, work: Work) {
        let at = Instant::now();
        match work {
            Work::Hold(shared, lifetime) => {
                self.order(at, Kind::Put(shared.clone(), lifetime));
            }
            Work::Renew(shared, lifetime) => self.order(at, Kind::Renew(shared, lifetime)),
            Work::Announce(shared) => self.announce(shared),
            Work::Drop(shared) => {
                self.announcing = None;
                self.order(at, Kind::Drop(shared));
            }
            Work::Elect(settings) => self.elect(settings),
            Work::Compete(competes) => {
                if let Some((_, etcd)) = &self.etcd {
                    etcd.compete(competes);
                }
            }
            Work::Ask(shared) => {
                let news = self.news.clone();
                tokio::spawn(async move {
                    // A daemon that has ended does not wait for it.
                    let _ = news.send(News::Answered(network::ask(&shared).await));
                });
            }
        }
    }

    /// Waits until all that was ordered is done.
    pub fn finish(mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // One that panicked has nothing more to do.
            let _ = thread.join();
        }
    }

    fn order(&self, at: Instant, kind: Kind) {
        // The thread ends only when this sender does, or with a panic: then nothing holds the address for long.
        if let Some(orders) = &self.orders {
            let _ = orders.send(Order { at, kind });
        }
    }

    fn announce(&mut self, shared: Shared) {
        let mut tasks = JoinSet::new();
        for interface in shared.interface.iter().chain(&shared.tunnels) {
            let there = Shared { interface: Some(interface.clone()), ..shared.clone() };
            tasks.spawn(async move {
                // An interface where nobody can be told has nobody who would have to know.
                let _ = network::announce(&there).await;
            });
        }
        self.announcing = Some(tasks);
    }
}

/// What the thread knows.
#[derive(Default)]
struct Keeps {
    held: bool,
    refused: Option<String>,
}

impl Keeps {
    fn obey(&mut self, addresses: &mut Addresses, order: Order) -> Option<News> {
        let Order { at, kind } = order;
        match kind {
            Kind::Put(shared, lifetime) => {
                (self.held, self.refused) = (false, None);
                self.put(addresses, at, &shared, lifetime)
            }
            Kind::Renew(shared, lifetime) => self.put(addresses, at, &shared, lifetime),
            Kind::Drop(shared) => {
                self.held = false;
                Some(News::Dropped(addresses.remove(&shared).map_err(|error| error.to_string())))
            }
        }
    }

    /// What was ordered before a pause counts no more: the claim behind it may have run out.
    fn put(&mut self, addresses: &mut Addresses, at: Instant, shared: &Shared, lifetime: Duration) -> Option<News> {
        if at.elapsed() >= lifetime / 2 {
            return None;
        }
        let owner = if self.held { Ok(Owner::Us) } else { addresses.owner(shared) };
        let put = owner.and_then(|owner| match owner {
            Owner::Nobody | Owner::Us => addresses.put(shared, lifetime),
            Owner::Another => Err(io::Error::other(format!(
                "{} is on {} already, and not by us: take it away there",
                shared.address,
                shared.on()
            ))),
        });
        match put {
            Ok(()) if self.held => None,
            Ok(()) => {
                (self.held, self.refused) = (true, None);
                Some(News::Held)
            }
            Err(error) => {
                self.held = false;
                let text = error.to_string();
                (self.refused.as_ref() != Some(&text)).then(|| {
                    self.refused = Some(text.clone());
                    News::NotHeld(text)
                })
            }
        }
    }
}
