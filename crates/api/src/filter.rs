//! The filters of a list request.

use nucleon_core::{Error, Result};
use nucleon_model::{
    AttrSet, AttrValue, Cell, Filter, FixedIpFilter, Flags, Invalid, ResourceDecl, Rule, Shape,
    TagFilter,
};
use nucleon_net::MacAddr;
use serde_json::Value;

use crate::options::UnknownFilters;
use crate::query::{Params, RESERVED, bad_request, quoted};

/// Reads the filters among `params`: a repeated name means one value or the other, different names all of them.
pub(crate) fn parse(
    decl: &ResourceDecl,
    enabled: AttrSet,
    params: &Params,
    unknown: UnknownFilters,
) -> Result<Vec<Filter>> {
    let filterable = decl.with(Flags::FILTER).and(enabled);
    let find = |name: &str| decl.find(name).filter(|(index, _)| filterable.contains(*index));
    let tagged = find("tags").is_some();

    let mut names: Vec<&str> = Vec::new();
    for (name, _) in params.iter() {
        if !RESERVED.contains(&name) && !names.contains(&name) {
            names.push(name);
        }
    }
    let mut strangers: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| find(name).is_none() && !(tagged && tag_filter(name).is_some()))
        .collect();
    if !strangers.is_empty() && unknown == UnknownFilters::Refused {
        strangers.sort_unstable();
        return Err(bad_request(format!(
            "{} is invalid attribute for filtering",
            quoted(&strangers)
        )));
    }

    let mut filters = Vec::with_capacity(names.len());
    for name in names {
        let values: Vec<&str> = params.all(name).collect();
        if let Some(kind) = tag_filter(name).filter(|_| tagged) {
            let tags = values.iter().flat_map(|value| value.split(',')).map(str::to_owned);
            filters.push(Filter::Tags(kind, tags.collect()));
        } else if let Some((index, attribute)) = find(name) {
            if let Shape::List(Shape::Object(_)) = attribute.shape {
                filters.extend(fixed_ips(decl, &values)?);
                continue;
            }
            let values = values
                .iter()
                .map(|value| cell(attribute.shape, value))
                .collect::<Result<Vec<Cell>>>()?;
            filters.push(Filter::Attribute { index: stored_index(decl, index), values });
        }
    }
    Ok(filters)
}

/// The attribute whose value another one shows, for a mirror; otherwise the same.
pub(crate) fn stored_index(decl: &ResourceDecl, index: usize) -> usize {
    decl.attributes
        .get(index)
        .and_then(|attribute| attribute.mirrors)
        .and_then(|name| decl.find(name))
        .map_or(index, |(mirrored, _)| mirrored)
}

fn tag_filter(name: &str) -> Option<TagFilter> {
    match name {
        "tags" => Some(TagFilter::All),
        "tags-any" => Some(TagFilter::Any),
        "not-tags" => Some(TagFilter::NotAll),
        "not-tags-any" => Some(TagFilter::NotAny),
        _ => None,
    }
}

/// A value as it lies in the store.
fn cell(shape: Shape, text: &str) -> Result<Cell> {
    let value = Value::from(text);
    match shape {
        Shape::Bool => {
            bool::from_json(&value, &Rule::Plain).map(Cell::Bool).map_err(|bad| convert(&bad))
        }
        Shape::Int | Shape::Digits => {
            i64::from_json(&value, &Rule::Plain).map(Cell::Int).map_err(|bad| convert(&bad))
        }
        Shape::Mac => Ok(Cell::Text(
            text.parse::<MacAddr>().map_or_else(|_| text.to_owned(), |mac| mac.to_string()),
        )),
        _ => Ok(Cell::Text(text.to_owned())),
    }
}

/// "Invalid input for operation: 'maybe' cannot be converted to boolean."
pub(crate) fn convert(invalid: &Invalid) -> Error {
    Error::invalid("InvalidInput", format!("Invalid input for operation: {invalid}."))
}

