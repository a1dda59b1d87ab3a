use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::{Instant, sleep};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn groups_stop_in_the_reverse_order_of_their_making() {
    let tasks = Tasks::new();
    let order = Arc::new(Mutex::new(Vec::new()));
    for name in ["store", "api", "agents"] {
        let order = order.clone();
        tasks.group(name, SECOND).spawn_vital(name, |cancel| async move {
            cancel.cancelled().await;
            sleep(Duration::from_millis(100)).await;
            order.lock().unwrap().push(name);
        });
    }
    let report = tasks.shutdown().await;
    assert!(report.stragglers.is_empty());
    assert_eq!(*order.lock().unwrap(), ["agents", "api", "store"]);
    assert_eq!(tasks.failure(), None);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_end_is_cut_off_at_the_deadline_and_named() {
    let tasks = Tasks::new();
    let group = tasks.group("api", SECOND);
    group.spawn("deaf", |_| std::future::pending::<()>());
    group.spawn("polite", |cancel| async move { cancel.cancelled().await });
    let began = Instant::now();
    let report = tasks.shutdown().await;
    assert_eq!(began.elapsed(), SECOND);
    let named: Vec<_> = report.stragglers.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["task 'deaf' of group 'api' did not end within 1 s"]);
    assert!(group.is_empty(), "it was aborted");
}

#[tokio::test]
async fn a_vital_task_that_returns_fails_or_panics_is_the_failure() {
    for (kind, cause) in [
        ("returns", Cause::Ended),
        ("fails", Cause::Failed("no database".into())),
        ("panics", Cause::Panicked("index 3".into())),
    ] {
        let tasks = Tasks::new();
        tasks.group("store", SECOND).spawn_vital("writer", move |_| async move {
            match kind {
                "returns" => Ok(()),
                "fails" => Err("no database"),
                _ => panic!("index {}", 3),
            }
        });
        let failure = tasks.failed().await;
        assert_eq!(failure, Failure { group: "store".into(), task: "writer".into(), cause });
    }
}

#[tokio::test]
async fn the_first_failure_is_kept() {
    let tasks = Tasks::new();
    let group = tasks.group("g", SECOND);
    group.spawn_vital("first", |_| async {});
    assert_eq!(tasks.failed().await.task, "first");
    group.spawn_vital("second", |_| async {});
    while !group.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(tasks.failed().await.task, "first");
    assert_eq!(
        tasks.failure().unwrap().to_string(),
        "task 'first' of group 'g' ended unexpectedly"
    );
}

#[tokio::test]
async fn a_job_may_end_or_panic_without_hurting_the_process() {
    let tasks = Tasks::new();
    let group = tasks.group("g", SECOND);
    group.spawn("ends", |_| async {});
    group.spawn("panics", |cancel| async move { assert!(cancel.is_cancelled(), "only this one") });
    while !group.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(tasks.failure(), None);
    assert!(group.names().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_restarting_task_starts_again_after_growing_pauses() {
    let tasks = Tasks::new();
    let group = tasks.group("g", SECOND);
    let starts = Arc::new(Mutex::new(Vec::new()));
    let log = starts.clone();
    let backoff = Backoff::new(SECOND, SECOND * 60, crate::Random::seeded(7));
    group.spawn_restarting("link", backoff, move |cancel| {
        let mut starts = log.lock().unwrap();
        starts.push(Instant::now());
        let (count, panics) = (starts.len(), starts.len() % 2 == 1);
        async move {
            if count == 6 {
                cancel.cancelled().await;
            }
            assert!(!panics, "broken");
        }
    });
    sleep(SECOND * 600).await;
    let starts = starts.lock().unwrap().clone();
    assert_eq!(starts.len(), 6, "the sixth keeps running");
    let pauses: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses[0] >= SECOND / 2 && pauses[0] <= SECOND * 3 / 2, "{pauses:?}");
    assert!(pauses[4] >= SECOND * 8, "{pauses:?}");
    assert!(tasks.shutdown().await.stragglers.is_empty());
    assert_eq!(tasks.failure(), None);
}

#[tokio::test(start_paused = true)]
async fn a_restarting_task_that_waits_for_its_next_start_stops_at_once() {
    let tasks = Tasks::new();
    let backoff = Backoff::new(SECOND * 30, SECOND * 30, crate::Random::seeded(7));
    tasks.group("g", SECOND * 5).spawn_restarting("link", backoff, |_| async {});
    sleep(SECOND).await;
    let began = Instant::now();
    assert!(tasks.shutdown().await.stragglers.is_empty());
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn dropping_an_owned_task_stops_it() {
    struct Count(Arc<AtomicUsize>);
    impl Drop for Count {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let tasks = Tasks::new();
    let group = tasks.group("g", SECOND);
    let ended = Arc::new(AtomicUsize::new(0));
    let count = Count(ended.clone());
    let task = group.spawn_owned("timer", move |_| async move {
        let _count = count;
        std::future::pending::<()>().await;
    });
    tokio::task::yield_now().await;
    assert!(!task.is_finished());
    drop(task);
    while !group.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(ended.load(Ordering::SeqCst), 1);
    assert!(group.names().is_empty());
}

#[tokio::test]
async fn what_is_spawned_into_a_stopped_group_is_cancelled_from_the_start() {
    let tasks = Tasks::new();
    let group = tasks.group("g", SECOND);
    tasks.shutdown().await;
    group.spawn_vital("late", |cancel| async move { cancel.cancelled().await });
    while !group.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(tasks.failure(), None);
}
