use std::net::IpAddr;

use ipnet::IpNet;
use nucleon_linux::{
    Address, AdminState, Ensured, Error, LinkChange, LinkName, Links, Origin, Route, Scope, Veth,
    VethEnd,
};
use nucleon_net::MacAddr;

use crate::scratch::{Scratch, link};

const MAC: MacAddr = MacAddr::new([0xfa, 0x16, 0x3e, 0x11, 0x22, 0x33]);

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Global addresses as text, sorted.
async fn addresses(links: &Links, name: &LinkName) -> Vec<String> {
    let all = links.addresses(name).await.unwrap();
    let global = all.into_iter().filter(|address| address.scope == Scope::Global);
    let mut texts: Vec<String> = global.map(|address| address.net.to_string()).collect();
    texts.sort();
    texts
}

#[tokio::test]
async fn a_pair_is_made_across_namespaces_in_one_request() {
    let Some(mut scratch) = Scratch::new() else { return };
    let (host, guest) = (scratch.netns().await, scratch.netns().await);
    let near = VethEnd::new(link("tap1")).up().mtu(1450);
    let far = VethEnd::new(link("eth0")).up().mtu(1450).mac(MAC);
    host.links().create_veth(&Veth::into_netns(near, far, &guest)).await.unwrap();

    let tap = host.links().link(&link("tap1")).await.unwrap().unwrap();
    let eth = guest.links().link(&link("eth0")).await.unwrap().unwrap();
    assert_eq!((eth.mac, eth.mtu, eth.state), (Some(MAC), 1450, AdminState::Up));
    assert_eq!((tap.mtu, tap.state, tap.kind.as_deref()), (1450, AdminState::Up, Some("veth")));
    assert_eq!((tap.peer, eth.peer), (Some(eth.index), Some(tap.index)));
    assert!(tap.carrier && eth.carrier);
    assert_eq!(host.links().link(&link("eth0")).await.unwrap(), None);
}

#[tokio::test]
async fn an_existing_pair_is_left_alone_and_a_wrong_one_is_made_right() {
    let Some(mut scratch) = Scratch::new() else { return };
    let (host, guest, other) =
        (scratch.netns().await, scratch.netns().await, scratch.netns().await);
    let near = || VethEnd::new(link("tap1")).up();
    let far = || VethEnd::new(link("eth0")).up().mac(MAC);
    let wanted = Veth::into_netns(near(), far(), &guest);
    assert_eq!(host.links().ensure_veth(&wanted).await.unwrap(), Ensured::Changed);
    let first = host.links().index(&link("tap1")).await.unwrap();
    assert_eq!(host.links().ensure_veth(&wanted).await.unwrap(), Ensured::Unchanged);

    guest.links().set_down(&link("eth0")).await.unwrap();
    assert_eq!(host.links().ensure_veth(&wanted).await.unwrap(), Ensured::Changed);
    assert_eq!(host.links().index(&link("tap1")).await.unwrap(), first);

    // The same near end, paired with a namespace it should not be paired with.
    let _ = host.links().ensure_deleted(&link("tap1")).await.unwrap();
    host.links().create_veth(&Veth::into_netns(near(), far(), &other)).await.unwrap();
    assert_eq!(host.links().ensure_veth(&wanted).await.unwrap(), Ensured::Changed);
    assert_eq!(other.links().link(&link("eth0")).await.unwrap(), None);
    let eth = guest.links().link(&link("eth0")).await.unwrap().unwrap();
    assert_eq!((eth.mac, eth.state), (Some(MAC), AdminState::Up));

    // A stray device where the far end belongs.
    let _ = host.links().ensure_deleted(&link("tap1")).await.unwrap();
    guest.links().create_bridge(&link("eth0")).await.unwrap();
    assert_eq!(host.links().ensure_veth(&wanted).await.unwrap(), Ensured::Changed);
    assert_eq!(host.links().ensure_veth(&wanted).await.unwrap(), Ensured::Unchanged);
}

