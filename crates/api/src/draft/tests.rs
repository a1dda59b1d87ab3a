use nucleon_model::{Agent, Field, Network, NetworkDraft, Port, PortDraft, Segment, Subnet};
use serde_json::json;

use super::*;

fn member() -> Caller {
    Caller::new("p1".to_owned(), vec!["member".to_owned()], "req-1".to_owned())
}

fn admin() -> Caller {
    Caller::new("adm".to_owned(), vec!["admin".to_owned()], "req-1".to_owned())
}

fn all<T: Resource>() -> AttrSet {
    T::DECL.select(|_| true)
}

fn post_as<T: Resource>(caller: &Caller, body: &Value) -> Result<Wanted<T::Draft>> {
    create::<T>(body, all::<T>(), caller, Bulk::UpTo(3))
}

fn one(body: &Value) -> NetworkDraft {
    match post_as::<Network>(&member(), &json!({"network": body})).unwrap() {
        Wanted::One(draft) => draft,
        Wanted::Many(_) => panic!("one network became many"),
    }
}

fn said<T>(result: Result<T>) -> (String, String) {
    match result {
        Ok(_) => panic!("this should have been refused"),
        Err(error) => (error.name().to_owned(), error.message().to_owned()),
    }
}

fn refusal<T: Resource>(body: &Value) -> String {
    let (name, message) = said(post_as::<T>(&member(), &json!({T::DECL.name: body})));
    assert_eq!(name, "HTTPBadRequest");
    message
}

fn update_refusal<T: Resource>(body: &Value) -> String {
    said(update::<T>(&json!({T::DECL.name: body}), all::<T>(), &member())).1
}

#[test]
fn a_body_needs_the_name_of_the_resource() {
    for body in [json!({}), json!({"foo": {}}), json!({"network": null})] {
        assert_eq!(
            said(post_as::<Network>(&admin(), &body)),
            ("HTTPBadRequest".to_owned(), "Unable to find 'network' in request body".to_owned())
        );
        assert_eq!(
            said(update::<Network>(&body, all::<Network>(), &admin())).1,
            "Unable to find 'network' in request body"
        );
    }
}

#[test]
fn a_body_that_is_no_object_is_invalid_data() {
    for body in [json!([]), json!(1), json!("network"), json!(null)] {
        assert_eq!(said(post_as::<Network>(&admin(), &body)).1, "Body contains invalid data");
    }
    for body in [json!([]), json!(1), json!("x"), json!(false)] {
        assert_eq!(
            said(post_as::<Network>(&admin(), &json!({"network": body}))).1,
            "Object 'network' contains invalid data"
        );
    }
}

#[test]
fn unknown_attributes_are_named() {
    assert_eq!(
        refusal::<Network>(&json!({"name": "n1", "bogus": 1})),
        "Unrecognized attribute(s) 'bogus'"
    );
    assert_eq!(refusal::<Network>(&json!({"b": 1, "a": 1})), "Unrecognized attribute(s) 'a, b'");
    assert_eq!(update_refusal::<Port>(&json!({"bogus": 1})), "Unrecognized attribute(s) 'bogus'");
}

#[test]
fn attributes_of_disabled_extensions_are_unknown() {
    let enabled = Port::DECL.select(|attribute| attribute.alias != "allowed-address-pairs");
    let body = json!({"port": {"network_id": NETWORK, "allowed_address_pairs": []}});
    assert_eq!(
        said(create::<Port>(&body, enabled, &member(), Bulk::Refused)).1,
        "Unrecognized attribute(s) 'allowed_address_pairs'"
    );
    assert!(post_as::<Port>(&member(), &body).is_ok());
}

const NETWORK: &str = "5fe131f6-5931-4c6b-b759-eae7b486a80f";

#[test]
fn a_value_that_a_validator_refuses_is_answered_in_its_words() {
    assert_eq!(
        refusal::<Network>(&json!({"name": 5})),
        "Invalid input for name. Reason: '5' is not a valid string."
    );
    assert_eq!(
        refusal::<Port>(&json!({"network_id": NETWORK, "mac_address": "zz"})),
        "Invalid input for mac_address. Reason: 'zz' is not a valid MAC address."
    );
    assert_eq!(
        refusal::<Port>(&json!({"network_id": "x"})),
        "Invalid input for network_id. Reason: 'x' is not a valid UUID."
    );
    assert_eq!(
        refusal::<Subnet>(&json!({
            "network_id": NETWORK, "ip_version": 4, "cidr": "10.4.0.0/24",
            "dns_nameservers": ["1.1.1.1", "1.1.1.1"]
        })),
        "Invalid input for dns_nameservers. Reason: Duplicate nameserver '1.1.1.1'."
    );
    assert_eq!(
        update_refusal::<Network>(&json!({"name": [1]})),
        "Invalid input for name. Reason: '[1]' is not a valid string."
    );
}

