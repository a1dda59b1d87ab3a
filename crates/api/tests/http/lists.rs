//! Lists: filters, order, pages.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use nucleon_api::ApiOptions;
use nucleon_core::{QuotaLimits, Settings};
use serde_json::{Value, json};

use crate::harness::Cloud;

async fn five() -> Cloud {
    let cloud = Cloud::new().await;
    let names = ["b", "a", "c", "", "a"].map(|name| json!({"name": name}));
    let answer = cloud.post("/v2.0/networks", &json!({"networks": names})).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    cloud
}

/// The names of the networks that a query finds.
async fn names(cloud: &Cloud, query: &str) -> Vec<String> {
    let answer = cloud.get(&format!("/v2.0/networks?fields=name&{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    texts(&answer.json(), "name")
}

fn texts(list: &Value, key: &str) -> Vec<String> {
    let networks = list["networks"].as_array().unwrap();
    networks.iter().map(|network| network[key].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn order_is_by_the_keys_asked_for() {
    let cloud = five().await;
    assert_eq!(names(&cloud, "sort_key=name&sort_dir=asc").await, ["", "a", "a", "b", "c"]);
    assert_eq!(names(&cloud, "sort_key=name&sort_dir=desc").await, ["c", "b", "a", "a", ""]);
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let cloud = five().await;
    let found = |query: &'static str| {
        let cloud = &cloud;
        async move { names(cloud, &format!("{query}&sort_key=name&sort_dir=asc")).await }
    };
    assert_eq!(found("name=a&name=c").await, ["a", "a", "c"]);
    assert_eq!(found("name=").await, [""]);
    assert_eq!(found("admin_state_up=true").await.len(), 5);
    assert_eq!(found("admin_state_up=false").await.len(), 0);
    assert_eq!(found("tenant_id=p1&name=b").await, ["b"]);
    assert_eq!(found("id=").await.len(), 0);
    assert_eq!(found("id=nope").await.len(), 0);
    assert_eq!(found("name=%00").await.len(), 0);
}

#[tokio::test]
async fn fields_that_are_none_leave_empty_objects() {
    let cloud = five().await;
    let list = cloud.get("/v2.0/networks?fields=bogus").await.json();
    assert_eq!(list, json!({"networks": [{}, {}, {}, {}, {}]}));
}

#[tokio::test]
async fn following_the_links_visits_all_forth_and_back() {
    let cloud = five().await;
    let mut path = "/v2.0/networks?limit=2&sort_key=name&sort_dir=asc".to_owned();
    let mut forth = Vec::new();
    let mut last;
    loop {
        last = cloud.get(&path).await.json();
        forth.extend(texts(&last, "id"));
        match link(&last, "next") {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!(forth.len(), 5);
    assert_eq!(forth.iter().collect::<BTreeSet<_>>().len(), 5, "none twice");

    let mut back = texts(&last, "id");
    while let Some(previous) = link(&last, "previous") {
        assert!(previous.ends_with("&page_reverse=True"), "{previous}");
        last = cloud.get(&previous).await.json();
        let page = texts(&last, "id");
        back.splice(0..0, page);
    }
    assert_eq!(back, forth);
}

fn link(list: &Value, rel: &str) -> Option<String> {
    let links = list.get("networks_links")?.as_array()?;
    let href = links.iter().find(|link| link["rel"] == rel)?["href"].as_str()?;
    Some(href.strip_prefix("http://cloud.example:9696")?.to_owned())
}

#[tokio::test]
async fn a_list_without_a_limit_has_no_links_and_no_marker() {
    let cloud = five().await;
    for query in ["", "?limit=0", "?marker=nope"] {
        let list = cloud.get(&format!("/v2.0/networks{query}")).await.json();
        assert_eq!(list["networks"].as_array().unwrap().len(), 5);
        assert!(list.get("networks_links").is_none(), "{list}");
    }
}

#[tokio::test]
async fn a_long_list_shows_what_a_short_one_does() {
    let settings = Settings { quotas: QuotaLimits::unlimited(), ..Settings::default() };
    let cloud = Cloud::with(ApiOptions::default(), settings).await;
    let names: Vec<String> = (0..300).map(|number| format!("n{number:03}")).collect();
    let wanted: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    let answer = cloud.post("/v2.0/networks", &json!({"networks": wanted})).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let order = "sort_key=name&sort_dir=asc";
    let long = cloud.get(&format!("/v2.0/networks?{order}")).await.json();
    assert_eq!(texts(&long, "name"), names);
    let short = cloud.get(&format!("/v2.0/networks?{order}&limit=3")).await.json();
    assert_eq!(&long["networks"].as_array().unwrap()[..3], short["networks"].as_array().unwrap());
}

#[tokio::test]
async fn a_marker_must_exist_where_there_are_pages() {
    let cloud = five().await;
    let answer = cloud.get("/v2.0/networks?limit=1&marker=nope").await;
    answer.is(404, "NetworkNotFound", "Network nope could not be found.");
}

#[tokio::test]
async fn the_operator_bounds_the_page() {
    let options = ApiOptions { page_limit: NonZeroU64::new(1), ..ApiOptions::default() };
    let cloud = Cloud::with(options, Settings::default()).await;
    cloud.post("/v2.0/networks", &json!({"networks": [{}, {}]})).await;
    for query in ["", "?limit=5"] {
        let list = cloud.get(&format!("/v2.0/networks{query}")).await.json();
        assert_eq!(list["networks"].as_array().unwrap().len(), 1);
        assert!(link(&list, "next").is_some());
    }
}

#[tokio::test]
async fn ports_are_found_by_their_addresses() {
    let cloud = Cloud::new().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let id = &network["id"];
    let subnet = json!({"network_id": id, "ip_version": 4, "cidr": "10.2.0.0/24"});
    let subnet = cloud.make("subnets", "subnet", &subnet).await;
    let subnet = subnet["id"].as_str().unwrap();
    for (name, address) in [("x", "10.2.0.10"), ("y", "10.2.0.20")] {
        let port = json!({"network_id": id, "name": name, "fixed_ips": [{"ip_address": address}]});
        cloud.make("ports", "port", &port).await;
    }
    for (query, expected) in [
        ("fixed_ips=ip_address=10.2.0.10".to_owned(), vec!["x"]),
        ("fixed_ips=ip_address_substr=0.20".to_owned(), vec!["y"]),
        ("fixed_ips=ip_address_substr=10.2".to_owned(), vec!["x", "y"]),
        (format!("fixed_ips=subnet_id={subnet}"), vec!["x", "y"]),
        (format!("fixed_ips=subnet_id={subnet}&fixed_ips=ip_address=10.2.0.20"), vec!["y"]),
        ("fixed_ips=ip_address=not-an-address".to_owned(), vec![]),
        ("fixed_ips=bogus=1".to_owned(), vec!["x", "y"]),
    ] {
        let path = format!("/v2.0/ports?{query}&fields=name&sort_key=name&sort_dir=asc");
        let answer = cloud.get(&path).await;
        let expected: Vec<Value> = expected.into_iter().map(|name| json!({"name": name})).collect();
        assert_eq!(answer.json(), json!({"ports": expected}), "{query}");
    }
}

#[tokio::test]
async fn each_key_of_an_address_filter_may_be_met_by_another_address() {
    let cloud = Cloud::new().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let id = &network["id"];
    let mut subnets = Vec::new();
    for cidr in ["10.2.0.0/24", "10.3.0.0/24", "10.4.0.0/24"] {
        let subnet = json!({"network_id": id, "ip_version": 4, "cidr": cidr});
        let subnet = cloud.make("subnets", "subnet", &subnet).await;
        subnets.push(subnet["id"].as_str().unwrap().to_owned());
    }
    for (name, addresses) in [
        ("both", &["10.2.0.10", "10.3.0.10"][..]),
        ("left", &["10.2.0.11"][..]),
        ("right", &["10.3.0.11"][..]),
    ] {
        let addresses: Vec<Value> =
            addresses.iter().map(|address| json!({"ip_address": address})).collect();
        let port = json!({"network_id": id, "name": name, "fixed_ips": addresses});
        cloud.make("ports", "port", &port).await;
    }
    let [left, right, empty] = subnets.as_slice() else { panic!("{subnets:?}") };
    for (query, expected) in [
        // Values of one key are alternatives.
        (
            format!("fixed_ips=subnet_id={left}&fixed_ips=subnet_id={right}"),
            &["both", "left", "right"][..],
        ),
        (format!("fixed_ips=subnet_id={left}&fixed_ips=subnet_id={empty}"), &["both", "left"][..]),
        (
            "fixed_ips=ip_address=10.2.0.11&fixed_ips=ip_address=10.3.0.11".to_owned(),
            &["left", "right"][..],
        ),
        // Keys must all be met, by whichever address.
        (format!("fixed_ips=ip_address=10.2.0.10&fixed_ips=subnet_id={left}"), &["both"][..]),
        (format!("fixed_ips=ip_address=10.2.0.10&fixed_ips=subnet_id={right}"), &["both"][..]),
        (format!("fixed_ips=ip_address=10.2.0.11&fixed_ips=subnet_id={right}"), &[][..]),
        (format!("fixed_ips=ip_address_substr=10.2.&fixed_ips=subnet_id={right}"), &["both"][..]),
        (format!("fixed_ips=ip_address_substr=10.3.&fixed_ips=subnet_id={empty}"), &[][..]),
    ] {
        let path = format!("/v2.0/ports?{query}&fields=name&sort_key=name&sort_dir=asc");
        let expected: Vec<Value> = expected.iter().map(|name| json!({"name": name})).collect();
        assert_eq!(cloud.get(&path).await.json(), json!({"ports": expected}), "{query}");
    }
}

#[tokio::test]
async fn every_filter_and_sort_key_can_be_used() {
    use nucleon_model::{Agent, Flags, Network, Port, Resource, Segment, Subnet};

    let cloud = Cloud::new().await;
    for decl in [Network::DECL, Subnet::DECL, Port::DECL, Segment::DECL, Agent::DECL] {
        for attribute in decl.attributes {
            let mut queries = Vec::new();
            let preview = nucleon_model::EXTENSIONS.iter().any(|extension| {
                extension.alias == attribute.alias
                    && extension.readiness == nucleon_model::Readiness::Preview
            });
            if preview {
                continue;
            }
            if attribute.is(Flags::FILTER) {
                let value = if attribute.name == "fixed_ips" { "ip_address=1" } else { "1" };
                queries.push(format!("{}={value}", attribute.name));
            }
            if attribute.is(Flags::SORT) {
                queries.push(format!("sort_key={}&sort_dir=desc&limit=3", attribute.name));
            }
            for query in queries {
                let path = format!("/v2.0/{}?{query}", decl.collection);
                let answer = cloud
                    .send(crate::harness::Ask::new("GET", &path).by("adm", crate::harness::ADMIN))
                    .await;
                assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            }
        }
    }
}
