//! The fields of packets and of the pipeline: one line each.

mod value;

use std::marker::PhantomData;
use std::net::{Ipv4Addr, Ipv6Addr};

use nucleon_net::MacAddr;

pub use self::value::{FieldValue, Uint, VlanVid};
pub(crate) use self::value::{Shown, parse};
use crate::port::Port;

/// How the values of a field are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Decimal,
    Hexadecimal,
    /// With all five digits of the flow label.
    Label,
    Port,
    Mac,
    Ipv4,
    Ipv6,
    CtState,
    TcpFlags,
    Fragment,
    TunnelFlags,
}

/// Whether a match on the field may leave bits open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masking {
    Exact,
    Maskable,
}

#[derive(Debug)]
pub(crate) struct Info {
    pub(crate) class: u16,
    pub(crate) number: u8,
    pub(crate) bits: u16,
    pub(crate) masking: Masking,
    pub(crate) format: Format,
    /// In a match: `dl_dst=…`.
    pub(crate) matched: &'static str,
    /// In an action: `set_field:…->eth_dst`.
    pub(crate) assigned: &'static str,
    /// In `move`, `learn` and other places of parts of fields: `NXM_OF_ETH_DST[]`.
    pub(crate) symbol: &'static str,
}

impl Info {
    /// Size on the wire: whole bytes, but the 20 bits of the IPv6 flow label take four.
    const fn bytes(&self) -> u16 {
        match self.bits {
            17..=32 => 4,
            bits => bits.div_ceil(8),
        }
    }
}

/// A field together with the type of its values.
#[derive(Debug)]
pub struct Typed<T> {
    pub field: Field,
    marker: PhantomData<fn(T)>,
}

impl<T> Clone for Typed<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Typed<T> {}

macro_rules! fields {
    ($($variant:ident $constant:ident: $type:ty = $class:literal $number:literal,
        $bits:literal $masking:ident $format:ident,
        $matched:literal $assigned:literal $symbol:literal
        $(, also $other_class:literal $other_number:literal)?;)*) => {
        /// A field of a packet, of its metadata, or a register.
        ///
        /// The order is that of `ovs-ofctl`'s text and serves on the wire too, where what a field
        /// presupposes (the Ethernet type, the IP protocol) has to come first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $(#[doc = concat!("`", $assigned, "`, ", stringify!($bits), " bits")] $variant,)*
        }

        $(
            #[doc = concat!("`", $assigned, "`, in a match `", $matched, "`")]
            pub const $constant: Typed<$type> =
                Typed { field: Field::$variant, marker: PhantomData };
        )*

        impl Field {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub(crate) const fn info(self) -> &'static Info {
                match self {
                    $(Self::$variant => &Info {
                        class: $class,
                        number: $number,
                        bits: $bits,
                        masking: Masking::$masking,
                        format: Format::$format,
                        matched: $matched,
                        assigned: $assigned,
                        symbol: $symbol,
                    },)*
                }
            }

            /// The field of a class and number, in OpenFlow's or in Nicira's numbering.
            pub(crate) const fn from_number(class: u16, number: u8) -> Option<Self> {
                match (class, number) {
                    $(
                        ($class, $number) => Some(Self::$variant),
                        $(($other_class, $other_number) => Some(Self::$variant),)?
                    )*
                    _ => None,
                }
            }
        }
    };
}

