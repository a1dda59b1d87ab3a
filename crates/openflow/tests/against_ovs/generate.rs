//! Flows that a switch would take, at random.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nucleon_net::{MacAddr, VlanId};
use nucleon_openflow::field::{self, FieldValue, Typed, Uint, VlanVid};
use nucleon_openflow::{
    Action, ActionSet, Commit, Conntrack, Controller, Field, Flow, FlowFlags, Instructions, Learn,
    LearnFlags, LearnSource, LearnSpec, Match, Nat, NatFlags, NatRange, NatTarget, PacketReason,
    Pause, Port, ResubmitTuple, Subfield, WriteMetadata, Zone,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

type Part = BoxedStrategy<Match>;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

fn exact<T: FieldValue + std::fmt::Debug + 'static>(
    field: Typed<T>,
    value: impl Strategy<Value = T> + 'static,
) -> Part {
    value.prop_map(move |value| Match::new().with(field, value)).boxed()
}

fn masked<T: FieldValue + std::fmt::Debug + 'static>(
    field: Typed<T>,
    value: impl Strategy<Value = T> + Clone + 'static,
) -> Part {
    let mask = value.clone();
    let open = (value.clone(), mask)
        .prop_map(move |(value, mask)| Match::new().with_masked(field, value, mask));
    prop_oneof![exact(field, value), open].boxed()
}

pub(crate) fn mac() -> impl Strategy<Value = MacAddr> + Clone {
    any::<[u8; 6]>().prop_map(MacAddr::new)
}

fn ipv4() -> impl Strategy<Value = Ipv4Addr> + Clone {
    prop_oneof![any::<u32>(), (0..=32_u32).prop_map(|n| u32::MAX.checked_shl(n).unwrap_or(0))]
        .prop_map(Ipv4Addr::from_bits)
}

fn ipv6() -> impl Strategy<Value = Ipv6Addr> + Clone {
    prop_oneof![any::<u128>(), (0..=128_u32).prop_map(|n| u128::MAX.checked_shl(n).unwrap_or(0))]
        .prop_map(Ipv6Addr::from_bits)
}

fn uint<const BITS: u32>() -> impl Strategy<Value = Uint<BITS>> + Clone {
    (0..1_u32 << BITS).prop_filter_map("fits", Uint::new)
}

fn vlan_id() -> impl Strategy<Value = VlanId> + Clone {
    (VlanId::MIN..=VlanId::MAX).prop_filter_map("a VLAN", |id| VlanId::new(id).ok())
}

fn port() -> impl Strategy<Value = Port> + Clone {
    prop_oneof![1..0xff00_u32, Just(Port::LOCAL.0)].prop_map(Port)
}

/// All of `parts`, each or not.
fn some_of(parts: Vec<Part>) -> Part {
    let parts: Vec<_> = parts.into_iter().map(option::of).collect();
    parts
        .prop_map(|found| {
            found.into_iter().flatten().reduce(|one, other| join(one, &other)).unwrap_or_default()
        })
        .boxed()
}

/// Two matches in one; where both have a field it is the second one's.
fn join(one: Match, other: &Match) -> Match {
    other.fields().iter().fold(one, |all, found| all.including(*found))
}

fn both(one: Part, other: Part) -> Part {
    (one, other).prop_map(|(one, other)| join(one, &other)).boxed()
}

fn pipeline() -> Part {
    some_of(vec![
        masked(field::PKT_MARK, any::<u32>()),
        exact(field::CONJ_ID, any::<u32>()),
        masked(field::CT_STATE, (0..256_u32).prop_map(|bits| bits)),
        exact(field::CT_ZONE, any::<u16>()),
        masked(field::CT_MARK, any::<u32>()),
        masked(field::CT_LABEL, any::<u128>()),
        masked(field::REG0, any::<u32>()),
        masked(field::REG5, any::<u32>()),
        masked(field::REG15, any::<u32>()),
        masked(field::TUN_ID, any::<u64>()),
        masked(field::TUN_SRC, ipv4()),
        masked(field::TUN_DST, ipv4()),
        masked(field::METADATA, any::<u64>()),
        exact(field::IN_PORT, port()),
        vlan(),
        masked(field::ETH_SRC, mac()),
        masked(field::ETH_DST, mac()),
    ])
}

