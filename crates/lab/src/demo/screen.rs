//! What the demo writes: numbered steps with their time, lines under them, a table.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::Result;
use nucleon_obs::{Clock, Mono};

/// The demo's screen: standard output, with colour where it is a terminal.
#[derive(Debug)]
pub(super) struct Screen {
    clock: Clock,
    start: Mono,
    colour: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        let clock = Clock::system();
        let start = clock.mono();
        let plain = std::env::var_os("NO_COLOR").is_some();
        Self { clock, start, colour: !plain && std::io::stdout().is_terminal() }
    }

    /// Does one step and marks it done, or failed, with what came of it and the time it took.
    pub(super) async fn step<T>(
        &self,
        what: &str,
        work: impl Future<Output = Result<(T, String)>>,
    ) -> Result<T> {
        let start = self.clock.mono();
        let result = work.await;
        let took = ms(self.clock.mono() - start);
        match result {
            Ok((value, found)) => {
                self.line(&format!("{} {what:<22} {found}  {}", self.green("✓"), self.dim(&took)));
                Ok(value)
            }
            Err(error) => {
                self.line(&format!("{} {what}  {}", self.red("✗"), self.dim(&took)));
                Err(error)
            }
        }
    }

    #[expect(clippy::print_stdout, clippy::unused_self, reason = "this is the demo's screen")]
    pub(super) fn line(&self, text: &str) {
        println!("{text}");
        // Whoever reads a pipe wants to see each step when it is done.
        let _ = std::io::stdout().flush();
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.clock.mono() - self.start
    }

    pub(super) fn bold(&self, text: &str) -> String {
        self.painted("1", text)
    }

    pub(super) fn dim(&self, text: &str) -> String {
        self.painted("2", text)
    }

    fn green(&self, text: &str) -> String {
        self.painted("32", text)
    }

    fn red(&self, text: &str) -> String {
        self.painted("31", text)
    }

    fn painted(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A time for people: whole milliseconds, fractions where it is short, seconds where it is long.
pub(super) fn ms(time: Duration) -> String {
    if time >= Duration::from_secs(1) {
        format!("{:.1} s", time.as_secs_f64())
    } else if time >= Duration::from_millis(10) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} ms", time.as_secs_f64() * 1000.0)
    }
}

/// The same for a column of a table, without its unit.
pub(super) fn cell(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{:.1}", time.as_secs_f64() * 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_long_as_they_need_to_be() {
        assert_eq!(ms(Duration::from_micros(420)), "0.4 ms");
        assert_eq!(ms(Duration::from_micros(42_400)), "42 ms");
        assert_eq!(ms(Duration::from_secs(75)), "75.0 s");
        assert_eq!(
            (cell(None), cell(Some(Duration::from_micros(1250)))),
            ("-".into(), "1.2".into())
        );
    }
}
