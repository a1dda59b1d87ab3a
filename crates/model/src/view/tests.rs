use super::*;

fn network(number: u128, revision: i64, dhcp_hosts: &[&str]) -> NetworkBody {
    NetworkBody {
        id: NetworkId::new(Uuid::from_u128(number)),
        revision,
        name: String::new(),
        mtu: 1500,
        admin_state_up: true,
        segments: Vec::new(),
        subnets: Vec::new(),
        dhcp_hosts: dhcp_hosts.iter().map(|&host| host.to_owned()).collect(),
    }
}

fn port(number: u128, network: u128, host: &str, revision: i64) -> PortBody {
    PortBody {
        id: PortId::new(Uuid::from_u128(number)),
        network_id: NetworkId::new(Uuid::from_u128(network)),
        revision,
        mac_address: MacAddr::ZERO,
        admin_state_up: true,
        fixed_ips: Vec::new(),
        host: host.to_owned(),
        segment_id: None,
        device_owner: String::new(),
        device_id: String::new(),
        extra_dhcp_opts: Vec::new(),
    }
}

fn view() -> View {
    let mut view = View::default();
    for change in [
        Change::Network(network(1, 1, &["h9"])),
        Change::Network(network(2, 1, &[])),
        Change::Port(port(11, 1, "h1", 1)),
        Change::Port(port(12, 2, "h2", 1)),
    ] {
        view.apply(change);
    }
    view
}

#[test]
fn an_ovs_agent_knows_its_ports_and_their_networks() {
    let mut view = view();
    view.prune(Role::OvsAgent, "h1");
    assert_eq!(view.ports.len(), 1);
    assert_eq!(view.networks.len(), 1);
    assert_eq!(
        view.scopes(Role::OvsAgent, "h1").iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["host:h1", "network:00000000-0000-0000-0000-000000000001"]
    );
}

#[test]
fn a_dhcp_agent_knows_its_networks_and_all_their_ports() {
    let mut view = view();
    view.prune(Role::DhcpAgent, "h9");
    assert_eq!(view.networks.len(), 1);
    assert_eq!(view.ports.len(), 1);
    assert_eq!(view.scopes(Role::DhcpAgent, "h9").len(), 3);
}

#[test]
fn a_port_that_moved_away_leaves_the_view_with_its_network() {
    let mut view = view();
    view.prune(Role::OvsAgent, "h1");
    view.apply(Change::Port(port(11, 1, "h2", 2)));
    view.prune(Role::OvsAgent, "h1");
    assert_eq!(view, View::default());
}

#[test]
fn an_older_body_changes_nothing() {
    let mut view = view();
    view.apply(Change::Port(port(11, 1, "h1", 7)));
    view.apply(Change::Port(port(11, 1, "h2", 3)));
    assert_eq!(view.ports[&PortId::new(Uuid::from_u128(11))].host, "h1");
}

#[test]
fn the_digest_follows_ids_and_revisions_only() {
    let (mut a, b) = (view(), view());
    assert_eq!(a.digest(), b.digest());
    a.apply(Change::Port(port(11, 1, "h1", 2)));
    assert_ne!(a.digest(), b.digest());
}

#[test]
fn scopes_survive_the_way_through_text() {
    for text in [
        "host:h1",
        "dhcp:h1",
        "network:00000000-0000-0000-0000-000000000001",
        "security-group:00000000-0000-0000-0000-000000000001",
        "address-group:00000000-0000-0000-0000-000000000001",
    ] {
        assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
    }
    for text in ["", "host:", "network:1", "zone:a"] {
        assert_eq!(text.parse::<Scope>(), Err(InvalidScope(text.to_owned())));
    }
}
