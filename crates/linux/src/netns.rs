//! Network namespaces: by name in a directory, and entered by a thread of their own.
//!
//! The directory is shared with `ip netns`: each side sees and can delete what the other made.

mod dir;
mod thread;

use std::fmt;
use std::future::Future;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

pub use self::dir::NetnsDir;
use self::thread::Job;
use crate::error::{Ensured, Error};
use crate::ethtool::{self, Offload};
use crate::links::Links;
use crate::name::LinkName;
use crate::sysctl;

/// Jobs waiting for a namespace's thread. When it is full the caller of `run` waits: nothing is
/// dropped, and a caller that floods a namespace slows down itself only.
const QUEUE: usize = 64;

/// An entered network namespace: a thread inside it, which ends with the last clone.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use nucleon_linux::{LinkName, NetnsDir, NetnsName};
///
/// let netns = NetnsDir::default().ensure(&NetnsName::new("qdhcp-1")?).await?;
/// netns.links().set_up(&LinkName::new("lo")?).await?;
/// let socket = netns.run(|_| std::net::UdpSocket::bind("0.0.0.0:67")).await??;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Netns {
    shared: Arc<Shared>,
}

struct Shared {
    label: Arc<str>,
    jobs: mpsc::Sender<Job>,
    links: Links,
    /// The namespace itself, by which the kernel is told where a link's other end goes.
    descriptor: OwnedFd,
}

/// What a job finds inside the namespace.
#[derive(Debug, Clone)]
pub struct Inside {
    pub links: Links,
}

impl Netns {
    /// The namespace this process is in (that of its main thread).
    pub async fn host() -> Result<Self, Error> {
        Self::enter("host", Path::new("/proc/self/ns/net")).await
    }

    /// The namespace at `path`, called `label` in errors.
    pub async fn open_path(label: &str, path: &Path) -> Result<Self, Error> {
        Self::enter(label, path).await
    }

    async fn enter(label: &str, path: &Path) -> Result<Self, Error> {
        let label: Arc<str> = label.into();
        let (jobs, queue) = mpsc::channel(QUEUE);
        let ready = thread::start(&label, path.to_owned(), queue)?;
        let entered =
            ready.await.map_err(|_| Error::NamespaceClosed { namespace: label.to_string() })??;
        let shared = Shared { label, jobs, links: entered.links, descriptor: entered.descriptor };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The name it was opened by; `host` for the process's own.
    pub fn label(&self) -> &str {
        &self.shared.label
    }

    /// Links, addresses and routes in here. A clone of it does not keep the namespace entered.
    pub fn links(&self) -> &Links {
        &self.shared.links
    }

    /// Runs `job` on the namespace's thread. Jobs run one after another; a long one delays the
    /// others, so open what is needed and use it outside.
    pub async fn run<T, F>(&self, job: F) -> Result<T, Error>
    where
        F: FnOnce(&Inside) -> T + Send + 'static,
        T: Send + 'static,
    {
        self.run_async(move |inside| async move { job(&inside) }).await
    }

    /// Like [`Netns::run`], for a job that awaits; it runs on the namespace's own runtime.
    pub async fn run_async<T, F, Fut>(&self, job: F) -> Result<T, Error>
    where
        F: FnOnce(Inside) -> Fut + Send + 'static,
        Fut: Future<Output = T> + 'static,
        T: Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let job: Job = Box::new(move |inside| {
            Box::pin(async move {
                let value = job(inside).await;
                // The caller may have stopped waiting; the job is done all the same.
                let _ = answer.send(value);
            })
        });
        self.shared
            .jobs
            .send(job)
            .await
            .map_err(|_| Error::NamespaceClosed { namespace: self.label().to_owned() })?;
        result.await.map_err(|_| Error::JobPanicked { namespace: self.label().to_owned() })
    }

    /// Turns checksum offload for sending on or off (`ethtool -K LINK tx on|off`).
    pub async fn set_tx_checksum(
        &self,
        link: &LinkName,
        offload: Offload,
    ) -> Result<Ensured, Error> {
        let (name, label) = (link.clone(), Arc::clone(&self.shared.label));
        self.run(move |_| ethtool::ensure_tx_checksum(&label, &name, offload)).await?
    }

    /// Writes a sysctl unless it has the value already; `net.ipv4.ip_forward` or, for links with
    /// dots in their names, `net/ipv4/conf/eth0.5/rp_filter`.
    pub async fn ensure_sysctl(
        &self,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Ensured, Error> {
        let (key, value, label) = (key.into(), value.into(), Arc::clone(&self.shared.label));
        self.run(move |_| sysctl::ensure(&label, &key, &value)).await?
    }

    pub async fn sysctl(&self, key: impl Into<String>) -> Result<String, Error> {
        let (key, label) = (key.into(), Arc::clone(&self.shared.label));
        self.run(move |_| sysctl::read(&label, &key)).await?
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.descriptor.as_fd()
    }
}

impl fmt::Debug for Netns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Netns").field(&self.label()).finish()
    }
}
