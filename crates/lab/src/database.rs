//! A database server on a host, as clouds have that are more than one machine.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use nucleon_linux::Netns;
use nucleon_testkit::{Kind, Server};

use crate::host::Host;

/// A server that listens on its host's loopback, with its files elsewhere. It ends when it is dropped.
#[derive(Debug)]
pub struct DatabaseServer {
    netns: Netns,
    server: Arc<Mutex<Server>>,
    url: String,
}

impl DatabaseServer {
    /// Starts one with an empty database.
    pub async fn start(host: &Host, kind: Kind) -> Result<Self> {
        let starting = async {
            let netns = host.enter().await?;
            let started = netns.run(move |_| {
                let server = Server::try_start(kind)?;
                let url = server.create_database("nucleon")?;
                anyhow::Ok((server, url))
            });
            let (server, url) = started.await??;
            anyhow::Ok(Self { netns, server: Arc::new(Mutex::new(server)), url })
        };
        starting.await.with_context(|| format!("start {kind} on {}", host.name()))
    }

    /// `[database] connection` for programs on the host.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `kill -9`.
    pub async fn kill(&self) -> Result<()> {
        self.with(|server| server.kill(0)).await
    }

    /// Starts it with what it had on disk; returns when it serves.
    pub async fn start_again(&self) -> Result<()> {
        self.with(|server| server.restart(0)).await
    }

    /// What it says of itself, for a failure.
    pub async fn report(&self) -> Result<String> {
        self.with(|server| Ok(server.report())).await
    }

    async fn with<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Server) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let server = Arc::clone(&self.server);
        let doing = self.netns.run(move |_| {
            let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
            job(&mut server)
        });
        doing.await?
    }
}
