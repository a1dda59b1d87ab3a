//! What is refused, and in which words.

use std::num::NonZeroU64;
use std::time::Duration;

use axum::body::Body;
use nucleon_api::{ApiOptions, CorsOptions};
use nucleon_core::Settings;
use serde_json::json;

use crate::harness::{ADMIN, Ask, Cloud};

const MALFORMED: &str = "The server could not comply with the request since it is either malformed or otherwise incorrect.";

#[tokio::test]
async fn other_methods_are_not_served() {
    let cloud = Cloud::new().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let member = format!("/v2.0/networks/{}", network["id"].as_str().unwrap());
    for (method, path) in [
        ("PATCH", member.as_str()),
        ("POST", &member),
        ("PATCH", "/v2.0/networks"),
        ("BREW", "/v2.0/networks"),
        ("POST", "/v2.0/network-ip-availabilities"),
        ("POST", "/v2.0/agents"),
    ] {
        cloud.send(Ask::new(method, path)).await.is(405, "HTTPMethodNotAllowed", MALFORMED);
    }
    assert_eq!(cloud.send(Ask::new("HEAD", "/v2.0/networks")).await.status, 405);
}

#[tokio::test]
async fn options_are_asked_by_browsers_which_get_an_empty_answer() {
    let page = "https://horizon.example.com";
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let cors = CorsOptions {
        allowed_origin: list(&[page]),
        allow_methods: list(&["PUT"]),
        expose_headers: list(&["X-OpenStack-Request-ID"]),
        ..CorsOptions::default()
    };
    let options = ApiOptions { cors, ..ApiOptions::default() };
    let cloud = Cloud::with(options, Settings::default()).await;
    for path in ["/v2.0/networks", "/v2.0/nope", "/"] {
        let answer = cloud.send(Ask::new("OPTIONS", path).by_nobody()).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{path}");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    let preflight = Ask::new("OPTIONS", "/v2.0/networks/x")
        .by_nobody()
        .header("origin", page)
        .header("access-control-request-method", "PUT");
    let answer = cloud.send(preflight).await;
    assert_eq!(answer.headers["access-control-allow-origin"], page);
    // The page may read refusals too.
    for ask in [Ask::new("GET", "/v2.0/networks"), Ask::new("GET", "/v2.0/networks").by_nobody()] {
        let answer = cloud.send(ask.header("origin", page)).await;
        assert_eq!(answer.headers["access-control-allow-origin"], page, "{}", answer.status);
        let exposed = &answer.headers["access-control-expose-headers"];
        assert_eq!(exposed, "X-OpenStack-Request-ID");
    }
}

#[tokio::test]
async fn a_change_of_nothing_finds_nothing() {
    let cloud = Cloud::new().await;
    let body = json!({"network": {"name": "zz"}});
    let answer = cloud.put("/v2.0/networks", &body).await;
    answer.is(404, "NetworkNotFound", "Network None could not be found.");
    let answer = cloud.delete("/v2.0/networks").await;
    answer.is(404, "NetworkNotFound", "Network None could not be found.");
}

#[tokio::test]
async fn what_is_not_there_is_said_in_json_within_the_api_and_by_a_page_without() {
    let cloud = Cloud::new().await;
    for path in ["/v2.0/nope", "/v2.0/networks/a/b", "/v2.0/networks/a/tags/b/c", "/v2.0/nope.json"]
    {
        cloud.get(path).await.is(404, "HTTPNotFound", "The resource could not be found.");
    }
    for path in ["/v3", "/v2", "/favicon.ico", "//", "/v2.0x"] {
        let answer = cloud.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            answer.text.starts_with("<html>\n <head>\n  <title>404 Not Found</title>"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn who_is_nobody_gets_a_page() {
    let cloud = Cloud::new().await;
    for path in ["/v2.0/networks", "/v2.0/", "/v2.0/extensions", "/v2.0/ports/x/tags"] {
        let answer = cloud.send(Ask::new("GET", path).by_nobody()).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.text.contains("<h1>401 Unauthorized</h1>"));
    }
}

#[tokio::test]
async fn only_json_is_spoken() {
    let cloud = Cloud::new().await;
    let answer =
        cloud.send(Ask::new("GET", "/v2.0/networks").header("accept", "application/xml")).await;
    answer.is(406, "HTTPNotAcceptable", MALFORMED);
    let ask = Ask::new("POST", "/v2.0/networks")
        .header("content-type", "text/plain")
        .json(&json!({"network": {}}));
    assert_eq!(cloud.send(ask).await.status, 201, "the type of a body is not asked for");
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_invalid() {
    let cloud = Cloud::new().await;
    let deep = format!("{{\"network\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies: [Body; 10] = [
        "".into(),
        "{".into(),
        "nope".into(),
        "[]".into(),
        "null".into(),
        "{\"network\": {\"name\": \"\\ud800\"}}".into(),
        "{\"network\": {\"mtu\": 1e999}}".into(),
        "{\"network\": {}} trailing".into(),
        Body::from(vec![0xff, 0xfe, b'{', b'}']),
        deep.into(),
    ];
    for body in bodies {
        let answer = cloud.send(Ask::new("POST", "/v2.0/networks").body(body)).await;
        answer.is(400, "HTTPBadRequest", "Body contains invalid data");
    }
}

#[tokio::test]
async fn a_body_may_be_only_so_large() {
    let options = ApiOptions { body_limit: 1000, ..ApiOptions::default() };
    let cloud = Cloud::with(options, Settings::default()).await;
    let long = json!({"network": {"name": "x".repeat(1000)}}).to_string();
    let message = "The body of the request is too large.";
    let announced = Ask::new("POST", "/v2.0/networks")
        .header("content-length", &long.len().to_string())
        .body(long.clone());
    cloud.send(announced).await.is(413, "HTTPRequestEntityTooLarge", message);
    let chunks = futures::stream::iter(
        long.into_bytes()
            .chunks(100)
            .map(<[u8]>::to_vec)
            .map(Ok::<_, std::io::Error>)
            .collect::<Vec<_>>(),
    );
    let streamed = Ask::new("POST", "/v2.0/networks").body(Body::from_stream(chunks));
    cloud.send(streamed).await.is(413, "HTTPRequestEntityTooLarge", message);
}

#[tokio::test]
async fn a_body_that_never_ends_is_not_waited_for() {
    let options = ApiOptions { body_timeout: Duration::from_millis(20), ..ApiOptions::default() };
    let cloud = Cloud::with(options, Settings::default()).await;
    let silence = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let answer = cloud.send(Ask::new("POST", "/v2.0/networks").body(silence)).await;
    assert_eq!(answer.status, 408);
}

#[tokio::test]
async fn a_member_may_not_share_nor_map_to_hardware() {
    let cloud = Cloud::new().await;
    let answer = cloud.post("/v2.0/networks", &json!({"network": {"shared": true}})).await;
    answer.is(
        403,
        "PolicyNotAuthorized",
        "(rule:create_network and rule:create_network:shared) is disallowed by policy",
    );
    let body = json!({"network": {"provider:network_type": "vlan"}});
    let answer = cloud.post("/v2.0/networks", &body).await;
    answer.is(
        403,
        "PolicyNotAuthorized",
        "(rule:create_network and rule:create_network:provider:network_type) is disallowed by policy",
    );
    let explicit = json!({"network": {"shared": false}});
    assert_eq!(
        cloud.post("/v2.0/networks", &explicit).await.status,
        201,
        "the default asks for nothing"
    );
}

#[tokio::test]
async fn the_network_of_another_project_is_not_there() {
    let cloud = Cloud::new().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let id = network["id"].as_str().unwrap();
    let path = format!("/v2.0/networks/{id}");
    for method in ["GET", "PUT", "DELETE"] {
        let ask = Ask::new(method, &path).by("p2", "member,reader");
        let answer = cloud.send(ask.json(&json!({"network": {"name": "mine"}}))).await;
        answer.is(404, "NetworkNotFound", &format!("Network {id} could not be found."));
    }
    assert_eq!(cloud.send(Ask::new("GET", &path).by("adm", ADMIN)).await.status, 200);
}

#[tokio::test]
async fn a_revision_that_has_passed_stops_a_change() {
    let cloud = Cloud::new().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let path = format!("/v2.0/networks/{}", network["id"].as_str().unwrap());
    let change = |condition: &str| {
        Ask::new("PUT", &path)
            .header("if-match", condition)
            .json(&json!({"network": {"name": "x"}}))
    };
    let revision = network["revision_number"].as_i64().unwrap();
    let answer = cloud.send(change("revision_number=77")).await;
    answer.is(
        412,
        "RevisionNumberConstraintFailed",
        &format!("Constrained to 77, but current revision is {revision}"),
    );
    let ask = Ask::new("DELETE", &path).header("if-match", "revision_number=77");
    assert_eq!(cloud.send(ask).await.status, 412);
    let answer = cloud.send(change(&format!("revision_number={revision}"))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(cloud.send(change("garbage")).await.status, 200, "other conditions mean nothing");
}

#[tokio::test]
async fn bulk_is_all_or_nothing() {
    let cloud = Cloud::new().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let id = &network["id"];
    let ports = json!({"ports": [{"network_id": id}, {"network_id": id, "fixed_ips": [{"ip_address": "9.9.9.9"}]}]});
    let answer = cloud.post("/v2.0/ports", &ports).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(cloud.get("/v2.0/ports").await.json(), json!({"ports": []}));
}

#[tokio::test]
async fn bulk_has_a_bound_and_can_be_switched_off() {
    let options = ApiOptions { bulk_limit: NonZeroU64::new(2), ..ApiOptions::default() };
    let cloud = Cloud::with(options, Settings::default()).await;
    let three = json!({"networks": [{}, {}, {}]});
    assert_eq!(cloud.post("/v2.0/networks", &three).await.status, 400);
    let options = ApiOptions { bulk_limit: None, ..ApiOptions::default() };
    let cloud = Cloud::with(options, Settings::default()).await;
    let answer = cloud.post("/v2.0/networks", &json!({"networks": [{}]})).await;
    answer.is(400, "HTTPBadRequest", "Bulk operation not supported");
}

#[tokio::test]
async fn odd_identifiers_find_nothing() {
    let cloud = Cloud::new().await;
    for id in ["nope", "%00", "%ff", "%2e%2e", "a%2Fb", "%F0%9F%A6%80", "' OR 1=1 --", "%25s"] {
        let id = id.replace(' ', "%20");
        for collection in ["networks", "subnets", "ports", "segments", "agents"] {
            let answer = cloud
                .send(Ask::new("GET", &format!("/v2.0/{collection}/{id}")).by("adm", ADMIN))
                .await;
            assert_eq!(answer.status, 404, "{collection}/{id}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn every_answer_bears_a_request_id() {
    let cloud = Cloud::new().await;
    let mut seen = std::collections::BTreeSet::new();
    for path in ["/", "/v2.0/networks", "/v2.0/nope", "/v3", "/metrics"] {
        let answer = cloud.get(path).await;
        let id = answer.headers["x-openstack-request-id"].to_str().unwrap().to_owned();
        assert!(id.starts_with("req-") && id.len() == 40, "{id}");
        assert!(seen.insert(id));
    }
}
