use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::json;

use super::*;
use crate::{Agent, AttrSet, Attribute, Draft, Flags, Network, Port, Resource, Segment, Subnet};

/// A record with all its attributes.
struct Whole<T>(T);

impl<T: Resource> Serialize for Whole<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.0.render(T::DECL.select(|_| true), &mut map)?;
        map.end()
    }
}

/// A value of this shape, and one that is not.
fn samples(shape: Shape) -> (Value, Value) {
    match shape {
        Shape::Bool => (json!(true), json!("perhaps")),
        Shape::Int | Shape::Digits => (json!(4), json!("four")),
        Shape::Text => (json!("text"), json!(["text"])),
        Shape::Word(words) => (json!(words[0]), json!("no such word")),
        Shape::Domain => (json!("example.org."), json!("text")),
        Shape::Uuid => (json!("2365be13-0406-43e7-9608-05a301bce191"), json!("text")),
        Shape::Address | Shape::AddressOrPrefix => (json!("192.0.2.1"), json!("text")),
        Shape::Prefix => (json!("192.0.2.0/24"), json!("text")),
        Shape::Mac => (json!("fa:16:3e:00:00:01"), json!("text")),
        Shape::Time => (json!("2026-08-07T12:00:00Z"), json!(5)),
        Shape::List(item) => {
            let (good, bad) = samples(*item);
            (json!([good]), json!([bad]))
        }
        Shape::Object(members) => {
            let of = |(name, shape): &(&str, Shape)| ((*name).to_owned(), samples(*shape));
            let (mut good, mut bad) = (Map::new(), Map::new());
            for (name, values) in members.iter().map(of) {
                good.insert(name.clone(), values.0);
                bad.insert(name, values.1);
            }
            (good.into(), bad.into())
        }
        Shape::Dict => (json!({"a": [1]}), json!([])),
        Shape::Nullable(inner) => samples(*inner),
    }
}

fn is(value: &Value, shape: Shape) -> bool {
    match (value, shape) {
        (Value::Array(items), Shape::List(item)) => items.iter().all(|value| is(value, *item)),
        (Value::Object(entries), Shape::Object(members)) => entries.iter().all(|(name, value)| {
            members.iter().any(|(member, shape)| member == name && is(value, *shape))
        }),
        (value, Shape::Nullable(inner)) => is(value, *inner),
        (Value::Null, _)
        | (Value::Bool(_), Shape::Bool)
        | (Value::Number(_), Shape::Int)
        | (Value::Object(_), Shape::Dict) => true,
        (Value::String(_), shape) => !matches!(
            shape,
            Shape::Bool | Shape::Int | Shape::List(_) | Shape::Object(_) | Shape::Dict
        ),
        _ => false,
    }
}

fn settable(
    decl: &'static crate::ResourceDecl,
) -> impl Iterator<Item = (usize, &'static Attribute)> {
    let set: AttrSet = decl.with(Flags::POST).or(decl.with(Flags::PUT));
    decl.attributes
        .iter()
        .enumerate()
        .filter(move |(index, attribute)| set.contains(*index) && attribute.mirrors.is_none())
}

fn check<T: Resource + Default>() {
    let shown = serde_json::to_value(Whole(T::default())).unwrap();
    for attribute in T::DECL.attributes {
        let value = &shown[attribute.name];
        assert!(is(value, attribute.shape), "{} is {value}", attribute.name);
    }
    for (index, attribute) in settable(T::DECL) {
        let place = format!("{} {} {:?}", T::DECL.name, attribute.name, attribute.shape);
        let (good, bad) = samples(attribute.shape);
        let mut draft = T::Draft::default();
        assert_eq!(draft.set(index, &good), Ok(()), "{place} refuses {good}");
        assert!(draft.given().contains(index), "{place}");
        assert!(draft.set(index, &bad).is_err(), "{place} accepts {bad}");
    }
}

#[test]
fn every_declaration_accepts_and_shows_what_its_shapes_say() {
    check::<Network>();
    check::<Subnet>();
    check::<Port>();
    check::<Segment>();
    check::<Agent>();
}

#[test]
fn what_lists_are_made_of_is_shown_as_their_shapes_say() {
    let id = "2365be13-0406-43e7-9608-05a301bce191";
    let port = Port {
        fixed_ips: vec![crate::FixedIp {
            subnet_id: id.parse().unwrap(),
            ip_address: "192.0.2.1".parse().unwrap(),
        }],
        allowed_address_pairs: vec![crate::AddressPair {
            ip_address: crate::port::AddressOrPrefix::Prefix("192.0.2.0/24".parse().unwrap()),
            mac_address: Some("fa:16:3e:00:00:01".parse().unwrap()),
        }],
        extra_dhcp_opts: vec![crate::ExtraDhcpOpt {
            opt_name: "mtu".to_owned(),
            opt_value: Some("1400".to_owned()),
            ip_version: 4,
        }],
        ..Port::default()
    };
    let subnet = Subnet {
        allocation_pools: vec!["192.0.2.0/24".parse::<IpNet>().unwrap().into()],
        host_routes: vec![crate::HostRoute {
            destination: "198.51.100.0/24".parse().unwrap(),
            nexthop: "192.0.2.1".parse().unwrap(),
        }],
        ..Subnet::default()
    };
    let network = Network {
        segments: vec![crate::ProviderSegment::default()],
        subnets: vec![id.parse().unwrap()],
        ..Network::default()
    };
    for (decl, shown, names) in [
        (
            Port::DECL,
            json!(Whole(port)),
            &["fixed_ips", "allowed_address_pairs", "extra_dhcp_opts"][..],
        ),
        (Subnet::DECL, json!(Whole(subnet)), &["allocation_pools", "host_routes"][..]),
        (Network::DECL, json!(Whole(network)), &["segments", "subnets"][..]),
    ] {
        for name in names {
            let shape = decl.find(name).unwrap().1.shape;
            let value = &shown[*name];
            assert!(is(value, shape), "{name} is {value}");
            let Shape::List(Shape::Object(members)) = shape else { continue };
            let shown: Vec<&String> = value[0].as_object().unwrap().keys().collect();
            assert_eq!(shown.len(), members.len(), "{name} has members {shown:?}");
        }
    }
}

#[test]
fn null_is_refused_in_the_words_of_the_type() {
    fn refusal<T: Resource>(name: &str) -> String {
        let (index, _) = T::DECL.find(name).unwrap();
        T::Draft::default().set(index, &Value::Null).unwrap_err().to_string()
    }
    assert_eq!(refusal::<Network>("name"), "'None' is not a valid string");
    assert_eq!(refusal::<Network>("shared"), "'None' cannot be converted to boolean");
    assert_eq!(refusal::<Port>("fixed_ips"), "Invalid data format for fixed IP: 'None'");
    assert_eq!(refusal::<Port>("binding:vnic_type"), "None is not in valid_values");
    assert_eq!(refusal::<Subnet>("network_id"), "'None' is not a valid UUID");
    assert_eq!(refusal::<Subnet>("allocation_pools"), "Invalid data format for IP pool: 'None'");
}

#[test]
fn null_is_taken_where_the_declaration_says_so() {
    fn check<T: Resource>() {
        for (index, attribute) in settable(T::DECL) {
            let mut draft = T::Draft::default();
            let taken = draft.set(index, &Value::Null).is_ok();
            assert_eq!(taken, attribute.is(Flags::NULLABLE), "{}", attribute.name);
        }
    }
    check::<Network>();
    check::<Subnet>();
    check::<Port>();
    check::<Segment>();
    check::<Agent>();
}
