//! Whether the server is still there: silence, a probe, silence again.

use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Liveness {
    interval: Duration,
    heard: Instant,
    probed: Option<Instant>,
}

/// What is to be done about a silent server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Check {
    Alive,
    Probe,
    Dead,
}

impl Liveness {
    pub(super) const fn new(interval: Duration, now: Instant) -> Self {
        Self { interval, heard: now, probed: None }
    }

    pub(super) const fn interval(&self) -> Duration {
        self.interval
    }

    /// Any byte is a sign of life: a large snapshot may take longer than the interval.
    pub(super) const fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.probed = None;
    }

    /// When to check next.
    pub(super) fn deadline(&self) -> Instant {
        self.probed.unwrap_or(self.heard) + self.interval
    }

    pub(super) fn check(&mut self, now: Instant) -> Check {
        if now < self.deadline() {
            return Check::Alive;
        }
        match self.probed.replace(now) {
            Some(_) => Check::Dead,
            None => Check::Probe,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);

    #[test]
    fn silence_is_probed_once_and_then_given_up() {
        let start = Instant::now();
        let mut liveness = Liveness::new(INTERVAL, start);
        assert_eq!(liveness.check(start + INTERVAL / 2), Check::Alive);
        assert_eq!(liveness.check(start + INTERVAL), Check::Probe);
        assert_eq!(liveness.check(start + INTERVAL), Check::Alive);
        assert_eq!(liveness.check(start + INTERVAL * 2), Check::Dead);
    }

    #[test]
    fn any_byte_starts_over() {
        let start = Instant::now();
        let mut liveness = Liveness::new(INTERVAL, start);
        assert_eq!(liveness.check(start + INTERVAL), Check::Probe);
        liveness.heard(start + INTERVAL);
        assert_eq!(liveness.check(start + INTERVAL), Check::Alive);
        assert_eq!(liveness.deadline(), start + INTERVAL * 2);
        assert_eq!(liveness.check(start + INTERVAL * 2), Check::Probe);
    }

    #[test]
    fn a_late_check_still_gives_the_probe_its_time() {
        let start = Instant::now();
        let mut liveness = Liveness::new(INTERVAL, start);
        assert_eq!(liveness.check(start + INTERVAL * 10), Check::Probe);
        assert_eq!(liveness.check(start + INTERVAL * 10 + INTERVAL / 2), Check::Alive);
        assert_eq!(liveness.check(start + INTERVAL * 11), Check::Dead);
    }
}
