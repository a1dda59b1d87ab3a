//! RFC 2131, section 4.3: what each message gets, from whom and whereto.

use std::net::Ipv4Addr;

use dhcproto::v4::{DhcpOption, MessageType};
use nucleon_net::MacAddr;

use super::support::*;
use crate::v4::{Answer, Arrival, Destination, Event, ReplyKind, Silence};

const WRONG: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 77);

#[test]
fn a_discover_gets_an_offer_of_the_reserved_address() {
    let (reply, offer) = reply(&network(&config()), &discover());
    assert_eq!(reply.kind, ReplyKind::Offer);
    assert_eq!(reply.address, ADDRESS);
    assert_eq!(offer.opts().msg_type(), Some(MessageType::Offer));
    assert_eq!(offer.yiaddr(), ADDRESS);
    assert_eq!(offer.siaddr(), SERVER);
    assert_eq!(offer.xid(), XID);
    assert_eq!(offer.chaddr(), CLIENT_MAC.octets());
    assert_eq!(option(&offer, 54), Some(DhcpOption::ServerIdentifier(SERVER)));
}

#[test]
fn a_discover_that_wishes_for_anothers_address_is_offered_its_own() {
    let wish = with(discover(), DhcpOption::RequestedIpAddress(WRONG));
    assert_eq!(reply(&network(&config()), &wish).0.address, ADDRESS);
}

#[test]
fn a_client_with_two_addresses_is_offered_the_first_unless_it_wishes_for_the_second() {
    let second = Ipv4Addr::new(10, 0, 0, 6);
    let network = network(&config_with(|c| c.reservations[0].addresses.push(second)));
    assert_eq!(reply(&network, &discover()).0.address, ADDRESS);
    let wish = with(discover(), DhcpOption::RequestedIpAddress(second));
    assert_eq!(reply(&network, &wish).0.address, second);
    assert_eq!(reply(&network, &selecting(SERVER, second)).0.kind, ReplyKind::Ack);
}

#[test]
fn selecting_our_offer_is_acknowledged() {
    let (reply, ack) = reply(&network(&config()), &selecting(SERVER, ADDRESS));
    assert_eq!(reply.kind, ReplyKind::Ack);
    assert_eq!(ack.opts().msg_type(), Some(MessageType::Ack));
    assert_eq!(ack.yiaddr(), ADDRESS);
    assert_eq!(option(&ack, 51), Some(DhcpOption::AddressLeaseTime(86400)));
}

#[test]
fn selecting_a_wrong_address_from_us_is_refused() {
    let (reply, nak) = reply(&network(&config()), &selecting(SERVER, WRONG));
    assert_eq!(reply.kind, ReplyKind::Nak);
    assert_eq!(reply.destination, Destination::Broadcast);
    assert_eq!(nak.opts().msg_type(), Some(MessageType::Nak));
    assert_eq!(nak.yiaddr(), Ipv4Addr::UNSPECIFIED);
    assert_eq!(nak.siaddr(), Ipv4Addr::UNSPECIFIED);
    assert!(nak.flags().broadcast());
    assert_eq!(codes(&nak), [53, 54, 56]);
}

#[test]
fn selecting_another_servers_offer_is_none_of_our_business() {
    let network = network(&config());
    for address in [ADDRESS, WRONG] {
        let answer = ask(&network, &selecting(OTHER_SERVER, address));
        assert_eq!(silence(&answer), Silence::OtherServer(OTHER_SERVER));
    }
}

#[test]
fn a_reboot_with_the_right_address_is_acknowledged_and_with_a_wrong_one_refused() {
    let network = network(&config());
    assert_eq!(reply(&network, &init_reboot(ADDRESS)).0.kind, ReplyKind::Ack);
    assert_eq!(reply(&network, &init_reboot(WRONG)).0.kind, ReplyKind::Nak);
    let elsewhere = Ipv4Addr::new(192, 168, 7, 7);
    assert_eq!(reply(&network, &init_reboot(elsewhere)).0.kind, ReplyKind::Nak);
}

#[test]
fn renewing_by_unicast_is_acknowledged_by_unicast_to_the_address_held() {
    let arrival = Arrival {
        source_mac: Some(CLIENT_MAC),
        destination_mac: Some(SERVER_MAC),
        destination: Some(SERVER),
    };
    let answer = ask_from(&network(&config()), &broadcasting(renewing(ADDRESS)), arrival);
    let Answer::Reply(reply) = answer else { panic!("{answer:?}") };
    assert_eq!(reply.kind, ReplyKind::Ack);
    let unicast = Destination::Client { mac: CLIENT_MAC, address: ADDRESS };
    assert_eq!(reply.destination, unicast, "ciaddr comes before the broadcast flag");
    assert_eq!(decode(&reply.payload).ciaddr(), ADDRESS);
}

