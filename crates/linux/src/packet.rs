//! Packet sockets: whole Ethernet frames in and out of one link.

mod sys;

use std::io;

use nucleon_net::VlanId;
use socket2::{Domain, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::bpf::Filter;
use crate::error::Error;
use crate::links::Links;
use crate::name::LinkName;
use crate::netns::Netns;

/// Which frames the kernel hands to a socket at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// Every frame, those sent from this machine too.
    #[default]
    All,
    /// Received frames of one EtherType. The kernel does not show a socket bound to one what this
    /// machine sends.
    EtherType(u16),
}

impl Protocol {
    pub const IPV4: Self = Self::EtherType(0x0800);
    pub const ARP: Self = Self::EtherType(0x0806);
    pub const IPV6: Self = Self::EtherType(0x86dd);
}

/// Whether the link is told to take frames for other MAC addresses too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Promiscuous {
    On,
    #[default]
    Off,
}

/// What a packet socket is made with.
#[derive(Debug, Clone, Default)]
pub struct PacketOptions {
    pub protocol: Protocol,
    pub filter: Option<Filter>,
    pub promiscuous: Promiscuous,
    /// SO_RCVBUF in bytes; what arrives beyond it is dropped and counted.
    pub receive_buffer: Option<usize>,
}

/// A packet socket bound to one link, registered with the runtime it was opened from.
///
/// ```no_run
/// # async fn example(netns: nucleon_linux::Netns) -> Result<(), Box<dyn std::error::Error>> {
/// use nucleon_linux::{Filter, LinkName, PacketOptions, PacketSocket, Protocol};
///
/// let options = PacketOptions {
///     protocol: Protocol::IPV4,
///     filter: Some(Filter::udp_to(67)),
///     ..PacketOptions::default()
/// };
/// let socket = PacketSocket::open(&netns, &LinkName::new("ns-1")?, options).await?;
/// let mut buffer = [0; 2048];
/// let frame = socket.recv(&mut buffer).await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct PacketSocket {
    socket: AsyncFd<Socket>,
}

/// A frame as it was on the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'b> {
    /// From the destination MAC on, without the VLAN tag, which the kernel takes off.
    pub bytes: &'b [u8],
    pub vlan: Option<VlanTag>,
    pub kind: PacketKind,
    pub checksum: Checksum,
    /// Length on the link; more than `bytes` where the buffer was too small.
    pub original_len: usize,
}

/// The outer VLAN tag of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VlanTag {
    /// `None` in a tag that carries a priority only (id 0).
    pub id: Option<VlanId>,
    pub priority: u8,
    /// 0x8100, or 0x88a8 for a service tag.
    pub ethertype: u16,
}

/// Whose frame it is, as the kernel sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketKind {
    Host,
    Broadcast,
    Multicast,
    /// To a MAC that is not the link's.
    OtherHost,
    /// Sent from this machine.
    Outgoing,
}

/// Whether the checksum in the frame can be trusted to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    Complete,
    /// The sender left it to an offload that never came by (veth): do not verify it.
    NotReady,
}

/// Counts since the last call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketStatistics {
    pub received: u32,
    pub dropped: u32,
}

impl PacketSocket {
    /// Opens a socket inside `netns` and registers it with the caller's runtime.
    pub async fn open(
        netns: &Netns,
        link: &LinkName,
        options: PacketOptions,
    ) -> Result<Self, Error> {
        let name = link.clone();
        let opened = netns
            .run_async(move |inside| async move { open(&inside.links, &name, &options).await })
            .await??;
        let socket = sys::register(opened);
        socket.map(|socket| Self { socket }).map_err(|source| Error::Link {
            action: "register a packet socket".to_owned(),
            link: link.clone(),
            namespace: netns.label().to_owned(),
            source,
        })
    }

