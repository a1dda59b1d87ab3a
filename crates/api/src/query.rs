//! From the parameters of an address to a [`ListQuery`], by the declaration.

use axum::extract::Query;
use axum::http::Uri;
use nucleon_core::{Error, Result};
use nucleon_model::{AttrSet, Direction, Flags, ListQuery, Load, Page, PyText, ResourceDecl};
use serde_json::Value;

use crate::filter;
use crate::options::ApiOptions;

/// The parameters of an address, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Bytes that are no UTF-8 become replacement characters, and so match nothing.
    pub(crate) fn of(uri: &Uri) -> Self {
        Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_or_else(|_| Self::default(), |Query(pairs)| Self(pairs))
    }

    #[cfg(test)]
    pub(crate) fn parse(query: &str) -> Self {
        Self::of(&format!("/?{query}").parse().unwrap())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The value that counts where a parameter may be given only once.
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        self.iter().filter(|(key, _)| *key == name).map(|(_, value)| value).last()
    }
}

/// Parameters that are not filters.
pub(crate) const RESERVED: &[&str] =
    &["fields", "sort_key", "sort_dir", "limit", "marker", "page_reverse"];

/// Reads a list request for the resource of `decl`, of which the attributes in `enabled` are served.
pub(crate) fn list(
    decl: &ResourceDecl,
    enabled: AttrSet,
    params: &Params,
    options: &ApiOptions,
) -> Result<ListQuery> {
    Ok(ListQuery {
        filters: filter::parse(decl, enabled, params, options.unknown_filters)?,
        sort: sort(decl, enabled, params)?,
        page: page(params, options)?,
        fields: fields(decl, enabled, params),
        load: Load::Served { absent: decl.select(|_| true).without(enabled) },
    })
}

/// What `fields` leaves of the attributes that an answer may show; names that mean nothing leave nothing.
pub(crate) fn fields(decl: &ResourceDecl, enabled: AttrSet, params: &Params) -> AttrSet {
    let visible = decl.visible().and(enabled);
    let mut wanted = params.all("fields").filter(|name| !name.is_empty()).peekable();
    if wanted.peek().is_none() {
        return visible;
    }
    let mut set = AttrSet::default();
    for (index, _) in wanted.filter_map(|name| decl.find(name)) {
        set.insert(index);
    }
    set.and(visible)
}

fn sort(decl: &ResourceDecl, enabled: AttrSet, params: &Params) -> Result<Vec<(usize, Direction)>> {
    let keys: Vec<&str> = params.all("sort_key").collect();
    let directions: Vec<&str> = params.all("sort_dir").collect();
    if keys.len() != directions.len() {
        return Err(bad_request("The number of sort_keys and sort_dirs must be same"));
    }
    let sortable = decl.with(Flags::SORT).and(enabled);
    let find = |name: &str| decl.find(name).filter(|(index, _)| sortable.contains(*index));
    let unknown: Vec<&str> = keys.iter().copied().filter(|key| find(key).is_none()).collect();
    if !unknown.is_empty() {
        return Err(bad_request(format!(
            "{} is invalid attribute for sort_keys",
            quoted(&unknown)
        )));
    }
    let direction = |text: &str| match text {
        "asc" => Some(Direction::Ascending),
        "desc" => Some(Direction::Descending),
        _ => None,
    };
    let unknown: Vec<&str> =
        directions.iter().copied().filter(|text| direction(text).is_none()).collect();
    if !unknown.is_empty() {
        return Err(bad_request(format!(
            "{} is invalid value for sort_dirs, valid value is 'asc' and 'desc'",
            quoted(&unknown)
        )));
    }
    let mut sort: Vec<(usize, Direction)> = Vec::with_capacity(keys.len());
    for (key, text) in keys.into_iter().zip(directions) {
        if let (Some((index, _)), Some(direction)) = (find(key), direction(text)) {
            let index = filter::stored_index(decl, index);
            // A second mention of a key cannot change the order any more.
            if !sort.iter().any(|(other, _)| *other == index) {
                sort.push((index, direction));
            }
        }
    }
    Ok(sort)
}

fn page(params: &Params, options: &ApiOptions) -> Result<Option<Page>> {
    let asked = match params.last("limit") {
        None => 0,
        Some(text) => limit(text)?,
    };
    let limit = match (asked, options.page_limit) {
        (0, None) => return Ok(None),
        (0, Some(most)) => most.get(),
        (asked, None) => asked,
        (asked, Some(most)) => asked.min(most.get()),
    };
    Ok(Some(Page {
        limit,
        marker: params.last("marker").map(str::to_owned),
        reverse: params.last("page_reverse").is_some_and(|text| text.eq_ignore_ascii_case("true")),
    }))
}

fn limit(text: &str) -> Result<u64> {
    let digits = text.trim();
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::invalid(
            "BadRequest",
            format!("Bad limit request: Limit must be an integer 0 or greater and not '{text}'."),
        ));
    }
    // All digits and still no number: more than any list holds.
    Ok(digits.parse().unwrap_or(u64::MAX).min(i64::MAX.unsigned_abs()))
}

/// The most general refusal of a request.
pub(crate) fn bad_request(message: impl Into<String>) -> Error {
    Error::invalid("HTTPBadRequest", message)
}