fn vlan() -> Part {
    prop_oneof![
        Just(Match::new().untagged()),
        Just(Match::new().tagged()),
        vlan_id().prop_map(|id| Match::new().vlan(id)),
        (vlan_id(), uint::<3>())
            .prop_map(|(id, priority)| { Match::new().vlan(id).with(field::VLAN_PCP, priority) }),
        (vlan_id(), vlan_id()).prop_map(|(id, mask)| {
            Match::new().with_masked(field::VLAN_VID, VlanVid::from(id), VlanVid::from(mask))
        }),
    ]
    .boxed()
}

fn ports(source: Typed<u16>, target: Typed<u16>) -> Part {
    some_of(vec![masked(source, any::<u16>()), masked(target, any::<u16>())])
}

fn protocol(ethernet: u16, ip: u8, rest: Part) -> Part {
    let head = Match::new().with(field::ETH_TYPE, ethernet).with(field::IP_PROTO, ip);
    rest.prop_map(move |rest| join(head.clone(), &rest)).boxed()
}

fn packet() -> Part {
    let ip = some_of(vec![
        masked(field::IPV4_SRC, ipv4()),
        masked(field::IPV4_DST, ipv4()),
        exact(field::IP_DSCP, uint()),
        exact(field::IP_ECN, uint()),
        exact(field::IP_TTL, any::<u8>()),
    ]);
    let ip6 = some_of(vec![
        masked(field::IPV6_SRC, ipv6()),
        masked(field::IPV6_DST, ipv6()),
        masked(field::IPV6_LABEL, uint()),
    ]);
    let arp = some_of(vec![
        exact(field::ARP_OP, 1..3_u16),
        masked(field::ARP_SPA, ipv4()),
        masked(field::ARP_TPA, ipv4()),
        masked(field::ARP_SHA, mac()),
        masked(field::ARP_THA, mac()),
    ]);
    let nd = some_of(vec![masked(field::ND_TARGET, ipv6()), masked(field::ND_SLL, mac())]);
    let nd = nd.prop_map(|nd| {
        join(Match::new().with(field::ICMPV6_TYPE, 135).with(field::ICMPV6_CODE, 0), &nd)
    });
    let icmp = some_of(vec![exact(field::ICMP_TYPE, any::<u8>())]);
    prop_oneof![
        Just(Match::new()),
        (0x600..=u16::MAX).prop_map(|kind| Match::new().with(field::ETH_TYPE, kind)),
        both(exact(field::ETH_TYPE, Just(0x806)), arp),
        both(exact(field::ETH_TYPE, Just(0x86dd)), ip6),
        both(exact(field::ETH_TYPE, Just(0x800)), ip),
        protocol(0x800, 6, ports(field::TCP_SRC, field::TCP_DST)),
        protocol(0x800, 17, ports(field::UDP_SRC, field::UDP_DST)),
        protocol(0x86dd, 6, both_tcp_flags()),
        protocol(0x86dd, 132, ports(field::SCTP_SRC, field::SCTP_DST)),
        protocol(0x800, 1, icmp),
        protocol(0x86dd, 58, nd.boxed()),
        protocol(0x800, 89, Just(Match::new()).boxed()),
    ]
    .boxed()
}

fn both_tcp_flags() -> Part {
    masked(field::TCP_FLAGS, (1..512_u32).prop_filter_map("fits", Uint::new))
}

/// Matches of which every field has what it presupposes.
pub(crate) fn matches() -> impl Strategy<Value = Match> {
    (pipeline(), packet()).prop_map(|(one, other)| join(one, &other))
}

fn register_part() -> impl Strategy<Value = Subfield> + Clone {
    (0..16_u8, 0..32_u16, 1..=32_u16).prop_filter_map("inside", |(number, offset, bits)| {
        Subfield::new(Field::register(number)?, offset, bits)
    })
}

