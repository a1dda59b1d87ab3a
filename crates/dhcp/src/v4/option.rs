//! An option ready to be sent, and which ones matter most.

use std::borrow::Cow;

/// A code and its value as on the wire, without the length octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WireOption<'a> {
    pub(super) code: u8,
    pub(super) data: Cow<'a, [u8]>,
}

impl<'a> WireOption<'a> {
    pub(super) fn new(code: u8, data: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { code, data: data.into() }
    }

    pub(super) fn borrowed(&self) -> WireOption<'_> {
        WireOption { code: self.code, data: Cow::Borrowed(&self.data) }
    }

    /// Octets taken in a message; long values are split (RFC 3396).
    pub(super) fn wire_len(&self) -> usize {
        self.data.len() + 2 * self.data.len().div_ceil(255).max(1)
    }

    pub(super) fn write(&self, to: &mut Vec<u8>) {
        let mut rest: &[u8] = &self.data;
        loop {
            let (part, tail) = rest.split_at(rest.len().min(255));
            to.push(self.code);
            to.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
            to.extend_from_slice(part);
            rest = tail;
            if rest.is_empty() {
                return;
            }
        }
    }
}

/// Codes with a part in the protocol or a value of our own (RFC 2132 unless said otherwise).
pub(super) mod code {
    pub(in crate::v4) const NETMASK: u8 = 1;
    pub(in crate::v4) const ROUTER: u8 = 3;
    pub(in crate::v4) const DNS_SERVER: u8 = 6;
    pub(in crate::v4) const HOSTNAME: u8 = 12;
    pub(in crate::v4) const DOMAIN_NAME: u8 = 15;
    pub(in crate::v4) const MTU: u8 = 26;
    pub(in crate::v4) const BROADCAST: u8 = 28;
    pub(in crate::v4) const REQUESTED_ADDRESS: u8 = 50;
    pub(in crate::v4) const LEASE_TIME: u8 = 51;
    pub(in crate::v4) const OVERLOAD: u8 = 52;
    pub(in crate::v4) const MESSAGE_TYPE: u8 = 53;
    pub(in crate::v4) const SERVER_ID: u8 = 54;
    pub(in crate::v4) const PARAMETERS: u8 = 55;
    pub(in crate::v4) const MESSAGE: u8 = 56;
    pub(in crate::v4) const MAX_SIZE: u8 = 57;
    pub(in crate::v4) const RENEWAL: u8 = 58;
    pub(in crate::v4) const REBINDING: u8 = 59;
    pub(in crate::v4) const CLIENT_ID: u8 = 61;
    pub(in crate::v4) const TFTP_SERVER: u8 = 66;
    pub(in crate::v4) const BOOTFILE: u8 = 67;
    /// RFC 4039.
    pub(in crate::v4) const RAPID_COMMIT: u8 = 80;
    /// RFC 4702.
    pub(in crate::v4) const FQDN: u8 = 81;
    /// RFC 3046.
    pub(in crate::v4) const RELAY_INFO: u8 = 82;
    /// RFC 3442.
    pub(in crate::v4) const ROUTES: u8 = 121;
    /// Sent by iPXE, which is how the `ipxe` tag of `extra_dhcp_opts` is known.
    pub(in crate::v4) const IPXE: u8 = 175;
    /// The form of 121 that Windows before Vista asks for.
    pub(in crate::v4) const ROUTES_MICROSOFT: u8 = 249;
}

/// The place of an option in a message; what comes last is left out first when room is short.
///
/// What a client cannot work without comes first, then what an operator set by hand, then copies
/// and courtesies. Relay information closes a message (RFC 3046, section 2.2).
pub(super) fn rank(option: u8) -> u8 {
    match option {
        code::MESSAGE_TYPE => 0,
        code::SERVER_ID => 1,
        code::LEASE_TIME => 2,
        code::NETMASK => 3,
        code::ROUTES => 4,
        code::ROUTER => 5,
        code::DNS_SERVER => 6,
        code::MTU => 7,
        code::RENEWAL => 8,
        code::REBINDING => 9,
        code::CLIENT_ID => 10,
        code::BOOTFILE | code::TFTP_SERVER => 11,
        code::DOMAIN_NAME => 13,
        code::HOSTNAME => 14,
        code::BROADCAST => 15,
        code::FQDN => 16,
        code::ROUTES_MICROSOFT => 17,
        code::RELAY_INFO => 18,
        _ => 12,
    }
}