#[tokio::test]
async fn two_hundred_pairs_are_made_in_one_batch() {
    let Some(mut scratch) = Scratch::new() else { return };
    let (host, guest) = (scratch.netns().await, scratch.netns().await);
    let veths: Vec<Veth> = (0..200)
        .map(|number| {
            let end = |prefix: &str| VethEnd::new(link(&format!("{prefix}{number}"))).up();
            Veth::into_netns(end("tap"), end("eth"), &guest)
        })
        .collect();
    for result in host.links().create_veths(&veths).await {
        result.unwrap();
    }
    assert_eq!(host.links().list().await.unwrap().len(), 201);
    assert_eq!(guest.links().list().await.unwrap().len(), 201);
    let again = host.links().create_veths(&veths[..3]).await;
    assert!(again.iter().all(|result| result.as_ref().unwrap_err().is_exists()), "{again:?}");
}

#[tokio::test]
async fn a_link_is_changed_renamed_and_deleted_idempotently() {
    let Some(mut scratch) = Scratch::new() else { return };
    let netns = scratch.netns().await;
    let links = netns.links();
    links.create_bridge(&link("d0")).await.unwrap();
    let wanted = LinkChange {
        state: Some(AdminState::Down),
        mac: Some(MAC),
        mtu: Some(9000),
        name: Some(link("d1")),
    };
    assert_eq!(links.ensure(&link("d0"), &wanted).await.unwrap(), Ensured::Changed);
    assert_eq!(links.ensure(&link("d1"), &wanted).await.unwrap(), Ensured::Unchanged);
    assert_eq!(links.link(&link("d1")).await.unwrap().unwrap().mtu, 9000);
    assert_eq!(links.ensure_deleted(&link("d1")).await.unwrap(), Ensured::Changed);
    assert_eq!(links.ensure_deleted(&link("d1")).await.unwrap(), Ensured::Unchanged);
    let error = links.set_up(&link("d1")).await.unwrap_err();
    assert!(matches!(error, Error::LinkMissing { .. }), "{error}");
    assert!(error.to_string().contains("d1") && error.to_string().contains(netns.label()));
}

#[tokio::test]
async fn a_bridge_takes_and_gives_back_its_ports() {
    let Some(mut scratch) = Scratch::new() else { return };
    let netns = scratch.netns().await;
    let links = netns.links();
    links.create_bridge(&link("br0")).await.unwrap();
    let pair = Veth::new(VethEnd::new(link("d0")), VethEnd::new(link("d1")));
    links.create_veth(&pair).await.unwrap();
    links.set_controller(&link("d0"), Some(&link("br0"))).await.unwrap();
    let bridge = links.index(&link("br0")).await.unwrap();
    assert_eq!(links.link(&link("d0")).await.unwrap().unwrap().controller, Some(bridge));
    links.set_controller(&link("d0"), None).await.unwrap();
    assert_eq!(links.link(&link("d0")).await.unwrap().unwrap().controller, None);
}

#[tokio::test]
async fn addresses_become_those_that_are_wanted() {
    let Some(mut scratch) = Scratch::new() else { return };
    let netns = scratch.netns().await;
    let (links, d0) = (netns.links(), link("d0"));
    links.create_bridge(&d0).await.unwrap();
    links.set_up(&d0).await.unwrap();
    let first = [net("10.0.1.2/24"), net("10.0.1.3/24"), net("2001:db8::2/64")];
    assert_eq!(links.ensure_addresses(&d0, &first).await.unwrap(), Ensured::Changed);
    assert_eq!(links.ensure_addresses(&d0, &first).await.unwrap(), Ensured::Unchanged);
    assert_eq!(addresses(links, &d0).await, ["10.0.1.2/24", "10.0.1.3/24", "2001:db8::2/64"]);

    // 10.0.1.2 is the primary address: without it, the kernel drops 10.0.1.3 as well.
    let second = [net("10.0.1.3/24"), net("10.0.2.2/24")];
    assert_eq!(links.ensure_addresses(&d0, &second).await.unwrap(), Ensured::Changed);
    assert_eq!(addresses(links, &d0).await, ["10.0.1.3/24", "10.0.2.2/24"]);
    let local = |address: &Address| address.scope == Scope::Link;
    assert!(links.addresses(&d0).await.unwrap().iter().any(local));

    assert_eq!(links.ensure_address(&d0, net("10.0.1.3/24")).await.unwrap(), Ensured::Unchanged);
    let error = links.delete_address(&d0, net("10.0.9.9/24")).await.unwrap_err();
    assert!(error.is_missing() && error.to_string().contains("10.0.9.9/24"), "{error}");
}