fn learn() -> impl Strategy<Value = Action> {
    let spec = prop_oneof![
        Just(LearnSpec::matching(Subfield::whole(Field::EthDst), Subfield::whole(Field::EthSrc))),
        register_part().prop_map(|part| LearnSpec::matching(part, part)),
        register_part().prop_map(LearnSpec::output),
        (any::<u32>(), register_part()).prop_map(|(value, part)| {
            let value = u128::from(value) & ((1 << part.bits) - 1);
            LearnSpec::load(LearnSource::Value(value), part)
        }),
        mac().prop_map(|mac| {
            let target = Subfield::whole(Field::EthDst);
            LearnSpec::load(LearnSource::Value(mac.to_bits()), target)
        }),
    ]
    .prop_filter_map("as wide", |spec| spec);
    let times = any::<[u16; 4]>();
    let result =
        option::of((0..16_u8, 0..32_u16).prop_filter_map("bit", |(number, bit)| {
            Subfield::new(Field::register(number)?, bit, 1)
        }));
    (0..255_u8, any::<u16>(), times, any::<u64>(), 0..3_u32, result, vec(spec, 0..4)).prop_map(
        |(table, priority, [idle, hard, fin_idle, fin_hard], cookie, limit, result, specs)| {
            Action::Learn(Box::new(Learn {
                table,
                priority,
                idle_timeout: idle,
                hard_timeout: hard,
                fin_idle_timeout: fin_idle,
                fin_hard_timeout: fin_hard,
                cookie,
                limit,
                result,
                flags: if idle % 2 == 0 {
                    LearnFlags::NONE
                } else {
                    LearnFlags::SEND_FLOW_REMOVED.with(LearnFlags::DELETE_LEARNED)
                },
                specs,
            }))
        },
    )
}

fn nat(family: u16) -> impl Strategy<Value = Nat> {
    let addresses = any::<Option<(u128, Option<u16>)>>().prop_map(move |range| {
        let (first, more) = range?;
        let last = more.map(|more| first.saturating_add(more.into()));
        let address = |bits: u128| match family {
            IPV4 => {
                let [.., a, b, c, d] = bits.to_be_bytes();
                IpAddr::from([a, b, c, d])
            }
            _ => Ipv6Addr::from(bits).into(),
        };
        let last = last.map(address).filter(|last| *last > address(first));
        Some((address(first), last))
    });
    let ports = option::of((1..1000_u16, option::of(1000..2000_u16)));
    let target = prop_oneof![Just(NatTarget::Source), Just(NatTarget::Destination)];
    let flags = prop_oneof![
        Just(NatFlags::NONE),
        Just(NatFlags::PERSISTENT.with(NatFlags::RANDOM)),
        Just(NatFlags::HASH),
    ];
    prop_oneof![
        Just(Nat::Existing),
        (target, addresses, ports, flags).prop_map(|(target, addresses, ports, flags)| {
            // A port without an address is nothing the switch takes, nor flags without a range.
            let ports = addresses.and(ports);
            let flags = if addresses.is_some() { flags } else { NatFlags::NONE };
            Nat::New(NatRange { target, addresses, ports, flags })
        }),
    ]
}

/// `ct(…)`, which presupposes an IP packet.
fn conntrack(family: u16) -> impl Strategy<Value = Action> {
    let commit = prop_oneof![Just(Commit::No), Just(Commit::Yes), Just(Commit::Force)];
    let zone = prop_oneof![
        any::<u16>().prop_map(Zone::Number),
        (0..16_u8)
            .prop_filter_map("zone", |number| Subfield::new(Field::register(number)?, 0, 16))
            .prop_map(Zone::Register),
    ];
    let mark = option::of(any::<u32>());
    let resubmit = (option::of(port()), 0..255_u8).prop_map(|(port, table)| {
        let tuple = ResubmitTuple::ConntrackOriginal;
        Action::Resubmit { port, table: Some(table), tuple }
    });
    let tracked = (commit, zone, option::of(0..255_u8), option::of(nat(family)), mark).prop_map(
        |(commit, zone, table, nat, mark)| {
            // Only a connection that is entered is given a new translation or a mark.
            let nat = nat.filter(|nat| commit != Commit::No || *nat == Nat::Existing);
            let mark = mark.filter(|_| commit != Commit::No);
            let mark = mark.map(|mark| Action::set(field::CT_MARK, mark));
            let actions = nat.map(Action::Nat).into_iter().chain(mark).collect();
            Action::Conntrack(Box::new(Conntrack { commit, zone, table, helper: 0, actions }))
        },
    );
    prop_oneof![4 => tracked, 1 => resubmit]
}

fn controller() -> impl Strategy<Value = Action> {
    let reason = prop_oneof![
        Just(PacketReason::Action),
        Just(PacketReason::NoMatch),
        Just(PacketReason::InvalidTtl),
    ];
    let pause = prop_oneof![Just(Pause::No), Just(Pause::Yes)];
    (any::<u16>(), any::<u16>(), reason, vec(any::<u8>(), 0..20), pause).prop_map(
        |(max_len, id, reason, userdata, pause)| {
            Action::Controller(Controller { max_len, id, reason, userdata, meter: None, pause })
        },
    )
}

