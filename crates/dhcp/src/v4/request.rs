//! A client's message, checked.

use std::net::Ipv4Addr;

use dhcproto::v4::borrowed::{DhcpOptionIterator, Message};
use dhcproto::v4::{HType, MAGIC, MessageType, Opcode};
use nucleon_net::MacAddr;

use super::codes::OptionCodes;
use super::option::code;

const HEADER: usize = 236;
const SNAME: std::ops::Range<usize> = 44..108;
const FILE: std::ops::Range<usize> = 108..236;

/// How a message came; what is not known is not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arrival {
    pub source_mac: Option<MacAddr>,
    pub destination_mac: Option<MacAddr>,
    pub destination: Option<Ipv4Addr>,
}

/// What a client sent, as far as it matters for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub arrival: Arrival,
    pub kind: MessageType,
    /// The client hardware address, `chaddr`.
    pub mac: MacAddr,
    pub xid: u32,
    /// The flags field; its highest bit asks for a broadcast.
    pub flags: u16,
    pub ciaddr: Ipv4Addr,
    pub giaddr: Ipv4Addr,
    /// Option 50; 0.0.0.0 counts as absent.
    pub requested_address: Option<Ipv4Addr>,
    /// Option 54.
    pub server_id: Option<Ipv4Addr>,
    /// Option 55; none where the client left the choice to the server.
    pub parameters: Option<OptionCodes>,
    /// Option 57.
    pub max_size: Option<u16>,
    /// Option 61, echoed (RFC 6842).
    pub client_id: Option<Vec<u8>>,
    /// The flags of option 81.
    pub fqdn_flags: Option<u8>,
    /// Option 82 as a switch on the way may add it; echoed (RFC 3046, section 2.2).
    pub relay_info: Option<Vec<u8>>,
    /// The client is iPXE.
    pub ipxe: bool,
}

/// Why a payload is no DHCP request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("{0} octets are too few for a message")]
    TooShort(usize),
    #[error("operation {0} is not a request")]
    NotARequest(u8),
    #[error("hardware type {htype} with addresses of {hlen} octets is not Ethernet")]
    Hardware { htype: u8, hlen: u8 },
    #[error("{0} is not the hardware address of a client")]
    ClientAddress(MacAddr),
    #[error("the magic cookie is {0:02x?}")]
    Cookie([u8; 4]),
    #[error("option {code} needs {needed} octets, {available} are there")]
    Overrun { code: u8, needed: usize, available: usize },
    #[error("option {code} has {len} octets")]
    OptionLength { code: u8, len: usize },
    #[error("no message type: BOOTP")]
    Bootp,
    #[error("message type {0} is unknown")]
    Type(u8),
}

impl Request {
    /// Reads the payload of a UDP datagram.
    ///
    /// What an answer rests on must be right; a broken courtesy (a size, a name) is passed over, so
    /// that a clumsy client still gets its address.
    pub fn parse(payload: &[u8], arrival: Arrival) -> Result<Self, Malformed> {
        let message = Message::new(payload).map_err(|_| Malformed::TooShort(payload.len()))?;
        if message.opcode() != Opcode::BootRequest {
            return Err(Malformed::NotARequest(message.opcode().into()));
        }
        let (htype, hlen) = (message.htype(), message.hlen());
        if htype != HType::Eth || hlen != 6 {
            return Err(Malformed::Hardware { htype: htype.into(), hlen });
        }
        let mac = message
            .chaddr()
            .first_chunk::<6>()
            .copied()
            .map(MacAddr::new)
            .ok_or(Malformed::TooShort(payload.len()))?;
        if mac.is_multicast() || mac == MacAddr::ZERO {
            return Err(Malformed::ClientAddress(mac));
        }
        let (cookie, options) = payload
            .get(HEADER..)
            .and_then(|rest| rest.split_first_chunk::<4>())
            .ok_or(Malformed::TooShort(payload.len()))?;
        if *cookie != MAGIC {
            return Err(Malformed::Cookie(*cookie));
        }

        let mut seen = Seen::default();
        seen.read(options)?;
        // RFC 2131, section 4.1: first the file field, then the server name.
        let overload = seen.overload.unwrap_or_default();
        if overload & 1 != 0 {
            seen.read(payload.get(FILE).unwrap_or_default())?;
        }
        if overload & 2 != 0 {
            seen.read(payload.get(SNAME).unwrap_or_default())?;
        }
        Ok(Self {
            arrival,
            kind: seen.kind.ok_or(Malformed::Bootp)?,
            mac,
            xid: message.xid(),
            flags: message.flags().into(),
            ciaddr: message.ciaddr(),
            giaddr: message.giaddr(),
            requested_address: seen.requested_address.filter(|address| !address.is_unspecified()),
            server_id: seen.server_id,
            parameters: seen.parameters,
            max_size: seen.max_size,
            client_id: seen.client_id,
            fqdn_flags: seen.fqdn_flags,
            relay_info: seen.relay_info,
            ipxe: seen.ipxe,
        })
    }