#[test]
fn rebinding_by_broadcast_is_acknowledged() {
    let arrival = Arrival {
        source_mac: Some(CLIENT_MAC),
        destination_mac: Some(MacAddr::BROADCAST),
        destination: Some(Ipv4Addr::BROADCAST),
    };
    let answer = ask_from(&network(&config()), &renewing(ADDRESS), arrival);
    assert!(matches!(answer, Answer::Reply(reply) if reply.kind == ReplyKind::Ack));
}

#[test]
fn renewing_an_address_that_was_taken_away_is_refused_by_broadcast() {
    let (reply, nak) = reply(&network(&config()), &renewing(WRONG));
    assert_eq!(reply.kind, ReplyKind::Nak);
    assert_eq!(reply.destination, Destination::Broadcast);
    assert_eq!(nak.ciaddr(), Ipv4Addr::UNSPECIFIED);
}

#[test]
fn a_request_that_names_no_address_gets_nothing() {
    let network = network(&config());
    assert_eq!(silence(&ask(&network, &message(MessageType::Request))), Silence::NoAddress);
    let zero = init_reboot(Ipv4Addr::UNSPECIFIED);
    assert_eq!(silence(&ask(&network, &zero)), Silence::NoAddress);
}

#[test]
fn strangers_get_nothing_whatever_they_send() {
    let network = network(&config());
    let messages = [
        discover(),
        selecting(SERVER, ADDRESS),
        selecting(SERVER, WRONG),
        init_reboot(WRONG),
        renewing(ADDRESS),
        holding(message(MessageType::Inform), ADDRESS),
        holding(message(MessageType::Release), ADDRESS),
        with(message(MessageType::Decline), DhcpOption::RequestedIpAddress(ADDRESS)),
    ];
    for message in messages {
        let answer = ask(&network, &from_mac(message, STRANGER_MAC));
        assert_eq!(silence(&answer), Silence::UnknownClient(STRANGER_MAC));
    }
}

#[test]
fn an_inform_gets_options_without_an_address_or_a_lease() {
    let inform = holding(message(MessageType::Inform), ADDRESS);
    let (reply, ack) = reply(&network(&config()), &inform);
    assert_eq!(reply.kind, ReplyKind::Information);
    assert_eq!(reply.destination, Destination::Client { mac: CLIENT_MAC, address: ADDRESS });
    assert_eq!(ack.opts().msg_type(), Some(MessageType::Ack));
    assert_eq!(ack.yiaddr(), Ipv4Addr::UNSPECIFIED);
    assert_eq!(ack.ciaddr(), ADDRESS);
    for code in [51, 58, 59] {
        assert_eq!(option(&ack, code), None);
    }
    assert_eq!(option(&ack, 3), Some(DhcpOption::Router(vec![GATEWAY])));
}

#[test]
fn an_inform_from_an_address_that_is_not_the_clients_gets_nothing() {
    let network = network(&config());
    let inform = holding(message(MessageType::Inform), WRONG);
    assert_eq!(silence(&ask(&network, &inform)), Silence::NotItsAddress(WRONG));
    assert_eq!(silence(&ask(&network, &message(MessageType::Inform))), Silence::NoAddress);
}

#[test]
fn a_release_is_noted() {
    let release = holding(message(MessageType::Release), ADDRESS);
    let release = with(release, DhcpOption::ServerIdentifier(SERVER));
    let event = Event::Released { mac: CLIENT_MAC, address: ADDRESS };
    assert_eq!(ask(&network(&config()), &release), Answer::Noted(event));
}

#[test]
fn a_decline_is_noted() {
    let decline = with(message(MessageType::Decline), DhcpOption::RequestedIpAddress(ADDRESS));
    let event = Event::Declined { mac: CLIENT_MAC, address: ADDRESS };
    assert_eq!(ask(&network(&config()), &decline), Answer::Noted(event));
}

#[test]
fn giving_up_anothers_address_is_not_noted() {
    let network = network(&config());
    let release = holding(message(MessageType::Release), WRONG);
    assert_eq!(silence(&ask(&network, &release)), Silence::NotItsAddress(WRONG));
    let decline = with(message(MessageType::Decline), DhcpOption::RequestedIpAddress(WRONG));
    assert_eq!(silence(&ask(&network, &decline)), Silence::NotItsAddress(WRONG));
}