    /// Waits for a frame. What does not fit the buffer is cut off.
    ///
    /// `NetworkDown` says that the link went down or away; the socket goes on working when the
    /// link comes up again, and stays silent if it was deleted.
    pub async fn recv<'b>(&self, buffer: &'b mut [u8]) -> io::Result<Frame<'b>> {
        let read = |socket: &Socket| sys::receive(socket, buffer);
        // A link that goes down is an error on the socket, which is not a frame to be read.
        let header = self.socket.async_io(Interest::READABLE | Interest::ERROR, read).await?;
        Ok(header.frame(buffer))
    }

    /// The next frame that is there already; `WouldBlock` when there is none.
    pub fn try_recv<'b>(&self, buffer: &'b mut [u8]) -> io::Result<Frame<'b>> {
        let read = |socket: &Socket| sys::receive(socket, buffer);
        let header = self.socket.try_io(Interest::READABLE, read)?;
        Ok(header.frame(buffer))
    }

    /// Sends one whole frame, destination MAC first. Waits while the link's queue is full.
    pub async fn send(&self, frame: &[u8]) -> io::Result<()> {
        let sent = self.socket.async_io(Interest::WRITABLE, |socket| socket.send(frame)).await?;
        if sent == frame.len() {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::WriteZero, "the kernel took a part of a frame"))
        }
    }

    /// Frames seen and frames dropped for want of room, since the last call.
    pub fn statistics(&self) -> io::Result<PacketStatistics> {
        sys::statistics(self.socket.get_ref())
    }
}

impl Frame<'_> {
    /// The frame with its VLAN tag back in place, as it was on the link.
    pub fn tagged_bytes(&self) -> Vec<u8> {
        let Some((tag, (addresses, rest))) = self.vlan.zip(self.bytes.split_at_checked(12)) else {
            return self.bytes.to_vec();
        };
        let mut bytes = Vec::with_capacity(self.bytes.len() + 4);
        bytes.extend_from_slice(addresses);
        bytes.extend_from_slice(&tag.ethertype.to_be_bytes());
        bytes.extend_from_slice(&tag.control().to_be_bytes());
        bytes.extend_from_slice(rest);
        bytes
    }
}

impl VlanTag {
    /// From the 16 bits that follow the EtherType (IEEE 802.1Q, 9.6).
    pub fn from_control(ethertype: u16, control: u16) -> Self {
        Self {
            id: VlanId::new(control & 0x0fff).ok(),
            priority: u8::try_from(control >> 13).unwrap_or_default(),
            ethertype,
        }
    }

    pub fn control(self) -> u16 {
        u16::from(self.priority) << 13 | self.id.map_or(0, VlanId::get)
    }
}

async fn open(links: &Links, link: &LinkName, options: &PacketOptions) -> Result<Socket, Error> {
    let index = links.index(link).await?;
    configure(index, options).map_err(|source| Error::Link {
        action: "open a packet socket".to_owned(),
        link: link.clone(),
        namespace: links.namespace().to_owned(),
        source,
    })
}

fn configure(index: u32, options: &PacketOptions) -> io::Result<Socket> {
    // Protocol 0: nothing arrives before the filter is attached and the link chosen.
    let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
    socket.set_nonblocking(true)?;
    sys::request_auxiliary_data(&socket)?;
    if let Some(filter) = &options.filter {
        socket.attach_filter(&filter.program())?;
    }
    if let Some(bytes) = options.receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    if options.promiscuous == Promiscuous::On {
        sys::join_promiscuous(&socket, index)?;
    }
    sys::bind(&socket, index, options.protocol)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(id: u16, priority: u8) -> VlanTag {
        VlanTag { id: VlanId::new(id).ok(), priority, ethertype: 0x8100 }
    }

    #[test]
    fn a_tag_and_its_control_bits_are_two_forms_of_one_thing() {
        assert_eq!(VlanTag::from_control(0x8100, 0x6065), tag(101, 3));
        assert_eq!(tag(101, 3).control(), 0x6065);
        assert_eq!(VlanTag::from_control(0x8100, 0xe000), tag(0, 7));
    }

    #[test]
    fn the_tag_goes_back_behind_the_addresses() {
        let bytes: Vec<u8> = (0..14).collect();
        let frame = Frame {
            bytes: &bytes,
            vlan: Some(tag(101, 0)),
            kind: PacketKind::Broadcast,
            checksum: Checksum::Complete,
            original_len: 14,
        };
        let tagged = frame.tagged_bytes();
        assert_eq!(tagged[..12], bytes[..12]);
        assert_eq!(tagged[12..], [0x81, 0x00, 0x00, 0x65, 12, 13]);
        assert_eq!(Frame { vlan: None, ..frame }.tagged_bytes(), bytes);
    }
}
