//! UDP sockets bound to a device inside a namespace.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::error::Error;
use crate::name::LinkName;
use crate::netns::Netns;

/// Whether datagrams may be sent to broadcast addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Broadcast {
    Allowed,
    #[default]
    Refused,
}

/// What a UDP socket is made with.
#[derive(Debug, Clone)]
pub struct UdpOptions {
    pub address: SocketAddr,
    /// Only datagrams of this link come in and go out (SO_BINDTODEVICE).
    pub link: Option<LinkName>,
    pub broadcast: Broadcast,
    /// SO_RCVBUF in bytes; what arrives beyond it is dropped by the kernel.
    pub receive_buffer: Option<usize>,
}

impl UdpOptions {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, link: None, broadcast: Broadcast::default(), receive_buffer: None }
    }

    #[must_use]
    pub fn on(mut self, link: LinkName) -> Self {
        self.link = Some(link);
        self
    }

    #[must_use]
    pub fn broadcast(mut self, broadcast: Broadcast) -> Self {
        self.broadcast = broadcast;
        self
    }
}

impl Netns {
    /// Opens a UDP socket in here and registers it with the caller's runtime.
    pub async fn udp_socket(&self, options: UdpOptions) -> Result<UdpSocket, Error> {
        let action = match &options.link {
            Some(link) => format!("open a UDP socket on {} of '{link}'", options.address),
            None => format!("open a UDP socket on {}", options.address),
        };
        let failed = |source| Error::Socket { action, namespace: self.label().to_owned(), source };
        let opened = self.run(move |_| open(&options)).await?;
        match opened.and_then(|socket| UdpSocket::from_std(socket.into())) {
            Ok(socket) => Ok(socket),
            Err(source) => Err(failed(source)),
        }
    }
}

fn open(options: &UdpOptions) -> io::Result<Socket> {
    let domain = Domain::for_address(options.address);
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if options.address.is_ipv6() {
        // One socket per family; else [::]:67 would take 0.0.0.0:67 as well.
        socket.set_only_v6(true)?;
    }
    if let Some(link) = &options.link {
        socket.bind_device(Some(link.as_str().as_bytes()))?;
    }
    socket.set_broadcast(options.broadcast == Broadcast::Allowed)?;
    if let Some(bytes) = options.receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind(&options.address.into())?;
    Ok(socket)
}
