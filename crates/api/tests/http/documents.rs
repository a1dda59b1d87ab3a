//! The documents by which clients find their way.

use nucleon_api::ApiOptions;
use nucleon_core::Settings;
use serde_json::json;

use crate::harness::{Ask, Cloud};

#[tokio::test]
async fn the_root_names_the_one_version_to_anybody() {
    let cloud = Cloud::new().await;
    let answer = cloud.send(Ask::new("GET", "/").by_nobody()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({"versions": [{
            "id": "v2.0",
            "status": "CURRENT",
            "links": [{"rel": "self", "href": "http://cloud.example:9696/v2.0/"}],
        }]})
    );
}

#[tokio::test]
async fn the_core_resources_are_listed_behind_the_slash() {
    let cloud = Cloud::new().await;
    let resources = cloud.get("/v2.0/").await.json();
    assert_eq!(
        resources["resources"][0],
        json!({
            "name": "network",
            "collection": "networks",
            "links": [{"rel": "self", "href": "http://cloud.example:9696/v2.0/networks"}],
        })
    );
    let names: Vec<&str> = resources["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| resource["collection"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["networks", "subnets", "subnetpools", "ports"]);
    cloud.get("/v2.0").await.is(404, "HTTPNotFound", "The resource could not be found.");
}

#[tokio::test]
async fn links_start_with_the_configured_prefix() {
    let options = ApiOptions {
        link_prefix: Some("https://api.example/networking".to_owned()),
        ..ApiOptions::default()
    };
    let cloud = Cloud::with(options, Settings::default()).await;
    assert_eq!(
        cloud.get("/").await.json()["versions"][0]["links"][0]["href"],
        "https://api.example/networking/v2.0/"
    );
}

#[tokio::test]
async fn extensions_are_listed_and_shown() {
    let cloud = Cloud::new().await;
    let list = cloud.get("/v2.0/extensions").await.json();
    let find = |alias: &str| {
        list["extensions"].as_array().unwrap().iter().find(|found| found["alias"] == alias)
    };
    assert_eq!(find("provider").unwrap()["links"], json!([]));
    assert!(find("allowed-address-pairs").is_none(), "it is a preview");
    let one = cloud.get("/v2.0/extensions/provider.json").await;
    assert_eq!((one.status, &one.json()["extension"]), (200, find("provider").unwrap()));
}

#[tokio::test]
async fn previews_are_listed_when_asked_for() {
    let settings = Settings { api_preview: true, ..Settings::default() };
    let cloud = Cloud::with(ApiOptions::default(), settings).await;
    assert_eq!(cloud.get("/v2.0/extensions/allowed-address-pairs").await.status, 200);
    let network = cloud.make("networks", "network", &json!({})).await;
    assert_eq!(network["router:external"], false);
}

#[tokio::test]
async fn an_unknown_extension_is_a_page() {
    let answer = Cloud::new().await.get("/v2.0/extensions/nope").await;
    assert_eq!(answer.status, 404);
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(answer.text.contains("Extension with alias nope does not exist"), "{}", answer.text);
}

#[tokio::test]
async fn the_health_is_told_to_anybody() {
    let cloud = Cloud::new().await;
    let answer = cloud.send(Ask::new("GET", "/healthcheck").by_nobody()).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "OK"));
}

#[tokio::test]
async fn requests_are_counted_by_what_they_were_about() {
    let cloud = Cloud::new().await;
    cloud.get("/v2.0/networks").await;
    cloud.get("/v2.0/networks/nope").await;
    for n in 0..50 {
        cloud.get(&format!("/v2.0/invented-{n}")).await;
    }
    let page = cloud.get("/metrics").await;
    assert!(
        page.headers["content-type"].to_str().unwrap().starts_with("application/openmetrics-text")
    );
    for line in [
        "nucleon_api_requests_total{method=\"GET\",resource=\"networks\",status=\"200\"} 1",
        "nucleon_api_requests_total{method=\"GET\",resource=\"networks\",status=\"404\"} 1",
        "nucleon_api_requests_total{method=\"GET\",resource=\"none\",status=\"404\"} 50",
    ] {
        assert!(page.text.lines().any(|found| found == line), "{line} in\n{}", page.text);
    }
    assert!(!page.text.contains("invented"));
}

#[tokio::test]
async fn the_description_is_of_what_is_served() {
    let answer = Cloud::new().await.send(Ask::new("GET", "/openapi.json").by_nobody()).await;
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    for path in ["/v2.0/ports", "/v2.0/ports/{id}", "/v2.0/networks/{id}/tags", "/v2.0/agents"] {
        assert!(document["paths"].get(path).is_some(), "{path}");
    }
    assert!(document["paths"]["/v2.0/agents"].get("post").is_none(), "agents report themselves");
}

#[tokio::test]
async fn documents_can_only_be_read() {
    let cloud = Cloud::new().await;
    for path in ["/", "/v2.0/", "/v2.0/extensions", "/healthcheck", "/metrics", "/openapi.json"] {
        for method in ["POST", "HEAD", "DELETE", "PUT", "PATCH"] {
            let answer = cloud.send(Ask::new(method, path)).await;
            assert_eq!(answer.status, 405, "{method} {path}");
        }
    }
}