#[test]
fn a_value_that_cannot_be_converted_is_invalid_input() {
    assert_eq!(
        said(post_as::<Network>(&member(), &json!({"network": {"admin_state_up": "maybe"}}))),
        (
            "InvalidInput".to_owned(),
            "Invalid input for operation: 'maybe' cannot be converted to boolean.".to_owned()
        )
    );
}

#[test]
fn null_is_a_value_only_where_declared() {
    assert_eq!(
        refusal::<Network>(&json!({"name": null})),
        "Invalid input for name. Reason: 'None' is not a valid string."
    );
    assert_eq!(
        said(post_as::<Network>(&member(), &json!({"network": {"shared": null}}))).1,
        "Invalid input for operation: 'None' cannot be converted to boolean."
    );
    let draft =
        update::<Subnet>(&json!({"subnet": {"gateway_ip": null}}), all::<Subnet>(), &member());
    assert_eq!(draft.unwrap().gateway_ip, Field::Null);
}

#[test]
fn null_as_the_default_asks_for_nothing() {
    let subnet = json!({"network_id": NETWORK, "ip_version": 4, "segment_id": null});
    for body in
        [json!({"subnet": subnet}), json!({"subnet": {"network_id": NETWORK, "ip_version": 4}})]
    {
        let Wanted::One(draft) = post_as::<Subnet>(&member(), &body).unwrap() else { panic!() };
        assert_eq!(draft.segment_id, Field::Absent);
    }
    let body = json!({"subnet": {"segment_id": null}});
    let draft = update::<Subnet>(&body, all::<Subnet>(), &member()).unwrap();
    assert_eq!(draft.segment_id, Field::Null);
}

#[test]
fn a_required_attribute_is_asked_for_by_name() {
    assert_eq!(
        refusal::<Subnet>(&json!({"network_id": NETWORK, "cidr": "10.5.0.0/24"})),
        "Failed to parse request. Required attribute 'ip_version' not specified"
    );
    assert_eq!(
        refusal::<Port>(&json!({})),
        "Failed to parse request. Required attribute 'network_id' not specified"
    );
}

#[test]
fn an_attribute_of_the_server_cannot_be_given() {
    assert_eq!(refusal::<Network>(&json!({"id": NETWORK})), "Attribute 'id' not allowed in POST");
    assert_eq!(
        refusal::<Network>(&json!({"status": "ACTIVE"})),
        "Attribute 'status' not allowed in POST"
    );
}

#[test]
fn an_attribute_that_cannot_change_is_read_only() {
    assert_eq!(
        update_refusal::<Network>(&json!({"id": NETWORK})),
        "Cannot update read-only attribute id"
    );
    assert_eq!(
        update_refusal::<Subnet>(&json!({"cidr": "10.1.0.0/23"})),
        "Cannot update read-only attribute cidr"
    );
    assert_eq!(
        update_refusal::<Network>(&json!({"tenant_id": "p1"})),
        "Cannot update read-only attribute tenant_id"
    );
}

#[test]
fn what_a_create_leaves_out_has_its_declared_default() {
    let draft = one(&json!({}));
    assert_eq!(draft.name, Field::Value(String::new()));
    assert_eq!(draft.admin_state_up, Field::Value(true));
    assert_eq!(draft.shared, Field::Value(false));
    assert_eq!(draft.mtu, Field::Value(0));
    assert_eq!(draft.availability_zone_hints, Field::Value(Vec::new()));
    assert_eq!(draft.network_type, Field::Absent, "the server decides");
}

#[test]
fn what_an_update_leaves_out_stays_as_it_is() {
    let draft = update::<Port>(&json!({"port": {"name": "x"}}), all::<Port>(), &member()).unwrap();
    let asked = draft.asked.clone();
    let name = Field::Value("x".to_owned());
    assert_eq!(draft, PortDraft { name, asked, ..PortDraft::default() });
}