// Classes: 0x8000 OpenFlow basic, 0x8001 packet registers, 0x0000 and 0x0001 Nicira, 0x1000 Ericsson.
fields! {
    PktMark PKT_MARK: u32 = 1 33, 32 Maskable Hexadecimal, "pkt_mark" "pkt_mark" "NXM_NX_PKT_MARK";
    ConjId CONJ_ID: u32 = 1 37, 32 Exact Decimal, "conj_id" "conj_id" "NXM_NX_CONJ_ID";
    ActsetOutput ACTSET_OUTPUT: Port = 0x8000 43, 32 Exact Port, "actset_output" "actset_output" "OXM_OF_ACTSET_OUTPUT";
    CtState CT_STATE: u32 = 1 105, 32 Maskable CtState, "ct_state" "ct_state" "NXM_NX_CT_STATE";
    CtZone CT_ZONE: u16 = 1 106, 16 Exact Decimal, "ct_zone" "ct_zone" "NXM_NX_CT_ZONE";
    CtMark CT_MARK: u32 = 1 107, 32 Maskable Hexadecimal, "ct_mark" "ct_mark" "NXM_NX_CT_MARK";
    CtLabel CT_LABEL: u128 = 1 108, 128 Maskable Hexadecimal, "ct_label" "ct_label" "NXM_NX_CT_LABEL";
    EthType ETH_TYPE: u16 = 0x8000 5, 16 Exact Hexadecimal, "dl_type" "eth_type" "NXM_OF_ETH_TYPE", also 0 3;
    IpProto IP_PROTO: u8 = 0x8000 10, 8 Exact Decimal, "nw_proto" "nw_proto" "NXM_OF_IP_PROTO", also 0 6;
    Reg0 REG0: u32 = 1 0, 32 Maskable Hexadecimal, "reg0" "reg0" "NXM_NX_REG0";
    Reg1 REG1: u32 = 1 1, 32 Maskable Hexadecimal, "reg1" "reg1" "NXM_NX_REG1";
    Reg2 REG2: u32 = 1 2, 32 Maskable Hexadecimal, "reg2" "reg2" "NXM_NX_REG2";
    Reg3 REG3: u32 = 1 3, 32 Maskable Hexadecimal, "reg3" "reg3" "NXM_NX_REG3";
    Reg4 REG4: u32 = 1 4, 32 Maskable Hexadecimal, "reg4" "reg4" "NXM_NX_REG4";
    Reg5 REG5: u32 = 1 5, 32 Maskable Hexadecimal, "reg5" "reg5" "NXM_NX_REG5";
    Reg6 REG6: u32 = 1 6, 32 Maskable Hexadecimal, "reg6" "reg6" "NXM_NX_REG6";
    Reg7 REG7: u32 = 1 7, 32 Maskable Hexadecimal, "reg7" "reg7" "NXM_NX_REG7";
    Reg8 REG8: u32 = 1 8, 32 Maskable Hexadecimal, "reg8" "reg8" "NXM_NX_REG8";
    Reg9 REG9: u32 = 1 9, 32 Maskable Hexadecimal, "reg9" "reg9" "NXM_NX_REG9";
    Reg10 REG10: u32 = 1 10, 32 Maskable Hexadecimal, "reg10" "reg10" "NXM_NX_REG10";
    Reg11 REG11: u32 = 1 11, 32 Maskable Hexadecimal, "reg11" "reg11" "NXM_NX_REG11";
    Reg12 REG12: u32 = 1 12, 32 Maskable Hexadecimal, "reg12" "reg12" "NXM_NX_REG12";
    Reg13 REG13: u32 = 1 13, 32 Maskable Hexadecimal, "reg13" "reg13" "NXM_NX_REG13";
    Reg14 REG14: u32 = 1 14, 32 Maskable Hexadecimal, "reg14" "reg14" "NXM_NX_REG14";
    Reg15 REG15: u32 = 1 15, 32 Maskable Hexadecimal, "reg15" "reg15" "NXM_NX_REG15";
    XReg0 XREG0: u64 = 0x8001 0, 64 Maskable Hexadecimal, "xreg0" "xreg0" "OXM_OF_PKT_REG0";
    XReg1 XREG1: u64 = 0x8001 1, 64 Maskable Hexadecimal, "xreg1" "xreg1" "OXM_OF_PKT_REG1";
    XReg2 XREG2: u64 = 0x8001 2, 64 Maskable Hexadecimal, "xreg2" "xreg2" "OXM_OF_PKT_REG2";
    XReg3 XREG3: u64 = 0x8001 3, 64 Maskable Hexadecimal, "xreg3" "xreg3" "OXM_OF_PKT_REG3";
    XReg4 XREG4: u64 = 0x8001 4, 64 Maskable Hexadecimal, "xreg4" "xreg4" "OXM_OF_PKT_REG4";
    XReg5 XREG5: u64 = 0x8001 5, 64 Maskable Hexadecimal, "xreg5" "xreg5" "OXM_OF_PKT_REG5";
    XReg6 XREG6: u64 = 0x8001 6, 64 Maskable Hexadecimal, "xreg6" "xreg6" "OXM_OF_PKT_REG6";
    XReg7 XREG7: u64 = 0x8001 7, 64 Maskable Hexadecimal, "xreg7" "xreg7" "OXM_OF_PKT_REG7";
    XxReg0 XXREG0: u128 = 1 111, 128 Maskable Hexadecimal, "xxreg0" "xxreg0" "NXM_NX_XXREG0";
    XxReg1 XXREG1: u128 = 1 112, 128 Maskable Hexadecimal, "xxreg1" "xxreg1" "NXM_NX_XXREG1";
    XxReg2 XXREG2: u128 = 1 113, 128 Maskable Hexadecimal, "xxreg2" "xxreg2" "NXM_NX_XXREG2";
    XxReg3 XXREG3: u128 = 1 114, 128 Maskable Hexadecimal, "xxreg3" "xxreg3" "NXM_NX_XXREG3";
    TunId TUN_ID: u64 = 0x8000 38, 64 Maskable Hexadecimal, "tun_id" "tun_id" "NXM_NX_TUN_ID", also 1 16;
    TunSrc TUN_SRC: Ipv4Addr = 1 31, 32 Maskable Ipv4, "tun_src" "tun_src" "NXM_NX_TUN_IPV4_SRC";
    TunDst TUN_DST: Ipv4Addr = 1 32, 32 Maskable Ipv4, "tun_dst" "tun_dst" "NXM_NX_TUN_IPV4_DST";
    TunIpv6Src TUN_IPV6_SRC: Ipv6Addr = 1 109, 128 Maskable Ipv6, "tun_ipv6_src" "tun_ipv6_src" "NXM_NX_TUN_IPV6_SRC";
    TunIpv6Dst TUN_IPV6_DST: Ipv6Addr = 1 110, 128 Maskable Ipv6, "tun_ipv6_dst" "tun_ipv6_dst" "NXM_NX_TUN_IPV6_DST";
    TunFlags TUN_FLAGS: u16 = 1 104, 16 Maskable TunnelFlags, "tun_flags" "tun_flags" "NXM_NX_TUN_FLAGS";
    Metadata METADATA: u64 = 0x8000 2, 64 Maskable Hexadecimal, "metadata" "metadata" "OXM_OF_METADATA";
    InPort IN_PORT: Port = 0x8000 0, 32 Exact Port, "in_port" "in_port_oxm" "OXM_OF_IN_PORT";
    InPort16 IN_PORT16: u16 = 0 0, 16 Exact Port, "in_port" "in_port" "NXM_OF_IN_PORT";
    VlanVid VLAN_VID: VlanVid = 0x8000 6, 13 Maskable Decimal, "vlan_vid" "vlan_vid" "OXM_OF_VLAN_VID";
    VlanPcp VLAN_PCP: Uint<3> = 0x8000 7, 3 Exact Decimal, "dl_vlan_pcp" "vlan_pcp" "OXM_OF_VLAN_PCP";
    VlanTci VLAN_TCI: u16 = 0 4, 16 Maskable Hexadecimal, "vlan_tci" "vlan_tci" "NXM_OF_VLAN_TCI";
    EthSrc ETH_SRC: MacAddr = 0x8000 4, 48 Maskable Mac, "dl_src" "eth_src" "NXM_OF_ETH_SRC", also 0 2;
    EthDst ETH_DST: MacAddr = 0x8000 3, 48 Maskable Mac, "dl_dst" "eth_dst" "NXM_OF_ETH_DST", also 0 1;
    Ipv6Src IPV6_SRC: Ipv6Addr = 0x8000 26, 128 Maskable Ipv6, "ipv6_src" "ipv6_src" "NXM_NX_IPV6_SRC", also 1 19;
    Ipv6Dst IPV6_DST: Ipv6Addr = 0x8000 27, 128 Maskable Ipv6, "ipv6_dst" "ipv6_dst" "NXM_NX_IPV6_DST", also 1 20;
    Ipv6Label IPV6_LABEL: Uint<20> = 0x8000 28, 20 Maskable Label, "ipv6_label" "ipv6_label" "NXM_NX_IPV6_LABEL", also 1 27;
    ArpSpa ARP_SPA: Ipv4Addr = 0x8000 22, 32 Maskable Ipv4, "arp_spa" "arp_spa" "NXM_OF_ARP_SPA", also 0 16;
    ArpTpa ARP_TPA: Ipv4Addr = 0x8000 23, 32 Maskable Ipv4, "arp_tpa" "arp_tpa" "NXM_OF_ARP_TPA", also 0 17;
    Ipv4Src IPV4_SRC: Ipv4Addr = 0x8000 11, 32 Maskable Ipv4, "nw_src" "ip_src" "NXM_OF_IP_SRC", also 0 7;
    Ipv4Dst IPV4_DST: Ipv4Addr = 0x8000 12, 32 Maskable Ipv4, "nw_dst" "ip_dst" "NXM_OF_IP_DST", also 0 8;
    ArpOp ARP_OP: u16 = 0x8000 21, 16 Exact Decimal, "arp_op" "arp_op" "NXM_OF_ARP_OP", also 0 15;
    ArpSha ARP_SHA: MacAddr = 0x8000 24, 48 Maskable Mac, "arp_sha" "arp_sha" "NXM_NX_ARP_SHA", also 1 17;
    ArpTha ARP_THA: MacAddr = 0x8000 25, 48 Maskable Mac, "arp_tha" "arp_tha" "NXM_NX_ARP_THA", also 1 18;
    IpDscp IP_DSCP: Uint<6> = 0x8000 8, 6 Exact Decimal, "ip_dscp" "ip_dscp" "OXM_OF_IP_DSCP";
    IpTos IP_TOS: u8 = 0 5, 8 Exact Decimal, "nw_tos" "nw_tos" "NXM_OF_IP_TOS";
    IpEcn IP_ECN: Uint<2> = 0x8000 9, 2 Exact Decimal, "nw_ecn" "nw_ecn" "NXM_NX_IP_ECN", also 1 28;
    IpTtl IP_TTL: u8 = 1 29, 8 Exact Decimal, "nw_ttl" "nw_ttl" "NXM_NX_IP_TTL";
    IpFrag IP_FRAG: Uint<2> = 1 26, 2 Maskable Fragment, "nw_frag" "ip_frag" "NXM_NX_IP_FRAG";
    IcmpType ICMP_TYPE: u8 = 0x8000 19, 8 Exact Decimal, "icmp_type" "icmp_type" "NXM_OF_ICMP_TYPE", also 0 13;
    IcmpCode ICMP_CODE: u8 = 0x8000 20, 8 Exact Decimal, "icmp_code" "icmp_code" "NXM_OF_ICMP_CODE", also 0 14;
    Icmpv6Type ICMPV6_TYPE: u8 = 0x8000 29, 8 Exact Decimal, "icmp_type" "icmpv6_type" "NXM_NX_ICMPV6_TYPE", also 1 21;
    Icmpv6Code ICMPV6_CODE: u8 = 0x8000 30, 8 Exact Decimal, "icmp_code" "icmpv6_code" "NXM_NX_ICMPV6_CODE", also 1 22;
    NdTarget ND_TARGET: Ipv6Addr = 0x8000 31, 128 Maskable Ipv6, "nd_target" "nd_target" "NXM_NX_ND_TARGET", also 1 23;
    NdSll ND_SLL: MacAddr = 0x8000 32, 48 Maskable Mac, "nd_sll" "nd_sll" "NXM_NX_ND_SLL", also 1 24;
    NdTll ND_TLL: MacAddr = 0x8000 33, 48 Maskable Mac, "nd_tll" "nd_tll" "NXM_NX_ND_TLL", also 1 25;
    NdReserved ND_RESERVED: u32 = 0x1000 1, 32 Exact Decimal, "nd_reserved" "nd_reserved" "ERICOXM_OF_ICMPV6_ND_RESERVED";
    NdOptionsType ND_OPTIONS_TYPE: u8 = 0x1000 2, 8 Exact Decimal, "nd_options_type" "nd_options_type" "ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE";
    TcpSrc TCP_SRC: u16 = 0x8000 13, 16 Maskable Decimal, "tp_src" "tcp_src" "NXM_OF_TCP_SRC", also 0 9;
    TcpDst TCP_DST: u16 = 0x8000 14, 16 Maskable Decimal, "tp_dst" "tcp_dst" "NXM_OF_TCP_DST", also 0 10;
    UdpSrc UDP_SRC: u16 = 0x8000 15, 16 Maskable Decimal, "tp_src" "udp_src" "NXM_OF_UDP_SRC", also 0 11;
    UdpDst UDP_DST: u16 = 0x8000 16, 16 Maskable Decimal, "tp_dst" "udp_dst" "NXM_OF_UDP_DST", also 0 12;
    SctpSrc SCTP_SRC: u16 = 0x8000 17, 16 Maskable Decimal, "tp_src" "sctp_src" "OXM_OF_SCTP_SRC";
    SctpDst SCTP_DST: u16 = 0x8000 18, 16 Maskable Decimal, "tp_dst" "sctp_dst" "OXM_OF_SCTP_DST";
    TcpFlags TCP_FLAGS: Uint<12> = 0x8000 42, 12 Maskable TcpFlags, "tcp_flags" "tcp_flags" "NXM_NX_TCP_FLAGS", also 1 34;
}

