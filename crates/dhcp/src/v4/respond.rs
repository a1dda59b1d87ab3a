//! What a server of fixed addresses answers (RFC 2131, section 4.3).

mod draft;

use std::net::Ipv4Addr;

use dhcproto::v4::MessageType;
use nucleon_net::MacAddr;

use self::draft::Draft;
use super::answer::{Answer, Destination, Event, Reply, ReplyKind, Silence};
use super::message::{self, Header, LOWER_HEADERS};
use super::network::{Client, Lease, Network};
use super::option::{WireOption, code};
use super::request::{Arrival, Malformed, Request};
use crate::frame::{Datagram, FrameError};

/// The size every client takes, and the most we make use of (RFC 2132, section 9.10).
const SMALLEST_LIMIT: u16 = 576;
const LARGEST_LIMIT: u16 = 1500;

/// The outcome of one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameAnswer {
    /// Send `frame`; `reply` tells what is in it.
    Reply {
        reply: Reply,
        frame: Vec<u8>,
    },
    Noted(Event),
    Silent(Silence),
}

/// Why a frame or payload is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnswerable {
    #[error("not a datagram to a DHCP server")]
    Frame(#[from] FrameError),
    #[error("not a DHCP request")]
    Message(#[from] Malformed),
}

impl Network {
    /// Reads a frame, decides, and makes the frame to send.
    pub fn answer_frame(&self, frame: &[u8]) -> Result<FrameAnswer, NotAnswerable> {
        let datagram = Datagram::parse(frame)?;
        let request = Request::parse(datagram.payload, Arrival::from(&datagram))?;
        Ok(match self.respond(&request) {
            Answer::Reply(reply) => {
                let frame = reply.datagram(self.server_mac, datagram.vlan).to_frame()?;
                FrameAnswer::Reply { reply, frame }
            }
            Answer::Noted(event) => FrameAnswer::Noted(event),
            Answer::Silent(silence) => FrameAnswer::Silent(silence),
        })
    }

    /// Decides what a request gets. No clock is needed: an address is a client's for as long as the
    /// configuration says so, and every lease has the full length.
    pub fn respond(&self, request: &Request) -> Answer {
        self.decide(request).unwrap_or_else(Answer::Silent)
    }

    fn decide(&self, request: &Request) -> Result<Answer, Silence> {
        let client = self.clients.get(&request.mac).ok_or(Silence::UnknownClient(request.mac))?;
        if !request.giaddr.is_unspecified() {
            return Err(Silence::Relayed(request.giaddr));
        }
        if !self.is_for_us(&request.arrival) {
            return Err(Silence::NotForUs);
        }
        if let Some(server) = request.server_id.filter(|server| !self.servers.contains(server)) {
            return Err(Silence::OtherServer(server));
        }
        let first = client.leases.first().ok_or(Silence::NotServed(request.mac))?;
        match request.kind {
            MessageType::Discover => {
                // A client with several addresses may say which one it means.
                let lease = request.requested_address.and_then(|wish| client.lease(wish));
                let exchange = Exchange { network: self, client, request };
                Ok(Answer::Reply(exchange.reply(ReplyKind::Offer, lease.unwrap_or(first))))
            }
            MessageType::Request => {
                // SELECTING and INIT-REBOOT name the address in option 50, RENEWING and REBINDING
                // in ciaddr (RFC 2131, section 4.3.2).
                let wish = request.requested_address.or(given(request.ciaddr));
                let wish = wish.ok_or(Silence::NoAddress)?;
                let exchange = Exchange { network: self, client, request };
                Ok(Answer::Reply(match client.lease(wish) {
                    Some(lease) => exchange.reply(ReplyKind::Ack, lease),
                    None => exchange.nak(wish, first.server),
                }))
            }
            MessageType::Inform => {
                let address = given(request.ciaddr).ok_or(Silence::NoAddress)?;
                // The reply goes to ciaddr, which therefore must not be somebody else's.
                let lease = client.lease(address).ok_or(Silence::NotItsAddress(address))?;
                let exchange = Exchange { network: self, client, request };
                Ok(Answer::Reply(exchange.reply(ReplyKind::Information, lease)))
            }
            MessageType::Release => {
                let address = given(request.ciaddr).ok_or(Silence::NoAddress)?;
                client.check_giving_up(request, address)?;
                Ok(Answer::Noted(Event::Released { mac: request.mac, address }))
            }
            MessageType::Decline => {
                let address = request.requested_address.ok_or(Silence::NoAddress)?;
                client.check_giving_up(request, address)?;
                Ok(Answer::Noted(Event::Declined { mac: request.mac, address }))
            }
            other => Err(Silence::Unexpected(other.into())),
        }
    }

    /// On a shared segment a frame to another server may be flooded to us.
    fn is_for_us(&self, arrival: &Arrival) -> bool {
        let mac_is_ours = |mac: MacAddr| mac.is_multicast() || mac == self.server_mac;
        let address_is_ours =
            |address: Ipv4Addr| address.is_broadcast() || self.servers.contains(&address);
        arrival.destination_mac.is_none_or(mac_is_ours)
            && arrival.destination.is_none_or(address_is_ours)
    }
}

fn given(address: Ipv4Addr) -> Option<Ipv4Addr> {
    (!address.is_unspecified()).then_some(address)
}

impl Client {
    fn lease(&self, address: Ipv4Addr) -> Option<&Lease> {
        self.leases.iter().find(|lease| lease.address == address)
    }

    /// Nobody may give up an address in the name of another.
    fn check_giving_up(&self, request: &Request, address: Ipv4Addr) -> Result<(), Silence> {
        if let Some(by) = request.arrival.source_mac.filter(|mac| *mac != request.mac) {
            return Err(Silence::Impersonated { by });
        }
        self.lease(address).map(|_| ()).ok_or(Silence::NotItsAddress(address))
    }
}

/// A request, and the client it came from.
struct Exchange<'a> {
    network: &'a Network,
    client: &'a Client,
    request: &'a Request,
}

