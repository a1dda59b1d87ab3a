//! The calls for packet sockets that neither socket2 nor nix has.

use std::io::{self, IoSliceMut};
use std::mem::size_of;
use std::os::fd::AsRawFd;

use nix::sys::socket::{ControlMessageOwned, LinkAddr, MsgFlags, recvmsg};
use socket2::{SockAddr, Socket};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::{Checksum, Frame, PacketKind, PacketStatistics, Protocol, VlanTag};

/// linux/if_packet.h.
const PACKET_STATISTICS: libc::c_int = 6;
const TP_STATUS_CSUMNOTREADY: u32 = 1 << 3;
const TP_STATUS_VLAN_VALID: u32 = 1 << 4;
const TP_STATUS_VLAN_TPID_VALID: u32 = 1 << 6;

/// Where control messages are received, aligned as their headers need it.
#[repr(align(8))]
struct Control([u8; 64]);

/// What came with a frame.
pub(super) struct Header {
    len: usize,
    original_len: usize,
    vlan: Option<VlanTag>,
    kind: PacketKind,
    checksum: Checksum,
}

impl Header {
    pub(super) fn frame(self, buffer: &[u8]) -> Frame<'_> {
        Frame {
            bytes: buffer.get(..self.len).unwrap_or(buffer),
            vlan: self.vlan,
            kind: self.kind,
            checksum: self.checksum,
            original_len: self.original_len,
        }
    }
}

/// struct tpacket_auxdata.
struct Auxiliary {
    status: u32,
    len: u32,
    vlan_control: u16,
    vlan_ethertype: u16,
}

impl Auxiliary {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
        let half = |at: usize| bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes);
        Some(Self {
            status: word(0)?,
            len: word(4)?,
            vlan_control: half(16)?,
            vlan_ethertype: half(18)?,
        })
    }

    fn vlan(&self) -> Option<VlanTag> {
        if self.status & TP_STATUS_VLAN_VALID == 0 {
            return None;
        }
        let ethertype =
            if self.status & TP_STATUS_VLAN_TPID_VALID == 0 { 0x8100 } else { self.vlan_ethertype };
        Some(VlanTag::from_control(ethertype, self.vlan_control))
    }

    fn checksum(&self) -> Checksum {
        if self.status & TP_STATUS_CSUMNOTREADY == 0 {
            Checksum::Complete
        } else {
            Checksum::NotReady
        }
    }
}

pub(super) fn receive(socket: &Socket, buffer: &mut [u8]) -> io::Result<Header> {
    let mut control = Control([0; 64]);
    let mut slices = [IoSliceMut::new(buffer)];
    let message = recvmsg::<LinkAddr>(
        socket.as_raw_fd(),
        &mut slices,
        Some(&mut control.0),
        MsgFlags::MSG_DONTWAIT,
    )?;
    let auxiliary = message.cmsgs()?.find_map(|one| match one {
        ControlMessageOwned::Unknown(one) if one.cmsg_header.cmsg_level == libc::SOL_PACKET => {
            Auxiliary::parse(&one.data_bytes)
        }
        _ => None,
    });
    Ok(Header {
        len: message.bytes,
        original_len: auxiliary
            .as_ref()
            .and_then(|auxiliary| usize::try_from(auxiliary.len).ok())
            .unwrap_or(message.bytes),
        vlan: auxiliary.as_ref().and_then(Auxiliary::vlan),
        kind: kind(message.address.map_or(0, |address| address.pkttype())),
        checksum: auxiliary.map_or(Checksum::Complete, |auxiliary| auxiliary.checksum()),
    })
}

fn kind(number: u8) -> PacketKind {
    match number {
        libc::PACKET_BROADCAST => PacketKind::Broadcast,
        libc::PACKET_MULTICAST => PacketKind::Multicast,
        libc::PACKET_OTHERHOST => PacketKind::OtherHost,
        libc::PACKET_OUTGOING => PacketKind::Outgoing,
        _ => PacketKind::Host,
    }
}

#[allow(unsafe_code)]
pub(super) fn register(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: a `Socket` owns its descriptor, always answers that one, and closes it only when it
    // is dropped; nothing gets at the socket mutably while the `AsyncFd` holds it.
    let registered =
        unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE | Interest::WRITABLE) };
    Ok(registered?)
}

/// Asks for tag, length and state of the checksum with every frame.
pub(super) fn request_auxiliary_data(socket: &Socket) -> io::Result<()> {
    let on: libc::c_int = 1;
    set_option(socket, libc::PACKET_AUXDATA, &on)
}

