//! Tags as a sub-resource.

use serde_json::json;

use crate::harness::{Ask, Cloud};

#[tokio::test]
async fn tags_are_replaced_added_found_and_removed() {
    let cloud = Cloud::new().await;
    let network = cloud.make("networks", "network", &json!({"name": "n4"})).await;
    let tags = format!("/v2.0/networks/{}/tags", network["id"].as_str().unwrap());

    let answer = cloud.put(&tags, &json!({"tags": ["a", "b"]})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"tags": ["a", "b"]})));
    let answer = cloud.send(Ask::new("PUT", &format!("{tags}/c"))).await;
    assert_eq!((answer.status, answer.text.as_str()), (201, "null"));
    assert_eq!(cloud.get(&format!("{tags}/c")).await.status, 204);
    let answer = cloud.get(&format!("{tags}/zz")).await;
    answer.is(404, "TagNotFound", "Tag zz could not be found.");
    assert_eq!(cloud.get(&tags).await.json(), json!({"tags": ["a", "b", "c"]}));
    let answer = cloud.delete(&format!("{tags}/zz")).await;
    answer.is(404, "TagNotFound", "Tag zz could not be found.");
    let answer = cloud.post(&tags, &json!({"tags": ["d"]})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"tags": ["d"]})), "only the new ones");

    for (query, found) in [
        ("tags=a,b", true),
        ("tags=a,zz", false),
        ("tags-any=a,zz", true),
        ("not-tags=a,b", false),
        ("not-tags=a,zz", true),
        ("not-tags-any=zz", true),
        ("not-tags-any=a,zz", false),
    ] {
        let list = cloud.get(&format!("/v2.0/networks?fields=name&{query}")).await.json();
        assert_eq!(list["networks"].as_array().unwrap().len(), usize::from(found), "{query}");
    }

    assert_eq!(cloud.delete(&format!("{tags}/a")).await.status, 204);
    assert_eq!(cloud.delete(&tags).await.status, 204);
    assert_eq!(cloud.get(&tags).await.json(), json!({"tags": []}));
}

#[tokio::test]
async fn tags_have_a_length() {
    let cloud = Cloud::new().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let tags = format!("/v2.0/networks/{}/tags", network["id"].as_str().unwrap());
    let long = "x".repeat(256);
    let message = format!("Invalid input for operation: '{long}' exceeds maximum length of 255.");
    cloud.put(&tags, &json!({"tags": [long]})).await.is(400, "InvalidInput", &message);
    cloud.put(&format!("{tags}/{long}"), &json!({})).await.is(400, "InvalidInput", &message);
}

#[tokio::test]
async fn a_tag_may_hold_any_text() {
    let cloud = Cloud::new().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let tags = format!("/v2.0/networks/{}/tags", network["id"].as_str().unwrap());
    assert_eq!(
        cloud.send(Ask::new("PUT", &format!("{tags}/a%2Fb%20%F0%9F%A6%80"))).await.status,
        201
    );
    assert_eq!(cloud.get(&tags).await.json(), json!({"tags": ["a/b \u{1f980}"]}));
}

#[tokio::test]
async fn tags_of_nothing_are_not_found() {
    let cloud = Cloud::new().await;
    for id in ["nope", "2365be13-0406-43e7-9608-05a301bce191"] {
        for collection in ["networks", "subnets", "ports"] {
            let path = format!("/v2.0/{collection}/{id}/tags");
            assert_eq!(cloud.get(&path).await.status, 404, "{path}");
            assert_eq!(cloud.put(&path, &json!({"tags": []})).await.status, 404, "{path}");
            assert_eq!(cloud.delete(&format!("{path}/a")).await.status, 404, "{path}");
        }
    }
    assert_eq!(cloud.get("/v2.0/segments/x/tags").await.status, 404, "segments have none");
}
