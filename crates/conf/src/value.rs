//! The types of values, each parsed once and right from then on.

mod address;
mod choice;
mod database;
mod driver;
mod hub;
mod limit;
mod list;
mod mapping;
mod ovsdb;
mod scalar;
mod tunnel;
mod vlan;

use std::fmt;

pub use self::address::{BaseMac, HostAddress};
pub use self::choice::{AuthStrategy, AuthType, DatapathType, Interface, IpVersion, TlsVersion};
pub use self::database::DatabaseUrl;
pub use self::driver::{
    CorePlugin, DhcpDriver, Drivers, ExtensionDriver, InterfaceDriver, MechanismDriver,
    NetworkType, ServicePlugin,
};
pub use self::hub::{DEFAULT_HUB_PORT, HubAddress, Transport};
pub use self::limit::{CacheTime, LeaseTime, PageLimit, QuotaLimit};
pub use self::list::Many;
pub use self::mapping::{BridgeMappings, ConntrackHelpers, NetworkMtus};
pub use self::ovsdb::OvsdbAddress;
pub use self::scalar::{HostName, Port, Secret};
pub use self::tunnel::TunnelRanges;
pub use self::vlan::{FlatNetworks, PhysicalVlans, VlanRange, VlanRanges};

/// A type that an option's value can have.
pub trait FromText: Sized {
    /// In words, for the reference.
    const KIND: &'static str;
    /// Its text may hold a password and is not repeated in messages.
    const SECRET: bool = false;
    /// Each repetition of the key counts, not the last alone.
    const MANY: bool = false;

    /// Reads one value, already trimmed. `notes` takes what is accepted but worth a warning.
    fn from_text(text: &str, notes: &mut Vec<String>) -> Result<Self, Invalid>;

    /// Reads all values that count: one, but for [`Self::MANY`].
    fn from_texts(texts: &[&str], notes: &mut Vec<String>) -> Result<Self, Invalid> {
        Self::from_text(texts.last().copied().unwrap_or_default(), notes)
    }

    /// The value as a number, for types that have limits.
    fn number(&self) -> Option<i64> {
        None
    }
}

/// Why a text is no value of its type. The message of the configuration names place, option and
/// text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invalid {
    NotBoolean,
    NotInteger,
    NotNumber,
    OutOfRange {
        least: i64,
        most: i64,
    },
    Empty,
    NotOneOf(&'static [&'static str]),
    NotHost,
    NotMac,
    NotUnicast,
    /// A piece of a list or mapping, and what is wrong with it.
    Piece {
        piece: String,
        reason: &'static str,
    },
    /// A URL or address whose form is not one of those named.
    Form(&'static str),
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBoolean => f.write_str("not a boolean (true, false, yes, no, on, off, 1, 0)"),
            Self::NotInteger => f.write_str("not a whole number"),
            Self::NotNumber => f.write_str("not a number"),
            Self::OutOfRange { least, most: i64::MAX } => write!(f, "less than {least}"),
            Self::OutOfRange { least, most } => write!(f, "not between {least} and {most}"),
            Self::Empty => f.write_str("must not be empty"),
            Self::NotOneOf(choices) => write!(f, "not one of {}", choices.join(", ")),
            Self::NotHost => f.write_str("neither an IP address nor a host name"),
            Self::NotMac => f.write_str("not a MAC address"),
            Self::NotUnicast => f.write_str("a multicast address cannot be a port's"),
            Self::Piece { piece, reason } => write!(f, "'{piece}' {reason}"),
            Self::Form(forms) => write!(f, "not of the form {forms}"),
        }
    }
}

impl std::error::Error for Invalid {}

#[cfg(test)]
pub(crate) fn parsed<T: FromText>(text: &str) -> Result<T, Invalid> {
    T::from_text(text, &mut Vec::new())
}
