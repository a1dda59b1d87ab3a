//! Log lines for people, at a terminal, in a file, or in the journal.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{self, Format, Full, Writer};
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The line of tracing's full format, behind the time or behind the journal's priority.
pub(super) enum Human {
    Timed(Format<Full, SystemTime>),
    /// The journal knows the time and reads the level from the prefix.
    Prioritised(Format<Full, ()>),
}

impl Human {
    pub(super) fn timed() -> Self {
        Self::Timed(format::format())
    }

    pub(super) fn prioritised() -> Self {
        Self::Prioritised(format::format().without_time().with_level(false))
    }
}

impl<S, N> FormatEvent<S, N> for Human
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        match self {
            Self::Timed(format) => format.format_event(context, writer, event),
            Self::Prioritised(format) => {
                write!(writer, "<{}>", priority(*event.metadata().level()))?;
                format.format_event(context, writer, event)
            }
        }
    }
}

/// syslog(3)'s levels.
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
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: Human) -> String {
        let page = Page::default();
        let copy = page.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .event_format(format)
            .with_writer(move || copy.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::warn!(target: "nucleon_core", { port.id = "p1" }, "port cannot be bound");
        });
        String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn the_journal_gets_a_priority_and_no_time() {
        let line = written(Human::prioritised());
        assert_eq!(line, "<4>nucleon_core: port cannot be bound port.id=\"p1\"\n");
    }

    #[test]
    fn other_readers_get_time_and_level() {
        let line = written(Human::timed());
        let (time, rest) = line.trim_start().split_once(' ').unwrap();
        assert!(time.parse::<crate::Timestamp>().is_ok(), "{line}");
        assert_eq!(rest.trim_start(), "WARN nucleon_core: port cannot be bound port.id=\"p1\"\n");
    }
}
