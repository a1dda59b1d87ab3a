//! DHCPv4 (RFC 2131, RFC 2132) for clients whose addresses are fixed beforehand.
//!
//! DHCPv6 will stand beside this module as `v6`; answering through relays is a further
//! [`Destination`], booting over the network a further [`ExtraOption`] condition.

mod answer;
mod codes;
mod config;
mod extra;
mod issue;
mod message;
mod network;
mod option;
mod request;
mod respond;

pub use dhcproto::v4::MessageType;

pub use self::answer::{Answer, Destination, Event, Reply, ReplyKind, Silence};
pub use self::codes::OptionCodes;
pub use self::config::default_hostname;
pub use self::config::{ExtraOption, HostRoute, LeaseTime, NetworkConfig, Reservation, Subnet};
pub use self::extra::{InvalidOption, ValueKind};
pub use self::issue::Issue;
pub use self::network::Network;
pub use self::request::{Arrival, Malformed, Request};
pub use self::respond::{FrameAnswer, NotAnswerable};
