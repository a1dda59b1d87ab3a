use nucleon_model::Ipv6Mode;

use super::*;

fn subnet(cidr: &str) -> SubnetDraft {
    let cidr: IpNet = cidr.parse().unwrap();
    SubnetDraft {
        ip_version: Field::Value(if cidr.addr().is_ipv4() { 4 } else { 6 }),
        cidr: Field::Value(cidr),
        ..SubnetDraft::default()
    }
}

fn made(draft: SubnetDraft) -> Result<Subnet> {
    let cut = Cut::named(*draft.cidr.get().unwrap());
    from_draft(&Settings::default(), draft, "p".to_owned(), &cut)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn refusal(draft: SubnetDraft) -> String {
    made(draft).unwrap_err().message().to_owned()
}

#[test]
fn gateway_and_pools_come_by_themselves() {
    let made = made(subnet("10.0.0.0/24")).unwrap();
    assert_eq!(made.gateway_ip, Some(ip("10.0.0.1")));
    assert_eq!(format!("{:?}", made.allocation_pools), "[10.0.0.2-10.0.0.254]");
}

#[test]
fn pools_go_around_a_gateway_in_the_middle() {
    let mut draft = subnet("10.0.0.0/29");
    draft.gateway_ip = Field::Value(ip("10.0.0.4"));
    let pools = made(draft).unwrap().allocation_pools;
    assert_eq!(format!("{pools:?}"), "[10.0.0.1-10.0.0.3, 10.0.0.5-10.0.0.6]");
}

#[test]
fn a_subnet_without_gateway_may_use_every_host_address() {
    let mut draft = subnet("10.0.0.0/30");
    draft.gateway_ip = Field::Null;
    let made = made(draft).unwrap();
    assert_eq!(made.gateway_ip, None);
    assert_eq!(format!("{:?}", made.allocation_pools), "[10.0.0.1-10.0.0.2]");
}

#[test]
fn small_prefixes_are_for_networks_without_dhcp() {
    assert!(refusal(subnet("10.5.0.0/32")).contains("incompatible with DHCP"));
    let mut draft = subnet("10.5.0.0/31");
    draft.enable_dhcp = Field::Value(false);
    draft.gateway_ip = Field::Null;
    assert_eq!(format!("{:?}", made(draft).unwrap().allocation_pools), "[10.5.0.0-10.5.0.1]");
}

#[test]
fn absurd_prefixes_are_refused() {
    assert_eq!(
        refusal(subnet("0.0.0.0/0")),
        "Invalid input for operation: First IP '0.0.0.0' of network is not supported if enable_dhcp is True.."
    );
    assert!(refusal(subnet("224.0.0.0/24")).contains("Multicast"));
    assert!(refusal(subnet("127.0.0.0/24")).contains("Loopback"));
}

#[test]
fn a_slaac_prefix_is_its_own_gateway_and_must_be_a_64() {
    let mut draft = subnet("fd00:1::/64");
    draft.ipv6_ra_mode = Field::Value(Ipv6Mode::Slaac);
    draft.ipv6_address_mode = Field::Value(Ipv6Mode::Slaac);
    assert_eq!(made(draft.clone()).unwrap().gateway_ip, Some(ip("fd00:1::")));
    draft.cidr = Field::Value("fd00:1::/80".parse().unwrap());
    assert!(refusal(draft).contains("/64"));
}

#[test]
fn modes_must_agree_and_are_for_ipv6() {
    let mut draft = subnet("fd00:1::/64");
    draft.ipv6_ra_mode = Field::Value(Ipv6Mode::Slaac);
    draft.ipv6_address_mode = Field::Value(Ipv6Mode::Dhcpv6Stateful);
    assert!(refusal(draft).contains("must be the same value"));
    let mut draft = subnet("10.0.0.0/24");
    draft.ipv6_ra_mode = Field::Value(Ipv6Mode::Slaac);
    assert!(refusal(draft).contains("not valid when ip_version is 4"));
}

#[test]
fn pools_stay_inside_apart_and_clear_of_the_gateway() {
    let with = |ranges: &[(&str, &str)]| {
        let mut draft = subnet("10.4.0.0/24");
        let pools = ranges.iter().map(|(a, b)| IpRange::new(ip(a), ip(b)).unwrap()).collect();
        draft.allocation_pools = Field::Value(pools);
        made(draft).map_err(|error| error.name().to_owned())
    };
    assert!(with(&[("10.4.0.10", "10.4.0.20")]).is_ok());
    assert_eq!(
        with(&[("10.4.0.1", "10.4.0.10")]).unwrap_err(),
        "GatewayConflictWithAllocationPools"
    );
    assert_eq!(
        with(&[("10.4.0.10", "10.4.0.20"), ("10.4.0.15", "10.4.0.25")]).unwrap_err(),
        "OverlappingAllocationPools"
    );
    assert_eq!(with(&[("10.4.0.10", "10.4.1.20")]).unwrap_err(), "OutOfBoundsAllocationPool");
}

#[test]
fn subnets_of_a_network_do_not_meet() {
    let held = [made(subnet("10.1.0.0/24")).unwrap()];
    for (cidr, apart) in [("10.1.0.0/25", false), ("10.0.0.0/8", false), ("10.1.1.0/24", true)] {
        assert_eq!(check_apart(&made(subnet(cidr)).unwrap(), &held).is_ok(), apart, "{cidr}");
    }
}

#[test]
fn an_update_is_checked_like_a_create() {
    let mut held = made(subnet("10.0.0.0/24")).unwrap();
    let draft = SubnetDraft { gateway_ip: Field::Value(ip("10.0.0.7")), ..SubnetDraft::default() };
    let error = update(&Settings::default(), &mut held, draft).unwrap_err();
    assert_eq!(error.name(), "GatewayConflictWithAllocationPools");
}