/// `fixed_ips=ip_address=…`, `fixed_ips=ip_address_substr=…`, `fixed_ips=subnet_id=…`; other keys mean nothing.
///
/// Each key is a condition of its own, and one address of the port may meet one of them and another the next: Neutron
/// asks with an `EXISTS` for each.
fn fixed_ips(decl: &ResourceDecl, values: &[&str]) -> Result<Vec<Filter>> {
    let mut wanted: [(&str, Vec<FixedIpFilter>, bool); 3] = [
        ("ip_address", Vec::new(), false),
        ("ip_address_substr", Vec::new(), false),
        ("subnet_id", Vec::new(), false),
    ];
    for value in values {
        let Some((key, value)) = value.split_once('=') else {
            return Err(convert(&Invalid::Convert(format!(
                "'{value}' is not of the form <key>=[value]"
            ))));
        };
        for (name, found, named) in &mut wanted {
            if *name == key {
                *named = true;
                found.extend(match key {
                    "ip_address" => value.parse().ok().map(FixedIpFilter::Address),
                    "subnet_id" => value.parse().ok().map(FixedIpFilter::Subnet),
                    _ => Some(FixedIpFilter::Substring(value.to_owned())),
                });
            }
        }
    }
    Ok(wanted
        .into_iter()
        .filter(|(_, _, named)| *named)
        .map(|(_, found, _)| if found.is_empty() { nothing(decl) } else { Filter::FixedIps(found) })
        .collect())
}

/// A filter that no object passes: identifiers are never empty.
fn nothing(decl: &ResourceDecl) -> Filter {
    let index = decl.find("id").map_or(0, |(index, _)| index);
    Filter::Attribute { index, values: vec![Cell::Text(String::new())] }
}

#[cfg(test)]
mod tests {
    use nucleon_model::{Agent, Network, Port, Resource, Segment, Subnet};

    use super::*;

    fn filters<T: Resource>(query: &str) -> Result<Vec<Filter>> {
        parse(T::DECL, T::DECL.select(|_| true), &Params::parse(query), UnknownFilters::Refused)
    }

    fn refusal<T: Resource>(query: &str) -> (String, String) {
        let error = filters::<T>(query).unwrap_err();
        (error.name().to_owned(), error.message().to_owned())
    }

    fn by<T: Resource>(name: &str, values: Vec<Cell>) -> Filter {
        Filter::Attribute { index: T::DECL.find(name).unwrap().0, values }
    }

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn a_repeated_name_is_one_filter_with_several_values() {
        assert_eq!(
            filters::<Network>("name=b1&admin_state_up=true&name=b2&fields=name").unwrap(),
            [
                by::<Network>("name", vec![text("b1"), text("b2")]),
                by::<Network>("admin_state_up", vec![Cell::Bool(true)]),
            ]
        );
    }

    #[test]
    fn what_cannot_be_filtered_by_is_refused_by_name_in_order() {
        assert_eq!(
            refusal::<Network>("bogus=1"),
            (
                "HTTPBadRequest".to_owned(),
                "['bogus'] is invalid attribute for filtering".to_owned()
            )
        );
        assert_eq!(
            refusal::<Network>("z=1&name=x&a=1&z=2&subnets=1").1,
            "['a', 'subnets', 'z'] is invalid attribute for filtering"
        );
        assert_eq!(
            refusal::<Network>("changed_since=2020-01-01T00:00:00").1,
            "['changed_since'] is invalid attribute for filtering"
        );
    }

    #[test]
    fn without_validation_a_stranger_is_passed_over() {
        let filters = parse(
            Network::DECL,
            Network::DECL.select(|_| true),
            &Params::parse("bogus=1&name=x"),
            UnknownFilters::Ignored,
        );
        assert_eq!(filters.unwrap(), [by::<Network>("name", vec![text("x")])]);
    }

    #[test]
    fn an_attribute_of_a_disabled_extension_is_a_stranger() {
        let enabled = Network::DECL.select(|attribute| attribute.alias != "external-net");
        let params = Params::parse("router:external=true");
        let error = parse(Network::DECL, enabled, &params, UnknownFilters::Refused).unwrap_err();
        assert_eq!(error.message(), "['router:external'] is invalid attribute for filtering");
    }

    #[test]
    fn booleans_are_read_as_in_bodies() {
        for (value, expected) in [("true", true), ("False", false), ("1", true), ("0", false)] {
            assert_eq!(
                filters::<Network>(&format!("shared={value}")).unwrap(),
                [by::<Network>("shared", vec![Cell::Bool(expected)])]
            );
        }
        assert_eq!(
            refusal::<Network>("admin_state_up=banana"),
            (
                "InvalidInput".to_owned(),
                "Invalid input for operation: 'banana' cannot be converted to boolean.".to_owned()
            )
        );
    }

