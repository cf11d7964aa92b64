//! Answers that come in pages: asked for one after the other, shown as they come.

use std::io;

use serde::{Serialize, de::DeserializeOwned};

use super::Stdout;
use crate::cli::Failure;
use crate::control::api::{self, FibRoute, FibRoutes, FibTotals, LIMIT_MAX, Request, Route, RouteTotals, Routes};
use crate::control::io::Client;
use crate::types::Prefix;

/// One page of some list.
pub trait Page: DeserializeOwned {
    /// What is said of the whole list.
    type Totals: Serialize;
    /// What it is a list of.
    type Item: Serialize;

    /// The totals, the items, and where the next page begins.
    fn parts(&self) -> (&Self::Totals, &[Self::Item], Option<Prefix>);
}

impl Page for Routes {
    type Totals = Vec<RouteTotals>;
    type Item = Route;

    fn parts(&self) -> (&Self::Totals, &[Route], Option<Prefix>) {
        (&self.totals, &self.routes, self.next)
    }
}

impl Page for FibRoutes {
    type Totals = FibTotals;
    type Item = FibRoute;

    fn parts(&self) -> (&FibTotals, &[FibRoute], Option<Prefix>) {
        (&self.totals, &self.routes, self.next)
    }
}

/// Calls `each` with page after page, until there are no more or `limit` items were had. `ask` is the question for so
/// many items after that prefix.
pub async fn pages<P: Page>(
    client: &Client,
    limit: usize,
    ask: impl Fn(usize, Option<Prefix>) -> Request,
    mut each: impl FnMut(&P) -> io::Result<()>,
) -> Result<(), Failure> {
    let (mut left, mut after) = (limit, None);
    loop {
        let page: P = client.ask(&ask(left.min(LIMIT_MAX), after)).await?;
        each(&page)?;
        let (_, items, next) = page.parts();
        left = left.saturating_sub(items.len());
        // A page may be empty and not the last, but it must lead on.
        if left == 0 || next.is_none() || next <= after {
            return Ok(());
        }
        after = next;
    }
}

/// Writes all pages as one document of the shape that one page has.
pub async fn as_json<P: Page>(
    client: &Client,
    limit: usize,
    ask: impl Fn(usize, Option<Prefix>) -> Request,
    screen: &mut Stdout,
) -> Result<(), Failure> {
    if limit <= LIMIT_MAX {
        // One page is a whole document already.
        return Ok(screen.octets(&client.fetch(&ask(limit, None)).await?)?);
    }
    let (mut started, mut items, mut end) = (false, 0, None);
    pages(client, limit, ask, |page: &P| {
        let (totals, routes, next) = page.parts();
        let mut text = if started { String::new() } else { api::page_head(totals) };
        for route in routes {
            api::page_line(route, items == 0, &mut text);
            items += 1;
        }
        (started, end) = (true, next);
        screen.text(&text)
    })
    .await?;
    Ok(screen.text(&api::page_tail(end))?)
}
