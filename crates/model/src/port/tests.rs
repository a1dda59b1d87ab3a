use serde_json::json;

use super::*;

fn addresses(value: &Value) -> Result<Vec<FixedIpRequest>, Invalid> {
    Vec::from_json(value, &Rule::Plain)
}

fn pairs(value: &Value) -> Result<Vec<AddressPair>, Invalid> {
    Vec::from_json(value, &Rule::Plain)
}

fn typed<T>(name: &'static str, message: &str) -> Result<T, Invalid> {
    Err(Invalid::Typed { name, message: message.to_owned() })
}

#[test]
fn an_address_is_asked_for_by_subnet_or_by_itself_and_other_keys_mean_nothing() {
    let address = Some("192.0.2.1".parse().unwrap());
    assert_eq!(
        addresses(&json!([{"ip_address": "192.0.2.1", "bogus": 1}])),
        Ok(vec![FixedIpRequest { subnet_id: None, ip_address: address }])
    );
    for neither in [json!([{"bogus": 1}]), json!([{}]), json!([{"subnet_id": null}])] {
        assert_eq!(
            addresses(&neither),
            typed(
                "InvalidInput",
                "Invalid input for operation: IP allocation requires subnet_id or ip_address."
            )
        );
    }
}

#[test]
fn a_pair_is_given_once() {
    let name = "DuplicateAddressPairInRequest";
    assert_eq!(
        pairs(&json!([{"ip_address": "192.0.2.1"}, {"ip_address": "192.0.2.1"}])),
        typed(
            name,
            "Request contains duplicate address pair: mac_address None ip_address 192.0.2.1."
        )
    );
    let pair = json!({"ip_address": "192.0.2.0/24", "mac_address": "fa:16:3e:00:00:01"});
    assert_eq!(
        pairs(&json!([pair, pair])),
        typed(
            name,
            "Request contains duplicate address pair: mac_address fa:16:3e:00:00:01 \
             ip_address 192.0.2.0/24."
        )
    );
    assert!(pairs(&json!([pair, {"ip_address": "192.0.2.0/24"}])).is_ok());
}

#[test]
fn a_pair_has_an_address_and_no_multicast_one() {
    assert_eq!(
        pairs(&json!([{"mac_address": "fa:16:3e:00:00:01"}])),
        typed("AllowedAddressPairsMissingIP", "AllowedAddressPair must contain ip_address.")
    );
    for group in ["224.0.0.5", "ff02::1", "224.0.0.0/4"] {
        let message = format!("IP {group} is a multicast address, which is not supported.");
        assert_eq!(pairs(&json!([{"ip_address": group}])), typed("HTTPBadRequest", &message));
    }
}