#[tokio::test]
async fn routes_become_those_that_are_wanted_and_the_kernels_stay() {
    let Some(mut scratch) = Scratch::new() else { return };
    let netns = scratch.netns().await;
    let (links, d0) = (netns.links(), link("d0"));
    links.create_bridge(&d0).await.unwrap();
    links.set_up(&d0).await.unwrap();
    links.add_address(&d0, net("10.0.1.2/24")).await.unwrap();
    links.add_address(&d0, net("2001:db8::2/64")).await.unwrap();

    // The gateway of the second lies in the first, whatever their order.
    let wanted = [
        Route::default_via(ip("192.0.2.1")),
        Route::on_link(net("192.0.2.0/24")),
        Route::default_via(ip("2001:db8::1")),
    ];
    assert_eq!(links.ensure_routes(&d0, &wanted).await.unwrap(), Ensured::Changed);
    assert_eq!(links.ensure_routes(&d0, &wanted).await.unwrap(), Ensured::Unchanged);
    let kernel = |route: &&Route| route.origin == Origin::Kernel;
    let routes = links.routes(&d0).await.unwrap();
    assert_eq!(routes.iter().filter(|route| route.origin == Origin::Static).count(), 3);
    assert!(routes.iter().filter(kernel).any(|r| r.destination == net("10.0.1.0/24")));

    let moved = Route::default_via(ip("10.0.1.1"));
    assert_eq!(links.ensure_route(&d0, &moved).await.unwrap(), Ensured::Changed);
    assert_eq!(links.ensure_route(&d0, &moved).await.unwrap(), Ensured::Unchanged);
    assert_eq!(links.ensure_routes(&d0, &[moved]).await.unwrap(), Ensured::Changed);
    let routes = links.routes(&d0).await.unwrap();
    let own: Vec<&Route> = routes.iter().filter(|r| r.origin == Origin::Static).collect();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].gateway, Some(ip("10.0.1.1")));
    assert!(routes.iter().filter(kernel).count() >= 2);

    links.delete_route(&d0, &moved).await.unwrap();
    assert!(links.delete_route(&d0, &moved).await.unwrap_err().is_missing());
    let unreachable = links.add_route(&d0, &Route::default_via(ip("203.0.113.1"))).await;
    let error = unreachable.unwrap_err();
    assert_eq!(error.errno(), Some(libc_enetunreach()), "{error}");
}

fn libc_enetunreach() -> i32 {
    nix::errno::Errno::ENETUNREACH as i32
}

#[tokio::test]
async fn learned_neighbours_are_forgotten() {
    let Some(mut scratch) = Scratch::new() else { return };
    let (one, two) = scratch.pair().await;
    let eth0 = link("eth0");
    assert_eq!(one.links().flush_neighbours(&eth0).await.unwrap(), Ensured::Unchanged);
    let receiver = two.udp_socket(udp("10.77.0.2:7000")).await.unwrap();
    let sender = one.udp_socket(udp("10.77.0.1:0")).await.unwrap();
    sender.send_to(b"hello", "10.77.0.2:7000").await.unwrap();
    let mut buffer = [0; 16];
    let (length, from) = receiver.recv_from(&mut buffer).await.unwrap();
    assert_eq!((&buffer[..length], from.ip()), (&b"hello"[..], ip("10.77.0.1")));

    let neighbours = one.links().neighbours(&eth0).await.unwrap();
    let other = two.links().link(&eth0).await.unwrap().unwrap().mac;
    assert!(neighbours.iter().any(|n| n.address == ip("10.77.0.2") && n.mac == other));
    assert_eq!(one.links().flush_neighbours(&eth0).await.unwrap(), Ensured::Changed);
    let left = one.links().neighbours(&eth0).await.unwrap();
    assert!(!left.iter().any(|n| n.address == ip("10.77.0.2")), "{left:?}");
}

fn udp(address: &str) -> nucleon_linux::UdpOptions {
    nucleon_linux::UdpOptions::new(address.parse().unwrap())
}

#[tokio::test]
async fn a_link_moves_to_another_namespace() {
    let Some(mut scratch) = Scratch::new() else { return };
    let (one, two) = (scratch.netns().await, scratch.netns().await);
    let pair = Veth::new(VethEnd::new(link("d0")), VethEnd::new(link("d1")));
    one.links().create_veth(&pair).await.unwrap();
    one.links().move_to(&link("d0"), &two).await.unwrap();
    assert_eq!(one.links().link(&link("d0")).await.unwrap(), None);
    assert!(two.links().link(&link("d0")).await.unwrap().is_some());
}
