//! A DHCP load client (RFC 2131): whole exchanges of many machines over one packet socket, a window
//! of them under way at a time.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use dhcproto::v4::{CLIENT_PORT, DhcpOption, Message, MessageType, OptionCode, SERVER_PORT};
use dhcproto::{Decodable, Decoder, Encodable};
use nucleon_dhcp::frame::Datagram;
use nucleon_linux::PacketSocket;
use nucleon_net::MacAddr;
use nucleon_obs::Clock;

use crate::api::Port;

/// Without an answer for so long, what is under way is given up and counted as lost.
const SILENCE: Duration = Duration::from_millis(200);

/// Exchanges under way at a time.
const WINDOW: usize = 64;

/// What came of a load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    pub exchanges: usize,
    pub lost: usize,
    pub took: Duration,
}

/// The machines that ask.
#[derive(Debug)]
pub struct Load<'p> {
    ports: &'p [Port],
    /// Each one's DISCOVER, ready to be sent.
    discovers: Vec<Vec<u8>>,
    by_mac: HashMap<[u8; 6], usize>,
}

impl<'p> Load<'p> {
    pub fn new(ports: &'p [Port]) -> Result<Self> {
        let mut discovers = Vec::with_capacity(ports.len());
        for (number, port) in ports.iter().enumerate() {
            let mut message = Message::default();
            message.set_chaddr(&port.mac.octets()).set_xid(u32::try_from(number)?);
            message.opts_mut().insert(DhcpOption::MessageType(MessageType::Discover));
            discovers.push(frame(port.mac, &message)?);
        }
        let by_mac = ports.iter().enumerate().map(|(at, port)| (port.mac.octets(), at)).collect();
        Ok(Self { ports, discovers, by_mac })
    }

    /// DISCOVER, OFFER, REQUEST, ACK, over and over for so long.
    pub async fn run(&self, socket: &PacketSocket, length: Duration) -> Result<Outcome> {
        let clock = Clock::system();
        let start = clock.mono();
        let mut outcome = Outcome::default();
        let mut next = self.discovers.iter().cycle();
        let mut under_way = 0;
        let mut buffer = [0; 2048];
        while clock.mono() - start < length {
            while under_way < WINDOW {
                socket.send(next.next().context("no machines")?).await?;
                under_way += 1;
            }
            let received = tokio::time::timeout(SILENCE, socket.recv(&mut buffer)).await;
            let Ok(received) = received else {
                outcome.lost += under_way;
                under_way = 0;
                continue;
            };
            match self.answer(received?.bytes)? {
                Some(Step::Request(frame)) => socket.send(&frame).await?,
                Some(Step::Done) => {
                    outcome.exchanges += 1;
                    under_way = under_way.saturating_sub(1);
                }
                None => {}
            }
        }
        outcome.took = clock.mono() - start;
        Ok(outcome)
    }

    /// The same frames to a mirror: two round trips for an exchange.
    pub async fn bounce(&self, socket: &PacketSocket, length: Duration) -> Result<Outcome> {
        let clock = Clock::system();
        let start = clock.mono();
        let (mut trips, mut under_way) = (0, 0);
        let mut next = self.discovers.iter().cycle();
        let mut buffer = [0; 2048];
        while clock.mono() - start < length {
            while under_way < WINDOW {
                socket.send(next.next().context("no machines")?).await?;
                under_way += 1;
            }
            match tokio::time::timeout(SILENCE, socket.recv(&mut buffer)).await {
                Ok(received) => {
                    received?;
                    trips += 1;
                    under_way -= 1;
                }
                Err(_) => under_way = 0,
            }
        }
        Ok(Outcome { exchanges: trips / 2, lost: 0, took: clock.mono() - start })
    }

    fn answer(&self, frame: &[u8]) -> Result<Option<Step>> {
        // Ethernet, IPv4 without options, UDP: what the server sends.
        let to_client = frame.get(36..38) == Some(&CLIENT_PORT.to_be_bytes());
        let (Some(payload), true) = (frame.get(42..), to_client) else { return Ok(None) };
        let message = Message::decode(&mut Decoder::new(payload)).context("the answer")?;
        let mac: [u8; 6] = message.chaddr().try_into().context("a MAC")?;
        let Some(port) = self.by_mac.get(&mac).and_then(|at| self.ports.get(*at)) else {
            return Ok(None);
        };
        let kind = message.opts().msg_type().context("an answer without a type")?;
        let address = message.yiaddr();
        ensure!(address == port.address, "{} is given {address}: {kind:?}", port.mac);
        match kind {
            MessageType::Offer => {
                let server = message.opts().get(OptionCode::ServerIdentifier).cloned();
                Ok(Some(Step::Request(request(port, message.xid(), server.context("its id")?)?)))
            }
            MessageType::Ack => Ok(Some(Step::Done)),
            other => anyhow::bail!("{} is answered {other:?}", port.mac),
        }
    }
}

enum Step {
    Request(Vec<u8>),
    Done,
}

fn request(port: &Port, xid: u32, server: DhcpOption) -> Result<Vec<u8>> {
    let mut message = Message::default();
    message.set_chaddr(&port.mac.octets()).set_xid(xid);
    let options = message.opts_mut();
    options.insert(DhcpOption::MessageType(MessageType::Request));
    options.insert(DhcpOption::RequestedIpAddress(port.address));
    options.insert(server);
    frame(port.mac, &message)
}

fn frame(source_mac: MacAddr, message: &Message) -> Result<Vec<u8>> {
    let datagram = Datagram {
        source_mac,
        destination_mac: MacAddr::BROADCAST,
        vlan: None,
        source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT),
        destination: SocketAddrV4::new(Ipv4Addr::BROADCAST, SERVER_PORT),
        payload: &message.to_vec()?,
    };
    Ok(datagram.to_frame()?)
}
