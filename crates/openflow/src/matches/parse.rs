//! Matches from text.

use std::str::FromStr;

use super::show::PROTOCOLS;
use super::{Match, RawField};
use crate::field::{self, Field};
use crate::text::{ParseError, head_and_argument, integer, split_list, unhex};
use crate::wire::Reader;

impl FromStr for Match {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut found = Self::new();
        // What ports and ICMP types belong to is known only when all has been read.
        let mut later = Vec::new();
        for item in split_list(text) {
            if let Some(postponed) = found.parse_item(item)? {
                later.push(postponed);
            }
        }
        for (name, value) in later {
            let field = found
                .field_by_protocol(name)
                .ok_or_else(|| ParseError::new("field without its protocol", name))?;
            let (value, mask) = field::parse(field, value)?;
            found.insert(field, value, mask);
        }
        Ok(found)
    }
}

impl Match {
    /// Reads `name` or `name=value`; returns fields whose meaning depends on others.
    fn parse_item<'a>(&mut self, item: &'a str) -> Result<Option<(&'a str, &'a str)>, ParseError> {
        if let Some((_, ethernet, protocol)) = PROTOCOLS.iter().find(|(name, ..)| *name == item) {
            self.insert(Field::EthType, *ethernet, u128::MAX);
            if let Some(protocol) = protocol {
                self.insert(Field::IpProto, *protocol, u128::MAX);
            }
            return Ok(None);
        }
        let (name, Some(value)) = head_and_argument(item) else {
            return Err(ParseError::new("match", item));
        };
        match name {
            "dl_vlan" => {
                let id: u16 = integer("VLAN", value)?;
                // 0xffff is what OpenFlow 1.0 called "no tag".
                let vid = if id == 0xffff { 0 } else { 0x1000 | u128::from(id & 0xfff) };
                self.insert(Field::VlanVid, vid, u128::MAX);
            }
            "dl_vlan_pcp" => {
                self.parse_field(Field::VlanPcp, value)?;
                if self.get(Field::VlanVid).is_none() {
                    self.insert(Field::VlanVid, 0x1000, 0x1000);
                }
            }
            "nw_tos" => {
                let tos: u8 = integer("type of service", value)?;
                self.insert(Field::IpDscp, u128::from(tos >> 2), u128::MAX);
            }
            "in_port" => self.parse_field(Field::InPort, value)?,
            "tp_src" | "tp_dst" | "icmp_type" | "icmp_code" => return Ok(Some((name, value))),
            "unknown" => {
                for field in parse_unknown(value)? {
                    self.insert_unknown(field);
                }
            }
            _ => {
                let field = Field::named(name)
                    .or_else(|| by_match_name(name))
                    .ok_or_else(|| ParseError::new("field", name))?;
                self.parse_field(field, value)?;
            }
        }
        Ok(None)
    }

    fn parse_field(&mut self, field: Field, value: &str) -> Result<(), ParseError> {
        let (value, mask) = field::parse(field, value)?;
        self.insert(field, value, mask);
        Ok(())
    }

    /// Which field a name means beside this protocol.
    pub(super) fn field_by_protocol(&self, name: &str) -> Option<Field> {
        let protocol = self.get(Field::IpProto)?.value;
        Some(match (name, protocol) {
            ("tp_src", 6) => Field::TcpSrc,
            ("tp_dst", 6) => Field::TcpDst,
            ("tp_src", 17) => Field::UdpSrc,
            ("tp_dst", 17) => Field::UdpDst,
            ("tp_src", 132) => Field::SctpSrc,
            ("tp_dst", 132) => Field::SctpDst,
            ("icmp_type", 1) => Field::IcmpType,
            ("icmp_code", 1) => Field::IcmpCode,
            ("icmp_type", 58) => Field::Icmpv6Type,
            ("icmp_code", 58) => Field::Icmpv6Code,
            _ => return None,
        })
    }
}

fn by_match_name(name: &str) -> Option<Field> {
    Field::ALL.iter().copied().find(|field| field.info().matched == name)
}

fn parse_unknown(text: &str) -> Result<Vec<RawField>, ParseError> {
    let invalid = || ParseError::new("unknown field", text);
    let bytes = unhex("unknown field", text)?;
    let found = Match::decode_fields(&mut Reader::new("field", &bytes)).map_err(|_| invalid())?;
    if found.fields.is_empty() { Ok(found.unknown) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both_ways(text: &str) {
        assert_eq!(text.parse::<Match>().unwrap().to_string(), text);
    }

    #[test]
    fn matches_read_as_they_are_written() {
        for text in [
            "",
            "in_port=2,dl_vlan=101",
            "in_port=2,vlan_tci=0x0000/0x1fff",
            "vlan_tci=0x1000/0x1000",
            "vlan_tci=0x5005/0xf005",
            "dl_vlan=1,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00",
            "ct_state=+est-rel+rpl+trk,ct_zone=5,ct_mark=0x1,ip",
            "conj_id=5,tcp,tp_dst=0x50/0xfff0",
            "arp,arp_tpa=10.0.0.1,arp_op=1",
            "icmp6,icmp_type=135,nd_target=fe80::1,nd_sll=00:00:00:00:00:01",
            "pkt_mark=0x3,ip,tun_id=0x5,tun_src=1.1.1.1,tun_dst=1.1.1.0/24",
            "ip,nw_tos=32,nw_ecn=1,nw_ttl=64,nw_frag=no",
            "ct_label=0x5,tcp6,reg0=0,reg3=0x5,ipv6_src=2001:db8::/32,tcp_flags=+syn-ack",
            "dl_vlan=5,dl_vlan_pcp=3,dl_type=0x1234",
            "ip,nw_src=10.0.0.0/8,nw_proto=89",
        ] {
            both_ways(text);
        }
    }

    #[test]
    fn ports_need_a_protocol() {
        assert!("ip,tp_dst=80".parse::<Match>().is_err());
        assert!("tp_dst=80,tcp".parse::<Match>().is_ok());
    }
}
