use nucleon_model::SegmentId;
use uuid::Uuid;

use super::*;

pub(crate) fn port_id(number: u128) -> PortId {
    PortId::new(Uuid::from_u128(number))
}

/// A view of host `h1`: network 1 on VLAN 101 of physnet1, with ports 11 and 12.
pub(crate) fn view() -> View {
    let segment = SegmentId::new(Uuid::from_u128(100));
    let network = NetworkBody {
        id: NetworkId::new(Uuid::from_u128(1)),
        revision: 1,
        name: "blue".to_owned(),
        mtu: 1500,
        admin_state_up: true,
        segments: vec![SegmentBody {
            id: segment,
            network_type: NetworkType::new("vlan"),
            physical_network: Some("physnet1".to_owned()),
            segmentation_id: Some(101),
        }],
        subnets: Vec::new(),
        dhcp_hosts: Vec::new(),
    };
    let port = |number: u8| PortBody {
        id: port_id(number.into()),
        network_id: network.id,
        revision: 1,
        mac_address: MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, number]),
        admin_state_up: true,
        fixed_ips: Vec::new(),
        host: "h1".to_owned(),
        segment_id: Some(segment),
        device_owner: "compute:nova".to_owned(),
        device_id: String::new(),
        extra_dhcp_opts: Vec::new(),
    };
    View {
        ports: [11, 12].map(|number| (port_id(number.into()), port(number))).into(),
        networks: [(network.id, network)].into(),
    }
}

pub(crate) fn device(ofport: Result<u32, &str>) -> Device {
    Device { ofport: ofport.map_err(|why| NoNumber::Refused(why.to_owned())), ..Device::default() }
}

#[test]
fn a_plugged_port_of_this_host_is_wired_to_its_segment() {
    let wired = wiring(&view(), "h1", port_id(11), Some(&device(Ok(5)))).unwrap();
    assert_eq!(wired.ofport, 5);
    assert_eq!(
        wired.lan.wire,
        Wire::Vlan { physical_network: "physnet1".to_owned(), id: VlanId::new(101).unwrap() }
    );
}

#[test]
fn each_reason_not_to_wire_is_told_apart() {
    let ask = |view: &View, host: &str, device: Option<&Device>| {
        wiring(view, host, port_id(11), device).unwrap_err()
    };
    let plugged = device(Ok(5));
    assert_eq!(ask(&View::default(), "h1", Some(&plugged)), Unwired::NotOurs);
    assert_eq!(ask(&view(), "h2", Some(&plugged)), Unwired::NotOurs);
    assert_eq!(ask(&view(), "h1", None), Unwired::NoDevice);
    let refused = device(Err("no such device"));
    assert_eq!(
        ask(&view(), "h1", Some(&refused)),
        Unwired::NoNumber(NoNumber::Refused("no such device".to_owned()))
    );
    let mut down = view();
    down.ports.get_mut(&port_id(11)).unwrap().admin_state_up = false;
    assert_eq!(ask(&down, "h1", Some(&plugged)), Unwired::Down);
    let mut unbound = view();
    unbound.ports.get_mut(&port_id(11)).unwrap().segment_id = None;
    assert!(matches!(ask(&unbound, "h1", Some(&plugged)), Unwired::Unbound(_)));
}

#[test]
fn a_network_that_is_down_takes_its_ports_down() {
    let mut view = view();
    view.networks.values_mut().for_each(|network| network.admin_state_up = false);
    assert_eq!(wiring(&view, "h1", port_id(11), Some(&device(Ok(5)))), Err(Unwired::Down));
}

#[test]
fn an_absurd_segment_is_not_carried() {
    for (kind, id) in [("vlan", Some(0)), ("vlan", Some(4095)), ("vlan", None), ("vxlan", Some(7))]
    {
        let mut view = view();
        for segment in view.networks.values_mut().flat_map(|network| &mut network.segments) {
            segment.network_type = NetworkType::new(kind);
            segment.segmentation_id = id;
        }
        let refused = wiring(&view, "h1", port_id(11), Some(&device(Ok(5))));
        assert!(matches!(refused, Err(Unwired::Unbound(_))), "{kind} {id:?}");
    }
}
