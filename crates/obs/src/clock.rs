//! Time as a value that is handed down.

use std::ops::{Add, Sub};
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

use crate::Timestamp;

/// A cheap handle to time: the machine's, or a test's that moves only when told.
///
/// ```
/// # use std::time::Duration;
/// let clock = nucleon_obs::Clock::fake();
/// let before = clock.mono();
/// clock.advance(Duration::from_secs(75));
/// assert_eq!(clock.mono() - before, Duration::from_secs(75));
/// ```
#[derive(Debug, Clone)]
pub struct Clock(Source);

/// A moment that only moves forward: for ages, deadlines and pauses. Its zero is arbitrary, and
/// differs between processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(Duration);

#[derive(Debug, Clone)]
enum Source {
    System,
    Fake(watch::Sender<FakeTime>),
}

#[derive(Debug, Clone, Copy)]
struct FakeTime {
    wall: Timestamp,
    mono: Mono,
}

impl Clock {
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at 2026-01-01T00:00:00Z until it is moved; clones share its time.
    pub fn fake() -> Self {
        Self::fake_at(Timestamp::from_seconds(1_767_225_600))
    }

    /// A clock that stands at `wall` until it is moved; clones share its time.
    pub fn fake_at(wall: Timestamp) -> Self {
        // Not zero, so that a test may look back from the start.
        let mono = Mono(Duration::from_hours(24));
        Self(Source::Fake(watch::Sender::new(FakeTime { wall, mono })))
    }

    /// The wall clock. It may step; nothing may be ordered or timed by it.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => system_now(),
            Source::Fake(time) => time.borrow().wall,
        }
    }

    pub fn mono(&self) -> Mono {
        match &self.0 {
            Source::System => system_mono(),
            Source::Fake(time) => time.borrow().mono,
        }
    }

    /// Moves a fake clock forward and wakes whoever slept until then. The system's clock moves by
    /// itself: no effect.
    pub fn advance(&self, by: Duration) {
        if let Source::Fake(time) = &self.0 {
            time.send_modify(|time| {
                time.wall = time.wall + by;
                time.mono = time.mono + by;
            });
        }
    }

    /// Steps a fake wall clock, as an operator or NTP would; monotonic time does not notice.
    pub fn step_wall(&self, to: Timestamp) {
        if let Source::Fake(time) = &self.0 {
            time.send_modify(|time| time.wall = to);
        }
    }

    /// Sleeps until `duration` after this call, whenever it is first awaited.
    pub fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + use<'_> {
        self.sleep_until(self.mono() + duration)
    }

    pub async fn sleep_until(&self, deadline: Mono) {
        match &self.0 {
            Source::System => tokio::time::sleep(deadline - self.mono()).await,
            Source::Fake(time) => {
                // The sender lives as long as this clock, so waiting cannot fail.
                let _ = time.subscribe().wait_for(|time| time.mono >= deadline).await;
            }
        }
    }

    /// `work`, unless `duration` passes first.
    pub async fn timeout<F: Future>(&self, duration: Duration, work: F) -> Option<F::Output> {
        let deadline = self.mono() + duration;
        tokio::select! {
            biased;
            output = work => Some(output),
            () = self.sleep_until(deadline) => None,
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Mono {
    /// The time since `earlier`; zero when it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

impl Sub<Duration> for Mono {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration))
    }
}

impl Sub for Mono {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where wall time comes in")]
fn system_now() -> Timestamp {
    let micros = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => {
            i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros)
        }
    };
    Timestamp::from_micros(micros)
}

#[expect(clippy::disallowed_methods, reason = "the one place where monotonic time comes in")]
fn system_mono() -> Mono {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let start = *START;
    // A day ahead, so that looking back from the first moments of a process does not stop at zero.
    Mono(Instant::now().saturating_duration_since(start).saturating_add(Duration::from_hours(24)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fake_clock_stands_still_until_it_is_moved() {
        let clock = Clock::fake();
        let shared = clock.clone();
        let (wall, mono) = (clock.now(), clock.mono());
        assert_eq!((clock.now(), clock.mono()), (wall, mono));
        clock.advance(Duration::from_millis(1500));
        assert_eq!(shared.now().since(wall), Duration::from_millis(1500));
        assert_eq!(shared.mono() - mono, Duration::from_millis(1500));
    }

    #[test]
    fn a_step_of_the_wall_clock_leaves_monotonic_time_alone() {
        let clock = Clock::fake();
        let mono = clock.mono();
        clock.step_wall(Timestamp::EPOCH);
        assert_eq!((clock.now(), clock.mono()), (Timestamp::EPOCH, mono));
    }

    #[test]
    fn the_system_clock_moves_forward_and_is_in_this_century() {
        let clock = Clock::system();
        let first = clock.mono();
        assert!(clock.mono() >= first);
        assert!(clock.now() > Timestamp::from_seconds(1_600_000_000));
    }

    #[tokio::test]
    async fn a_sleeper_on_a_fake_clock_wakes_when_its_time_has_come() {
        let clock = Clock::fake();
        let mut sleeper = Box::pin(clock.sleep(Duration::from_secs(2)));
        let poll_once =
            std::future::poll_fn(|cx| std::task::Poll::Ready(sleeper.as_mut().poll(cx).is_ready()));
        assert!(!poll_once.await);
        clock.advance(Duration::from_secs(2));
        sleeper.await;
    }

    #[tokio::test]
    async fn a_timeout_gives_the_output_or_nothing() {
        let clock = Clock::fake();
        assert_eq!(clock.timeout(Duration::from_secs(1), async { 7 }).await, Some(7));
        let late = async {
            clock.advance(Duration::from_secs(1));
            std::future::pending::<()>().await;
        };
        assert_eq!(clock.timeout(Duration::from_secs(1), late).await, None);
    }
}
