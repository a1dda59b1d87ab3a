//! The disk: one writer that flushes 4 KiB each time.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_obs::Clock;

use crate::report::{Limit, Unit};
use crate::stats::{ms, p50, rate};

const TIME: Duration = Duration::from_millis(200);

/// Writes and flushes in `directory` for a moment.
pub async fn flushes(directory: &Path) -> Result<Vec<Limit>> {
    let path = directory.join("flushes");
    let times = tokio::task::spawn_blocking(move || measure(&path)).await??;
    let all = times.iter().sum();
    Ok(vec![
        Limit::new("fdatasync", ms(p50(&times)), Unit::Milliseconds),
        Limit::new("=", rate(times.len(), all), Unit::PerSecond),
    ])
}

fn measure(path: &Path) -> Result<Vec<Duration>> {
    let clock = Clock::system();
    let file = File::create(path).with_context(|| format!("make {}", path.display()))?;
    let page = [0x5a; 4096];
    // Of its final size: what grows a file has its metadata flushed as well.
    for number in 0..64 {
        file.write_all_at(&page, number * 4096)?;
    }
    file.sync_all()?;
    let start = clock.mono();
    let mut times = Vec::new();
    for number in 0u64.. {
        let begin = clock.mono();
        if begin - start >= TIME {
            break;
        }
        file.write_all_at(&page, (number % 64) * 4096)?;
        file.sync_data()?;
        times.push(clock.mono() - begin);
    }
    drop(file);
    std::fs::remove_file(path)?;
    Ok(times)
}
