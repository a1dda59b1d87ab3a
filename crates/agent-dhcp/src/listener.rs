//! One network's socket, and the task that answers on it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use nucleon_dhcp::frame::SERVER_PORT;
use nucleon_dhcp::v4::{Event, FrameAnswer, NotAnswerable};
use nucleon_linux::{
    Filter, Frame, LinkName, Netns, PacketOptions, PacketSocket, Protocol, UdpOptions,
};
use nucleon_model::NetworkId;
use nucleon_net::MacAddr;
use nucleon_obs::{Clock, Group, Limited, OwnedTask};
use tokio::net::UdpSocket;

use crate::dirty::Dirty;
use crate::error::Error;
use crate::metrics::Counts;
use crate::responder::Responder;

/// Frames answered before other tasks get their turn.
const BURST: usize = 64;
/// The longest frame on any link with an MTU of 9000 and its headers; a request is a tenth of it.
const BUFFER: usize = 9216;
/// For a burst of a few thousand requests, as after a power cut.
const RECEIVE_BUFFER: usize = 4 << 20;
/// One line in the log about a source of malformed frames in this time.
const QUIET: Duration = Duration::from_mins(10);
/// After an error that is not about one frame.
const PAUSE: Duration = Duration::from_millis(100);

/// What all listeners share.
#[derive(Debug, Clone)]
pub struct Common {
    counts: Counts,
    strangers: Arc<Limited<(NetworkId, Option<MacAddr>)>>,
    dirty: Dirty,
}

/// An open socket. Dropped, it is closed.
#[derive(Debug)]
pub struct Listener {
    index: u32,
    task: OwnedTask,
    /// The kernel sees unicast requests too, and would answer that nobody listens. This socket is
    /// never read; it fills up, and what is beyond that is dropped without a word.
    _decoy: UdpSocket,
}

impl Common {
    pub fn new(counts: Counts, clock: Clock, dirty: Dirty) -> Self {
        Self { counts, strangers: Arc::new(Limited::new(clock, QUIET)), dirty }
    }
}

impl Listener {
    /// Opens a socket on a device in a namespace, and answers from then on.
    pub async fn open(
        netns: &Netns,
        device: &LinkName,
        responder: Arc<Responder>,
        common: Common,
        group: &Group,
    ) -> Result<Self, Error> {
        let mut decoy = UdpOptions::new((std::net::Ipv4Addr::UNSPECIFIED, SERVER_PORT).into())
            .on(device.clone());
        // The kernel rounds it up to its minimum, two or three requests.
        decoy.receive_buffer = Some(1);
        let decoy = netns.udp_socket(decoy).await?;
        let index = netns.links().index(device).await?;
        let options = PacketOptions {
            protocol: Protocol::IPV4,
            filter: Some(Filter::udp_to(SERVER_PORT)),
            receive_buffer: Some(RECEIVE_BUFFER),
            ..PacketOptions::default()
        };
        let socket = PacketSocket::open(netns, device, options).await?;
        let name = format!("dhcp {}", responder.network());
        let task = group.spawn_owned(name, |cancel| async move {
            let _watch = Watch { network: responder.network(), dirty: common.dirty.clone() };
            tokio::select! {
                () = cancel.cancelled() => {}
                () = listen(&socket, &responder, &common) => {}
            }
        });
        Ok(Self { index, task, _decoy: decoy })
    }

    /// The kernel's number of the device.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The task has ended: nobody answers.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

/// Sees to it that a listener that panics is replaced.
struct Watch {
    network: NetworkId,
    dirty: Dirty,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.dirty.mark(self.network);
        }
    }
}

async fn listen(socket: &PacketSocket, responder: &Responder, common: &Common) {
    let mut buffer = vec![0; BUFFER];
    loop {
        let mut outcome = match socket.recv(&mut buffer).await {
            Ok(frame) => common.answer(&frame, socket, responder).await,
            Err(error) => Err(error),
        };
        for _ in 0..BURST {
            outcome = match outcome {
                Ok(()) => match socket.try_recv(&mut buffer) {
                    Ok(frame) => common.answer(&frame, socket, responder).await,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => Err(error),
                },
                Err(_) => break,
            };
        }
        if let Err(error) = outcome {
            // The device is down or gone. Whoever looks after it finds out which.
            let network = responder.network();
            tracing::warn!(network.id = %network, %error, "the DHCP socket of {network} is disturbed");
            common.dirty.mark(network);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Common {
    /// Fails when the socket does; a frame that is no request is no failure.
    async fn answer(
        &self,
        frame: &Frame<'_>,
        socket: &PacketSocket,
        responder: &Responder,
    ) -> io::Result<()> {
        // What a machine on this network tags itself is on another one.
        if frame.vlan.is_some_and(|tag| tag.id.is_some()) {
            return Ok(());
        }
        match responder.answer(frame.bytes) {
            Ok(FrameAnswer::Reply { reply, frame }) => {
                self.counts.answered(reply.kind);
                if !reply.left_out.is_empty() {
                    tracing::debug!(
                        mac = %reply.client, options = ?reply.left_out,
                        "{} has no room for all of its options", reply.client
                    );
                }
                if let Err(error) = socket.send(&frame).await {
                    self.counts.unsent.inc();
                    return Err(error);
                }
            }
            Ok(FrameAnswer::Noted(event)) => {
                self.counts.noted(event);
                self.tell(responder.network(), event);
            }
            Ok(FrameAnswer::Silent(silence)) => self.counts.silent(silence),
            Err(why) => self.malformed(responder.network(), frame.bytes, &why),
        }
        Ok(())
    }

    fn tell(&self, network: NetworkId, event: Event) {
        match event {
            Event::Released { mac, address } => {
                tracing::debug!(network.id = %network, %mac, %address, "{mac} released {address}");
            }
            // Somebody else uses an address that the server gave to this port.
            Event::Declined { mac, address } => {
                if self.strangers.pass(&(network, Some(mac))).is_some() {
                    tracing::warn!(
                        network.id = %network, %mac, %address,
                        "{mac} declined {address}: it found it in use on {network}"
                    );
                }
            }
        }
    }

    fn malformed(&self, network: NetworkId, frame: &[u8], why: &NotAnswerable) {
        self.counts.malformed.inc();
        let source = frame.get(6..12).and_then(|octets| <[u8; 6]>::try_from(octets).ok());
        let source = source.map(MacAddr::new);
        if let Some(held_back) = self.strangers.pass(&(network, source)) {
            let source = source.map_or_else(|| "nobody".to_owned(), |mac| mac.to_string());
            tracing::warn!(
                network.id = %network, mac = source, held_back,
                why = crate::error::chain(why),
                "a frame from {source} to the DHCP port of {network} is no request"
            );
        }
    }
}