#[test]
fn giving_up_in_anothers_name_is_not_noted() {
    let arrival = Arrival { source_mac: Some(STRANGER_MAC), ..Arrival::default() };
    let release = holding(message(MessageType::Release), ADDRESS);
    let answer = ask_from(&network(&config()), &release, arrival);
    assert_eq!(silence(&answer), Silence::Impersonated { by: STRANGER_MAC });
}

#[test]
fn a_frame_from_another_mac_is_answered_to_the_client_it_speaks_for() {
    let arrival = Arrival { source_mac: Some(STRANGER_MAC), ..Arrival::default() };
    let answer = ask_from(&network(&config()), &discover(), arrival);
    let Answer::Reply(reply) = answer else { panic!("{answer:?}") };
    assert_eq!(reply.destination, Destination::Client { mac: CLIENT_MAC, address: ADDRESS });
}

#[test]
fn the_broadcast_flag_and_the_configuration_make_a_reply_a_broadcast() {
    let (answer, offer) = reply(&network(&config()), &broadcasting(discover()));
    assert_eq!(answer.destination, Destination::Broadcast);
    assert!(offer.flags().broadcast());

    let forced = network(&config_with(|config| config.broadcast_reply = true));
    let (answer, offer) = reply(&forced, &discover());
    assert_eq!(answer.destination, Destination::Broadcast);
    assert!(offer.flags().broadcast());
}

#[test]
fn a_client_that_asks_for_no_broadcast_gets_a_unicast_to_its_new_address() {
    let (reply, _) = reply(&network(&config()), &discover());
    assert_eq!(reply.destination, Destination::Client { mac: CLIENT_MAC, address: ADDRESS });
    assert_eq!(reply.socket_address(), "10.0.0.5:68".parse().unwrap());
}

#[test]
fn relays_are_not_served() {
    let relay = Ipv4Addr::new(10, 9, 9, 1);
    let mut relayed = discover();
    relayed.set_giaddr(relay);
    assert_eq!(silence(&ask(&network(&config()), &relayed)), Silence::Relayed(relay));
}

#[test]
fn frames_to_another_server_are_left_to_it() {
    let network = network(&config());
    let arrivals = [
        Arrival { destination: Some(OTHER_SERVER), ..Arrival::default() },
        Arrival { destination_mac: Some(STRANGER_MAC), ..Arrival::default() },
    ];
    for arrival in arrivals {
        let answer = ask_from(&network, &renewing(ADDRESS), arrival);
        assert_eq!(silence(&answer), Silence::NotForUs);
    }
}

#[test]
fn a_client_whose_subnet_has_no_dhcp_gets_nothing() {
    let network = network(&config_with(|config| config.subnets[0].enable_dhcp = false));
    assert_eq!(silence(&ask(&network, &discover())), Silence::NotServed(CLIENT_MAC));
}

#[test]
fn of_two_subnets_the_one_with_dhcp_is_served_by_the_servers_address_in_it() {
    let network = network(&config_with(|config| {
        config.subnets[0].enable_dhcp = false;
        let mut second = subnet();
        second.cidr = "10.1.0.0/24".parse().unwrap();
        second.server = Some(Ipv4Addr::new(10, 1, 0, 2));
        second.gateway = Some(Ipv4Addr::new(10, 1, 0, 1));
        config.subnets.push(second);
        config.reservations[0].addresses.push(Ipv4Addr::new(10, 1, 0, 5));
    }));
    let (reply, offer) = reply(&network, &discover());
    assert_eq!(reply.address, Ipv4Addr::new(10, 1, 0, 5));
    assert_eq!(reply.server, Ipv4Addr::new(10, 1, 0, 2));
    assert_eq!(option(&offer, 3), Some(DhcpOption::Router(vec![Ipv4Addr::new(10, 1, 0, 1)])));
}

#[test]
fn messages_of_servers_and_of_other_protocols_get_nothing() {
    let network = network(&config());
    for kind in [MessageType::Offer, MessageType::Ack, MessageType::LeaseQuery, MessageType::Tls] {
        let answer = ask(&network, &message(kind));
        assert_eq!(silence(&answer), Silence::Unexpected(kind.into()));
        assert!(Silence::LABELS.contains(&silence(&answer).label()));
    }
}

#[test]
fn clients_come_and_go_without_compiling_the_network_anew() {
    let mut network = network(&config());
    assert!(network.remove(CLIENT_MAC));
    assert!(!network.remove(CLIENT_MAC));
    assert_eq!(silence(&ask(&network, &discover())), Silence::UnknownClient(CLIENT_MAC));
    assert_eq!(network.insert(&reservation()), []);
    assert_eq!(reply(&network, &discover()).0.address, ADDRESS);
    assert_eq!(network.len(), 1);
}
