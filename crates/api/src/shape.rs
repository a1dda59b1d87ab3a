//! What the value of an attribute looks like in JSON.
//!
//! Read off the declaration: the rule, the kind of the column, and for values that lie in no column of their own, or in
//! one as text, the name. A test asks every declaration whether it accepts what is said here.

use nucleon_model::{Attribute, Invalid, ResourceDecl, Rule};
use nucleon_model::{CellKind, PyText};
use serde_json::Value;

/// The JSON form of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    Bool,
    Int,
    Text,
    /// One of a few texts.
    Word(&'static [&'static str]),
    Uuid,
    Address,
    Prefix,
    Mac,
    /// A time as text.
    Time,
    List(Item),
    Dict,
}

/// What a list is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    Text,
    Uuid,
    Address,
    Dict,
}

const IPV6_MODES: &[&str] = &["dhcpv6-stateful", "dhcpv6-stateless", "slaac"];

impl Shape {
    pub(crate) fn of(decl: &ResourceDecl, attribute: &Attribute) -> Self {
        if let Some((_, mirrored)) = attribute.mirrors.and_then(|name| decl.find(name)) {
            return Self::of(decl, mirrored);
        }
        match attribute.rule {
            Rule::OneOf(words) => return Self::Word(words),
            Rule::Text(_) => return Self::Text,
            Rule::Range(..) | Rule::OneOfInt(_) => return Self::Int,
            Rule::UniqueTexts(_) => return Self::List(Item::Text),
            Rule::Dict => return Self::Dict,
            Rule::Plain => {}
        }
        match attribute.column {
            Some((_, CellKind::Bool)) => return Self::Bool,
            Some((_, CellKind::Int)) => {
                let time =
                    attribute.name.ends_with("_at") || attribute.name.ends_with("_timestamp");
                return if time { Self::Time } else { Self::Int };
            }
            Some((_, CellKind::Text | CellKind::LongText)) | None => {}
        }
        match attribute.name {
            "id" | "network_id" | "subnetpool_id" | "segment_id" => Self::Uuid,
            "mac_address" => Self::Mac,
            "gateway_ip" => Self::Address,
            "cidr" => Self::Prefix,
            "ipv6_ra_mode" | "ipv6_address_mode" => Self::Word(IPV6_MODES),
            "shared" | "router:external" | "l2_adjacency" | "alive" | "resources_synced" => {
                Self::Bool
            }
            "provider:segmentation_id" => Self::Int,
            "subnets" => Self::List(Item::Uuid),
            "dns_nameservers" => Self::List(Item::Address),
            "tags" | "availability_zones" => Self::List(Item::Text),
            "fixed_ips"
            | "allowed_address_pairs"
            | "extra_dhcp_opts"
            | "allocation_pools"
            | "host_routes"
            | "segments" => Self::List(Item::Dict),
            "binding:vif_details" | "configurations" => Self::Dict,
            _ => Self::Text,
        }
    }

    /// The refusal of `null`, in the words that the type has for other values.
    pub(crate) fn refuse_null(self, attribute: &Attribute) -> Invalid {
        let quoted = format!("'{}'", PyText(&Value::Null));
        match self {
            Self::Bool => Invalid::Convert(format!("{quoted} cannot be converted to boolean")),
            Self::Int => Invalid::Convert(format!("{quoted} is not an integer")),
            Self::Text => Invalid::Rule(format!("{quoted} is not a valid string")),
            Self::Word(_) => Invalid::Rule("None is not in valid_values".to_owned()),
            Self::Uuid => Invalid::Rule(format!("{quoted} is not a valid UUID")),
            Self::Address => Invalid::Rule(format!("{quoted} is not a valid IP address")),
            Self::Prefix => Invalid::Rule(format!("{quoted} is not a valid IP subnet")),
            Self::Mac => Invalid::Rule(format!("{quoted} is not a valid MAC address")),
            Self::Time => Invalid::Rule(format!("{quoted} is not a valid time")),
            Self::List(_) => Invalid::Rule(match attribute.name {
                "fixed_ips" => format!("Invalid data format for fixed IP: {quoted}"),
                "allocation_pools" => format!("Invalid data format for IP pool: {quoted}"),
                _ => format!("{quoted} is not a list"),
            }),
            Self::Dict => Invalid::Rule(format!("{quoted} is not a dictionary")),
        }
    }
}

