//! How replies are written: small ones indented for people with `curl`, pages with one route a line.

use serde::Serialize;

use super::Reply;
use crate::types::Prefix;

impl Reply {
    /// The body of the response, with a line end after it.
    #[must_use]
    pub fn to_json(&self) -> String {
        match self {
            Self::Routes(page) => write_page(&page.totals, &page.routes, page.next),
            Self::FibRoutes(page) => write_page(&page.totals, &page.routes, page.next),
            Self::Metrics(text) => text.clone(),
            small => indented(small),
        }
    }
}

/// Any value that JSON can hold, indented, with a line end after it.
#[must_use]
pub fn indented(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("replies hold only strings, numbers and lists");
    text.push('\n');
    text
}

/// The start of a page: its totals, up to where the routes begin.
#[must_use]
pub fn page_head(totals: &impl Serialize) -> String {
    format!("{{\n\"totals\": {},\n\"routes\": [", line(totals))
}

/// One route of a page; `first` is true for the first one after the head.
pub fn page_line(route: &impl Serialize, first: bool, out: &mut String) {
    out.push_str(if first { "\n" } else { ",\n" });
    out.push_str(&line(route));
}

/// The end of a page.
#[must_use]
pub fn page_tail(next: Option<Prefix>) -> String {
    format!("\n],\n\"next\": {}\n}}\n", line(&next))
}

fn write_page<T: Serialize>(totals: &impl Serialize, routes: &[T], next: Option<Prefix>) -> String {
    let mut out = page_head(totals);
    for (at, route) in routes.iter().enumerate() {
        page_line(route, at == 0, &mut out);
    }
    out + &page_tail(next)
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("replies hold only strings, numbers and lists")
}
