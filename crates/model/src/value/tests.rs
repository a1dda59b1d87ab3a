use serde_json::json;

use super::*;

#[test]
fn messages_quote_values_as_python_prints_them() {
    assert_eq!(PyText(&json!("plain")).to_string(), "plain");
    assert_eq!(PyText(&json!(5)).to_string(), "5");
    assert_eq!(
        PyText(&json!({"a": [true, null, "x"], "b": "it's"})).to_string(),
        r#"{'a': [True, None, 'x'], 'b': "it's"}"#
    );
}

#[test]
fn a_boolean_may_be_written_as_text_or_number() {
    for (value, expected) in
        [(json!("TRUE"), true), (json!(1), true), (json!("0"), false), (json!(false), false)]
    {
        assert_eq!(bool::from_json(&value, &Rule::Plain), Ok(expected));
    }
    assert_eq!(
        bool::from_json(&json!("maybe"), &Rule::Plain).unwrap_err().to_string(),
        "'maybe' cannot be converted to boolean"
    );
}

#[test]
fn a_prefix_loses_its_host_bits_and_an_address_is_no_prefix() {
    assert_eq!(
        IpNet::from_json(&json!("10.2.0.5/24"), &Rule::Plain).unwrap().to_string(),
        "10.2.0.0/24"
    );
    assert_eq!(
        IpNet::from_json(&json!("10.0.0.1"), &Rule::Plain).unwrap_err().to_string(),
        "'10.0.0.1' isn't a recognized IP subnet cidr, '10.0.0.1/32' is recommended"
    );
}

#[test]
fn a_text_is_bounded_in_characters_not_bytes() {
    assert!(String::from_json(&json!("ä".repeat(255)), &Rule::Text(255)).is_ok());
    assert!(String::from_json(&json!("ä".repeat(256)), &Rule::Text(255)).is_err());
    assert!(String::from_json(&json!("a\0"), &Rule::Text(255)).is_err());
}

#[test]
fn name_servers_are_distinct_addresses() {
    let parse = |value| Vec::<IpAddr>::from_json(&value, &Rule::Plain);
    assert_eq!(parse(json!(["8.8.8.8"])), Ok(vec!["8.8.8.8".parse().unwrap()]));
    assert!(parse(json!(["8.8.8.8", "8.8.8.8"])).is_err());
    assert!(parse(json!(["dns.example"])).is_err());
    assert!(parse(json!("8.8.8.8")).is_err());
}

#[test]
fn a_pool_runs_upward_within_one_family() {
    let parse = |start, end| {
        Vec::<IpRange>::from_json(&json!([{"start": start, "end": end}]), &Rule::Plain)
    };
    assert!(parse("10.4.0.2", "10.4.0.2").is_ok());
    for (start, end) in [("10.4.0.10", "10.4.0.2"), ("10.4.0.2", "fd00::1")] {
        let message =
            format!("The allocation pool {{'start': '{start}', 'end': '{end}'}} is not valid.");
        assert_eq!(
            parse(start, end),
            Err(Invalid::Typed { name: "InvalidAllocationPool", message })
        );
    }
}