/// `['a', 'b']`
pub(crate) fn quoted(names: &[&str]) -> String {
    PyText(&Value::from(names.to_vec())).to_string()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use nucleon_model::{Network, Port, Resource};

    use super::*;

    fn all() -> AttrSet {
        Network::DECL.select(|_| true)
    }

    fn parse(query: &str) -> Result<ListQuery> {
        list(Network::DECL, all(), &Params::parse(query), &ApiOptions::default())
    }

    fn refusal(query: &str) -> (String, String) {
        let error = parse(query).unwrap_err();
        (error.name().to_owned(), error.message().to_owned())
    }

    fn bad(message: &str) -> (String, String) {
        ("HTTPBadRequest".to_owned(), message.to_owned())
    }

    fn index(name: &str) -> usize {
        Network::DECL.find(name).unwrap().0
    }

    #[test]
    fn without_parameters_all_is_asked_for_and_all_shown() {
        let query = parse("").unwrap();
        assert!(query.filters.is_empty() && query.sort.is_empty());
        assert_eq!(query.page, None);
        assert_eq!(query.fields, Network::DECL.visible());
    }

    #[test]
    fn fields_leave_what_they_name() {
        let query = parse("fields=id&fields=tenant_id&fields=id").unwrap();
        let names: Vec<usize> = query.fields.iter().collect();
        assert_eq!(names, [index("id"), index("tenant_id")]);
    }

    #[test]
    fn unknown_fields_leave_nothing_and_empty_ones_are_not_there() {
        assert!(parse("fields=bogus").unwrap().fields.is_empty());
        assert_eq!(parse("fields=").unwrap().fields, Network::DECL.visible());
    }

    #[test]
    fn hidden_and_disabled_attributes_are_not_shown_even_when_asked_for() {
        let (external, _) = Network::DECL.find("router:external").unwrap();
        let mut enabled = all();
        enabled.remove(external);
        let shown = fields(Network::DECL, enabled, &Params::parse("fields=router:external"));
        assert!(shown.is_empty());
        let subnet = nucleon_model::Subnet::DECL;
        let shown = fields(subnet, subnet.select(|_| true), &Params::parse("fields=shared"));
        assert!(shown.is_empty());
    }

    #[test]
    fn sort_keys_and_directions_go_in_pairs() {
        let same = bad("The number of sort_keys and sort_dirs must be same");
        assert_eq!(refusal("sort_key=bogus"), same);
        assert_eq!(refusal("sort_key=name&sort_key=id&sort_dir=asc"), same);
        assert_eq!(refusal("sort_dir=asc"), same);
    }

    #[test]
    fn only_some_attributes_can_be_sorted_by() {
        assert_eq!(
            refusal("sort_key=subnets&sort_dir=asc"),
            bad("['subnets'] is invalid attribute for sort_keys")
        );
        assert_eq!(
            refusal("sort_key=a&sort_dir=asc&sort_key=b&sort_dir=up"),
            bad("['a', 'b'] is invalid attribute for sort_keys")
        );
    }

    #[test]
    fn there_are_two_directions() {
        assert_eq!(
            refusal("sort_key=name&sort_dir=up"),
            bad("['up'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'")
        );
        let query = parse("sort_key=name&sort_dir=desc&sort_key=id&sort_dir=asc").unwrap();
        assert_eq!(
            query.sort,
            [(index("name"), Direction::Descending), (index("id"), Direction::Ascending)]
        );
    }

    #[test]
    fn sorting_by_tenant_is_sorting_by_project_and_once_is_enough() {
        let query =
            parse("sort_key=tenant_id&sort_dir=desc&sort_key=project_id&sort_dir=asc").unwrap();
        assert_eq!(query.sort, [(index("project_id"), Direction::Descending)]);
    }

    #[test]
    fn a_limit_is_a_whole_number_of_at_least_zero() {
        for text in ["abc", "-1", "1.5", "", "%20", "1e3", "%C3%A4"] {
            let (name, message) = refusal(&format!("limit={text}"));
            assert_eq!(name, "BadRequest");
            assert!(
                message.starts_with(
                    "Bad limit request: Limit must be an integer 0 or greater and not '"
                ),
                "{message}"
            );
        }
        assert_eq!(
            refusal("limit=abc").1,
            "Bad limit request: Limit must be an integer 0 or greater and not 'abc'."
        );
    }

    #[test]
    fn limit_zero_is_no_limit_and_the_marker_then_means_nothing() {
        assert_eq!(parse("limit=0&marker=nope").unwrap().page, None);
        assert_eq!(parse("marker=nope&page_reverse=True").unwrap().page, None);
    }

    #[test]
    fn a_page_is_taken_as_asked() {
        let page = parse("limit=2&marker=m&page_reverse=true").unwrap().page.unwrap();
        assert_eq!(page, Page { limit: 2, marker: Some("m".to_owned()), reverse: true });
        let page = parse("limit=99999999999999999999999999").unwrap().page.unwrap();
        assert_eq!(page.limit, i64::MAX.unsigned_abs());
    }

    #[test]
    fn the_operators_limit_caps_the_clients() {
        let options = ApiOptions { page_limit: NonZeroU64::new(10), ..ApiOptions::default() };
        let limit = |query| {
            list(Network::DECL, all(), &Params::parse(query), &options).unwrap().page.unwrap().limit
        };
        assert_eq!(
            (limit(""), limit("limit=0"), limit("limit=5"), limit("limit=50")),
            (10, 10, 5, 10)
        );
    }

    #[test]
    fn a_broken_escape_or_odd_bytes_are_no_fault() {
        for query in ["name=%", "name=%zz", "name=%ff%fe", "&&&==&a", "=", "name=a%00b"] {
            let _ = parse(query);
        }
        assert!(parse("name=%ff").is_ok());
    }

    #[test]
    fn ports_are_listed_by_their_own_table() {
        let enabled = Port::DECL.select(|_| true);
        let params = Params::parse("sort_key=mac_address&sort_dir=asc");
        let query = list(Port::DECL, enabled, &params, &ApiOptions::default()).unwrap();
        assert_eq!(query.sort.len(), 1);
    }
}
