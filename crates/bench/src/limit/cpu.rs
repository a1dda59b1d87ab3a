//! The processors: how long one thread takes to wake another and be woken by it. Servers, databases
//! and switches do little else, and on a shared machine it varies tenfold within minutes.

use std::sync::mpsc;
use std::time::Duration;

use anyhow::Result;
use nucleon_obs::Clock;

use crate::report::{Limit, Unit};
use crate::stats::{ms, percentile};

const ROUNDS: usize = 500;

/// Median and 99th percentile of some hand-overs there and back.
pub async fn handover() -> Result<[Limit; 2]> {
    let times = tokio::task::spawn_blocking(measure).await?;
    let limit =
        |what: &str, share| Limit::new(what, ms(percentile(&times, share)), Unit::Milliseconds);
    Ok([limit("thread there and back", 0.5), limit("p99", 0.99)])
}

fn measure() -> Vec<Duration> {
    let (there, asked) = mpsc::sync_channel::<()>(0);
    let (answer, back) = mpsc::sync_channel::<()>(0);
    let other = std::thread::spawn(move || {
        // Ends with the channel.
        while asked.recv().is_ok() && answer.send(()).is_ok() {}
    });
    let clock = Clock::system();
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = clock.mono();
        if there.send(()).is_err() || back.recv().is_err() {
            break;
        }
        times.push(clock.mono() - start);
    }
    drop((there, back));
    // It has nothing to say.
    let _ = other.join();
    times
}
