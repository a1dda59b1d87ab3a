//! A pair of virtual devices: frames there and back, with nobody thinking about them.

use std::sync::Arc;

use anyhow::Result;
use nucleon_linux::{LinkName, Netns, PacketKind, PacketOptions, PacketSocket, Protocol};
use tokio::task::JoinSet;

/// Sends back what arrives on a link, with its MAC addresses exchanged, until it is dropped.
#[derive(Debug)]
pub struct Mirror {
    _task: JoinSet<()>,
}

impl Mirror {
    pub async fn start(netns: &Netns, link: &LinkName) -> Result<Self> {
        let options = PacketOptions {
            protocol: Protocol::IPV4,
            receive_buffer: Some(4 << 20),
            ..PacketOptions::default()
        };
        let socket = Arc::new(PacketSocket::open(netns, link, options).await?);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut buffer = [0; 2048];
            // A link that goes away is the end of it.
            while let Ok(frame) = socket.recv(&mut buffer).await {
                if frame.kind == PacketKind::Outgoing {
                    continue;
                }
                let mut back = frame.bytes.to_vec();
                if let Some((destination, rest)) = back.split_at_mut_checked(6)
                    && let Some(source) = rest.get_mut(..6)
                {
                    destination.swap_with_slice(source);
                }
                if socket.send(&back).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { _task: task })
    }
}