    #[test]
    fn attributes_without_a_column_have_kinds_too() {
        assert_eq!(
            filters::<Network>("provider:network_type=vlan&provider:segmentation_id=101").unwrap(),
            [
                by::<Network>("provider:network_type", vec![text("vlan")]),
                by::<Network>("provider:segmentation_id", vec![Cell::Int(101)]),
            ]
        );
        assert_eq!(
            filters::<Agent>("alive=True").unwrap(),
            [by::<Agent>("alive", vec![Cell::Bool(true)])]
        );
    }

    #[test]
    fn integers_must_be_such() {
        assert_eq!(
            refusal::<Subnet>("ip_version=four"),
            (
                "InvalidInput".to_owned(),
                "Invalid input for operation: 'four' is not an integer.".to_owned()
            )
        );
        assert!(filters::<Segment>("network_id=not-a-uuid").is_ok());
    }

    #[test]
    fn the_empty_text_is_a_value() {
        assert_eq!(
            filters::<Port>("device_owner=compute:nova&device_owner=").unwrap(),
            [by::<Port>("device_owner", vec![text("compute:nova"), text("")])]
        );
    }

    #[test]
    fn the_tenant_is_the_project() {
        assert_eq!(
            filters::<Network>("tenant_id=p1").unwrap(),
            [by::<Network>("project_id", vec![text("p1")])]
        );
    }

    #[test]
    fn a_mac_address_is_found_however_it_is_written() {
        assert_eq!(
            filters::<Port>("mac_address=FA:16:3E:00:00:01&mac_address=zz").unwrap(),
            [by::<Port>("mac_address", vec![text("fa:16:3e:00:00:01"), text("zz")])]
        );
    }

    #[test]
    fn tags_are_split_at_commas() {
        let tags = |kind, tags: &[&str]| {
            Filter::Tags(kind, tags.iter().map(|&tag| tag.to_owned()).collect())
        };
        assert_eq!(
            filters::<Network>("tags=a,b&tags-any=c&not-tags=d,e&not-tags-any=f&tags=g").unwrap(),
            [
                tags(TagFilter::All, &["a", "b", "g"]),
                tags(TagFilter::Any, &["c"]),
                tags(TagFilter::NotAll, &["d", "e"]),
                tags(TagFilter::NotAny, &["f"]),
            ]
        );
        assert_eq!(
            refusal::<Segment>("tags=a").1,
            "['tags'] is invalid attribute for filtering",
            "segments have no tags"
        );
    }

    #[test]
    fn ports_are_found_by_address_part_of_address_and_subnet() {
        let subnet = "2365be13-0406-43e7-9608-05a301bce191";
        let query = format!(
            "fixed_ips=ip_address=10.2.0.154&fixed_ips=subnet_id={subnet}&fixed_ips=ip_address=fd00::1\
             &fixed_ips=ip_address_substr=10.1"
        );
        assert_eq!(
            filters::<Port>(&query).unwrap(),
            [
                Filter::FixedIps(vec![
                    FixedIpFilter::Address("10.2.0.154".parse().unwrap()),
                    FixedIpFilter::Address("fd00::1".parse().unwrap()),
                ]),
                Filter::FixedIps(vec![FixedIpFilter::Substring("10.1".to_owned())]),
                Filter::FixedIps(vec![FixedIpFilter::Subnet(subnet.parse().unwrap())]),
            ]
        );
    }

    #[test]
    fn other_keys_of_fixed_ips_mean_nothing_and_bad_values_match_nothing() {
        assert_eq!(filters::<Port>("fixed_ips=bogus=1").unwrap(), []);
        assert_eq!(
            filters::<Port>("fixed_ips=ip_address=ten").unwrap(),
            [by::<Port>("id", vec![text("")])]
        );
        assert_eq!(
            refusal::<Port>("fixed_ips=10.0.0.1").1,
            "Invalid input for operation: '10.0.0.1' is not of the form <key>=[value]."
        );
    }
}
