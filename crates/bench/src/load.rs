//! Many clients at once, each asking again as soon as it is answered.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;
use nucleon_obs::Clock;

use crate::http::{Answer, Call, Client};

/// What came of a load.
#[derive(Debug)]
pub struct Outcome {
    /// From the first request to the last answer.
    pub took: Duration,
    pub times: Vec<Duration>,
    pub answers: Vec<Answer>,
}

/// Sends `calls`, shared out among the clients, each at most one at a time.
pub async fn run(clients: &mut [Client], calls: &[Call]) -> Result<Outcome> {
    let clock = Clock::system();
    let next = AtomicUsize::new(0);
    let start = clock.mono();
    let answers = try_join_all(clients.iter_mut().map(|client| {
        let next = &next;
        async move {
            let mut answers = Vec::new();
            while let Some(call) = calls.get(next.fetch_add(1, Ordering::Relaxed)) {
                answers.push(client.call(call).await?);
            }
            anyhow::Ok(answers)
        }
    }))
    .await?;
    let took = clock.mono() - start;
    let answers: Vec<Answer> = answers.into_iter().flatten().collect();
    let times = answers.iter().map(|answer| answer.took).collect();
    Ok(Outcome { took, times, answers })
}