impl<'a> Exchange<'a> {
    fn reply(&self, kind: ReplyKind, lease: &'a Lease) -> Reply {
        let Self { network, client, request } = *self;
        let mut draft = Draft::new(network, client, lease, request);
        if kind != ReplyKind::Information {
            draft.push_times();
        }
        let Draft { mut options, next_server, sname, file, .. } = draft;
        let offer = kind == ReplyKind::Offer;
        let message_type = if offer { MessageType::Offer } else { MessageType::Ack };
        self.push_protocol(&mut options, message_type, lease.server);

        // RFC 2131, table 3: ciaddr is echoed in an ACK, yiaddr stays empty towards an INFORM.
        let (ciaddr, yiaddr) = match kind {
            ReplyKind::Offer | ReplyKind::Nak => (Ipv4Addr::UNSPECIFIED, lease.address),
            ReplyKind::Ack => (request.ciaddr, lease.address),
            ReplyKind::Information => (request.ciaddr, Ipv4Addr::UNSPECIFIED),
        };
        let destination = self.destination(kind, lease.address);
        let header = Header {
            xid: request.xid,
            flags: self.flags(),
            ciaddr,
            yiaddr,
            siaddr: next_server.unwrap_or(lease.server),
            mac: request.mac,
            sname,
            file,
        };
        let limit = request.max_size.unwrap_or(SMALLEST_LIMIT);
        let limit = usize::from(limit.clamp(SMALLEST_LIMIT, LARGEST_LIMIT)) - LOWER_HEADERS;
        let (payload, left_out) = message::write(&header, options, limit);
        let (server, client, address) = (lease.server, request.mac, lease.address);
        Reply { kind, destination, server, client, address, payload, left_out }
    }

    /// A refusal carries no options but what identifies it (RFC 2131, table 3), and is broadcast,
    /// because the client's address is the very thing that is wrong.
    fn nak(&self, address: Ipv4Addr, server: Ipv4Addr) -> Reply {
        let request = self.request;
        let mut options = vec![WireOption::new(code::MESSAGE, b"wrong address".as_slice())];
        self.push_protocol(&mut options, MessageType::Nak, server);
        let header = Header {
            xid: request.xid,
            flags: request.flags | 0x8000,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::UNSPECIFIED,
            siaddr: Ipv4Addr::UNSPECIFIED,
            mac: request.mac,
            sname: None,
            file: None,
        };
        let limit = usize::from(SMALLEST_LIMIT) - LOWER_HEADERS;
        let (payload, left_out) = message::write(&header, options, limit);
        let destination = Destination::Broadcast;
        Reply {
            kind: ReplyKind::Nak,
            destination,
            server,
            client: request.mac,
            address,
            payload,
            left_out,
        }
    }

    /// The options that every message of a server has, and those that echo the client's.
    fn push_protocol(
        &self,
        options: &mut Vec<WireOption<'a>>,
        kind: MessageType,
        server: Ipv4Addr,
    ) {
        options.push(WireOption::new(code::MESSAGE_TYPE, vec![u8::from(kind)]));
        options.push(WireOption::new(code::SERVER_ID, server.octets().to_vec()));
        if let Some(id) = self.request.client_id.as_deref().filter(|id| !id.is_empty()) {
            options.push(WireOption::new(code::CLIENT_ID, id));
        }
        if let Some(info) = self.request.relay_info.as_deref().filter(|info| !info.is_empty()) {
            options.push(WireOption::new(code::RELAY_INFO, info));
        }
    }

    /// RFC 2131, section 4.1, end.
    fn destination(&self, kind: ReplyKind, address: Ipv4Addr) -> Destination {
        let mac = self.request.mac;
        match kind {
            // The client has the address already and listens on it.
            ReplyKind::Ack | ReplyKind::Information if self.request.ciaddr == address => {
                Destination::Client { mac, address }
            }
            _ if self.flags() & 0x8000 != 0 => Destination::Broadcast,
            _ => Destination::Client { mac, address },
        }
    }

    fn flags(&self) -> u16 {
        let forced = if self.network.broadcast_reply { 0x8000 } else { 0 };
        self.request.flags | forced
    }
}