impl Field {
    /// Width of the field in bits.
    pub const fn bits(self) -> u16 {
        self.info().bits
    }

    pub const fn masking(self) -> Masking {
        self.info().masking
    }

    pub(crate) const fn bytes(self) -> usize {
        self.info().bytes() as usize
    }

    /// All bits of the field.
    pub(crate) const fn full(self) -> u128 {
        u128::MAX >> (128 - self.info().bits)
    }

    /// Class, number and length as OXM writes them (OpenFlow 1.5.1, 7.2.3.2).
    pub(crate) const fn header(self, masked: bool) -> u32 {
        let info = self.info();
        let length = info.bytes() << (masked as u32);
        (info.class as u32) << 16 | (info.number as u32) << 9 | (masked as u32) << 8 | length as u32
    }

    /// The field of an OXM header whose length fits the field.
    pub(crate) fn from_header(header: u32) -> Option<(Self, bool)> {
        let [class_high, class_low, number, length] = header.to_be_bytes();
        let field = Self::from_number(u16::from_be_bytes([class_high, class_low]), number >> 1)?;
        let masked = number & 1 == 1;
        (usize::from(length) == field.bytes() << u32::from(masked)).then_some((field, masked))
    }

    /// The field that an action or a part of a field names, by any of its names.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let alias = match name {
            "dl_src" | "OXM_OF_ETH_SRC" => "eth_src",
            "dl_dst" | "OXM_OF_ETH_DST" => "eth_dst",
            "dl_type" | "OXM_OF_ETH_TYPE" => "eth_type",
            "ip_proto" => "nw_proto",
            "nw_src" | "ipv4_src" | "OXM_OF_IPV4_SRC" => "ip_src",
            "nw_dst" | "ipv4_dst" | "OXM_OF_IPV4_DST" => "ip_dst",
            "ip_ecn" => "nw_ecn",
            "tunnel_id" | "OXM_OF_TUNNEL_ID" => "tun_id",
            "icmpv4_type" => "icmp_type",
            "icmpv4_code" => "icmp_code",
            other => other,
        };
        Self::ALL.iter().copied().find(|field| {
            let info = field.info();
            info.assigned == alias || info.symbol == alias
        })
    }

    /// Register `number`.
    pub fn register(number: u8) -> Option<Self> {
        Self::from_number(1, number).filter(|_| number < 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_again() {
        for field in Field::ALL {
            for masked in [false, true] {
                assert_eq!(Field::from_header(field.header(masked)), Some((*field, masked)));
            }
        }
    }

    #[test]
    fn names_in_actions_are_unique() {
        for field in Field::ALL {
            assert_eq!(Field::named(field.info().assigned), Some(*field));
            assert_eq!(Field::named(field.info().symbol), Some(*field));
        }
    }

    #[test]
    fn a_header_of_the_wrong_length_is_unknown() {
        assert_eq!(Field::from_header(0x8000_0605), None);
        assert_eq!(Field::from_header(0x8000_0606), Some((Field::EthDst, false)));
    }

    #[test]
    fn presupposed_fields_come_first() {
        assert!(Field::EthType < Field::IpProto);
        assert!(Field::IpProto < Field::TcpDst);
        assert!(Field::Icmpv6Type < Field::NdTarget);
        assert!(Field::VlanVid < Field::VlanPcp);
    }
}
