//! Tags of networks, subnets and ports.

use nucleon_core::{Noun, Tagged};
use nucleon_model::Port;
use serde_json::json;

use crate::scene::{Cloud, admin, each, member, refused, refused_as};

fn texts(tags: &[&str]) -> Vec<String> {
    tags.iter().map(|&tag| tag.to_owned()).collect()
}

/// The life of tags on one object; `revision` tells that of the object.
async fn life<T: Tagged>(cloud: &Cloud, object: &T) {
    let (caller, on, id) = (admin(), T::DECL, &*object.key());
    let revision = async || cloud.now_of(object).await.revision();
    let before = revision().await;
    let tags = cloud.tags_replace::<T>(&caller, id, texts(&["b", "a", "b"])).await.unwrap();
    assert_eq!(tags, ["a", "b"]);
    assert_eq!(revision().await, before + 1, "{}", on.name);
    cloud.tags_add::<T>(&caller, id, texts(&["c", "a"])).await.unwrap();
    assert_eq!(cloud.tags_list::<T>(&caller, id).await.unwrap(), ["a", "b", "c"]);
    cloud.tags_remove::<T>(&caller, id, "b".to_owned()).await.unwrap();
    refused(
        cloud.tags_remove::<T>(&caller, id, "b".to_owned()).await,
        "TagNotFound",
        "Tag b could not be found.",
    );
    cloud.tag_exists::<T>(&caller, id, "a").await.unwrap();
    refused_as(cloud.tag_exists::<T>(&caller, id, "A").await, "TagNotFound");
    let error = cloud.tags_clear::<T>(&member("stranger"), id).await.unwrap_err();
    assert_eq!(error.name(), format!("{}NotFound", on.title));
    cloud.tags_clear::<T>(&caller, id).await.unwrap();
    assert!(cloud.tags_list::<T>(&caller, id).await.unwrap().is_empty());
    for id in ["5cdb8eec-5bfe-4ba8-8f3e-9e8e9b7f6f11", "x"] {
        let error = cloud.tags_clear::<T>(&caller, id).await.unwrap_err();
        assert_eq!(error.name(), format!("{}NotFound", on.title));
    }
}

#[tokio::test]
async fn tags_live_alike_on_all_that_has_them() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let subnet = cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let port = cloud.port(&network, json!({})).await;
        life(&cloud, &network).await;
        life(&cloud, &subnet).await;
        life(&cloud, &port).await;
        // With its object a tag goes: nothing stands in the way of the same again.
        cloud.tags_add::<Port>(&admin(), &port.key(), texts(&["x"])).await.unwrap();
        cloud.delete(&port).await;
        cloud.delete(&network).await;
    })
    .await;
}