/// Actions that any packet may have done to it.
fn action() -> impl Strategy<Value = Action> {
    let part = register_part;
    prop_oneof![
        port().prop_map(Action::Output),
        prop_oneof![Just(Port::IN_PORT), Just(Port::NORMAL), Just(Port::FLOOD), Just(Port::ALL)]
            .prop_map(Action::Output),
        part().prop_map(Action::OutputRegister),
        (port(), 14..=u32::MAX)
            .prop_map(|(port, max_len)| Action::OutputTruncated { port, max_len }),
        controller(),
        (part(), any::<u32>()).prop_map(|(part, value)| {
            Action::load(u128::from(value) & ((1 << part.bits) - 1), part)
        }),
        mac().prop_map(|mac| Action::set(field::ETH_SRC, mac)),
        (mac(), mac()).prop_map(|(mac, mask)| Action::set_masked(field::ETH_DST, mac, mask)),
        any::<u64>().prop_map(|id| Action::set(field::TUN_ID, id)),
        ipv4().prop_map(|address| Action::set(field::TUN_DST, address)),
        any::<u64>().prop_map(|id| Action::set(field::XREG3, id)),
        (part(), 0..16_u8).prop_filter_map("as wide", |(source, number)| {
            let target = Subfield::new(Field::register(number)?, 0, source.bits)?;
            Some(Action::Move { source, target })
        }),
        any::<u32>().prop_map(|group| Action::Group(group & 0xffff)),
        (1..1000_u32).prop_map(Action::Meter),
        any::<u32>().prop_map(Action::SetQueue),
        Just(Action::PopQueue),
        Just(Action::ConntrackClear),
        (option::of(port()), option::of(0..255_u8)).prop_map(|(port, table)| {
            Action::Resubmit { port, table, tuple: ResubmitTuple::Current }
        }),
        learn(),
        vec(any::<u8>(), 6).prop_map(Action::Note),
    ]
}

fn conjunctions() -> impl Strategy<Value = Vec<Action>> {
    let one = (any::<u32>(), 2..64_u8, 1..=2_u8)
        .prop_map(|(id, clauses, clause)| Action::Conjunction { id, clause, clauses });
    vec(one, 1..4)
}

fn instructions() -> impl Strategy<Value = Instructions> {
    let clear = prop_oneof![Just(ActionSet::Keep), Just(ActionSet::Clear)];
    let metadata = option::of(
        (any::<u64>(), 1..=u64::MAX)
            .prop_map(|(value, mask)| WriteMetadata { value: value & mask, mask }),
    );
    let write = option::of(port().prop_map(Action::Output));
    let ordinary = (vec(action(), 0..6), clear, write, metadata, any::<bool>()).prop_map(
        |(apply, clear, write, metadata, goes_on)| Instructions {
            apply,
            clear,
            write: write.into_iter().collect(),
            metadata,
            goto_table: goes_on.then_some(253),
            unknown: Vec::new(),
        },
    );
    prop_oneof![4 => ordinary, 1 => conjunctions().prop_map(Instructions::apply)]
}

/// Flows in canonical form.
pub(crate) fn flows() -> impl Strategy<Value = Flow> {
    // The original direction's addresses are there only for packets of a known connection.
    let tracked = |family| {
        let ip =
            Match::new().with(field::ETH_TYPE, family).with_masked(field::CT_STATE, 0x22, 0x22);
        vec(conntrack(family), 1..3)
            .prop_map(move |actions| (ip.clone(), Instructions::apply(actions)))
    };
    let tagged = (vlan_id(), port()).prop_map(|(id, port)| {
        let set = Action::set(field::VLAN_VID, id.into());
        let actions = [Action::PushVlan(0x8100), set, Action::Output(port), Action::PopVlan];
        (Match::new().untagged(), Instructions::apply(actions))
    });
    let any_flow = (matches(), instructions());
    let body = prop_oneof![8 => any_flow, 1 => tracked(IPV4), 1 => tracked(IPV6), 1 => tagged];
    (body, 0..253_u8, any::<u16>(), any::<u64>(), any::<[u16; 3]>()).prop_map(
        |((matches, instructions), table, priority, cookie, [idle, hard, importance])| {
            Flow {
                table,
                priority,
                matches,
                cookie,
                idle_timeout: idle,
                hard_timeout: hard,
                importance,
                flags: if idle % 3 == 0 { FlowFlags::SEND_FLOW_REMOVED } else { FlowFlags::NONE },
                instructions,
            }
            .canonical()
        },
    )
}