/// Lasts as long as the socket.
pub(super) fn join_promiscuous(socket: &Socket, index: u32) -> io::Result<()> {
    let request = libc::packet_mreq {
        mr_ifindex: index.cast_signed(),
        mr_type: u16::try_from(libc::PACKET_MR_PROMISC).unwrap_or_default(),
        mr_alen: 0,
        mr_address: [0; 8],
    };
    set_option(socket, libc::PACKET_ADD_MEMBERSHIP, &request)
}

/// Types of which every bit pattern may be shown to the kernel: no padding, no pointers.
trait Plain {}
impl Plain for libc::c_int {}
impl Plain for libc::packet_mreq {}

#[allow(unsafe_code)]
fn set_option<T: Plain>(socket: &Socket, option: libc::c_int, value: &T) -> io::Result<()> {
    let len = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open, since `socket` is borrowed; `value` is read for its size and
    // not kept, and `Plain` has no padding that would leak.
    let done = unsafe {
        let value = std::ptr::from_ref(value).cast();
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_PACKET, option, value, len)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[allow(unsafe_code)]
pub(super) fn statistics(socket: &Socket) -> io::Result<PacketStatistics> {
    let mut counts = [0_u32; 2];
    let mut len = libc::socklen_t::try_from(size_of_val(&counts)).map_err(io::Error::other)?;
    // SAFETY: PACKET_STATISTICS writes a `struct tpacket_stats`, which is two 32-bit numbers, at
    // most `len` bytes of it, into `counts`, which is as large and outlives the call.
    let done = unsafe {
        let value = (&raw mut counts).cast();
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            PACKET_STATISTICS,
            value,
            &raw mut len,
        )
    };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    // The kernel counts dropped frames among the received.
    let [received, dropped] = counts;
    Ok(PacketStatistics { received: received.saturating_sub(dropped), dropped })
}

#[allow(unsafe_code)]
pub(super) fn bind(socket: &Socket, index: u32, protocol: Protocol) -> io::Result<()> {
    const ETH_P_ALL: u16 = 3;
    let ethertype = match protocol {
        Protocol::All => ETH_P_ALL,
        Protocol::EtherType(ethertype) => ethertype,
    };
    // SAFETY: `init` gets storage that is zeroed, aligned and larger than any socket address, of
    // which it fills a `sockaddr_ll` and says its length; zero is a valid value of the rest.
    let ((), address) = unsafe {
        SockAddr::try_init(|storage, len| {
            let link = &mut *storage.cast::<libc::sockaddr_ll>();
            link.sll_family = u16::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
            link.sll_protocol = ethertype.to_be();
            link.sll_ifindex = index.cast_signed();
            *len = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>())
                .map_err(io::Error::other)?;
            Ok(())
        })?
    };
    socket.bind(&address)
}

const _: () = assert!(size_of::<libc::packet_mreq>() == 16, "packet_mreq has no padding");

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(status: u32, control: u16, ethertype: u16) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(status.to_ne_bytes());
        bytes.extend(342_u32.to_ne_bytes());
        bytes.extend(342_u32.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(control.to_ne_bytes());
        bytes.extend(ethertype.to_ne_bytes());
        bytes
    }

    #[test]
    fn a_tag_is_there_only_when_the_status_says_so() {
        let tagged = Auxiliary::parse(&bytes(TP_STATUS_VLAN_VALID, 101, 0)).unwrap();
        assert_eq!(tagged.vlan(), Some(VlanTag::from_control(0x8100, 101)));
        let status = TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID;
        let service = Auxiliary::parse(&bytes(status, 7, 0x88a8)).unwrap();
        assert_eq!(service.vlan(), Some(VlanTag::from_control(0x88a8, 7)));
        assert_eq!(Auxiliary::parse(&bytes(1, 101, 0x8100)).unwrap().vlan(), None);
    }

    #[test]
    fn an_unfinished_checksum_is_told() {
        let unfinished = Auxiliary::parse(&bytes(1 | TP_STATUS_CSUMNOTREADY, 0, 0)).unwrap();
        assert_eq!(unfinished.checksum(), Checksum::NotReady);
        assert_eq!(unfinished.len, 342);
    }

    #[test]
    fn a_short_message_is_none() {
        let whole = bytes(0, 0, 0);
        for length in 0..whole.len() {
            assert!(Auxiliary::parse(&whole[..length]).is_none());
        }
    }
}
