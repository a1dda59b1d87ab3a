//! Where log lines go and how they look.

mod file;
mod human;

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::layer::{Layer, Layered, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Registry, fmt, reload};

use self::file::LogFile;
use self::human::Human;

/// What a process is told about its log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Everything of our own at debug level, libraries at info.
    pub debug: bool,
    pub format: LogFormat,
    /// A file to append to instead of standard error.
    pub file: Option<PathBuf>,
    /// Levels by module (`info,nucleon_db=trace`), in place of what `debug` would choose.
    pub filter: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One line for people: time, level, module, message, fields. Under systemd's journal, which
    /// adds the time itself, the line begins with its priority instead (sd-daemon(3)).
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("log file '{}' cannot be opened: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("log filter '{filter}' is not valid: {source}")]
    Filter { filter: String, source: ParseError },
    #[error("the log was set up already")]
    Twice(#[from] TryInitError),
}

/// The running log of this process.
#[derive(Debug)]
pub struct Logging {
    filter: reload::Handle<EnvFilter, Registry>,
    fixed_filter: bool,
    file: Option<LogFile>,
}

impl Logging {
    /// Sends all log lines of the process where `options` say, and panics with them.
    pub fn init(options: &LogOptions) -> Result<Self, LogError> {
        let file = options.file.clone().map(LogFile::open).transpose()?;
        let (filter, handle) = reload::Layer::new(filter_of(options)?);
        let lines = match (&file, stderr_is_the_journal()) {
            (Some(file), _) => lines(options.format, Human::timed(), false, file.clone()),
            (None, true) => lines(options.format, Human::prioritised(), false, io::stderr),
            (None, false) => {
                lines(options.format, Human::timed(), io::stderr().is_terminal(), io::stderr)
            }
        };
        tracing_subscriber::registry().with(filter).with(lines).try_init()?;
        log_panics();
        Ok(Self { filter: handle, fixed_filter: options.filter.is_some(), file })
    }

    /// Opens the log file anew (after a rotation) and takes over `debug`, as far as no filter was
    /// given.
    pub fn reload(&self, debug: bool) -> Result<(), LogError> {
        if let Some(file) = &self.file {
            file.reopen()?;
        }
        if !self.fixed_filter {
            let filter = filter_of(&LogOptions { debug, ..LogOptions::default() })?;
            if let Err(error) = self.filter.reload(filter) {
                tracing::warn!(%error, "the log's levels could not be changed");
            }
        }
        Ok(())
    }
}

/// The subscriber below the layer that writes.
type Filtered = Layered<reload::Layer<EnvFilter, Registry>, Registry>;

fn lines<W>(
    format: LogFormat,
    human: Human,
    colours: bool,
    writer: W,
) -> Box<dyn Layer<Filtered> + Send + Sync>
where
    W: for<'w> fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer);
    match format {
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
        LogFormat::Human => layer.with_ansi(colours).event_format(human).boxed(),
    }
}

fn filter_of(options: &LogOptions) -> Result<EnvFilter, LogError> {
    let levels = match (&options.filter, options.debug) {
        (Some(filter), _) => filter.as_str(),
        // The libraries' debug lines repeat ours, thousands of times.
        (None, true) => "debug,hyper=info,sqlx=info,rustls=info,netlink_proto=info,tower=info",
        (None, false) => "info,sqlx=warn",
    };
    EnvFilter::try_new(levels)
        .map_err(|source| LogError::Filter { filter: levels.to_owned(), source })
}

/// systemd names the device and inode of the stream that it connected (systemd.exec(5),
/// `JOURNAL_STREAM`).
fn stderr_is_the_journal() -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stderr) = std::fs::metadata("/proc/self/fd/2") else { return false };
    stream == format!("{}:{}", stderr.dev(), stderr.ino())
}

/// A panic in a task is a log line like any other failure, with its place.
fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let message = info.payload_as_str().unwrap_or("without a message");
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        tracing::error!(place, thread, "panic at {place}: {message}");
    }));
}
