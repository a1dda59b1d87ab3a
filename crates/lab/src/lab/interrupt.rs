//! Ctrl-C and SIGTERM: the labs of this process are taken away before it ends.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use anyhow::{Context, Result, anyhow};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::{LabId, remains};

/// The labs of this process.
static LABS: Mutex<Vec<LabId>> = Mutex::new(Vec::new());

/// Shells say 128 and the number of the signal.
static EXIT: AtomicI32 = AtomicI32::new(130);

/// What the process exits with once it is interrupted from here on.
pub fn exit_on_interrupt(code: i32) {
    EXIT.store(code, Ordering::Relaxed);
}

pub(super) fn register(id: &LabId) {
    LABS.lock().unwrap_or_else(PoisonError::into_inner).push(id.clone());
}

pub(super) fn unregister(id: &LabId) {
    LABS.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| other != id);
}

/// Starts, once for the process, the thread that waits for signals. A thread, since the runtimes of
/// tests come and go, and a busy one would not get to it.
pub(super) fn watch() -> Result<()> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    STARTED
        .get_or_init(|| start().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(|text| anyhow!(text))
}

fn start() -> Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let wait = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let work = move || {
        runtime.block_on(wait);
        let labs = LABS.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for id in labs {
            if let Err(error) = remains::remove(&id) {
                eprintln!("lab {id} was not removed whole: {error:#}");
            }
        }
        std::process::exit(EXIT.load(Ordering::Relaxed));
    };
    let thread = thread::Builder::new().name("lab-interrupt".to_owned()).spawn(work);
    thread.map(drop).context("start the thread that waits for signals")
}
