//! Neutron's `extra_dhcp_opts`: names, types, and values from text.

mod name;
mod value;

use std::net::Ipv4Addr;

use self::name::Name;
use super::config::{ExtraOption, LeaseTime};
use super::option::{WireOption, code};

pub use self::value::ValueKind;
pub(super) use self::value::{is_label, push_domain, push_route};

/// Why an extra option cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOption {
    #[error("no option is called '{0}'")]
    UnknownName(String),
    #[error("option number {0} is not between 1 and 254")]
    Number(u32),
    #[error("no tag is called '{0}'")]
    UnknownTag(String),
    #[error("option {0} belongs to the protocol and cannot be set")]
    Reserved(u8),
    #[error("the value is empty")]
    Empty,
    #[error("'{text}' is not {kind}")]
    Value { kind: ValueKind, text: String },
    #[error("a value of {0} octets is too long")]
    TooLong(usize),
}

/// When an extra option holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Always,
    /// The client says that it is iPXE (or that it is not): Neutron's `tag:ipxe,` prefix.
    Ipxe(bool),
}

impl Condition {
    pub(super) fn holds(self, ipxe: bool) -> bool {
        self == Self::Always || self == Self::Ipxe(ipxe)
    }
}

/// What an extra option does to a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    Send(WireOption<'static>),
    /// An empty value for an option that we would send: do not.
    Suppress(u8),
    /// `server-ip-address`: the next server in the header, not an option.
    NextServer(Ipv4Addr),
    LeaseTime(LeaseTime),
    Renewal(u32),
    Rebinding(u32),
    /// `client-id`: tells who the client is, and is not sent to it (Neutron does neither).
    Nothing,
}

/// An extra option after its text was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Extra {
    pub(super) condition: Condition,
    pub(super) effect: Effect,
}

/// More than this leaves no room for anything else in one Ethernet frame.
const LONGEST_VALUE: usize = 1024;

impl Extra {
    pub(super) fn compile(option: &ExtraOption) -> Result<Self, InvalidOption> {
        let (condition, name) = split_condition(&option.name)?;
        let Name { code, kind } = Name::parse(name)?;
        let effect = effect_of(code, kind, option.value.trim())?;
        Ok(Self { condition, effect })
    }
}

fn split_condition(text: &str) -> Result<(Condition, &str), InvalidOption> {
    let Some((tags, name)) = text.rsplit_once(',') else {
        return Ok((Condition::Always, text));
    };
    let condition = match tags.trim() {
        "tag:ipxe" => Condition::Ipxe(true),
        "tag:!ipxe" => Condition::Ipxe(false),
        other => return Err(InvalidOption::UnknownTag(other.to_owned())),
    };
    Ok((condition, name))
}

fn effect_of(code: u8, kind: ValueKind, text: &str) -> Result<Effect, InvalidOption> {
    match code {
        code::REQUESTED_ADDRESS
        | code::OVERLOAD
        | code::MESSAGE_TYPE
        | code::SERVER_ID
        | code::PARAMETERS
        | code::MAX_SIZE
        | code::RAPID_COMMIT
        | code::FQDN
        | code::RELAY_INFO => return Err(InvalidOption::Reserved(code)),
        code::CLIENT_ID => return Ok(Effect::Nothing),
        _ => {}
    }
    if text.is_empty() {
        return if sent_by_default(code) {
            Ok(Effect::Suppress(code))
        } else {
            Err(InvalidOption::Empty)
        };
    }
    let data = kind.encode(text)?;
    if data.len() > LONGEST_VALUE {
        return Err(InvalidOption::TooLong(data.len()));
    }
    let wrong = || InvalidOption::Value { kind, text: text.to_owned() };
    let seconds = || data.first_chunk::<4>().map(|octets| u32::from_be_bytes(*octets));
    Ok(match code {
        name::NEXT_SERVER => {
            let octets = data.first_chunk::<4>().filter(|_| data.len() == 4).ok_or_else(wrong)?;
            Effect::NextServer(Ipv4Addr::from(*octets))
        }
        code::LEASE_TIME => {
            let seconds = i64::from(seconds().ok_or_else(wrong)?);
            Effect::LeaseTime(LeaseTime::from_seconds(seconds).ok_or_else(wrong)?)
        }
        code::RENEWAL => Effect::Renewal(seconds().ok_or_else(wrong)?),
        code::REBINDING => Effect::Rebinding(seconds().ok_or_else(wrong)?),
        // Boot loaders in the field expect a final zero, which clients must bear with
        // (RFC 2132, section 2); dnsmasq sends it too.
        code::BOOTFILE | code::TFTP_SERVER => {
            Effect::Send(WireOption::new(code, [data.as_slice(), &[0]].concat()))
        }
        _ => Effect::Send(WireOption::new(code, data)),
    })
}

/// Options that a client gets without anybody asking for them on its port; an empty value takes
/// them away, as Neutron allows for `router` and `classless-static-route`.
fn sent_by_default(option: u8) -> bool {
    matches!(
        option,
        code::ROUTER
            | code::DNS_SERVER
            | code::HOSTNAME
            | code::DOMAIN_NAME
            | code::MTU
            | code::BROADCAST
            | code::ROUTES
            | code::ROUTES_MICROSOFT
    )
}

#[cfg(test)]
mod tests;
