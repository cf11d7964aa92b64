//! What the daemon logs: how it is written, and the names of events.
//!
//! Text goes to standard error. Under systemd the journal has its own clock, so lines carry no time there, but the
//! level in the form that it understands (sd-daemon(3)): `journalctl -p warning` works. Each event has a stable name in
//! its field `event`; the text around it may change.

use std::{env, fmt, io::IsTerminal};

use nix::sys::stat::fstat;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, format},
    registry::LookupSpan,
};

/// The environment variable that says what is logged, when the command line does not.
pub const VARIABLE: &str = "TWINSPAN_LOG";

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is not one.
    #[error("\"{filter}\" does not say what to log: {why}; write a level such as debug, or module=level,...")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is one already.
    #[error("logging was set up twice")]
    Twice,
}

/// Sets the log of this process up, once. `filter` is a level, or levels by module; `None` is `info`.
pub fn init(format: Format, filter: Option<&str>) -> Result<(), Error> {
    let text = filter.filter(|text| !text.is_empty()).unwrap_or("info");
    let filter = EnvFilter::builder()
        .parse(text)
        .map_err(|error| Error::Filter { filter: text.to_owned(), why: error.to_string() })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let colour = std::io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let builder = builder.with_ansi(colour);
    match format {
        Format::Json => builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
        Format::Text if journal(env::var("JOURNAL_STREAM").ok().as_deref()) => {
            builder.event_format(Journal(format::Format::default().without_time().with_level(false))).try_init()
        }
        Format::Text => builder.with_target(true).try_init(),
    }
    .map_err(|_| Error::Twice)
}

/// True if standard error is the journal's socket: `stream` names it as `device:inode` (systemd.exec(5)).
fn journal(stream: Option<&str>) -> bool {
    let Some((device, inode)) = stream.and_then(|stream| stream.split_once(':')) else { return false };
    let Ok(found) = fstat(std::io::stderr()) else { return false };
    device.parse() == Ok(found.st_dev) && inode.parse() == Ok(found.st_ino)
}

/// Lines for the journal: the level as `<N>`, as syslog counts, and no time.
struct Journal<T>(format::Format<format::Full, T>);

impl<T, S, N> FormatEvent<S, N> for Journal<T>
where
    format::Format<format::Full, T>: FormatEvent<S, N>,
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: format::Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

/// Syslog's number of a level: error 3, warning 4, info 6, debug 7.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// Names of events, as in `tracing::info!(event = event::SESSION_UP, ...)`: for alerts and searches, so they stay.
pub mod event {
    /// The daemon has started; fields `gateway`, `instance`, `version`.
    pub const INSTANCE_STARTED: &str = "instance.started";
    /// The daemon is stopping; field `reason`.
    pub const INSTANCE_STOPPING: &str = "instance.stopping";
    /// The daemon has stopped; nothing follows.
    pub const INSTANCE_STOPPED: &str = "instance.stopped";
    /// The file can be used, but someone may be surprised; fields `file`, `line`, `code`.
    pub const CONFIG_WARNING: &str = "config.warning";
    /// A session is Established; fields `neighbor`, `asn`, `families`.
    pub const SESSION_UP: &str = "session.up";
    /// A session left Established; fields `neighbor`, `reason`, `code` and `subcode` if there was a NOTIFICATION.
    pub const SESSION_DOWN: &str = "session.down";
    /// A session could not be opened; fields `neighbor`, `reason`, `retry_seconds`.
    pub const SESSION_FAILED: &str = "session.failed";
    /// A tunnel can carry traffic; fields `tunnel`, `interface`.
    pub const TUNNEL_UP: &str = "tunnel.up";
    /// A tunnel cannot carry traffic; fields `tunnel`, `interface`, `reason`.
    pub const TUNNEL_DOWN: &str = "tunnel.down";
    /// The kernel holds exactly what is wanted; fields `routes`, `groups`.
    pub const KERNEL_SETTLED: &str = "kernel.settled";
    /// The kernel refused an operation; fields `operation`, `errno`, `text`.
    pub const KERNEL_REFUSED: &str = "kernel.refused";
    /// Notifications of the kernel were lost, and all was read anew; field `routes`.
    pub const KERNEL_RESYNC: &str = "kernel.resync";
    /// A kernel setting is not as wanted, or was changed by another; fields `name`, `wanted`, `actual`.
    pub const KERNEL_SYSCTL: &str = "kernel.sysctl";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_stream_that_the_journal_named_is_the_journal() {
        let found = fstat(std::io::stderr()).unwrap();
        assert!(journal(Some(&format!("{}:{}", found.st_dev, found.st_ino))));
        assert!(!journal(Some(&format!("{}:{}", found.st_dev, found.st_ino + 1))));
        assert!(!journal(Some("nonsense")));
        assert!(!journal(None));
    }

    #[test]
    fn a_filter_that_is_none_is_refused_with_its_text() {
        let error = init(Format::Text, Some("twinspan=loud")).unwrap_err();
        assert!(error.to_string().starts_with("\"twinspan=loud\" does not say what to log"), "{error}");
    }
}
