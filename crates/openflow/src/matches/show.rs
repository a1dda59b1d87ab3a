//! Matches as text, word for word as `ovs-ofctl` writes them.

use std::fmt;

use super::{Match, MatchField};
use crate::field::{Field, Shown};
use crate::text::hex;

/// Names for an Ethernet type, alone and with an IP protocol.
pub(super) const PROTOCOLS: [(&str, u128, Option<u128>); 13] = [
    ("ip", 0x0800, None),
    ("icmp", 0x0800, Some(1)),
    ("tcp", 0x0800, Some(6)),
    ("udp", 0x0800, Some(17)),
    ("sctp", 0x0800, Some(132)),
    ("ipv6", 0x86dd, None),
    ("icmp6", 0x86dd, Some(58)),
    ("tcp6", 0x86dd, Some(6)),
    ("udp6", 0x86dd, Some(17)),
    ("sctp6", 0x86dd, Some(132)),
    ("arp", 0x0806, None),
    ("rarp", 0x8035, None),
    ("mpls", 0x8847, None),
];

impl Match {
    fn exact(&self, field: Field) -> Option<u128> {
        self.get(field).map(|found| found.value)
    }

    fn keyword(&self) -> Option<(&'static str, Option<u128>)> {
        let (ethernet, ip) = (self.exact(Field::EthType)?, self.exact(Field::IpProto));
        let named = |wanted| {
            PROTOCOLS.iter().find(|(_, e, p)| *e == ethernet && *p == wanted).map(|(n, ..)| *n)
        };
        match ip.and_then(|_| named(ip)) {
            Some(name) => Some((name, ip)),
            None => named(None).map(|name| (name, None)),
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = List { out: f, separator: "" };
        let keyword = self.keyword();
        let mut later_type = None;
        let mut later_protocol = None;
        for found in &self.fields {
            // The type and the protocol have their own places where they have no name.
            if found.field > Field::EthDst
                && let Some(kind) = later_type.take()
            {
                list.item(format_args!("dl_type=0x{kind:04x}"))?;
            }
            if found.field > Field::ArpOp
                && let Some(protocol) = later_protocol.take()
            {
                list.item(format_args!("nw_proto={protocol}"))?;
            }
            match found.field {
                Field::EthType => match keyword {
                    Some((name, _)) => list.item(format_args!("{name}"))?,
                    None => later_type = Some(found.value),
                },
                Field::IpProto => {
                    if keyword.is_none_or(|(_, protocol)| protocol.is_none()) {
                        later_protocol = Some(found.value);
                    }
                }
                Field::VlanPcp if self.get(Field::VlanVid).is_some() => {}
                Field::VlanVid | Field::VlanPcp => self.show_vlan(&mut list)?,
                Field::IpDscp => list.item(format_args!("nw_tos={}", found.value << 2))?,
                _ => list.item(format_args!("{}={}", self.name(found.field), found.shown()))?,
            }
        }
        if let Some(kind) = later_type {
            list.item(format_args!("dl_type=0x{kind:04x}"))?;
        }
        if let Some(protocol) = later_protocol {
            list.item(format_args!("nw_proto={protocol}"))?;
        }
        for raw in &self.unknown {
            list.item(format_args!("unknown({:08x}{})", raw.header, hex(&raw.payload)))?;
        }
        Ok(())
    }
}

impl Match {
    /// The short name, where it means this field beside the protocol that is there.
    fn name(&self, field: Field) -> &'static str {
        let info = field.info();
        match info.matched {
            "tp_src" | "tp_dst" | "icmp_type" | "icmp_code"
                if self.field_by_protocol(info.matched) != Some(field) =>
            {
                info.symbol
            }
            name => name,
        }
    }

    fn show_vlan(&self, list: &mut List<'_, '_>) -> fmt::Result {
        let of = |field| self.get(field).map_or((0, 0), |found| (found.value, found.mask));
        let (vid, vid_mask) = of(Field::VlanVid);
        let (pcp, pcp_mask) = of(Field::VlanPcp);
        let present = vid & vid_mask & 0x1000 != 0;
        let id_mask = vid_mask & 0x0fff;
        if present && matches!(id_mask, 0 | 0x0fff) && (id_mask | pcp_mask) != 0 {
            if id_mask != 0 {
                list.item(format_args!("dl_vlan={}", vid & 0x0fff))?;
            }
            if pcp_mask != 0 {
                list.item(format_args!("dl_vlan_pcp={pcp}"))?;
            }
            return Ok(());
        }
        let (value, mask) = (pcp << 13 | vid, pcp_mask << 13 | vid_mask);
        if mask == 0xffff {
            list.item(format_args!("vlan_tci=0x{value:04x}"))
        } else {
            list.item(format_args!("vlan_tci=0x{value:04x}/0x{mask:04x}"))
        }
    }
}

impl MatchField {
    const fn shown(&self) -> Shown {
        Shown { field: self.field, value: self.value, mask: self.mask }
    }
}

struct List<'a, 'b> {
    out: &'a mut fmt::Formatter<'b>,
    separator: &'static str,
}

impl List<'_, '_> {
    fn item(&mut self, item: fmt::Arguments<'_>) -> fmt::Result {
        self.out.write_str(self.separator)?;
        self.separator = ",";
        self.out.write_fmt(item)
    }
}