    /// The client asks for its answer to be broadcast.
    pub fn wants_broadcast(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// Whether the client wants option `code`. One that names nothing gets everything.
    pub fn wants(&self, code: u8) -> bool {
        self.parameters.is_none_or(|codes| codes.contains(code))
    }
}

/// The options read so far; of several with one code the first counts.
#[derive(Default)]
struct Seen {
    kind: Option<MessageType>,
    overload: Option<u8>,
    requested_address: Option<Ipv4Addr>,
    server_id: Option<Ipv4Addr>,
    parameters: Option<OptionCodes>,
    max_size: Option<u16>,
    client_id: Option<Vec<u8>>,
    fqdn_flags: Option<u8>,
    relay_info: Option<Vec<u8>>,
    ipxe: bool,
}

impl Seen {
    fn read(&mut self, area: &[u8]) -> Result<(), Malformed> {
        check_lengths(area)?;
        for option in DhcpOptionIterator::new(area) {
            let data = option.data();
            match u8::from(option.code()) {
                code::MESSAGE_TYPE => keep(&mut self.kind, message_type(data)?),
                code::OVERLOAD => keep(&mut self.overload, data.first().copied()),
                code::REQUESTED_ADDRESS => {
                    keep(&mut self.requested_address, address(code::REQUESTED_ADDRESS, data)?);
                }
                code::SERVER_ID => keep(&mut self.server_id, address(code::SERVER_ID, data)?),
                code::PARAMETERS => {
                    keep(&mut self.parameters, Some(data.iter().copied().collect()));
                }
                code::MAX_SIZE => {
                    keep(&mut self.max_size, data.try_into().ok().map(u16::from_be_bytes));
                }
                code::CLIENT_ID => keep(&mut self.client_id, Some(data.to_vec())),
                code::FQDN => {
                    keep(&mut self.fqdn_flags, data.first_chunk::<3>().map(|[flags, ..]| *flags));
                }
                code::RELAY_INFO => keep(&mut self.relay_info, Some(data.to_vec())),
                code::IPXE => self.ipxe = true,
                _ => {}
            }
        }
        Ok(())
    }
}

fn keep<T>(slot: &mut Option<T>, value: Option<T>) {
    if slot.is_none() {
        *slot = value;
    }
}

fn message_type(data: &[u8]) -> Result<Option<MessageType>, Malformed> {
    let [octet] = data else {
        return Err(Malformed::OptionLength { code: code::MESSAGE_TYPE, len: data.len() });
    };
    match MessageType::from(*octet) {
        MessageType::Unknown(octet) => Err(Malformed::Type(octet)),
        kind => Ok(Some(kind)),
    }
}

fn address(code: u8, data: &[u8]) -> Result<Option<Ipv4Addr>, Malformed> {
    let octets: [u8; 4] =
        data.try_into().map_err(|_| Malformed::OptionLength { code, len: data.len() })?;
    Ok(Some(Ipv4Addr::from(octets)))
}

/// The iterator stops without a word at an option that runs over the end; a server must not act on
/// half a message.
fn check_lengths(area: &[u8]) -> Result<(), Malformed> {
    let mut rest = area;
    while let Some((&code, tail)) = rest.split_first() {
        match code {
            0 => rest = tail,
            255 => return Ok(()),
            _ => {
                let (&length, tail) = tail.split_first().ok_or(Malformed::Overrun {
                    code,
                    needed: 1,
                    available: 0,
                })?;
                let needed = usize::from(length);
                rest = tail.get(needed..).ok_or(Malformed::Overrun {
                    code,
                    needed,
                    available: tail.len(),
                })?;
            }
        }
    }
    Ok(())
}