#[test]
fn every_declared_default_is_of_the_declared_type() {
    fn check<T: Resource>() {
        for (index, attribute) in T::DECL.attributes.iter().enumerate() {
            if let Some(value) = default(attribute) {
                let result = T::Draft::default().set(index, &value);
                assert_eq!(result, Ok(()), "{} {}", T::DECL.name, attribute.name);
            }
        }
    }
    check::<Network>();
    check::<Subnet>();
    check::<Port>();
    check::<Segment>();
    check::<Agent>();
}

#[test]
fn an_object_is_its_callers_unless_said_otherwise() {
    assert_eq!(one(&json!({})).project_id, Field::Value("p1".to_owned()));
    assert_eq!(one(&json!({"tenant_id": "p1"})).project_id, Field::Value("p1".to_owned()));
}

#[test]
fn another_project_is_for_administrators_and_services() {
    for body in
        [json!({"tenant_id": "other"}), json!({"project_id": "other"}), json!({"project_id": 5})]
    {
        assert_eq!(
            refusal::<Network>(&body),
            "Specifying 'project_id' other than the authenticated project in request is not allowed for the \
             current user."
        );
    }
    let service = Caller::new("svc".to_owned(), vec!["service".to_owned()], String::new());
    for caller in [admin(), service] {
        match post_as::<Network>(&caller, &json!({"network": {"tenant_id": "other"}})).unwrap() {
            Wanted::One(draft) => assert_eq!(draft.project_id, Field::Value("other".to_owned())),
            Wanted::Many(_) => panic!("one network became many"),
        }
    }
}

#[test]
fn the_two_names_of_the_project_must_agree() {
    let body = json!({"network": {"tenant_id": "a", "project_id": "b"}});
    assert_eq!(
        said(post_as::<Network>(&admin(), &body)).1,
        "'project_id' and 'tenant_id' do not match"
    );
    assert_eq!(
        said(post_as::<Network>(&admin(), &json!({"network": {"project_id": 5}}))).1,
        "Invalid input for project_id. Reason: '5' is not a valid string."
    );
}

#[test]
fn many_are_asked_for_by_the_plural_key() {
    let body = json!({"networks": [{"name": "b1"}, {"network": {"name": "b2"}}]});
    let Wanted::Many(drafts) = post_as::<Network>(&member(), &body).unwrap() else {
        panic!("many networks became one");
    };
    let names: Vec<_> = drafts.into_iter().map(|draft| draft.name.value().unwrap()).collect();
    assert_eq!(names, ["b1", "b2"]);
}

#[test]
fn one_bad_element_refuses_them_all() {
    let said = |body| said(post_as::<Network>(&member(), &json!({"networks": body}))).1;
    assert_eq!(said(json!([{}, {"bogus": 1}])), "Unrecognized attribute(s) 'bogus'");
    assert_eq!(said(json!([{}, 5])), "Object 'network' contains invalid data");
    assert_eq!(said(json!([])), "Resources required");
    assert_eq!(said(json!({})), "Object 'networks' contains invalid data");
    assert_eq!(
        said(json!([{}, {}, {}, {}])),
        "Bulk operation of more than 3 resources not supported"
    );
}

#[test]
fn bulk_can_be_refused_and_is_not_for_updates() {
    let body = json!({"networks": [{}]});
    assert_eq!(
        said(create::<Network>(&body, all::<Network>(), &member(), Bulk::Refused)).1,
        "Bulk operation not supported"
    );
    assert_eq!(
        said(update::<Network>(&body, all::<Network>(), &member())).1,
        "Unable to find 'network' in request body"
    );
}

#[test]
fn absurd_values_are_refused_not_feared() {
    for value in [
        json!(u64::MAX),
        json!(-1),
        json!(1e300),
        json!("9".repeat(1000)),
        json!([[[]]]),
        json!({"": {}}),
    ] {
        for attribute in ["mtu", "provider:segmentation_id", "name", "segments"] {
            let body = json!({"network": {attribute: value}});
            if let Err(error) = post_as::<Network>(&member(), &body) {
                assert_eq!(error.kind(), nucleon_core::Kind::Invalid, "{body}");
            }
        }
    }
    assert!(post_as::<Network>(&member(), &json!({"network": {"mtu": -1}})).is_err());
}

#[test]
fn names_may_be_of_any_script_but_not_of_any_length() {
    assert_eq!(
        one(&json!({"name": "\u{202e}ä\u{1f980}"})).name.value().unwrap(),
        "\u{202e}ä\u{1f980}"
    );
    let long = "\u{1f980}".repeat(256);
    assert_eq!(
        refusal::<Network>(&json!({"name": long})),
        format!("Invalid input for name. Reason: '{long}' exceeds maximum length of 255.")
    );
}
