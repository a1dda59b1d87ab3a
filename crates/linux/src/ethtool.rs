//! Offloads of a device, by the ethtool ioctl.

use std::io;
use std::os::fd::AsRawFd;

use socket2::{Domain, Socket, Type};

use crate::error::{Ensured, Error};
use crate::name::LinkName;

/// linux/ethtool.h.
const ETHTOOL_GTXCSUM: u32 = 0x16;
const ETHTOOL_STXCSUM: u32 = 0x17;
/// linux/sockios.h.
const SIOCETHTOOL: libc::Ioctl = 0x8946;

/// Whether the device, or who receives from it, completes checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offload {
    On,
    Off,
}

/// struct ethtool_value.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// Sets checksum offload for sending. The kernel drops segmentation offload with it, which needs
/// it. Runs in the namespace of the calling thread.
///
/// A veth hands frames on with their checksums unfinished when it is on; Open vSwitch's userspace
/// datapath (3.1, without userspace-tso) forwards them so, and receivers drop them.
pub(crate) fn ensure_tx_checksum(
    namespace: &str,
    link: &LinkName,
    offload: Offload,
) -> Result<Ensured, Error> {
    let failed = |source: io::Error| {
        if source.raw_os_error() == Some(libc::ENODEV) {
            Error::LinkMissing { link: link.clone(), namespace: namespace.to_owned() }
        } else {
            Error::Link {
                action: format!("turn checksum offload {offload:?}"),
                link: link.clone(),
                namespace: namespace.to_owned(),
                source,
            }
        }
    };
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).map_err(failed)?;
    let wanted = u32::from(offload == Offload::On);
    let current = call(&socket, link, ETHTOOL_GTXCSUM, 0).map_err(failed)?;
    if (current != 0) == (wanted != 0) {
        return Ok(Ensured::Unchanged);
    }
    call(&socket, link, ETHTOOL_STXCSUM, wanted).map_err(failed)?;
    Ok(Ensured::Changed)
}

#[allow(unsafe_code)]
fn call(socket: &Socket, link: &LinkName, command: u32, data: u32) -> io::Result<u32> {
    let mut value = EthtoolValue { command, data };
    let mut name = [0; libc::IFNAMSIZ];
    for (to, from) in name.iter_mut().zip(link.as_str().bytes()) {
        *to = from.cast_signed();
    }
    let mut request = libc::ifreq {
        ifr_name: name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: (&raw mut value).cast() },
    };
    // SAFETY: SIOCETHTOOL takes a `struct ifreq` whose name ends in a zero (LinkName is at most 15
    // bytes of 16) and whose data points at a `struct ethtool_value`, which is what these two
    // commands read and write. Both live until the call returns; the kernel keeps neither.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &raw mut request) };
    if done < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(value.data)
}
