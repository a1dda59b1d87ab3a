//! The thread that lives in a namespace.

use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::thread;

use nix::sched::{CloneFlags, setns};
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};

use super::Inside;
use crate::error::Error;
use crate::links::Links;

pub(super) type Job = Box<dyn FnOnce(Inside) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// What the thread hands out once it is inside.
pub(super) struct Entered {
    pub(super) links: Links,
    pub(super) descriptor: OwnedFd,
}

/// Room for netlink messages and jobs; the 2 MiB of the default is too much for a network node
/// with a thousand namespaces.
const STACK: usize = 512 * 1024;

pub(super) fn start(
    label: &Arc<str>,
    path: PathBuf,
    queue: mpsc::Receiver<Job>,
) -> Result<oneshot::Receiver<Result<Entered, Error>>, Error> {
    let (ready, entered) = oneshot::channel();
    let failed = |source| Error::Namespace {
        action: "start a thread for",
        namespace: label.to_string(),
        source,
    };
    // Threads show at most 15 bytes of their name; the end of a namespace's name tells more.
    let short = label.get(label.len().saturating_sub(15)..).unwrap_or("netns").to_owned();
    let inside = Arc::clone(label);
    thread::Builder::new()
        .name(short)
        .stack_size(STACK)
        .spawn(move || live(&inside, &path, queue, ready))
        .map_err(failed)?;
    Ok(entered)
}

fn live(
    label: &Arc<str>,
    path: &Path,
    queue: mpsc::Receiver<Job>,
    ready: oneshot::Sender<Result<Entered, Error>>,
) {
    let failed = |action, source| Error::Namespace { action, namespace: label.to_string(), source };
    let prepared = enter(path).map_err(|source| failed("enter", source)).and_then(|descriptor| {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| failed("start a runtime in", source))?;
        Ok((descriptor, runtime))
    });
    let (descriptor, runtime) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    LocalSet::new().block_on(&runtime, serve(label, descriptor, queue, ready));
}

fn enter(path: &Path) -> io::Result<OwnedFd> {
    let file = File::open(path)?;
    setns(file.as_fd(), CloneFlags::CLONE_NEWNET)?;
    Ok(file.into())
}

async fn serve(
    label: &Arc<str>,
    descriptor: OwnedFd,
    mut queue: mpsc::Receiver<Job>,
    ready: oneshot::Sender<Result<Entered, Error>>,
) {
    let mut tasks = JoinSet::new();
    let links = match Links::open(Arc::clone(label), &mut tasks) {
        Ok(links) => links,
        Err(source) => {
            let _ = ready.send(Err(Error::Netlink {
                action: "open a netlink socket".to_owned(),
                namespace: label.to_string(),
                source,
            }));
            return;
        }
    };
    let inside = Inside { links: links.clone() };
    if ready.send(Ok(Entered { links, descriptor })).is_err() {
        return;
    }
    while let Some(job) = queue.recv().await {
        let inside = inside.clone();
        // As a task of its own, so that a panic ends the job and not the thread; the caller learns
        // of it by the answer that never comes.
        let mut one = JoinSet::new();
        one.spawn_local(async move { job(inside).await });
        while one.join_next().await.is_some() {}
    }
}
