//! Trunks, as the API shows them.

use nucleon_api::ApiOptions;
use nucleon_core::Settings;
use serde_json::{Value, json};

use crate::harness::{Ask, Cloud, MEMBER};

async fn cloud() -> Cloud {
    let settings = Settings { api_preview: true, ..Settings::default() };
    Cloud::with(ApiOptions::default(), settings).await
}

/// Two ports of one network.
async fn ports(cloud: &Cloud) -> [Value; 2] {
    let network = cloud.make("networks", "network", &json!({})).await;
    let wanted = json!({"network_id": network["id"]});
    [cloud.make("ports", "port", &wanted).await, cloud.make("ports", "port", &wanted).await]
}

#[tokio::test]
async fn operations_on_subports_answer_without_a_name_around_it() {
    let cloud = cloud().await;
    let [parent, carried] = ports(&cloud).await;
    let wanted = json!({"port_id": parent["id"]});
    let trunk = cloud.make("trunks", "trunk", &wanted).await;
    assert_eq!(trunk["sub_ports"], json!([]));
    let path = format!("/v2.0/trunks/{}", trunk["id"].as_str().unwrap());
    let subport =
        json!({"port_id": carried["id"], "segmentation_type": "vlan", "segmentation_id": 2});
    let body = json!({"sub_ports": [subport]});
    let added = cloud.put(&format!("{path}/add_subports"), &body).await;
    assert_eq!(added.status, 200, "{}", added.text);
    let shown = cloud.get(&path).await.json()["trunk"].clone();
    assert_eq!(added.json(), shown);
    assert_eq!((&shown["sub_ports"], &shown["tenant_id"]), (&body["sub_ports"], &json!("p1")));
    let get = format!("{path}/get_subports");
    assert_eq!(cloud.get(&get).await.json(), body);
    assert_eq!(cloud.send(Ask::new("GET", &get).by("p2", MEMBER)).await.status, 404);
    let removed = cloud.put(&format!("{path}/remove_subports"), &body).await;
    assert_eq!((removed.status, &removed.json()["sub_ports"]), (200, &json!([])));
}

#[tokio::test]
async fn only_a_port_that_carries_others_shows_details_of_its_trunk() {
    let cloud = cloud().await;
    let [parent, carried] = ports(&cloud).await;
    let subport =
        json!({"port_id": carried["id"], "segmentation_type": "vlan", "segmentation_id": 2});
    let wanted = json!({"port_id": parent["id"], "sub_ports": [subport]});
    let trunk = cloud.make("trunks", "trunk", &wanted).await;
    let mut details = subport.clone();
    details["mac_address"] = carried["mac_address"].clone();
    let shown = async |port: &Value| {
        let path = format!("/v2.0/ports/{}", port["id"].as_str().unwrap());
        cloud.get(&path).await.json()["port"].clone()
    };
    let expected = json!({"trunk_id": trunk["id"], "sub_ports": [details]});
    assert_eq!(shown(&parent).await["trunk_details"], expected);
    assert_eq!(shown(&carried).await.get("trunk_details"), None);
}

#[tokio::test]
async fn subports_are_no_dictionary() {
    let cloud = cloud().await;
    let [parent, carried] = ports(&cloud).await;
    let trunk = cloud.make("trunks", "trunk", &json!({"port_id": parent["id"]})).await;
    let id = trunk["id"].as_str().unwrap();
    for action in ["add_subports", "remove_subports"] {
        let body = json!({"sub_ports": {"port_id": carried["id"]}});
        let answer = cloud.put(&format!("/v2.0/trunks/{id}/{action}"), &body).await;
        let text = format!(
            "Invalid input for operation: Invalid data format for subports: '{{'port_id': '{}'}}' is not a list.",
            carried["id"].as_str().unwrap()
        );
        answer.is(400, "InvalidInput", &text);
    }
}
