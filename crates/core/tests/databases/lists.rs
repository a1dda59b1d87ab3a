//! Filters.

use nucleon_core::Noun;
use nucleon_model::{
    Filter, FixedIpFilter, ListQuery, Load, Network, Port, Resource as _, Subnet, TagFilter,
};
use serde_json::json;

use crate::scene::{Ask, Cloud, each, member};

async fn names<R: Noun>(cloud: &Cloud, ask: Ask, name: impl Fn(&R) -> String) -> Vec<String> {
    let mut names: Vec<String> = cloud.list::<R>(ask.query()).await.iter().map(name).collect();
    names.sort();
    names
}

fn texts<const N: usize>(texts: [&str; N]) -> [String; N] {
    texts.map(str::to_owned)
}

#[tokio::test]
async fn networks_are_found_by_their_attributes_and_by_their_segment() {
    each(async |cloud| {
        for (name, id) in [("a", 7), ("b", 8)] {
            cloud
                .network(json!({
                    "name": name,
                    "project_id": format!("p-{name}"),
                    "shared": name == "a",
                    "provider:network_type": "vlan",
                    "provider:physical_network": "physnet1",
                    "provider:segmentation_id": id,
                }))
                .await;
        }
        cloud.network(json!({"name": "A", "project_id": "p-c", "admin_state_up": false})).await;
        let found = async |ask| names::<Network>(&cloud, ask, |n| n.name.clone()).await;
        let ask = Ask::default;
        assert_eq!(found(ask()).await, ["A", "a", "b"]);
        // Bytes decide: neither case nor blanks at the end are alike.
        assert_eq!(found(ask().with::<Network>("name", &texts(["a", "b "]))).await, ["a"]);
        assert_eq!(found(ask().with::<Network>("name", &texts(["a", "b"]))).await, ["a", "b"]);
        assert_eq!(found(ask().with::<Network>("shared", &[true])).await, ["a"]);
        assert_eq!(found(ask().with::<Network>("admin_state_up", &[false])).await, ["A"]);
        assert_eq!(found(ask().with::<Network>("tenant_id", &texts(["p-b"]))).await, ["b"]);
        let by_id = ask().with::<Network>("provider:segmentation_id", &[8i64]);
        assert_eq!(found(by_id).await, ["b"]);
        let physical = texts(["physnet1"]);
        let by_both = ask()
            .with::<Network>("provider:physical_network", &physical)
            .with::<Network>("name", &texts(["b", "A"]));
        assert_eq!(found(by_both).await, ["b"]);
        let visible = Network::list(&cloud, &member("p-b"), ask().query()).await.unwrap();
        assert_eq!(visible.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn subnets_are_found_by_what_they_show_of_their_network() {
    each(async |cloud| {
        let open = cloud.network(json!({"shared": true, "router:external": true})).await;
        let own = cloud.network(json!({})).await;
        cloud.subnet(&open, "10.0.0.0/24", json!({"name": "open"})).await;
        cloud.subnet(&own, "10.0.1.0/24", json!({"name": "own"})).await;
        cloud.subnet(&own, "fd00::/64", json!({"name": "six", "gateway_ip": null})).await;
        let found = async |ask| names::<Subnet>(&cloud, ask, |s| s.name.clone()).await;
        assert_eq!(found(Ask::default().with::<Subnet>("shared", &[true])).await, ["open"]);
        let external = Ask::default().with::<Subnet>("router:external", &[false]);
        assert_eq!(found(external).await, ["own", "six"]);
        assert_eq!(found(Ask::default().with::<Subnet>("ip_version", &[6i64])).await, ["six"]);
        let cidr: nucleon_net::IpNet = "10.0.1.0/24".parse().unwrap();
        assert_eq!(found(Ask::default().with::<Subnet>("cidr", &[cidr])).await, ["own"]);
        let on = Ask::default().with::<Subnet>("network_id", &[own.id]);
        assert_eq!(found(on).await, ["own", "six"]);
        let visible = Subnet::list(&cloud, &member("p"), Ask::default().query()).await.unwrap();
        assert_eq!(visible.len(), 1);
        assert!(visible[0].shared && visible[0].external);
    })
    .await;
}

#[tokio::test]
async fn ports_are_found_by_their_addresses() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let first = cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let second = cloud.subnet(&network, "10.0.1.0/24", json!({})).await;
        for (name, address) in [("a", "10.0.0.12"), ("b", "10.0.1.12"), ("c", "10.0.1.120")] {
            let fixed_ips = json!([{"ip_address": address}]);
            cloud.port(&network, json!({"name": name, "fixed_ips": fixed_ips})).await;
        }
        cloud.port(&network, json!({"name": "none", "fixed_ips": []})).await;
        let found = async |filters: Vec<FixedIpFilter>| {
            let ask = Ask::default().filter(Filter::FixedIps(filters));
            names::<Port>(&cloud, ask, |port| port.name.clone()).await
        };
        let address = |text: &str| FixedIpFilter::Address(text.parse().unwrap());
        let part = |text: &str| FixedIpFilter::Substring(text.to_owned());
        assert_eq!(found(vec![address("10.0.0.12")]).await, ["a"]);
        assert_eq!(found(vec![address("10.0.0.12"), address("10.0.1.12")]).await, ["a", "b"]);
        assert_eq!(found(vec![FixedIpFilter::Subnet(second.id)]).await, ["b", "c"]);
        let both = vec![FixedIpFilter::Subnet(first.id), address("10.0.1.12")];
        assert!(found(both).await.is_empty());
        assert_eq!(found(vec![part("1.12")]).await, ["b", "c"]);
        assert_eq!(found(vec![part("0.12")]).await, ["a"]);
        for wild in ["%", "_", "\\", "|", "'", "10.0%12"] {
            assert!(found(vec![part(wild)]).await.is_empty(), "{wild}");
        }
    })
    .await;
}

#[tokio::test]
async fn tags_are_asked_for_in_four_ways() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        for (name, tags) in [("ab", json!(["a", "b"])), ("a", json!(["a"])), ("-", json!([]))] {
            cloud.port(&network, json!({"name": name, "tags": tags})).await;
        }
        let found = async |mode, tags: &[&str]| {
            let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
            let ask = Ask::default().filter(Filter::Tags(mode, tags));
            names::<Port>(&cloud, ask, |port| port.name.clone()).await
        };
        assert_eq!(found(TagFilter::All, &["a"]).await, ["a", "ab"]);
        assert_eq!(found(TagFilter::All, &["a", "b", "a"]).await, ["ab"]);
        assert_eq!(found(TagFilter::Any, &["b", "c"]).await, ["ab"]);
        assert_eq!(found(TagFilter::NotAll, &["a", "b"]).await, ["-", "a"]);
        assert_eq!(found(TagFilter::NotAny, &["a", "b"]).await, ["-"]);
        assert_eq!(found(TagFilter::NotAny, &["b"]).await, ["-", "a"]);
    })
    .await;
}

#[tokio::test]
async fn a_list_for_answers_leaves_out_what_none_shows_and_what_is_not_served() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let more = json!({"device_profile": "gpu", "device_id": "vm", "extra_dhcp_opts": [
            {"opt_name": "mtu", "opt_value": "1400"},
        ]});
        let port = cloud.port(&network, more).await;
        let absent = Port::DECL.select(|attribute| attribute.name == "device_profile");
        let lean = ListQuery { load: Load::Served { absent }, ..ListQuery::default() };
        let listed = cloud.list::<Port>(lean).await;
        assert_eq!((&listed[0].device_profile, listed[0].view_revision), (&None, 0));
        let whole = cloud.list::<Port>(ListQuery::default()).await;
        assert_eq!((&whole[0].device_profile, whole[0].view_revision), (&Some("gpu".into()), 1));
        let rest = |port: &Port| {
            let Port { id, device_id, fixed_ips, extra_dhcp_opts, revision_number, .. } = port;
            (*id, device_id.clone(), fixed_ips.clone(), extra_dhcp_opts.clone(), *revision_number)
        };
        assert_eq!(rest(&listed[0]), rest(&port));
    })
    .await;
}