#[cfg(test)]
mod tests {
    use nucleon_model::{Agent, Draft, Network, Port, Resource, Segment, Subnet};
    use serde_json::json;

    use super::*;

    /// Values that a settable attribute of each shape accepts, and ones that it refuses.
    fn samples(shape: Shape, attribute: &Attribute) -> (Value, Value) {
        match shape {
            Shape::Bool => (json!(true), json!("perhaps")),
            Shape::Int => (json!(4), json!("four")),
            Shape::Text => (json!("text"), json!(["text"])),
            Shape::Word(words) => (json!(words[0]), json!("no such word")),
            Shape::Uuid => (json!("2365be13-0406-43e7-9608-05a301bce191"), json!("text")),
            Shape::Address => (json!("192.0.2.1"), json!("text")),
            Shape::Prefix => (json!("192.0.2.0/24"), json!("text")),
            Shape::Mac => (json!("fa:16:3e:00:00:01"), json!("text")),
            Shape::Time => unreachable!("{} cannot be set", attribute.name),
            Shape::List(Item::Dict) if attribute.name == "segments" => {
                (json!([{"provider:network_type": "vlan"}]), json!({}))
            }
            Shape::List(Item::Dict) => (json!([]), json!("text")),
            Shape::List(Item::Uuid) => {
                (json!(["2365be13-0406-43e7-9608-05a301bce191"]), json!(["text"]))
            }
            Shape::List(Item::Address) => (json!(["192.0.2.1"]), json!(["text"])),
            Shape::List(Item::Text) => (json!(["text"]), json!([1])),
            Shape::Dict => (json!({"a": [1]}), json!([])),
        }
    }

    fn check<T: Resource + Default>() {
        let shown = serde_json::to_value(crate::render::Object::new(
            &T::default(),
            T::DECL.select(|_| true),
        ))
        .unwrap();
        let mut settable = 0;
        for (index, attribute) in T::DECL.attributes.iter().enumerate() {
            let shape = Shape::of(T::DECL, attribute);
            let place = format!("{} {} {shape:?}", T::DECL.name, attribute.name);
            match (&shown[attribute.name], shape) {
                (Value::Null, _)
                | (Value::Bool(_), Shape::Bool)
                | (Value::Number(_), Shape::Int)
                | (Value::Array(_), Shape::List(_))
                | (Value::Object(_), Shape::Dict) => {}
                (Value::String(_), shape) => assert!(
                    !matches!(shape, Shape::Bool | Shape::Int | Shape::List(_) | Shape::Dict),
                    "{place}"
                ),
                (value, _) => panic!("{place} is shown as {value}"),
            }
            // What a draft does not know it passes over in silence, so that these two cannot both succeed for it.
            let (good, bad) = match shape {
                Shape::Time => continue,
                shape => samples(shape, attribute),
            };
            let mut draft = T::Draft::default();
            assert_eq!(draft.set(index, &good), Ok(()), "{place}");
            if draft.given().contains(index) {
                settable += 1;
                assert!(draft.set(index, &bad).is_err(), "{place} accepts {bad}");
            }
        }
        assert!(settable > 1, "{}", T::DECL.name);
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
    fn null_is_refused_in_the_words_of_the_type() {
        let refusal = |decl: &ResourceDecl, name| {
            let (_, attribute) = decl.find(name).unwrap();
            Shape::of(decl, attribute).refuse_null(attribute)
        };
        let rule = |text: &str| Invalid::Rule(text.to_owned());
        assert_eq!(refusal(Network::DECL, "name"), rule("'None' is not a valid string"));
        assert_eq!(
            refusal(Network::DECL, "shared"),
            Invalid::Convert("'None' cannot be converted to boolean".to_owned())
        );
        assert_eq!(
            refusal(Port::DECL, "fixed_ips"),
            rule("Invalid data format for fixed IP: 'None'")
        );
        assert_eq!(refusal(Subnet::DECL, "network_id"), rule("'None' is not a valid UUID"));
    }
}
