//! A door from this machine's loopback to an address in a namespace, so that nothing else of the
//! machine changes.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use nucleon_linux::Netns;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::api;

/// Passes connections on until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl Proxy {
    /// Listens on loopback, on `port` if that is free, else on any, and connects to `target` from
    /// within `netns`.
    pub async fn start(port: u16, netns: &Netns, target: SocketAddr) -> Result<Self> {
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
        };
        let address = listener.local_addr().context("listen on loopback")?;
        let mut task = JoinSet::new();
        task.spawn(accept(listener, netns.clone(), target));
        Ok(Self { address, _task: task })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, netns: Netns, target: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let netns = netns.clone();
        connections.spawn(async move {
            // The client sees a closed connection.
            let _ = pass(client, &netns, target).await;
        });
    }
}

async fn pass(mut client: TcpStream, netns: &Netns, target: SocketAddr) -> std::io::Result<()> {
    let mut server = api::open(Some(netns), target).await?.connect(target).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
}
