//! Flavors and who provides services, as the API shows them.

use nucleon_api::ApiOptions;
use nucleon_core::Settings;
use serde_json::{Value, json};

use crate::harness::{ADMIN, Answer, Ask, Cloud};

async fn cloud() -> Cloud {
    let settings = Settings { api_preview: true, ..Settings::default() };
    Cloud::with(ApiOptions::default(), settings).await
}

async fn post(cloud: &Cloud, path: &str, body: &Value) -> Answer {
    cloud.send(Ask::new("POST", path).by("adm", ADMIN).json(body)).await
}

async fn send(cloud: &Cloud, method: &str, path: &str) -> Answer {
    cloud.send(Ask::new(method, path).by("adm", ADMIN)).await
}

#[tokio::test]
async fn a_flavor_is_bound_to_profiles_one_by_one() {
    let cloud = cloud().await;
    let driver = "neutron.services.l3_router.service_providers.dvr.DvrDriver";
    let body = json!({"flavor": {"name": "f", "service_type": "FLAVORS"}});
    let flavor = post(&cloud, "/v2.0/flavors", &body).await.json()["flavor"].clone();
    let expected = json!({
        "id": flavor["id"], "name": "f", "description": "", "service_type": "FLAVORS",
        "service_profiles": [], "enabled": true
    });
    assert_eq!(flavor, expected);
    let body = json!({"service_profile": {"driver": driver}});
    let profile =
        post(&cloud, "/v2.0/service_profiles", &body).await.json()["service_profile"].clone();
    let expected = json!({
        "id": profile["id"], "description": "", "driver": driver, "metainfo": "", "enabled": true
    });
    assert_eq!(profile, expected);

    let flavor = format!("/v2.0/flavors/{}", flavor["id"].as_str().unwrap());
    let path = format!("{flavor}/service_profiles");
    let body = json!({"service_profile": {"id": profile["id"]}});
    let bound = post(&cloud, &path, &body).await;
    assert_eq!((bound.status, bound.json()), (201, body));
    assert_eq!(
        cloud.get(&flavor).await.json()["flavor"]["service_profiles"],
        json!([profile["id"]])
    );
    let next = cloud.get(&format!("{flavor}/next_providers")).await;
    let provider = json!({"provider": "dvr", "driver": driver});
    assert_eq!((next.status, next.json()), (200, json!({"next_providers": [provider]})));

    let member = cloud.post(&path, &json!({"service_profile": {"id": profile["id"]}})).await;
    assert_eq!(member.status, 403);
    let path = format!("{path}/{}", profile["id"].as_str().unwrap());
    assert_eq!(send(&cloud, "GET", &path).await.status, 200);
    assert_eq!(send(&cloud, "DELETE", &path).await.status, 204);
    assert_eq!(send(&cloud, "GET", &path).await.status, 404);
}

#[tokio::test]
async fn a_flavor_is_of_a_service_that_there_is() {
    let cloud = cloud().await;
    let body = json!({"flavor": {"service_type": "COFFEE"}});
    let answer = post(&cloud, "/v2.0/flavors", &body).await;
    answer.is(400, "InvalidServiceType", "Invalid service type: COFFEE.");
}

#[tokio::test]
async fn providers_are_shown_without_their_drivers() {
    let cloud = cloud().await;
    let all = cloud.get("/v2.0/service-providers").await.json()["service_providers"].clone();
    assert_eq!(all.as_array().unwrap().len(), 4);
    let one = cloud.get("/v2.0/service-providers?name=ha&default=False").await.json();
    let expected = json!({"service_type": "L3_ROUTER_NAT", "name": "ha", "default": false});
    assert_eq!(one, json!({"service_providers": [expected]}));
    let named = cloud.get("/v2.0/service-providers?fields=name&name=dvr").await.json();
    assert_eq!(named, json!({"service_providers": [{"name": "dvr"}]}));
}
