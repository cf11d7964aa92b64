//! A task for each target: asks, listens, and tells of what changes.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use tokio::{
    select,
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, sleep_until},
};

use super::super::{Plan, Report, Target};
use super::socket::Echo;
use crate::types::Time;

/// How long until a socket that was not to be had is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What is told.
#[derive(Debug)]
pub enum News {
    /// A target as it is now.
    Report(Report),
    /// A target cannot be asked, and why; told once until it can.
    Trouble(Plan, String),
}

/// All probes of one daemon. Dropping it ends them.
pub struct Prober {
    tasks: HashMap<Plan, JoinHandle<()>>,
    news: mpsc::UnboundedSender<News>,
}

impl Prober {
    /// Asks nobody yet.
    #[must_use]
    pub fn new(news: mpsc::UnboundedSender<News>) -> Self {
        Self { tasks: HashMap::new(), news }
    }

    /// These targets are asked from now on, and no others. Needs a tokio runtime.
    pub fn want(&mut self, plans: Vec<Plan>) {
        self.tasks.retain(|plan, task| {
            let wanted = plans.contains(plan);
            if !wanted {
                task.abort();
            }
            wanted
        });
        for plan in plans {
            let news = self.news.clone();
            self.tasks.entry(plan).or_insert_with_key(|plan| tokio::spawn(run(plan.clone(), news)));
        }
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.tasks.values().for_each(JoinHandle::abort);
    }
}

/// Asks until nobody listens.
async fn run(plan: Plan, news: mpsc::UnboundedSender<News>) {
    let began = Instant::now();
    let mut target = Target::new(Time::START, plan.interval, plan.count);
    let mut told = None;
    loop {
        let socket = Echo::open(&plan);
        match socket {
            Ok(socket) => {
                told = None;
                if !ask(&plan, &socket, &mut target, began, &news).await {
                    return;
                }
            }
            Err(trouble) => {
                if told.as_ref() != Some(&trouble) && news.send(News::Trouble(plan.clone(), trouble.clone())).is_err() {
                    return;
                }
                told = Some(trouble);
                sleep(AGAIN).await;
            }
        }
    }
}

/// Asks on one socket until its interface is another one; false if nobody listens any more.
async fn ask(
    plan: &Plan,
    socket: &Echo,
    target: &mut Target,
    began: Instant,
    news: &mpsc::UnboundedSender<News>,
) -> bool {
    loop {
        let due = tokio::time::Instant::from_std(began + target.deadline().since_start());
        select! {
            () = socket.readable() => {}
            () = sleep_until(due) => {}
        }
        let before = target.state();
        // What has come counts before what is missing does.
        while let Some(number) = socket.receive() {
            target.answered(number);
        }
        let number = target.tick(Time::from_start(began.elapsed()));
        if before != target.state()
            && news.send(News::Report(Report { plan: plan.clone(), state: target.state() })).is_err()
        {
            return false;
        }
        if let Some(number) = number {
            if !socket.is_current(plan) {
                return true;
            }
            // One that cannot be sent has no answer.
            let _ = socket.send(number);
        }
    }
}
