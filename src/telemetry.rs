//! How the daemon's log is written. What is in it is named elsewhere: `speaker::Event`, and the daemon's own lines.
//!
//! Text goes to standard error. Under systemd the journal has its own clock, so lines carry no time there, but the
//! level in the form that it understands (sd-daemon(3)): `journalctl -p warning` works. Each event has a stable name in
//! its field `event` (`docs/operations.md` lists them); the text before it may change.

use std::{env, fmt, io::IsTerminal};

use nix::sys::stat::fstat;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
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
        Format::Text => {
            let journal = journal(env::var("JOURNAL_STREAM").ok().as_deref());
            builder.event_format(Lines { journal }).try_init()
        }
    }
    .map_err(|_| Error::Twice)
}

/// True if standard error is the journal's socket: `stream` names it as `device:inode` (systemd.exec(5)).
fn journal(stream: Option<&str>) -> bool {
    let Some((device, inode)) = stream.and_then(|stream| stream.split_once(':')) else { return false };
    let Ok(found) = fstat(std::io::stderr()) else { return false };
    device.parse() == Ok(found.st_dev) && inode.parse() == Ok(found.st_ino)
}

/// Lines for people: time, level, what happened, and its fields as `name=value`. Where a line comes from is said of
/// those only that are for developers, debug and trace.
struct Lines {
    /// For the journal: the level as `<N>`, as syslog counts, and no time.
    journal: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: format::Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let level = *event.metadata().level();
        let (tone, plain) = match (writer.has_ansi_escapes(), level) {
            (false, _) => ("", ""),
            (true, Level::ERROR) => ("\x1b[31m", "\x1b[0m"),
            (true, Level::WARN) => ("\x1b[33m", "\x1b[0m"),
            (true, _) => ("\x1b[2m", "\x1b[0m"),
        };
        if self.journal {
            write!(writer, "<{}>", priority(level))?;
        } else {
            write!(writer, "{:.3} {tone}{level:<5}{plain} ", jiff::Timestamp::now())?;
        }
        if level > Level::INFO {
            write!(writer, "{}: ", event.metadata().target())?;
        }
        let mut line = Line::default();
        event.record(&mut line);
        writeln!(writer, "{}{}", line.message, line.fields)
    }
}

/// What one event says. Control characters, which only a far end can have put there, become `?`.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn add(&mut self, name: &str, value: &str) {
        let value = value.replace(char::is_control, "?");
        match name {
            "message" => self.message = value,
            _ if value.is_empty() || value.contains([' ', '"', '=']) => {
                self.fields.push_str(&format!(" {name}={value:?}"));
            }
            _ => self.fields.push_str(&format!(" {name}={value}")),
        }
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field.name(), &format!("{value:?}"));
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

    /// What is written of the events that `tell` makes, without the time.
    fn written(journal: bool, tell: impl FnOnce()) -> String {
        let (sender, receiver) = std::sync::mpsc::channel();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::DEBUG)
            .with_ansi(false)
            .event_format(Lines { journal })
            .with_writer(move || Pipe(sender.clone()))
            .finish();
        tracing::subscriber::with_default(subscriber, tell);
        String::from_utf8(receiver.try_iter().flatten().collect()).unwrap()
    }

    struct Pipe(std::sync::mpsc::Sender<Vec<u8>>);

    impl std::io::Write for Pipe {
        fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
            self.0.send(octets.to_owned()).unwrap();
            Ok(octets.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_says_what_happened_before_its_fields_and_no_module() {
        let line = written(false, || {
            tracing::warn!(event = "session.down", about = "hq-1/in-0", reason = "two words", "hq-1/in-0 is down");
        });
        let (time, rest) = line.split_once(' ').unwrap();
        time.parse::<jiff::Timestamp>().unwrap();
        assert_eq!(rest, "WARN  hq-1/in-0 is down event=session.down about=hq-1/in-0 reason=\"two words\"\n");
    }

    #[test]
    fn a_field_without_a_value_is_not_written() {
        let line = written(true, || {
            tracing::info!(event = "instance.stopping", about = None::<&str>, "stopping");
        });
        assert_eq!(line, "<6>stopping event=instance.stopping\n");
    }

    #[test]
    fn a_line_for_developers_says_where_it_comes_from() {
        assert_eq!(written(true, || tracing::debug!("here")), "<7>twinspan::telemetry::tests: here\n");
    }

    #[test]
    fn what_a_far_end_sends_cannot_forge_a_line() {
        let told = "bye\n<3>forged\u{1b}[2J";
        assert_eq!(written(true, || tracing::info!("{told}")), "<6>bye?<3>forged?[2J\n");
    }
}
